"""Bands and silences, against SciPy's laws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import nbinom
from scipy.stats import t as student

from isbjerg.errors import ArgumentError
from isbjerg.statistics.counts import count_inflation, silence_probability, usual_band


@pytest.mark.parametrize("totals", [[100, 120, 80], [900, 1000, 950, 990, 1010]])
def test_the_band_is_students_prediction_interval(totals: list[int]) -> None:
    k, mean = len(totals), np.mean(totals)
    spread = np.sqrt(max(np.var(totals, ddof=1), mean) * (1 + 1 / k))
    low, high = student.interval(0.99, k - 1, loc=mean, scale=spread)
    assert usual_band(totals, level=0.99) == pytest.approx((max(0.0, low), high))


def test_equal_totals_still_scatter_as_counts_do() -> None:
    low, high = usual_band([100] * 30, level=0.95)
    assert (low, high) == pytest.approx((79.2, 120.8), abs=0.1)  # 100 +- 2.045 * sqrt(100 * 31/30)


def test_the_band_covers_what_it_says() -> None:
    rng = np.random.default_rng(2)
    inside = 0
    for _ in range(2_000):
        *before, now = rng.negative_binomial(20, 20 / (20 + 300), size=7).tolist()
        low, high = usual_band(before, level=0.95)
        inside += low <= now <= high
    assert inside / 2_000 == pytest.approx(0.95, abs=0.015)


@pytest.mark.parametrize("clump", [1, 4, 25])
def test_silence_is_that_of_clumps(clump: int) -> None:
    rng = np.random.default_rng(6)
    counts = clump * rng.poisson(3.0, size=(50, 4_000))
    inflation = count_inflation(counts.tolist())
    assert inflation == pytest.approx(clump, rel=0.05)
    silent = float((counts == 0).mean())
    assert silence_probability(float(counts.mean()), inflation) == pytest.approx(silent, rel=0.1)
    if clump > 1:  # a negative binomial of the same mean and variance is silent more seldom
        law = nbinom(3.0 * clump / (clump - 1), 1 / clump)
        assert law.pmf(0) < silent


def test_inflation_is_found_again() -> None:
    rng = np.random.default_rng(4)
    groups = rng.negative_binomial(5, 1 / 3, size=(200, 8)).tolist()  # mean 10, variance 30
    assert count_inflation(groups) == pytest.approx(3.0, rel=0.1)
    assert count_inflation([]) == 1.0
    assert count_inflation([[0, 0]]) == 1.0


def test_two_spans_before_are_too_few() -> None:
    with pytest.raises(ArgumentError, match="at least 3"):
        usual_band([1, 2])
