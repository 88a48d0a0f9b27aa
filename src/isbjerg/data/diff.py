"""What lies between two states of a table: rows, columns, distributions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import polars as pl

from isbjerg.data.carriers import schema_of
from isbjerg.data.distributions import Distance, Spread, apart, spread
from isbjerg.data.versions import Changes, conform, new_facts
from isbjerg.expressions.tree import Type

HIDDEN_VALUE = "(hidden)"
"""What stands for a value that may not be shown."""


class RowExample(msgspec.Struct, frozen=True, kw_only=True):
    """One row, by its key: what it holds, or what became of its values.

    Parameters
    ----------
    key : dict
        Values of the key.
    values : dict
        For an added row its values; for a corrected one ``[old, new]`` of each that changed.
    """

    key: dict[str, Any]
    values: dict[str, Any]


class ColumnDiff(msgspec.Struct, frozen=True, kw_only=True):
    """One column between two states.

    Parameters
    ----------
    name : str
        Of the column.
    type : str
        Of its values now.
    corrected : int
        Known rows whose value is another one now.
    before, arrived : Spread
        Of the rows of the older state, and of those that were added or corrected since.
    distance : Distance or None
        How far the two are apart.
    """

    name: str
    type: str
    corrected: int
    before: Spread
    arrived: Spread
    distance: Distance | None


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """What lies between two states of a table.

    Parameters
    ----------
    rows_before, rows_after : int
        Distinct keys in each.
    added, corrected, unchanged : int
        Keys that came, whose values differ, and that are as they were.
    added_examples, corrected_examples : tuple of RowExample
        The first of each.
    columns_added, columns_removed : tuple of str
        Names.
    columns_retyped : dict of str to (str, str)
        The type before and now.
    columns : tuple of ColumnDiff
        Those that both have, in order of the table.
    """

    rows_before: int
    rows_after: int
    added: int
    corrected: int
    unchanged: int
    added_examples: tuple[RowExample, ...]
    corrected_examples: tuple[RowExample, ...]
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    columns_retyped: dict[str, tuple[str, str]]
    columns: tuple[ColumnDiff, ...]


def diff(
    before: pl.DataFrame,
    after: pl.DataFrame,
    key: Sequence[str],
    *,
    hides: Callable[[str], bool] = lambda _: False,
    examples: int = 5,
) -> Diff:
    """Compare two states of a table.

    Parameters
    ----------
    before, after : polars.DataFrame
        The newest row of each key, in carriers.
    key : sequence of str
        Columns that identify a row.
    hides : callable
        Whether the values of a column may not be shown.
    examples : int, default=5
        How many rows of each kind to show.

    Examples
    --------
    >>> old = pl.DataFrame({"id": [1, 2], "x": [5, 6]})
    >>> now = pl.DataFrame({"id": [1, 2, 3], "x": [5, 7, 8]})
    >>> between = diff(old, now, ["id"])
    >>> between.added, between.corrected, between.corrected_examples[0].values
    (1, 1, {'x': [6, 7]})
    """
    types, now = schema_of(before), schema_of(after)
    both = [c for c in now if c in types]
    changes = new_facts(conform(before, {**now, **_only(types, now)}), after, key)
    pairs = _pairs(before, changes, key, now)
    return Diff(
        rows_before=before.height,
        rows_after=after.height,
        added=changes.new.height,
        corrected=changes.corrected.height,
        unchanged=changes.unchanged,
        added_examples=tuple(
            _row(row, key, {c: v for c, v in row.items() if c not in key and v is not None}, hides)
            for row in changes.new.head(examples).iter_rows(named=True)
        ),
        corrected_examples=tuple(
            _row(row, key, _changed(row, list(now), key), hides)
            for row in pairs.head(examples).iter_rows(named=True)
        ),
        columns_added=tuple(c for c in now if c not in types),
        columns_removed=tuple(c for c in types if c not in now),
        columns_retyped={c: (str(types[c]), str(now[c])) for c in both if types[c] != now[c]},
        columns=tuple(
            _column(c, now[c], before, changes.rows, pairs, hidden=hides(c)) for c in both
        ),
    )


def _only(types: Mapping[str, Type], now: Mapping[str, Type]) -> dict[str, Type]:
    return {c: t for c, t in types.items() if c not in now}


def _pairs(
    before: pl.DataFrame, changes: Changes, key: Sequence[str], now: Mapping[str, Type]
) -> pl.DataFrame:
    """Put beside each value of a corrected row what it said before."""
    old = conform(before, now).rename({c: f"{c}\0old" for c in now if c not in key})
    return changes.corrected.join(
        old, on=list(key), how="left", nulls_equal=True, maintain_order="left"
    )


def _changed(row: Mapping[str, Any], names: Sequence[str], key: Sequence[str]) -> dict[str, Any]:
    pairs = {c: [row[f"{c}\0old"], row[c]] for c in names if c not in key}
    return {c: pair for c, pair in pairs.items() if pair[0] != pair[1]}


def _row(
    row: Mapping[str, Any],
    key: Sequence[str],
    values: dict[str, Any],
    hides: Callable[[str], bool],
) -> RowExample:
    return RowExample(
        key={c: HIDDEN_VALUE if hides(c) else row[c] for c in key},
        values={c: HIDDEN_VALUE if hides(c) else v for c, v in values.items()},
    )


def _column(
    name: str,
    kind: Type,
    before: pl.DataFrame,
    rows: pl.DataFrame,
    pairs: pl.DataFrame,
    *,
    hidden: bool,
) -> ColumnDiff:
    old, arrived = conform(before.select(name), {name: kind})[name], rows[name]
    was = f"{name}\0old"
    corrected = int(pairs[was].ne_missing(pairs[name]).sum()) if was in pairs.columns else 0
    return ColumnDiff(
        name=name,
        type=str(kind),
        corrected=corrected,
        before=spread(old, hidden=hidden),
        arrived=spread(arrived, hidden=hidden),
        distance=apart(old, arrived),
    )
