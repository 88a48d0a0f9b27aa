"""A cautious first contract, drafted from data for a person to read and change.

The draft promises only what it would be strange to see broken: a bound stands well outside
what was seen, a list of values only warns, a column is required only when nothing was missing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import polars as pl

from isbjerg.data.carriers import schema_of
from isbjerg.data.contract import Contract, Field
from isbjerg.expressions.tree import Type

VALUES_LIMIT = 50
"""A text column with more distinct values gets no list of them."""

_ROWS_PER_VALUE = 20
"""A list of values must have been seen so often on average that it is likely complete; it
also keeps texts of single people out of a file under version control."""

_BOUND_LIMIT = 2.0**62
"""A bound of that size would promise nothing, and would not fit 64 bits."""


def draft_contract(
    df: pl.DataFrame,
    table: str,
    key: Sequence[str],
    known: Mapping[str, tuple[str, int]] | None = None,
) -> Contract:
    """Draft the contract of a table from a read of it.

    Parameters
    ----------
    df : polars.DataFrame
        In carriers.
    table : str
        Name of the source.
    key : sequence of str
        Columns that identify a row.
    known : mapping of str to (str, int), optional
        When each column becomes known: a column, and microseconds after it.

    Returns
    -------
    Contract
        Of status ``draft``; the table passes it when its key is unique.

    Examples
    --------
    >>> draft = draft_contract(pl.DataFrame({"id": [1, 2], "amount": [5.0, 80.0]}), "loans", ["id"])
    >>> draft.fields[1].minimum, draft.fields[1].maximum, draft.fields[1].required
    (0, 160, True)
    """
    times = known or {}
    fields = tuple(
        _field(df[name], kind, in_key=name in key, known=times.get(name))
        for name, kind in schema_of(df).items()
        if not name.startswith("_")
    )
    return Contract(table=table, key=tuple(key), fields=fields, rows_minimum=max(1, df.height // 2))


def _field(column: pl.Series, kind: Type, *, in_key: bool, known: tuple[str, int] | None) -> Field:
    least, most = (None, None) if in_key else _bounds(column, kind)
    return Field(
        name=column.name,
        type=kind,
        required=in_key or (len(column) > 0 and column.null_count() == 0),
        minimum=least,
        maximum=most,
        values=None if in_key else _values(column, kind),
        known=known,
    )


def _bounds(column: pl.Series, kind: Type) -> tuple[int | None, int | None]:
    """Widen what was seen by as much again; a number that was never negative stays so."""
    if kind not in (Type.INTEGER, Type.FLOAT) or column.null_count() == len(column):
        return None, None
    low, high = float(column.min()), float(column.max())  # type: ignore[arg-type]
    slack = max(high - low, abs(high), abs(low), 1.0)
    return (0 if low >= 0 else _rounded_down(low - slack)), _rounded_up(high + slack)


def _rounded_up(value: float) -> int | None:
    """Round upwards to two leading digits, so that the bound looks like the guess it is."""
    if abs(value) >= _BOUND_LIMIT:
        return None
    digits = max(0, math.floor(math.log10(abs(value))) - 1) if value else 0
    step: int = 10**digits
    return math.ceil(value / step) * step


def _rounded_down(value: float) -> int | None:
    up = _rounded_up(-value)
    return None if up is None else -up


def _values(column: pl.Series, kind: Type) -> tuple[str, ...] | None:
    if kind is not Type.TEXT:
        return None
    distinct = column.drop_nulls().unique()
    seen = len(column) - column.null_count()
    if not 0 < len(distinct) <= min(VALUES_LIMIT, seen // _ROWS_PER_VALUE):
        return None
    return tuple(distinct.sort().to_list())
