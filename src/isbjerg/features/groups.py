"""Groups: the facts that a unit's lookup may see, as whole numbers instead of values.

A lookup compares columns of a source with columns of a unit. Here each combination of values
that some unit asks for becomes a number, so that everything after it sorts and searches
numbers. Facts that no unit asks for are in no group: they cost nothing further.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

NOWHERE = -1
"""Group of a fact that no unit asks for, and of a unit that matches no fact."""

Groups = NDArray[np.int32]

_DICTIONARY_MAX = 50_000
"""A dictionary of so many texts is still faster than a join."""

_STRETCH_MIN = 100_000
"""Fewer rows are not worth a second processor."""


class Grouped(NamedTuple):
    """The group of each fact and of each unit, `NOWHERE` for those that match nothing."""

    facts: Groups
    units: Groups


def grouped(facts: pl.DataFrame, units: pl.DataFrame, on: Sequence[tuple[str, str]]) -> Grouped:
    """Give each combination of values that units ask for a number.

    Parameters
    ----------
    facts, units : DataFrame
        Columns in carriers.
    on : sequence of (str, str)
        Pairs of (column of the facts, column of the units) that must be equal. Values match
        when :func:`isbjerg.features.keys.match_text` writes them the same: nulls match
        nothing, numbers match numbers of their own kind, times are whole numbers.

    Examples
    --------
    >>> weather = pl.DataFrame({"station": ["JFK", "LGA", "BOS", None]})
    >>> flights = pl.DataFrame({"origin": ["LGA", "JFK", None, "EWR"]})
    >>> found = grouped(weather, flights, [("station", "origin")])
    >>> bool(found.facts[1] == found.units[0]), found.facts[2:].tolist(), int(found.units[2])
    (True, [-1, -1], -1)
    """
    if not on:
        return Grouped(np.zeros(facts.height, np.int32), np.zeros(units.height, np.int32))
    theirs = facts.select(_comparable(facts, c).alias(str(i)) for i, (c, _) in enumerate(on))
    ours = units.select(_comparable(units, c).alias(str(i)) for i, (_, c) in enumerate(on))
    if theirs.schema != ours.schema:
        return Grouped(_nowhere(facts.height), _nowhere(units.height))
    if theirs.schema == {"0": pl.String}:
        asked = ours.to_series().unique().drop_nulls()
        if len(asked) <= _DICTIONARY_MAX:
            return Grouped(_of_texts(theirs, asked), _of_texts(ours, asked))
    numbered = ours.drop_nulls().unique().with_row_index("group")
    return Grouped(_of_values(theirs, numbered), _of_values(ours, numbered))


def _comparable(table: pl.DataFrame, column: str) -> pl.Expr:
    """Bring times to whole numbers: an instant equals the integer with its microseconds."""
    as_it_is = table.schema[column] in (pl.String, pl.Boolean, pl.Float64)
    return pl.col(column) if as_it_is else pl.col(column).cast(pl.Int64)


def _nowhere(rows: int) -> Groups:
    return np.full(rows, NOWHERE, np.int32)


def _of_texts(table: pl.DataFrame, asked: pl.Series) -> Groups:
    """Use a dictionary for one column of texts, a stretch of rows on each processor."""
    number = _number(pl.first().cast(pl.Enum(asked), strict=False).to_physical())
    stretch = max(_STRETCH_MIN, -(-table.height // pl.thread_pool_size()))
    starts = range(0, max(1, table.height), stretch)
    stretches = [table.lazy().slice(start, stretch).select(number) for start in starts]
    return pl.concat(pl.collect_all(stretches)).to_series().to_numpy()


def _of_values(table: pl.DataFrame, numbered: pl.DataFrame) -> Groups:
    found = table.join(numbered, on=table.columns, how="left", maintain_order="left")
    return found.select(_number(pl.col("group"))).to_series().to_numpy()


def _number(group: pl.Expr) -> pl.Expr:
    return group.cast(pl.Int32).fill_null(NOWHERE)
