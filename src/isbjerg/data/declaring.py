"""Give a column the type that a project declares for it, whatever its file says."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from isbjerg.data.carriers import DTYPES
from isbjerg.data.guessing import as_type
from isbjerg.data.tables import ColumnType, ColumnTypes, Epoch
from isbjerg.expressions.tree import Type

_UNITS_US = {Epoch.SECONDS: 1_000_000, Epoch.MILLISECONDS: 1_000, Epoch.MICROSECONDS: 1}
_NS_PER_US = 1_000


def declared(columns: Iterable[pl.Series], types: ColumnTypes) -> pl.DataFrame:
    """Give the columns that are declared their types; the others stay as they are.

    Parameters
    ----------
    columns : iterable of polars.Series
        As they were read.
    types : tuple of (str, Type or Epoch)
        From `declared_types`.

    Raises
    ------
    polars.exceptions.PolarsError
        When a value does not fit; the column is named, the value is not shown.

    Examples
    --------
    >>> from isbjerg.data.tables import declared_types
    >>> clicks = pl.DataFrame({"at": [1_700_000_000], "n": [3]})
    >>> declared(clicks.iter_columns(), declared_types({"at": "epoch_s"}, "csv"))["at"].dt.year()[0]
    2023
    """
    wanted = dict(types)
    return pl.DataFrame(
        [as_declared(c, wanted[c.name]) if c.name in wanted else c for c in columns]
    )


def as_declared(column: pl.Series, kind: ColumnType) -> pl.Series:
    """Give one column its declared type.

    Raises
    ------
    polars.exceptions.PolarsError
        When a value does not fit; the column is named, the value is not shown.
    """
    if isinstance(kind, Epoch):
        return _from_epoch(column, kind)
    if column.dtype == pl.String:
        return as_type(column, kind)
    if column.dtype == pl.Null:
        return column.cast(DTYPES[kind])
    if kind in (Type.INSTANT, Type.LOCAL):
        return _as_time(column, kind)
    cast = column.cast(DTYPES[kind], strict=False)
    exact = kind is Type.TEXT or bool((cast.cast(column.dtype, strict=False) == column).all())
    if cast.null_count() != column.null_count() or not exact:
        raise _misfit(column, kind)
    return cast


def _as_time(column: pl.Series, kind: Type) -> pl.Series:
    dtype = column.dtype
    if dtype.is_numeric():
        message = (
            f"column '{column.name}' holds numbers: declare what they count, "
            f'types={{"{column.name}": "epoch_s"}}'
        )
        raise pl.exceptions.ComputeError(message)
    if not isinstance(dtype, pl.Datetime | pl.Date):
        raise _misfit(column, kind)
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        instant = column.dt.convert_time_zone("UTC")
        return instant if kind is Type.INSTANT else instant.dt.replace_time_zone(None)
    local = column.cast(pl.Datetime("us"))
    return local.dt.replace_time_zone("UTC") if kind is Type.INSTANT else local


def _from_epoch(column: pl.Series, kind: Epoch) -> pl.Series:
    """Count microseconds; half microseconds of a fraction go to the even side."""
    texts = column.dtype == pl.String
    numbers = column.cast(pl.Float64, strict=False) if texts else column
    if not (numbers.dtype.is_numeric() or numbers.dtype == pl.Null):
        raise _misfit(column, kind)
    if texts:
        whole = column.cast(pl.Int64, strict=False)
        numbers = whole if whole.null_count() == column.null_count() else numbers
    if numbers.null_count() != column.null_count():
        raise _misfit(column, kind)
    if kind is Epoch.NANOSECONDS:
        counted = numbers // _NS_PER_US
    elif numbers.dtype.is_integer():
        counted = _scaled(numbers.cast(pl.Int64), _UNITS_US[kind])
    else:
        counted = (numbers.cast(pl.Float64) * _UNITS_US[kind]).round(mode="half_to_even")
    counted = counted.cast(pl.Int64, strict=False)
    if counted.null_count() != column.null_count():
        raise _misfit(column, kind)
    return counted.cast(DTYPES[Type.INSTANT]).alias(column.name)


def _scaled(numbers: pl.Series, unit_us: int) -> pl.Series:
    """Multiply without going round at 64 bits: what is too far off becomes null, and so a misfit."""
    farthest = (2**63 - 1) // unit_us
    fits = numbers.is_between(-farthest, farthest)
    scaled = pl.when(fits).then(pl.first() * unit_us)
    return numbers.to_frame().select(scaled).to_series()


def _misfit(column: pl.Series, kind: ColumnType) -> pl.exceptions.ComputeError:
    message = f"column '{column.name}' does not hold only {kind} values"
    return pl.exceptions.ComputeError(message)
