"""Online lookup: one slot's facts in memory, one value at a time, exactly as offline.

An `OnlineSlot` takes contributions in any order, late corrections and repeats included, and
answers for any time. It needs neither Polars nor numpy: the prediction server holds one for
each slot of what is live.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from itertools import accumulate
from operator import itemgetter
from typing import Protocol

from isbjerg.errors import ArgumentError
from isbjerg.features.fixed_point import amount_of, from_fixed
from isbjerg.features.keys import Carrier, match_text
from isbjerg.features.sets import Slot
from isbjerg.times import grid_point

Fact = tuple[int, str, int, int, Carrier, str | None]
"""Position, key, visible, row, value (for a window its fixed-point amount), on; sorting facts
sorts them from oldest to newest."""

_FOREVER = 2**63 - 1
_VISIBLE_AND_ROW = itemgetter(2, 3)


class OnlineSlot:
    """Keep the facts of one slot and tell its value at any time.

    Parameters
    ----------
    slot : Slot
        What is looked up.

    Notes
    -----
    Inserting a fact near the end of what is known costs a few microseconds, and so does a
    value. A fact takes about 400 bytes for ``newest`` and 460 for ``past``, a key of 13
    characters included, so call `evict` now and then.

    Not safe for threads: insert and read on the same one, as the server's event loop does.

    Examples
    --------
    >>> from isbjerg.expressions.tree import Node, Type
    >>> delays = OnlineSlot(
    ...     Slot(
    ...         name="mean delay",
    ...         kind="past",
    ...         source="flights",
    ...         on=(("carrier", "carrier"),),
    ...         key=("id",),
    ...         known=(),
    ...         value=Node("column", value="delay", type=Type.FLOAT),
    ...         type=Type.FLOAT,
    ...         aggregate="mean",
    ...         span_us=100,
    ...     )
    ... )
    >>> delays.insert(on="tUA", key="i1", position=1000, visible=1000, row=1, value=5.0)
    >>> delays.insert(on="tUA", key="i2", position=1010, visible=1010, row=2, value=8.0)
    >>> delays.value(("UA",), 1010), delays.value(("UA",), 1011), delays.value(("DL",), 1011)
    (5.0, 6.5, None)

    A correction of the first fact, visible from 1020 on:

    >>> delays.insert(on="tUA", key="i1", position=1000, visible=1020, row=3, value=0.0)
    >>> delays.value(("UA",), 1020), delays.value(("UA",), 1021)
    (6.5, 4.0)
    """

    def __init__(self, slot: Slot) -> None:
        self.slot = slot
        self.complete_from_us: int | None = None
        """Values at this time and later are right; ``None`` when nothing was evicted."""
        self._horizon_us = slot.max_age_us if slot.kind == "newest" else slot.span_us
        self._versions: dict[str, tuple[Fact, ...]] = {}
        self._of: dict[str, _Facts] = {}

    def __len__(self) -> int:
        return sum(len(versions) for versions in self._versions.values())

    def holds(self, key: str) -> bool:
        """Say whether any version of a fact was taken."""
        return key in self._versions

    def insert(  # noqa: PLR0917 (a row of contributions can be passed as it is)
        self, on: str | None, key: str, position: int, visible: int, row: int, value: Carrier
    ) -> None:
        """Take one contribution; taking the same row again changes nothing.

        Parameters
        ----------
        on : str or None
            What it matches (:func:`isbjerg.features.keys.match_text`); ``None`` for nothing,
            but it still supersedes.
        key : str
            Which fact it is (:func:`isbjerg.features.keys.key_text`).
        position, visible : int
            Microseconds, as :mod:`isbjerg.features.sets` defines them.
        row : int
            Number of the row, larger for a row ingested later.
        value : carrier
            The value, or ``None``.
        """
        versions = self._versions.get(key, ())
        place = bisect_left(versions, (visible, row), key=_VISIBLE_AND_ROW)
        if place < len(versions) and versions[place][3] == row:
            return
        kept = amount_of(value, self.slot) if self.slot.kind == "past" else value
        fact = (position, key, visible, row, kept, on)
        until = versions[place][2] if place < len(versions) else _FOREVER
        self._versions[key] = (*versions[:place], fact, *versions[place:])
        if place:
            previous = versions[place - 1]
            if previous[5] is not None:
                self._of[previous[5]].cut(previous, until, visible)
        if on is not None:
            self._facts_of(on).add(fact, until)

    def value(self, on_values: Iterable[Carrier], at_us: int) -> Carrier:
        """Look the slot's value up as known at a decision time.

        Parameters
        ----------
        on_values : iterable of carriers
            Values of the unit's columns in ``slot.on``, in that order.
        at_us : int
            The decision time, in microseconds.

        Raises
        ------
        ArgumentError
            When facts that mattered then have been evicted: ask the tables of the store.
        """
        return self.value_of(match_text(on_values), at_us)

    def value_of(self, on: str | None, at_us: int) -> Carrier:
        """Look the slot's value up as `value` does, for a match that is written already."""
        if self.complete_from_us is not None and at_us < self.complete_from_us:
            raise ArgumentError.out_of_range(
                "at_us",
                "OnlineSlot.value",
                f"be at or after the eviction at {self.complete_from_us}",
                at_us,
            )
        facts = None if on is None else self._of.get(on)
        g = grid_point(at_us, self.slot.refresh_us)
        if facts is not None:
            return facts.at(g)
        return None if self.slot.kind == "newest" else from_fixed(0, 0, self.slot)

    def evict(self, before_us: int) -> int:
        """Drop the facts that matter at no time from `before_us` on, and say how many.

        A fact is dropped when it is out of the window or too old, or superseded, for good.
        The last version of a fact stays as long as an older one might still be inserted and
        count, so inserting an evicted row again is harmless. A ``newest`` slot without
        ``max_age`` drops only superseded versions: any other may become the newest again by
        a correction.
        """
        g = grid_point(before_us, self.slot.refresh_us)
        kept = [fact for versions in self._versions.values() for fact in self._kept(versions, g)]
        dropped = len(self) - len(kept)
        self.complete_from_us = max(before_us, self.complete_from_us or before_us)
        if dropped:
            self._rebuild(kept)
        return dropped

    def _kept(self, versions: tuple[Fact, ...], g: int) -> tuple[Fact, ...]:
        """Leave out versions before the last one visible before `g`, and that one if too old."""
        first = max(0, bisect_left(versions, g, key=lambda f: f[2]) - 1)
        last = versions[first]
        too_old = self._horizon_us is not None and last[2] + self._horizon_us < g
        return versions[first + 1 if too_old else first :]

    def _rebuild(self, facts: list[Fact]) -> None:
        self._versions, self._of = {}, {}
        for fact in sorted(facts, key=_VISIBLE_AND_ROW):
            key, on, before = fact[1], fact[5], self._versions.get(fact[1], ())
            self._versions[key] = (*before, fact)
            if before and before[-1][5] is not None:
                self._of[before[-1][5]].cut(before[-1], _FOREVER, fact[2])
            if on is not None:
                self._facts_of(on).add(fact, _FOREVER)

    def _facts_of(self, on: str) -> _Facts:
        facts = self._of.get(on)
        if facts is None:
            kind = _Newest if self.slot.kind == "newest" else _Window
            facts = self._of[on] = kind(self.slot)
        return facts


