"""Distances on bins, against SciPy on the rows; and what is flagged when nothing changed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cityblock
from scipy.stats import ks_2samp, norm

from isbjerg.errors import ArgumentError
from isbjerg.statistics.distances import (
    judge_shift,
    ks_distance,
    population_stability,
    variation_distance,
)

BINS = st.lists(st.integers(0, 30), min_size=2, max_size=12).filter(any)


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_on_bins_it_is_the_ks_of_rows(data: st.DataObject) -> None:
    first = np.array(data.draw(BINS), dtype=float)
    second = np.array(
        data.draw(
            st.lists(st.integers(0, 30), min_size=len(first), max_size=len(first)).filter(any)
        ),
        dtype=float,
    )
    rows = [np.repeat(np.arange(len(c)), c.astype(int)) for c in (first, second)]
    assert float(ks_distance(first, second)) == pytest.approx(
        ks_2samp(*rows, method="asymp").statistic
    )
    shares = first / first.sum(), second / second.sum()
    assert float(variation_distance(first, second)) == pytest.approx(cityblock(*shares) / 2)


def test_the_textbook_values_of_a_normal_shift() -> None:
    # N(0,1) -> N(0.5,1) in deciles: PSI 0.238, KS 0.197 (computed from the normal law)
    edges = norm.ppf(np.arange(1, 10) / 10)
    shares = [np.diff(np.concatenate([[0], norm.cdf(edges - d), [1]])) for d in (0.0, 0.5)]
    now, before = (1e6 * s for s in reversed(shares))
    assert population_stability(now, before) == pytest.approx(0.238, abs=0.001)
    assert float(ks_distance(now, before)) == pytest.approx(0.197, abs=0.002)


def _days(rng: np.random.Generator, count: int, *, wander: float, lasting: float) -> np.ndarray:
    """Draw days of 300 scores whose mean wanders from day to day and lasts."""
    edges, level, days = np.linspace(-2, 2, 9), 0.0, []
    for _ in range(count):
        level = lasting * level + rng.normal(0, wander)
        days.append(np.bincount(np.searchsorted(edges, rng.normal(level, 1, 300)), minlength=10))
    return np.array(days, dtype=float)


@pytest.mark.parametrize(("window", "lasting"), [(1, 0.0), (1, 0.5), (7, 0.0), (7, 0.5)])
def test_unchanged_windows_are_rarely_flagged(window: int, lasting: float) -> None:
    rng = np.random.default_rng(window)
    rounds, flagged, by_table = 150, 0, 0
    for _ in range(rounds):
        days = _days(rng, 24 + window, wander=0.2, lasting=lasting)
        before, now = days[:24], days[24:].sum(axis=0)
        shift = judge_shift(now, before, window_days=window, rng=rng, replicates=200)
        assert shift is not None
        flagged += shift.probability <= 0.01
        rows = [np.repeat(np.arange(10), c.astype(int)) for c in (now, before.sum(axis=0))]
        by_table += ks_2samp(*rows, method="asymp").pvalue <= 0.01
    assert flagged / rounds <= 0.04, "about 1 in 100 is aimed at"
    assert by_table / rounds >= 0.2, "tables for independent rows cry wolf"


def test_a_shift_is_found() -> None:
    rng = np.random.default_rng(5)
    days = _days(rng, 24, wander=0.1, lasting=0.3)
    moved = np.bincount(
        np.searchsorted(np.linspace(-2, 2, 9), rng.normal(1.0, 1, 300)), minlength=10
    ).astype(float)
    shift = judge_shift(moved, days, window_days=1, rng=rng)
    assert shift is not None
    assert shift.probability < 1e-3
    assert shift.distance > 2 * shift.usual


def test_too_little_is_no_answer() -> None:
    rng = np.random.default_rng(0)
    days = np.ones((7, 3))
    assert judge_shift(np.ones(3), days, window_days=1, rng=rng) is None
    assert judge_shift(np.zeros(3), np.ones((20, 3)), window_days=1, rng=rng) is None
    with pytest.raises(ArgumentError, match="at least 1"):
        judge_shift(np.ones(3), days, window_days=0, rng=rng)
