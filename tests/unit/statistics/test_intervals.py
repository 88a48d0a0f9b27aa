from __future__ import annotations

import pytest

from isbjerg.errors import ArgumentError
from isbjerg.statistics.intervals import wilson_interval


def test_fifteen_of_fifty_as_published():
    # METHODS section 8; statsmodels.stats.proportion.proportion_confint(15, 50, method="wilson")
    low, high = wilson_interval(15, 50)
    assert (round(low, 4), round(high, 4)) == (0.1910, 0.4375)


@pytest.mark.parametrize(("hits", "rows"), [(0, 7), (7, 7), (0, 1)])
def test_bounds_stay_within_zero_and_one(hits, rows):
    low, high = wilson_interval(hits, rows)
    assert 0 <= low <= hits / rows <= high <= 1


def test_the_other_end_mirrors():
    low, high = wilson_interval(3, 20)
    other_low, other_high = wilson_interval(17, 20)
    assert (1 - high, 1 - low) == pytest.approx((other_low, other_high))


@pytest.mark.parametrize("arguments", [(0, 0), (3, 2), (-1, 2)])
def test_impossible_counts_are_refused(arguments):
    with pytest.raises(ArgumentError):
        wilson_interval(*arguments)


def test_a_percentage_is_no_level():
    with pytest.raises(ArgumentError, match=r"must lie in \(0, 1\)\. Got 95"):
        wilson_interval(1, 2, level=95)