class _Facts(Protocol):
    """The facts of one ``on``."""

    def add(self, fact: Fact, until: int) -> None:
        """Take a fact that is superseded at `until`."""

    def cut(self, fact: Fact, was: int, until: int) -> None:
        """Let a fact that was superseded at `was` be superseded at `until`."""

    def at(self, g: int) -> Carrier:
        """Read the value from grid point `g`."""


class _Newest:
    """Facts from oldest to newest, each with the time at which it is superseded."""

    __slots__ = ("_facts", "_max_age_us", "_until")

    def __init__(self, slot: Slot) -> None:
        self._max_age_us = slot.max_age_us
        self._facts: list[Fact] = []
        self._until = array("q")

    def add(self, fact: Fact, until: int) -> None:
        place = bisect_left(self._facts, fact[:4])
        self._until.insert(place, until)
        self._facts.insert(place, fact)

    def cut(self, fact: Fact, _was: int, until: int) -> None:
        self._until[bisect_left(self._facts, fact[:4])] = until

    def at(self, g: int) -> Carrier:
        # A fact is visible at its position at the earliest, so the newest is near this place.
        for place in range(bisect_left(self._facts, (g,)) - 1, -1, -1):
            fact = self._facts[place]
            if self._max_age_us is not None and g - fact[0] > self._max_age_us:
                return None
            if fact[2] < g <= self._until[place]:
                return fact[4]
        return None


class _Window:
    """What entered the window and what left it, each as a running sum over time."""

    __slots__ = ("_entered", "_left", "_slot", "_span_us")

    def __init__(self, slot: Slot) -> None:
        self._slot = slot
        self._span_us = slot.span_us or 0
        self._entered = _RunningSum()
        self._left = _RunningSum()

    def add(self, fact: Fact, until: int) -> None:
        position, _, visible, _, amount, _ = fact
        leave = min(until, position + self._span_us)
        if isinstance(amount, int) and leave > visible:
            self._entered.add(visible, amount)
            self._left.add(leave, amount)

    def cut(self, fact: Fact, was: int, until: int) -> None:
        position, _, visible, _, amount, _ = fact
        leave = min(was, position + self._span_us)
        if isinstance(amount, int) and leave > visible:
            self._entered.remove(visible, amount)
            self._left.remove(leave, amount)
        self.add(fact, until)

    def at(self, g: int) -> Carrier:
        entered, added = self._entered.before(g)
        left, taken = self._left.before(g)
        return from_fixed(added - taken, entered - left, self._slot)


class _RunningSum:
    """Amounts over time, and their exact sum up to any time.

    The sums are kept up to the first amount that changed and completed when asked for, so
    that loading in any order stays cheap.
    """

    __slots__ = ("_amounts", "_sums", "_times")

    def __init__(self) -> None:
        self._times = array("q")
        self._amounts: list[int] = []
        self._sums: list[int] = []

    def add(self, time: int, amount: int) -> None:
        place = bisect_right(self._times, time)
        del self._sums[place:]
        self._times.insert(place, time)
        self._amounts.insert(place, amount)

    def remove(self, time: int, amount: int) -> None:
        place = self._amounts.index(amount, bisect_left(self._times, time))
        del self._sums[place:]
        del self._times[place], self._amounts[place]

    def before(self, time: int) -> tuple[int, int]:
        """Count and sum the amounts strictly before `time`."""
        count = bisect_left(self._times, time)
        known = len(self._sums)
        if count > known:
            start = self._sums[-1] if known else 0
            tail = accumulate(self._amounts[known:], initial=start)
            next(tail)
            self._sums[known:] = tail
        return count, self._sums[count - 1] if count else 0
