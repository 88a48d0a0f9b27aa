"""Dates and times as people write them, and the one format that a whole column fits."""

from __future__ import annotations

import polars as pl

from isbjerg.errors import ArgumentError

_CLOCKS = ("", " %H:%M", " %H:%M:%S")
_PLAIN = (
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d %Y",
    "%b %d, %Y",
    "%B %d, %Y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%Y%m%d",
)
_DAY_FIRST = ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%d.%m.%y")
_MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y")
_NUMBERS = ("%Y%m%d", "%Y")
_YEARS = (1000, 2999)
_LOOK_FIRST = 20

_REST = {"%Y": "-01-01", "%Y-%m": "-01"}
"""What is put behind texts that are less than a day, so that they name its first day."""


def time_format(values: pl.Series) -> str | None:
    """Find the one format that all values of a column of days, or days and times, fit.

    Parameters
    ----------
    values : polars.Series
        Texts, or whole numbers such as 20131231 and 2013.

    Returns
    -------
    str or None
        ``None`` when none fits.

    Raises
    ------
    ArgumentError
        When days and months cannot be told apart.

    Examples
    --------
    >>> time_format(pl.Series(["31.12.2023", "01.02.2024"])), time_format(pl.Series([2011, 2012]))
    ('%d.%m.%Y', '%Y')
    """
    if values.null_count() == values.len():
        return None
    if values.dtype.is_integer():
        whole = values if values.drop_nulls().is_between(_YEARS[0], 99991231).all() else None
        return None if whole is None else _fitting(whole, _NUMBERS, clocks=("",))
    if values.dtype != pl.String:
        return None
    plain = _fitting(values, _PLAIN) or _fitting(values, ("%Y-%m",), clocks=("",))
    if plain:
        return plain
    day_first = _fitting(values, _DAY_FIRST)
    month_first = _fitting(values, _MONTH_FIRST)
    if day_first and month_first:
        raise ArgumentError(
            f"The times of '{values.name}' can be read with the day first or with the month first.",
            mend="write the times as 2013-06-01T17:30:00Z",
            column=values.name,
        )
    return day_first or month_first


def _fitting(
    values: pl.Series, days: tuple[str, ...], clocks: tuple[str, ...] = _CLOCKS
) -> str | None:
    present = values.drop_nulls()
    first = present.head(_LOOK_FIRST)
    for day in days:
        for clock in clocks:
            form = day + clock
            if all(to_times(part, form).null_count() == 0 for part in (first, present)):
                return form
    return None


def to_times(values: pl.Series, form: str) -> pl.Series:
    """Read values as times of a wall clock; what does not fit is null.

    Examples
    --------
    >>> to_times(pl.Series(["1949-11", "x"]), "%Y-%m").dt.date().to_list()
    [datetime.date(1949, 11, 1), None]
    """
    texts = values.cast(pl.String) if values.dtype.is_integer() else values
    if form in _REST:
        return (texts + _REST[form]).str.to_date("%Y-%m-%d", strict=False).cast(pl.Datetime("us"))
    if "%H" in form:
        return texts.str.to_datetime(form, time_unit="us", strict=False)
    return texts.str.to_date(form, strict=False).cast(pl.Datetime("us"))


def times_in_python(column: str, form: str | None, *, whole: bool) -> str:
    """Write what `to_times` does as the expression of Polars that goes into ``sources.py``.

    Examples
    --------
    >>> times_in_python('pl.col("month")', "%Y-%m", whole=False)
    '(pl.col("month") + "-01").str.to_date("%Y-%m-%d").cast(pl.Datetime("us"))'
    """
    if form is None:
        return f'{column}.cast(pl.Datetime("us"))'
    texts = f"{column}.cast(pl.String)" if whole else column
    if form in _REST:
        texts, form = f'({texts} + "{_REST[form]}")', "%Y-%m-%d"
    kind = "datetime" if "%H" in form else "date"
    return f'{texts}.str.to_{kind}("{form}").cast(pl.Datetime("us"))'


def told_kind(values: pl.Series) -> str:
    """Name a column's kind as people do, with an example when its values are texts or numbers."""
    example = next(iter(values.drop_nulls().head(1)), None)
    kind = "text" if values.dtype == pl.String else "a number" if values.dtype.is_numeric() else ""
    return (
        f"{kind}, such as {example!r}"
        if kind and example is not None
        else kind or str(values.dtype)
    )
