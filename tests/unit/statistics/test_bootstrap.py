from __future__ import annotations

import numpy as np
import pytest

from isbjerg.errors import ArgumentError
from isbjerg.statistics.bootstrap import (
    blocks_of,
    draw_weights,
    percentile_interval,
    time_blocks,
)
from isbjerg.times import DAY_US, HOUR_US


def test_a_replicate_draws_as_many_blocks_as_there_are():
    weights = draw_weights(blocks_of(np.arange(12)), 200, np.random.default_rng(0))
    assert weights.shape == (200, 12)
    assert (weights.sum(axis=1) == 12).all()
    # each block is drawn once on average: standard error of the mean is about 1/sqrt(200)
    assert weights.mean(axis=0) == pytest.approx(1.0, abs=0.35)


def test_the_same_generator_draws_the_same():
    blocks = blocks_of(np.arange(5))
    first = draw_weights(blocks, 3, np.random.default_rng(4))
    assert (first == draw_weights(blocks, 3, np.random.default_rng(4))).all()


def test_the_interval_of_a_mean_is_that_of_theory():
    rng = np.random.default_rng(1)
    values = rng.normal(0, 1, 2000)
    weights = draw_weights(blocks_of(np.arange(2000)), 1000, rng)
    low, high = percentile_interval(weights @ values / 2000)
    reach = 1.96 * values.std() / 2000**0.5
    assert (high - low) / 2 == pytest.approx(reach, rel=0.1)
    assert (high + low) / 2 == pytest.approx(values.mean(), abs=reach / 5)


def test_days_are_taken_where_there_are_enough():
    blocks = time_blocks(np.arange(0, 25 * DAY_US, HOUR_US))
    assert (blocks.word, blocks.count) == ("days", 25)


def test_few_days_fall_back_to_hours():
    assert time_blocks(np.arange(0, 2 * DAY_US, HOUR_US // 2)).word == "hours"


def test_replicates_that_cannot_be_computed_leave_no_interval():
    assert percentile_interval(np.array([np.nan, np.nan, 1.0])) is None
    assert percentile_interval(np.array([])) is None


def test_no_replicates_is_misuse():
    with pytest.raises(ArgumentError):
        draw_weights(blocks_of(np.arange(2)), 0, np.random.default_rng(0))
