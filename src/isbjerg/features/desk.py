"""The lookup desk: answers slots for one table of units, and does nothing twice.

Many slots ask nearly the same: five columns of the newest weather, the count and the mean of
one window. Each stage here is kept under what it depends on, so slots that share a source,
``on``, key and knowledge times share one ordering of the facts; ``newest`` slots share the
search too, whatever their value, windows of all spans share what enters them, and aggregates
of one value share its sums.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, NamedTuple, TypeVar

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.canonical import canonical_json
from isbjerg.expressions.polars import polars_type, to_polars
from isbjerg.expressions.tree import Type
from isbjerg.features.facts import timing
from isbjerg.features.fixed_columns import Running, aggregated, amounts, running
from isbjerg.features.groups import Groups, grouped
from isbjerg.features.moments import Moments, Whole
from isbjerg.features.sets import Slot
from isbjerg.features.timelines import NO_FACT, Timelines
from isbjerg.features.versions import versions

_MAY_BE_LARGE = (Type.INTEGER, Type.FLOAT, Type.DURATION)
"""Types with values that cannot be summed exactly; counted they can be."""

_STRETCH = 1 << 20
"""Windows are looked up for so many units at a time: what is between, such as sums that are exact
in 128 bits, would be the largest thing in memory."""

Made = TypeVar("Made")


class _Asked(NamedTuple):
    """What units ask of a source, sorted by group and time so that searches are short."""

    facts: Groups
    """Group of each fact."""
    groups: Groups
    times: Whole
    back: NDArray[np.uint32]
    """Where each unit, in its own order, stands in this one."""


class LookupDesk:
    """Look slots up for units.

    Parameters
    ----------
    units : DataFrame
        In any order.
    at : str
        Name of the instant column with the decision times, none of them null.
    facts : mapping of str to DataFrame
        For each source its facts.
    """

    def __init__(self, units: pl.DataFrame, at: str, facts: Mapping[str, pl.DataFrame]) -> None:
        self._units = units
        self._times = units[at].cast(pl.Int64).to_numpy()
        self._facts = facts
        self._kept: dict[Hashable, Any] = {}

    def value(self, slot: Slot) -> pl.Series:
        """Return the slot's value for each unit."""
        value = self._newest(slot) if slot.kind == "newest" else self._past(slot)
        return value.gather(self._asked(slot).back).cast(polars_type(slot.type))

    def _newest(self, slot: Slot) -> pl.Series:
        asked, grid = self._asked(slot), self._grid(slot)
        places = self._once(
            ("newest", *_looked_at(slot), slot.refresh_us),
            lambda: self._timelines(slot).newest_before(asked.groups, grid),
        )
        if slot.max_age_us is not None:
            position = self._timing(slot)["position"].gather(_or_null(places))
            fresh = (pl.Series(grid) - position <= slot.max_age_us).fill_null(value=False)
            places = np.where(fresh.to_numpy(), places, NO_FACT)
        return self._values(slot).gather(_or_null(places))

    def _past(self, slot: Slot) -> pl.Series:
        timelines, span = self._timelines(slot), slot.span_us or 0
        entering = timelines.entering
        leaving = self._once(("leaving", *_looked_at(slot), span), lambda: timelines.leaving(span))
        entered, left = (self._running(slot, timelines, m) for m in (entering, leaving))
        until, since = (self._before(slot, m) for m in (entering, leaving))
        rows = _stretches(len(until))
        sums = (entered.at(until[some]).since(left.at(since[some])) for some in rows)
        return pl.concat([aggregated(window, slot) for window in sums])

    def _running(self, slot: Slot, timelines: Timelines, moments: Moments) -> Running:
        """Sum the slot's value up in the order of moments; orders are often shared."""
        return self._once(
            ("running", id(moments.order), canonical_json(slot.value), _only_counts(slot)),
            lambda: running(self._amounts(slot), timelines.places(moments)),
        )

    def _before(self, slot: Slot, moments: Moments) -> Whole:
        return self._once(
            ("before", id(moments), slot.refresh_us), lambda: self._made_before(slot, moments)
        )

    def _made_before(self, slot: Slot, moments: Moments) -> Whole:
        asked, grid = self._asked(slot), self._grid(slot)
        rows = _stretches(len(grid))
        return np.concatenate([moments.before(asked.groups[some], grid[some]) for some in rows])

    def _timelines(self, slot: Slot) -> Timelines:
        return self._once(("timelines", *_looked_at(slot)), lambda: self._made_timelines(slot))

    def _made_timelines(self, slot: Slot) -> Timelines:
        keys = self._facts[slot.source].select(slot.key)
        return Timelines(versions(self._timing(slot), self._asked(slot).facts, keys), keys)

    def _timing(self, slot: Slot) -> pl.DataFrame:
        return self._once(
            ("timing", slot.source, slot.known), lambda: timing(self._facts[slot.source], slot)
        )

    def _values(self, slot: Slot) -> pl.Series:
        """Evaluate the slot's value on every fact of its source."""
        facts = self._facts[slot.source]
        return self._once(
            ("values", slot.source, canonical_json(slot.value)),
            lambda: facts.with_columns(to_polars(slot.value).alias("value"))["value"],
        )

    def _amounts(self, slot: Slot) -> pl.Series:
        counts = _only_counts(slot)
        return self._once(
            ("amounts", slot.source, canonical_json(slot.value), counts),
            lambda: amounts(_present(self._values(slot)) if counts else self._values(slot)),
        )

    def _asked(self, slot: Slot) -> _Asked:
        return self._once(("asked", slot.source, slot.on), lambda: self._made_asked(slot))

    def _made_asked(self, slot: Slot) -> _Asked:
        found = grouped(self._facts[slot.source], self._units, slot.on)
        order = Moments(found.units + 1, self._times).order  # NOWHERE comes first
        back = np.empty(len(order), np.uint32)  # as Polars counts rows: it would convert others
        back[order] = np.arange(len(order), dtype=np.uint32)
        return _Asked(found.facts, found.units[order], self._times[order], back)

    def _grid(self, slot: Slot) -> Whole:
        """Return the grid point of each unit."""
        times = self._asked(slot).times
        return times - times % slot.refresh_us if slot.refresh_us else times

    def _once(self, key: Hashable, make: Callable[[], Made]) -> Made:
        if key not in self._kept:
            self._kept[key] = make()
        made: Made = self._kept[key]
        return made


def _stretches(rows: int) -> list[slice]:
    return [slice(start, start + _STRETCH) for start in range(0, max(1, rows), _STRETCH)]


def _looked_at(slot: Slot) -> tuple[Hashable, ...]:
    """Name the way in which a slot looks at the facts of its source."""
    return (slot.source, slot.on, slot.key, slot.known)


def _only_counts(slot: Slot) -> bool:
    """Say whether values that are too large to be summed must be counted all the same."""
    return slot.aggregate == "count" and slot.value.type in _MAY_BE_LARGE


def _present(values: pl.Series) -> pl.Series:
    """Say true of every value, so that none is too large to be counted."""
    known = pl.when(pl.first().is_not_null()).then(pl.lit(value=True))
    return values.to_frame().select(known).to_series()


def _or_null(places: Whole) -> pl.Series:
    """Write places such that gathering by them gives null where there is no fact."""
    asked = pl.Series(places)
    return asked.set(asked == NO_FACT, None) if (places == NO_FACT).any() else asked
