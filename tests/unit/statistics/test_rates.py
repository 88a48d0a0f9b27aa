"""Rates before and after, against SciPy's beta-binomial and by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom, binomtest

from isbjerg.errors import ArgumentError
from isbjerg.statistics.rates import day_inflation, rate_probability


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 60), st.integers(0, 300), st.data())
def test_it_is_the_shorter_tail_doubled(rows: int, before: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, rows))
    earlier = data.draw(st.integers(0, before))
    law = betabinom(rows, earlier + 0.5, before - earlier + 0.5)
    tail = law.sf(hits - 1) if hits >= law.mean() else law.cdf(hits)
    expected = min(1.0, 2 * tail)
    said = rate_probability(hits, rows, before_hits=earlier, before_rows=before)
    assert said == pytest.approx(expected, rel=1e-6)


def test_with_very_many_rows_before_it_is_the_binomial_test() -> None:
    expected = 2 * binomtest(60, 1_000, 0.04, alternative="greater").pvalue
    said = rate_probability(60, 1_000, before_hits=4_000_000, before_rows=100_000_000)
    assert said == pytest.approx(expected, rel=1e-3)


def test_it_is_calibrated_when_days_differ() -> None:
    rng = np.random.default_rng(3)
    flagged = naive = 0
    rounds = 400
    for _ in range(rounds):
        rates = rng.beta(2, 38, size=25)  # days differ: 5 % on average
        hits = rng.binomial(400, rates)
        before, rows = hits[:24], [400] * 24
        inflation = day_inflation(before.tolist(), rows)
        facts = {"before_hits": int(before.sum()), "before_rows": sum(rows)}
        flagged += rate_probability(int(hits[24]), 400, **facts, inflation=inflation) < 0.05
        naive += rate_probability(int(hits[24]), 400, **facts) < 0.05
    assert flagged / rounds < 0.09
    assert naive / rounds > 0.4, "rows taken for independent cry wolf"


def test_days_that_differ_as_chance_lets_them_count_fully() -> None:
    rng = np.random.default_rng(1)
    found = [day_inflation(rng.binomial(500, 0.2, 30).tolist(), [500] * 30) for _ in range(50)]
    assert np.mean(found) == pytest.approx(1.1, abs=0.1)  # at least 1, so a little above it


@pytest.mark.parametrize(
    ("hits", "rows"), [([], []), ([3], [10]), ([0, 0], [5, 5]), ([5, 5], [5, 5]), ([0, 1], [0, 9])]
)
def test_where_days_cannot_differ_rows_count_fully(hits: list[int], rows: list[int]) -> None:
    assert day_inflation(hits, rows) == 1.0


def test_more_hits_than_rows_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"lie in 0\.\.rows"):
        rate_probability(5, 4, before_hits=0, before_rows=1)
