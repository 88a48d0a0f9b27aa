"""Read the table that a project is to be drafted from: how its values are parted, its times.

What a person sees at a glance in a file (semicolons, an old encoding, days before months) is
looked for here, so that the draft reads the file as that person would, or says why it cannot.
"""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from shlex import quote

import msgspec
import polars as pl

from isbjerg.data.reading import read
from isbjerg.data.tables import CsvTable, ParquetTable
from isbjerg.errors import ArgumentError, SourceError
from isbjerg.workflows.drafting_plan import NULL_VALUES

_PARQUET = (".parquet", ".pq")
_SEPARATORS = (",", ";", "\t", "|")
_CLOCKS = ("", " %H:%M", " %H:%M:%S")
_DAY_FIRST = ("%d/%m/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d/%m/%y", "%d.%m.%y")
_MONTH_FIRST = ("%m/%d/%Y", "%m-%d-%Y", "%m/%d/%y")
_LOOK_FIRST = 20
_DECIMAL_COMMA = r"^[+-]?([0-9]+|[0-9]{1,3}([.][0-9]{3})+)(,[0-9]+)?$"
_BYTES_WIDE = (b"\xff\xfe", b"\xfe\xff")


class Looked(msgspec.Struct, frozen=True):
    """A table, how it is read again, and which of its texts are numbers with a decimal comma."""

    frame: pl.DataFrame
    handle: CsvTable | ParquetTable
    decimal_commas: tuple[str, ...] = ()


def look(table: Path) -> Looked:
    """Read a CSV or Parquet file.

    Raises
    ------
    SourceError
        When there is no file, it is not UTF-8, it cannot be read, or it has no row.
    """
    _check_is_file(table)
    path = str(table.resolve())
    handle: CsvTable | ParquetTable
    if table.suffix.lower() in _PARQUET:
        handle = ParquetTable(path)
    else:
        _check_text(table)
        handle = CsvTable(path=path, separator=separator_of(table), null_values=NULL_VALUES)
    frame = read(handle, Path.cwd())
    if frame.is_empty():
        raise SourceError(
            f"The file '{table.name}' has columns and no row.\nFound: {frame.columns}",
            mend="choose a file with rows whose outcome is known: a model learns from them",
            path=str(table),
        )
    commas = [c.name for c in frame.iter_columns() if _has_decimal_commas(c)]
    return Looked(frame.with_columns(decimal_comma(pl.col(commas))), handle, tuple(commas))


def _has_decimal_commas(column: pl.Series) -> bool:
    if column.dtype != pl.String or column.null_count() == column.len():
        return False
    texts = column.drop_nulls()
    return bool(texts.str.contains(_DECIMAL_COMMA).all() and texts.str.contains(",").any())


def decimal_comma(column: pl.Expr) -> pl.Expr:
    """Read ``1.234,5`` as 1234.5; ``sources.py`` gets the same words."""
    plain = column.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    return plain.cast(pl.Float64)


def _check_is_file(table: Path) -> None:
    if table.is_file():
        return
    around = table.parent if table.parent.is_dir() else Path()
    files = sorted(p.name for p in around.iterdir() if p.suffix.lower() in (".csv", *_PARQUET))
    stems = {Path(name).stem: name for name in files}
    close = [stems[stem] for stem in get_close_matches(table.stem, stems, n=1)]
    close = close or (files[:1] if table.is_dir() else [])
    kind = "a folder" if table.is_dir() else "no file"
    raise SourceError(
        f"There is {kind} at '{table}'."
        + (f"\nTables beside it: {', '.join(files[:8])}" if files else ""),
        mend=f"--from {quote(str(table.parent / close[0]))}"
        if close
        else f"ls {quote(str(around))}",
        path=str(table),
    )


def _check_text(table: Path) -> None:
    """Refuse a file that is not UTF-8; say where, and how it is made so."""
    content = table.read_bytes()
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        encoding = "UTF-16" if content[:2] in _BYTES_WIDE else "WINDOWS-1252"
        better = quote(str(table.with_name(f"{table.stem}-utf8{table.suffix}")))
        raise SourceError(
            f"The file '{table.name}' is not UTF-8: line {line} has the byte "
            f"0x{content[fault.start]:02x}. It is probably {encoding}.",
            mend=f"iconv -f {encoding} -t UTF-8 {quote(str(table))} > {better}",
            path=str(table),
        ) from None


def separator_of(table: Path) -> str:
    """Find what parts the names of a CSV file's header: what stands there most often."""
    with table.open(encoding="utf-8-sig", errors="replace") as lines:
        header = lines.readline()
    return max(_SEPARATORS, key=header.count)


def time_format(values: pl.Series) -> str | None:
    """Find the one format that all texts of a column of days, or days and times, fit.

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
    >>> time_format(pl.Series(["31.12.2023", "01.02.2024"]))
    '%d.%m.%Y'
    """
    if values.dtype != pl.String or values.null_count() == values.len():
        return None
    day_first = _fitting(values, _DAY_FIRST)
    month_first = _fitting(values, _MONTH_FIRST)
    if day_first and month_first:
        raise ArgumentError(
            f"The times of '{values.name}' can be read with the day first or with the month first.",
            mend="write the times as 2013-06-01T17:30:00Z",
            column=values.name,
        )
    return day_first or month_first


def _fitting(values: pl.Series, days: tuple[str, ...]) -> str | None:
    present = values.drop_nulls()
    first = present.head(_LOOK_FIRST)
    for day in days:
        for clock in _CLOCKS:
            form = day + clock
            if all(to_times(part, form).null_count() == 0 for part in (first, present)):
                return form
    return None


def to_times(values: pl.Series, form: str) -> pl.Series:
    """Read texts as times of a wall clock; what does not fit is null."""
    if "%H" in form:
        return values.str.to_datetime(form, time_unit="us", strict=False)
    return values.str.to_date(form, strict=False).cast(pl.Datetime("us"))


def told_kind(values: pl.Series) -> str:
    """Name a column's kind as people do, with an example when its values are texts or numbers."""
    example = next(iter(values.drop_nulls().head(1)), None)
    kind = "text" if values.dtype == pl.String else "a number" if values.dtype.is_numeric() else ""
    return (
        f"{kind}, such as {example!r}"
        if kind and example is not None
        else kind or str(values.dtype)
    )
