"""Form the Python values that a database's driver gives into a column.

A driver gives each value its own Python type, and SQLite lets every value of a column have
another one. Numbers of several kinds become floats, numbers among texts become texts; values
that no column holds (bytes, lists, documents) make a column that is left out and told.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from ipaddress import IPv4Address, IPv4Interface, IPv6Address, IPv6Interface
from typing import Any
from uuid import UUID

import polars as pl

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_WORDS = frozenset({str, UUID, IPv4Address, IPv4Interface, IPv6Address, IPv6Interface})
_NUMBERS = frozenset({int, float, Decimal})
_BYTES = frozenset({bytes, memoryview})
_FITS_64 = range(-(2**63), 2**63)


def as_series(name: str, values: Sequence[Any]) -> pl.Series:
    """Form values into a column.

    Parameters
    ----------
    name : str
        Of the column.
    values : sequence
        As a driver gave them; ``None`` is missing.

    Examples
    --------
    >>> as_series("x", [1, None, 2.5]).to_list()
    [1.0, None, 2.5]
    >>> as_series("x", [1, "a"]).to_list()
    ['1', 'a']
    """
    kinds = frozenset(type(value) for value in values) - {type(None)}
    if not kinds:
        return pl.Series(name, [None] * len(values), pl.Null)
    if kinds == {datetime}:
        return _times(name, values)
    for fits, dtype, change in _SHAPES:
        if kinds <= fits:
            return pl.Series(name, [None if v is None else change(v) for v in values], dtype)
    if kinds == {int}:
        return pl.Series(name, values, pl.Int64 if _all_fit(values) else pl.Int128)
    if kinds <= _NUMBERS:
        return pl.Series(name, [None if v is None else float(v) for v in values], pl.Float64)
    if kinds <= _BYTES:
        return pl.Series(name, [None if v is None else bytes(v) for v in values], pl.Binary)
    if kinds <= _WORDS | _NUMBERS:
        return pl.Series(name, [None if v is None else str(v) for v in values], pl.String)
    return pl.Series(name, [None] * len(values), pl.List(pl.String))  # left out, and told


def _all_fit(values: Sequence[int | None]) -> bool:
    return all(v is None or v in _FITS_64 for v in values)


def _times(name: str, values: Sequence[datetime | None]) -> pl.Series:
    """Count microseconds: times of one column may come in several zones."""
    zoned = [v is not None and v.tzinfo is not None for v in values]
    present = [v is not None for v in values]
    if any(zoned) and zoned != present:
        return pl.Series(name, [None if v is None else v.isoformat() for v in values], pl.String)
    counts = [
        None if v is None else ((v if v.tzinfo else v.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
        for v in values
    ]
    zone = "UTC" if any(zoned) else None
    return pl.Series(name, counts, pl.Int64).cast(pl.Datetime("us", zone))


def _same(value: Any) -> Any:
    return value


_SHAPES: tuple[tuple[frozenset[type], Any, Callable[[Any], Any]], ...] = (
    (frozenset({bool}), pl.Boolean, _same),
    (frozenset({str}), pl.String, _same),
    (_WORDS, pl.String, str),
    (frozenset({date}), pl.Date, _same),
    (frozenset({timedelta}), pl.Duration("us"), _same),
    (frozenset({float}), pl.Float64, _same),
)
