"""Which type a CSV column has, judged by all its texts.

A column takes the first type that *every* text of it fits; one stray text makes it text. A
number with a leading zero is a code, so its column is text. Looking at all texts costs a few
vectorised passes and makes the answer independent of where a text stands.
"""

from __future__ import annotations

import polars as pl

from isbjerg.data.carriers import DTYPES
from isbjerg.expressions.tree import Type

_INSTANT_FORMATS = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z")
_LOCAL_FORMATS = (
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
)
_CODE = r"^[+-]?0[0-9]"
_BOOLEANS = ["true", "false"]


def guessed(column: pl.Series) -> pl.Series:
    """Give a column of texts the type that all of them fit.

    Examples
    --------
    >>> guessed(pl.Series(["1", None, "2.5"])).to_list()
    [1.0, None, 2.5]
    >>> guessed(pl.Series(["0800", "0900"])).to_list()
    ['0800', '0900']
    """
    missing = column.null_count()
    if missing == len(column):
        return column
    for kind in (Type.INTEGER, Type.FLOAT, Type.BOOLEAN, Type.INSTANT, Type.LOCAL):
        fitted = _fit(column, kind)
        if fitted is not None and fitted.null_count() == missing:
            return fitted
    return column


def guessed_time(column: pl.Series) -> pl.Series:
    """Read a column of texts as times when all of them are; other texts stay texts.

    For formats that have numbers and booleans of their own but no times.

    Examples
    --------
    >>> guessed_time(pl.Series(["2013-01-01 10:00:00"])).dtype
    Datetime(time_unit='us', time_zone=None)
    >>> guessed_time(pl.Series(["12"])).to_list()
    ['12']
    """
    missing = column.null_count()
    if column.dtype != pl.String or missing == len(column):
        return column
    for kind in (Type.INSTANT, Type.LOCAL):
        fitted = _fit_time(column, kind)
        if fitted is not None and fitted.null_count() == missing:
            return fitted
    return column


def as_type(column: pl.Series, kind: Type) -> pl.Series:
    """Give a column of texts the type that the project names.

    Raises
    ------
    polars.exceptions.PolarsError
        When a text does not fit; the column is named, the text is not shown.
    """
    if kind is Type.TEXT:
        return column
    fitted = _fit(column, kind, codes=True)
    if kind is Type.INSTANT and fitted is None:
        local = _fit(column, Type.LOCAL)
        fitted = local.dt.replace_time_zone("UTC") if local is not None else None
    if fitted is None or fitted.null_count() != column.null_count():
        raise pl.exceptions.ComputeError(f"column '{column.name}' does not hold only {kind} values")
    return fitted


def _fit(column: pl.Series, kind: Type, *, codes: bool = False) -> pl.Series | None:
    """Cast as far as it goes; ``None`` when a look at the first text shows that it goes not."""
    first = column.drop_nulls().head(1)
    if kind in (Type.INSTANT, Type.LOCAL):
        return _fit_time(column, kind)
    if kind is Type.BOOLEAN:
        texts = column.str.to_lowercase()
        return texts == "true" if texts.drop_nulls().is_in(_BOOLEANS).all() else None
    if first.cast(pl.Float64, strict=False).null_count():
        return None
    if not codes and column.str.contains(_CODE).any():
        return None
    return column.cast(DTYPES[kind], strict=False)


def _fit_time(column: pl.Series, kind: Type) -> pl.Series | None:
    forms = _INSTANT_FORMATS if kind is Type.INSTANT else _LOCAL_FORMATS
    first = column.drop_nulls().head(1)
    if all(_to_time(first, form).null_count() for form in forms):
        return None
    times = [_to_time(column, form) for form in forms]
    return pl.select(pl.coalesce(times)).to_series().alias(column.name)


def _to_time(column: pl.Series, form: str) -> pl.Series:
    if form == "%Y-%m-%d":
        return column.str.to_date(form, strict=False).cast(DTYPES[Type.LOCAL])
    times = column.str.to_datetime(form, time_unit="us", strict=False)
    return times.dt.convert_time_zone("UTC") if "%#z" in form else times
