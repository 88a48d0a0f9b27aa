"""Timelines: what a slot sees of its facts, as sorted moments and searches in them.

Facts are numbered by group (:mod:`isbjerg.features.groups`); in each group a slot's value
changes only when a fact becomes visible, is superseded or leaves the window.

- A window (``past``) counts a fact for ``visible < g <= leave``, where ``leave`` is the
  earlier of the next version's ``visible`` and ``position + span``. What entered before ``g``
  less what left before ``g`` is inside, so two running sums in exact whole numbers (see
  :mod:`isbjerg.features.fixed_point`) and two searches give every window. The sums run over
  all groups, one after the other: what smaller groups add to both cancels out.
- The newest fact (``newest``) is the running maximum by (position, key, visible, row) over
  the facts in the order in which they become visible. A correction can only lower it by
  moving a fact back in time or to another group; those few groups are swept with a heap.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from heapq import heappop, heappush
from typing import NamedTuple

import numpy as np
import polars as pl

from isbjerg.features.groups import Groups
from isbjerg.features.moments import Moments, Whole
from isbjerg.features.versions import FOREVER, Versions

SPAN_MAX_US = 2**61
"""A longer span is cut to this, some 73,000 years, to stay within 64 bits."""

NO_FACT = -1
"""Place of the newest fact where there is none."""


class Timelines:
    """The timelines of facts looked at in one way.

    Parameters
    ----------
    facts : Versions
        The facts that units ask for.
    keys : DataFrame
        The key's columns of the whole table, found by place; they part facts of one time.

    Examples
    --------
    Two facts of one group, at 100 and 104; at 105 both are visible, at 111 a window of ten
    has lost the first:

    >>> at = np.array([100, 104])
    >>> facts = Versions(np.zeros(2, np.int32), at, at, np.arange(2), np.arange(2))
    >>> timelines = Timelines(facts, pl.DataFrame({"id": ["a", "b"]}))
    >>> group, asked = np.zeros(3, np.int32), np.array([100, 105, 111])
    >>> timelines.newest_before(group, asked).tolist()
    [-1, 1, 1]
    >>> timelines.entering.before(group, asked) - timelines.leaving(10).before(group, asked)
    array([0, 2, 1])
    """

    def __init__(self, facts: Versions, keys: pl.DataFrame) -> None:
        self._facts = facts
        self._keys = keys

    @cached_property
    def entering(self) -> Moments:
        """The moments at which facts become visible."""
        return Moments(self._facts.group, self._facts.visible)

    def leaving(self, span_us: int) -> Moments:
        """List the moments at which facts leave a window; at once, if they come in too late."""
        facts = self._facts
        leave = facts.position + min(span_us, SPAN_MAX_US)
        if facts.until is not None:
            leave = np.minimum(leave, facts.until)
        if span_us < 0 or facts.visible is not facts.position or facts.until is not None:
            leave = np.maximum(leave, facts.visible)
        return Moments(facts.group, leave, like=self.entering)

    def places(self, moments: Moments) -> Whole:
        """Return the place of each fact in the order of `entering` or `leaving`."""
        return self._facts.place[moments.order]

    def newest_before(self, groups: Groups, times: Whole) -> Whole:
        """Find the place of the fact that is the newest before each time, or `NO_FACT`.

        Parameters
        ----------
        groups : array of int32, shape (n_units,)
            Groups asked for, :data:`isbjerg.features.groups.NOWHERE` among them.
        times : array of int64, shape (n_units,)
            Grid points in microseconds.
        """
        found = np.full(len(groups), NO_FACT)
        for steps in self._newest:
            last = steps.moments.last_before(groups, times)
            there = last >= 0
            found[there] = steps.facts[steps.numbers[last[there]]]
        return found

    @cached_property
    def _newest(self) -> list[_Steps]:
        """The changes of which fact is the newest; no group is in more than one of them."""
        everything, by_position = self._facts, self.entering
        if everything.visible is not everything.position:
            by_position = Moments(everything.group, everything.position)
        ranked = self._ranked(by_position)
        lowers = everything.lowers is not None and bool(everything.lowers.any())
        if everything.visible is everything.position and not lowers:
            return [_Steps(by_position, ranked, everything.place)]
        facts = everything.taken(ranked)
        if not lowers:
            return [_rising(facts)]
        falls = np.isin(facts.group, np.unique(facts.group[facts.lowers]))
        return [_rising(facts.taken(~falls)), _falling(facts.taken(falls))]

    def _ranked(self, by_position: Moments) -> Whole:
        """Sort the facts by group, position, key, visible and row."""
        ranked, again = by_position.order, by_position.repeats()
        if not again.any():
            return ranked
        tied = again.copy()
        tied[:-1] |= again[1:]
        runs = np.cumsum(~again)
        facts = self._facts.taken(ranked[tied])
        parted = self._keys[facts.place].select(
            pl.all().name.prefix("key:"),
            run=pl.Series(runs[tied]),
            visible=pl.Series(facts.visible),
            row=pl.Series(facts.row),
            number=pl.Series(ranked[tied]),
        )
        keys = [f"key:{name}" for name in self._keys.columns]
        ranked = ranked.copy()
        ranked[tied] = parted.sort("run", *keys, "visible", "row")["number"].to_numpy()
        return ranked


class _Steps(NamedTuple):
    """Which fact is the newest from each moment on, until the next of its group."""

    moments: Moments
    numbers: Whole
    """The fact at each place of `moments`, as its number in `facts`."""
    facts: Whole
    """Place of each fact in the table of facts."""


def _rising(ranked: Versions) -> _Steps:
    """Follow the newest fact where it only ever rises."""
    moments = Moments(ranked.group, ranked.visible)
    # Ranks of a later group are higher than all before: one maximum may run over all groups.
    return _Steps(moments, np.maximum.accumulate(moments.order), ranked.place)


def _falling(ranked: Versions) -> _Steps:
    """Follow the newest fact through corrections that may lower it."""
    groups: list[int] = []
    times: list[int] = []
    ranks: list[int] = []
    for group, facts in _by_group(ranked):
        for time, rank in _newest_over_time(facts):
            groups.append(group)
            times.append(time)
            ranks.append(NO_FACT if rank is None else rank)
    moments = Moments(np.array(groups, np.int32), np.array(times, np.int64))
    numbers = np.array(ranks, np.int64)[moments.order]
    return _Steps(moments, numbers, np.append(ranked.place, NO_FACT))


def _by_group(ranked: Versions) -> Iterator[tuple[int, list[tuple[int, int, int]]]]:
    """Yield of each group the (rank, visible, until) of its facts in order of visible."""
    until = np.full(len(ranked.group), FOREVER) if ranked.until is None else ranked.until
    facts_of: dict[int, list[tuple[int, int, int]]] = {}
    for rank in np.argsort(ranked.visible, kind="stable").tolist():
        fact = (rank, int(ranked.visible[rank]), int(until[rank]))
        facts_of.setdefault(int(ranked.group[rank]), []).append(fact)
    yield from facts_of.items()


def _newest_over_time(facts: list[tuple[int, int, int]]) -> Iterator[tuple[int, int | None]]:
    """Yield each change of the largest rank among (rank, visible, until) in order of visible."""
    heap: list[tuple[int, int]] = []
    times = sorted({time for _, visible, until in facts for time in (visible, until)} - {FOREVER})
    coming = iter(facts)
    fact = next(coming, None)
    for time in times:
        while fact is not None and fact[1] <= time:
            heappush(heap, (-fact[0], fact[2]))
            fact = next(coming, None)
        while heap and heap[0][1] <= time:
            heappop(heap)
        yield time, -heap[0][0] if heap else None
