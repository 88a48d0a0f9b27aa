"""Moments against counting by hand, in every way they can be sorted."""

from __future__ import annotations

import numpy as np
import pytest

from isbjerg.features.moments import Moments


def counted(groups, times, group, time):
    """Count what stands before a time: smaller groups, and the group's own earlier moments."""
    return sum((g, t) < (group, time) for g, t in zip(groups, times, strict=True))


def agree(groups, times, asked):
    moments = Moments(np.array(groups, np.int32), np.array(times, np.int64))
    wanted = [counted(groups, times, g, t) for g, t in asked]
    of, at = (np.array(column) for column in zip(*asked, strict=True))
    assert moments.before(of.astype(np.int32), at.astype(np.int64)).tolist() == wanted
    in_order = [(groups[i], times[i], i) for i in moments.order.tolist()]
    assert in_order == sorted(in_order)


@pytest.mark.parametrize(
    ("groups", "times"),
    [
        pytest.param([1, 0, 1, 0], [1, 2, 2, 9], id="in order of time"),
        pytest.param([1, 0, 1, 0], [5, 2, 5, -9], id="in none"),
        pytest.param([70_000, 3, 70_000, 65_539], [1, 1, 1, 2], id="groups beyond 16 bits"),
        pytest.param([2**31 - 1, 0, 5], [-(2**61), 2**61, 3], id="more than 63 bits together"),
        pytest.param([0, 0], [-(2**62), 2**62], id="as far apart as times go"),
    ],
)
def test_before_counts_strictly_earlier_moments(groups, times):
    asked = [(g, t + d) for g in {*groups, 1} for t in times for d in (-1, 0, 1)]
    agree(groups, times, asked)


def test_nothing_is_before_anything_where_there_are_no_moments():
    moments = Moments(np.array([], np.int32), np.array([], np.int64))
    assert moments.before(np.array([0], np.int32), np.array([5])).tolist() == [0]
    assert moments.last_before(np.array([0], np.int32), np.array([5])).tolist() == [-1]


def test_the_last_before_is_of_the_same_group():
    moments = Moments(np.array([0, 2], np.int32), np.array([5, 7]))
    asked = np.array([0, 0, 1, 2, 2, -1], np.int32)
    places = moments.last_before(asked, np.array([5, 6, 9, 7, 8, 9]))
    assert places.tolist() == [-1, 0, -1, -1, 1, -1]


def test_an_order_that_does_not_fit_is_not_taken_over():
    groups = np.zeros(3, np.int32)
    first = Moments(groups, np.array([1, 2, 3]))
    assert Moments(groups, np.array([4, 5, 6]), like=first).order is first.order
    assert Moments(groups, np.array([4, 6, 5]), like=first).order.tolist() == [0, 2, 1]
