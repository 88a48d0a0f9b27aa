"""The lookup desk: answers slots for one table of units, and does nothing twice.

Many slots ask nearly the same: five columns of the newest weather, the count and the mean of
one window. Each stage here is kept under what it depends on, so slots that share a source,
``on``, key and knowledge times share one ordering of the facts; ``newest`` slots share the
search too, whatever their value, and aggregates of one value share its window.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

import polars as pl

from isbjerg.canonical import canonical_json
from isbjerg.expressions.polars import polars_type, to_polars
from isbjerg.expressions.tree import Type
from isbjerg.features.facts import match_text, matching, sightings
from isbjerg.features.fixed_point import SCALE
from isbjerg.features.sets import FIXED_POINT_BITS, Slot
from isbjerg.features.timelines import newest, versions, window

_MAY_BE_LARGE = (Type.INTEGER, Type.FLOAT, Type.DURATION)
"""Types with values that cannot be summed exactly; counted they can be."""

Made = TypeVar("Made", pl.DataFrame, pl.Series)


class LookupDesk:
    """Look slots up for units.

    Parameters
    ----------
    units : DataFrame
        Sorted by decision time.
    at : str
        Name of the instant column with the decision times, none of them null.
    facts : mapping of str to DataFrame
        For each source its facts.
    """

    def __init__(self, units: pl.DataFrame, at: str, facts: Mapping[str, pl.DataFrame]) -> None:
        self._units = units
        self._at = at
        self._facts = facts
        self._frames: dict[Hashable, pl.DataFrame] = {}
        self._series: dict[Hashable, pl.Series] = {}

    def value(self, slot: Slot) -> pl.Series:
        """Return the slot's value for each unit."""
        found = self._newest(slot) if slot.kind == "newest" else self._window(slot)
        if slot.kind == "newest":
            value = self._values(slot)[found["place"]]
            found = found.with_columns(value.alias("value"))
        return found.select(_read(slot).cast(polars_type(slot.type))).to_series()

    def _newest(self, slot: Slot) -> pl.DataFrame:
        return _once(
            self._frames,
            ("newest", *_facts_of(slot), slot.refresh_us),
            lambda: self._look_up(slot, newest(self._versions(slot))),
        )

    def _window(self, slot: Slot) -> pl.DataFrame:
        counts = slot.aggregate == "count" and slot.value.type in _MAY_BE_LARGE
        span = slot.span_us or 0
        of_value = (*_facts_of(slot), canonical_json(slot.value), counts)
        changes = _once(
            self._frames,
            ("window", *of_value, span),
            lambda: window(
                self._versions(slot),
                _present(self._values(slot)) if counts else self._values(slot),
                span,
            ),
        )
        return _once(
            self._frames,
            ("window at", *of_value, span, slot.refresh_us),
            lambda: self._look_up(slot, changes),
        )

    def _versions(self, slot: Slot) -> pl.DataFrame:
        return _once(
            self._frames,
            ("versions", *_facts_of(slot)),
            lambda: versions(
                sightings(self._facts[slot.source], slot, as_text=self._as_text(slot))
            ),
        )

    def _values(self, slot: Slot) -> pl.Series:
        """Evaluate the slot's value on every fact of its source."""
        facts = self._facts[slot.source]
        return _once(
            self._series,
            (slot.source, canonical_json(slot.value)),
            lambda: facts.with_columns(to_polars(slot.value).alias("value"))["value"],
        )

    def _as_text(self, slot: Slot) -> bool:
        """Compare texts unless the two sides are one column each, of one type."""
        theirs = [self._facts[slot.source].schema[column] for column, _ in slot.on]
        ours = [self._units.schema[column] for _, column in slot.on]
        return len(slot.on) != 1 or theirs != ours

    def _look_up(self, slot: Slot, changes: pl.DataFrame) -> pl.DataFrame:
        """Find the last change strictly before each unit's grid point."""
        t = pl.col(self._at).cast(pl.Int64)
        grid = t - t % slot.refresh_us if slot.refresh_us else t
        columns = [column for _, column in slot.on]
        match = match_text if self._as_text(slot) else matching
        asked = self._units.select(grid.alias("g"), match(self._units, columns).alias("_on"))
        return asked.join_asof(
            changes,
            left_on="g",
            right_on="change_at",
            by="_on",
            strategy="backward",
            allow_exact_matches=False,
            check_sortedness=False,  # both sides are sorted by time here
        )


def _present(values: pl.Series) -> pl.Series:
    """Say true of every value, so that none is too large to be counted."""
    known = pl.when(pl.first().is_not_null()).then(pl.lit(value=True))
    return values.alias("value").to_frame().select(known).to_series()


def _facts_of(slot: Slot) -> tuple[Hashable, ...]:
    return (slot.source, slot.on, slot.key, slot.known)


def _once(kept: dict[Hashable, Made], key: Hashable, make: Callable[[], Made]) -> Made:
    if key not in kept:
        kept[key] = make()
    return kept[key]


def _read(slot: Slot) -> pl.Expr:
    """Read a slot's value from the state found; see :func:`fixed_point.from_fixed`."""
    if slot.kind == "newest":
        value = pl.col("value")
        if slot.max_age_us is None:
            return value
        age = pl.col("g") - pl.col("position")
        return pl.when(age <= slot.max_age_us).then(value)
    count = pl.col("count").fill_null(0)
    total = pl.col("total").fill_null(0)
    if slot.aggregate == "count":
        return count
    if slot.aggregate == "sum" and slot.type is not Type.FLOAT:
        return (total // pl.lit(2**FIXED_POINT_BITS, pl.Int128)).cast(pl.Int64, strict=False)
    summed = total.cast(pl.Float64) / SCALE
    if slot.aggregate == "sum":
        return summed
    return pl.when(count > 0).then(summed / count.cast(pl.Float64))
