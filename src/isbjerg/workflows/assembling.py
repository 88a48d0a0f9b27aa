"""Assembly that takes from an earlier run what has not changed since.

A looked-up value is named by its slot, the rows and the data version of its source; a feature by
its tree with everything below it. What is found is put beside the units as it was; the rest goes
through the one assembly there is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import polars as pl

from isbjerg.data.shelf import IN_MEMORY, Shelf
from isbjerg.data.versions import DataVersion
from isbjerg.expressions.pins import pins
from isbjerg.expressions.tree import names
from isbjerg.features.assembly import PLAIN, assemble
from isbjerg.features.sets import FeatureSet, Slot
from isbjerg.workflows.caching import (
    Remembering,
    name_of,
    read_columns,
    rows_name,
    write_columns,
)

LOOKED_UP, FEATURES = "looked-up values", "features"


class ReadWhenAsked(Mapping[str, pl.DataFrame]):
    """The facts of each source, read when one is first asked for.

    Parameters
    ----------
    columns : mapping of str to list of str
        What is read of each source.
    read : callable
        Takes a source's name and its columns, returns its facts.

    Examples
    --------
    >>> facts = ReadWhenAsked({"weather": ["wind"]}, lambda name, columns: print("read", name))
    >>> "weather" in facts, len(facts)
    (True, 1)
    >>> facts["weather"]
    read weather
    >>> facts["weather"]
    """

    def __init__(
        self,
        columns: Mapping[str, list[str]],
        read: Callable[[str, list[str]], pl.DataFrame],
    ) -> None:
        self._columns = columns
        self._read = read
        self._kept: dict[str, pl.DataFrame] = {}

    def __getitem__(self, source: str) -> pl.DataFrame:
        if source not in self._kept:
            self._kept[source] = self._read(source, self._columns[source])
        return self._kept[source]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __contains__(self, source: object) -> bool:
        return source in self._columns


def assemble_remembered(  # noqa: PLR0917 - assembly's four, and what is remembered of what
    units: pl.DataFrame,
    at: str,
    feature_set: FeatureSet,
    facts: Mapping[str, pl.DataFrame],
    remembering: Remembering,
    versions: Mapping[str, DataVersion],
    *,
    unit: tuple[str, tuple[str, ...]],
    timed: bool = True,
    shelf: Shelf = IN_MEMORY,
) -> pl.DataFrame:
    """Assemble, taking from an earlier run what follows from the same definitions and data.

    Parameters
    ----------
    units, at, feature_set, facts
        As for `isbjerg.features.assembly.assemble`; facts that are not needed are not asked for.
    remembering : Remembering
        Where to look and to keep.
    versions : mapping of str to DataVersion
        Of each source.
    unit : (str, tuple of str)
        Source of the units, and its key: with the decision times they name the rows.
    timed : bool, default=True
        Whether anything depends on the decision times; rows without a time are decided now,
        and features of nothing but their columns do not change from run to run.
    shelf : Shelf, optional
        Where columns go that are too large for memory.

    Returns
    -------
    DataFrame
        What `assemble` gives, up to the order of the columns added.
    """
    source, key = unit
    schema = units.schema  # made anew each time it is asked for
    columns = {name: str(schema[name]) for name, _ in feature_set.columns}
    rows = name_of(
        version=versions[source].id,
        rows=rows_name(units, [*key, at] if timed else key),
        types=columns,
    )
    of_slots = {slot.name: _slot_name(slot, rows, versions) for slot in feature_set.slots}
    of_steps = _step_names(feature_set, of_slots, rows)
    found = {
        **_found(remembering, LOOKED_UP, "slot:", of_slots),
        **_found(remembering, FEATURES, "feature:", of_steps),
    }
    missing = _rest(feature_set, found)
    shelf = shelf.of(int(units.estimated_size()))
    there = [
        shelf.put(series) for name, series in found.items() if name not in _columns_of(missing)
    ]
    made = assemble(units.with_columns(there), at, missing, _only(facts, missing), shelf)
    plain = set() if shelf.is_memory else _plain(missing)
    for prefix, named in (("slot:", of_slots), ("feature:", of_steps)):
        for name, its in named.items():
            column = prefix + name
            if column not in found and column not in plain:
                remembering.keep(its, lambda c=column: write_columns(made[c].to_frame()))  # type: ignore[misc]
    return made


def _slot_name(slot: Slot, rows: str | None, versions: Mapping[str, DataVersion]) -> str | None:
    return name_of(slot=msgspec.to_builtins(slot), rows=rows, facts=versions[slot.source].id)


def _step_names(
    feature_set: FeatureSet, of_slots: Mapping[str, str | None], rows: str | None
) -> dict[str, str | None]:
    """Name each step by its tree and the names of all that stands below it."""
    named: dict[str, str | None] = {}
    for step in feature_set.steps:
        below: dict[str, Any] = {name: of_slots[name] for name in names(step.node, "slot")}
        below |= {name: named[name] for name in names(step.node, "feature")}
        # What plain Python raised is told by each run, so each run calls it again.
        lost = any(name is None for name in below.values()) or bool(pins([step.node]))
        named[step.name] = (
            None
            if lost
            else name_of(
                step=step.name, tree=msgspec.to_builtins(step.node), below=below, rows=rows
            )
        )
    return named


def _found(
    remembering: Remembering, kind: str, prefix: str, named: Mapping[str, str | None]
) -> dict[str, pl.Series]:
    read = {name: remembering.find(kind, name, key) for name, key in named.items()}
    return {
        prefix + name: read_columns(content).to_series().alias(prefix + name)
        for name, content in read.items()
        if content is not None
    }


def _rest(feature_set: FeatureSet, found: Mapping[str, pl.Series]) -> FeatureSet:
    """Keep what was not found, and the steps that those are computed of."""
    needed: set[str] = set()
    read: set[str] = set()
    for step in reversed(feature_set.steps):
        if step.name in read or f"feature:{step.name}" not in found:
            needed.add(step.name)
            read.update(names(step.node, "feature"))
    return msgspec.structs.replace(
        feature_set,
        slots=tuple(s for s in feature_set.slots if f"slot:{s.name}" not in found),
        steps=tuple(s for s in feature_set.steps if s.name in needed),
    )


def _plain(feature_set: FeatureSet) -> set[str]:
    """List features that are columns under another name: of a large table not worth their disk."""
    return {f"feature:{step.name}" for step in feature_set.steps if step.node.op in PLAIN}


def _columns_of(feature_set: FeatureSet) -> set[str]:
    return {f"feature:{step.name}" for step in feature_set.steps}


def _only(facts: Mapping[str, pl.DataFrame], missing: FeatureSet) -> dict[str, pl.DataFrame]:
    return {source: facts[source] for source in {slot.source for slot in missing.slots}}
