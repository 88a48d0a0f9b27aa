"""From the rows of a source to what a slot needs of them.

A *contribution* is one fact as one slot sees it: what it matches (``_on``), which fact it is
across corrections (``_key``), its position, when it is visible, and its value. Everything
that :mod:`isbjerg.features.sets` says about a single fact happens here; what facts do to
each other (supersede, leave a window) is left to :mod:`isbjerg.features.timelines` offline
and :mod:`isbjerg.features.online` online, which both take contributions.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce

import numpy as np
import polars as pl

from isbjerg.data.manifest import LIVE_AT, ROW
from isbjerg.expressions.polars import to_polars
from isbjerg.expressions.tree import Type
from isbjerg.features.keys import OFFSET
from isbjerg.features.sets import Slot

_TIMES = (Type.INSTANT, Type.LOCAL, Type.DURATION)
_MAGNITUDE = 2**63 - 1


def contributions(facts: pl.DataFrame, slot: Slot) -> pl.DataFrame:
    """Work out what each fact contributes to a slot.

    Parameters
    ----------
    facts : DataFrame
        Columns of the source in carriers, ``_live_at`` and ``_row``.
    slot : Slot
        What is looked up.

    Returns
    -------
    DataFrame
        One row for each fact that is ever known, in the order of `facts`: ``_on`` (text, null
        when the fact matches nothing; it still supersedes), ``_key`` (text), ``position``,
        ``visible`` (microseconds), ``_row`` and ``value`` (carrier; times as microseconds).

    Notes
    -----
    A null in the key is a value like any other: two facts with the same key, nulls included,
    are versions of one fact.

    Examples
    --------
    >>> from datetime import datetime, UTC
    >>> from isbjerg.expressions.tree import Node
    >>> from isbjerg.features.sets import Known
    >>> weather = pl.DataFrame(
    ...     {
    ...         "origin": ["JFK", "LGA"],
    ...         "hour": [datetime(1970, 1, 1, tzinfo=UTC), None],
    ...         "wind": [7.5, 9.0],
    ...         "_live_at": [None, None],
    ...         "_row": [1, 2],
    ...     }
    ... )
    >>> wind = Slot(
    ...     name="wind",
    ...     kind="newest",
    ...     source="weather",
    ...     on=(("origin", "origin"),),
    ...     key=("origin", "hour"),
    ...     known=(Known("hour", 3_600_000_000),),
    ...     value=Node("column", value="wind", type=Type.FLOAT),
    ...     type=Type.FLOAT,
    ... )
    >>> contributions(weather, wind).drop("_key").rows()
    [('tJFK', 3600000000, 3600000000, 1, 7.5)]
    """
    value = to_polars(slot.value)
    texts = {
        "_on": match_text(facts, [column for column, _ in slot.on]),
        "_key": key_text(facts, slot.key),
    }
    return facts.select(
        **texts,
        **_timing(slot),
        value=value.cast(pl.Int64) if slot.value.type in _TIMES else value,
    ).filter(pl.col("position").is_not_null())


def timing(facts: pl.DataFrame, slot: Slot) -> pl.DataFrame:
    """Say of each fact where it stands in time and when it is visible.

    Returns
    -------
    DataFrame
        One row for each fact, in the order of `facts`: ``position`` and ``visible``
        (microseconds, null for a fact that is never known) and ``_row``.
    """
    return facts.select(**_timing(slot, live=facts[LIVE_AT].null_count() < facts.height))


def _timing(slot: Slot, *, live: bool = True) -> dict[str, pl.Expr]:
    """Write position, visibility and row; without `live` facts no arrival has to be looked at."""
    times = [pl.col(k.column).cast(pl.Int64) for k in slot.known]
    known = [t + k.offset_us if k.offset_us else t for t, k in zip(times, slot.known, strict=True)]
    position = known[0]
    if len(known) > 1:
        whole = pl.all_horizontal([k.is_not_null() for k in known])
        position = pl.when(whole).then(pl.max_horizontal(known))
    arrival = pl.col(LIVE_AT).cast(pl.Int64)
    return {
        "position": position,
        "visible": pl.max_horizontal(position, arrival) if live else position,
        ROW: pl.col(ROW),
    }


def key_text(table: pl.DataFrame, columns: Sequence[str]) -> pl.Expr:
    """Write columns as the text that :func:`isbjerg.features.keys.key_text` writes of a row.

    Examples
    --------
    >>> table = pl.DataFrame({"origin": ["JFK", None], "late": [True, False]})
    >>> table.select(key_text(table, ["late", "origin"])).to_series().to_list()
    ['b1tJFK', 'b0-']
    """
    parts = [_part(pl.col(c), table.schema[c]) for c in columns]
    texts = [table.schema[c] == pl.String for c in columns[:-1]]
    closed = [_closed(p) if text else p for p, text in zip(parts, texts, strict=False)]
    return reduce(lambda a, b: a + b, [*closed, *parts[-1:]], pl.lit("")).alias("key")


def match_text(table: pl.DataFrame, columns: Sequence[str]) -> pl.Expr:
    """Write columns as one text to match by; null where any of them is null."""
    whole = pl.all_horizontal([pl.lit(value=True), *(pl.col(c).is_not_null() for c in columns)])
    return pl.when(whole).then(key_text(table, columns))


def _part(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if dtype == pl.String:
        written = pl.lit("t") + column
    elif dtype == pl.Boolean:
        written = pl.lit("b") + column.cast(pl.Int8).cast(pl.String)
    elif dtype == pl.Float64:
        written = pl.lit("f") + _digits(_ordered_bits(column))
    else:
        written = pl.lit("i") + _digits(column.cast(pl.Int64))
    return written.fill_null("-")


def _closed(part: pl.Expr) -> pl.Expr:
    """End a text such that no longer text with the same beginning sorts before it."""
    ended = part.str.replace_all("\0", "\0\1", literal=True) + "\0\0"
    return pl.when(part == "-").then(part).otherwise(ended)


def _digits(number: pl.Expr) -> pl.Expr:
    return (number.cast(pl.Int128) + OFFSET).cast(pl.String).str.zfill(20)


def _ordered_bits(column: pl.Expr) -> pl.Expr:
    """Count floats among the floats; Polars has no view of a float's bits, numpy has."""
    bits = column.fill_null(0.0).map_batches(
        lambda s: pl.Series(s.to_numpy().view(np.int64)), return_dtype=pl.Int64
    )
    ordered = pl.when(bits >= 0).then(bits).otherwise(-(bits & _MAGNITUDE))
    return pl.when(column.is_not_null()).then(ordered)
