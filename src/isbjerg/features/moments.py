"""Moments of groups in one order, in which the moments before a time are counted by a search.

Group and time become one whole number, so one binary search answers for a group without
looking at any other. Where group and time together need more than 63 bits (many groups over
centuries), times are first replaced by their ranks, which never do.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.features.groups import Groups

Whole = NDArray[np.int64]

_RADIX = 2**16
"""NumPy sorts whole numbers below this in linear time."""


class Moments:
    """Moments sorted by group and time; moments of one time stay in the order given.

    Parameters
    ----------
    groups : array of int32, shape (n_moments,)
        Group of each moment, none of them negative.
    times : array of int64, shape (n_moments,)
        Microseconds.
    like : Moments, optional
        Of the same facts: its order is taken when it happens to fit, which is cheaper than sorting.

    Attributes
    ----------
    order : array of int, shape (n_moments,)
        Which of the moments given stands at each place.

    Examples
    --------
    >>> moments = Moments(np.array([1, 0, 1], np.int32), np.array([5, 6, 2]))
    >>> moments.order.tolist()
    [1, 2, 0]

    Before 5, strictly, group 1 has one moment, which follows the one of group 0:

    >>> moments.before(np.array([1, 1, 0], np.int32), np.array([5, 6, 0])).tolist()
    [2, 3, 0]
    """

    def __init__(self, groups: Groups, times: Whole, like: Moments | None = None) -> None:
        self._first, last = (int(times.min()), int(times.max())) if len(times) else (0, 0)
        self._width = last - self._first + 2  # a time after the last is a place of its own
        self._ranks: Whole | None = None
        if (int(groups.max(initial=0)) + 1) * self._width >= 2**63:
            self._ranks = np.unique(times)
            self._width = len(self._ranks) + 1
        keys = self._keys(groups, times)
        self.order: Whole
        if like is not None and _rises(keys[like.order]):
            self.order = like.order
        else:
            self.order = _order(groups, times, keys)
        self._groups = groups
        self._sorted: Whole = np.take(keys, self.order)

    def before(self, groups: Groups, times: Whole) -> NDArray[np.int64]:
        """Count the moments before each time of a group, and all of smaller groups.

        Notes
        -----
        Several times faster when the times asked for are sorted by group and time too.
        """
        return np.searchsorted(self._sorted, self._keys(groups, times))

    def last_before(self, groups: Groups, times: Whole) -> Whole:
        """Find the place of the last moment of its group before each time, or -1."""
        places = self.before(groups, times) - 1
        if len(self._sorted):
            places[self._groups[self.order[places]] != groups] = -1
        return places

    def repeats(self) -> NDArray[np.bool_]:
        """Say of each place whether the moment before it has the same group and time."""
        repeats = np.zeros(len(self._sorted), np.bool_)
        np.equal(self._sorted[1:], self._sorted[:-1], out=repeats[1:])
        return repeats

    def _keys(self, groups: Groups, times: Whole) -> Whole:
        if self._ranks is not None:
            since: Whole = np.searchsorted(self._ranks, times)
        else:
            since = np.clip(times, self._first, self._first + self._width - 1) - self._first
        since += groups.astype(np.int64) * self._width
        return since


def _order(groups: Groups, times: Whole, keys: Whole) -> Whole:
    """Sort, stably: by group alone where the times are in order already, as facts often are."""
    if not _rises(times):
        by_key = pl.DataFrame({"key": keys}).select(pl.arg_sort_by("key", maintain_order=True))
        return by_key.to_series().to_numpy().astype(np.int64)
    if int(groups.max(initial=0)) < _RADIX:
        return np.argsort(groups.astype(np.uint16), kind="stable")
    order = np.argsort((groups % _RADIX).astype(np.uint16), kind="stable")
    return order[np.argsort((groups // _RADIX).astype(np.uint16)[order], kind="stable")]


def _rises(numbers: Whole) -> bool:
    return bool((numbers[1:] >= numbers[:-1]).all())
