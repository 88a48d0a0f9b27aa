"""The values behind ``ib.parquet``, ``ib.csv`` and ``ib.jsonl``: which files hold a table, and how.

A project's ``sources.py`` builds these values; nothing is read here, so that loading a
project costs nothing. :mod:`isbjerg.data.reading` reads them. A table in a database is named by
:mod:`isbjerg.data.sql_tables`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from isbjerg.errors import ArgumentError
from isbjerg.expressions.tree import Type


class Epoch(StrEnum):
    """A count since 1970-01-01 UTC that is to be read as an instant."""

    SECONDS = "epoch_s"
    MILLISECONDS = "epoch_ms"
    MICROSECONDS = "epoch_us"
    NANOSECONDS = "epoch_ns"


ColumnType = Type | Epoch
"""What a column may be declared to hold."""

ColumnTypes = tuple[tuple[str, ColumnType], ...]
"""Declared types by column, sorted."""


class ParquetTable(msgspec.Struct, frozen=True, tag="parquet"):
    """A table in one or more Parquet files; build it with `parquet`."""

    path: str
    types: ColumnTypes = ()


class CsvTable(msgspec.Struct, frozen=True, tag="csv", kw_only=True):
    """A table in one or more CSV files; build it with `csv`."""

    path: str
    separator: str = ","
    null_values: tuple[str, ...] = ("",)
    types: ColumnTypes = ()


class JsonLinesTable(msgspec.Struct, frozen=True, tag="jsonl", kw_only=True):
    """A table in one or more files of JSON lines; build it with `jsonl`."""

    path: str
    types: ColumnTypes = ()


Table = ParquetTable | CsvTable | JsonLinesTable
"""Tables in files: what a source function may return besides a data frame and `sql`."""

SUFFIXES: dict[type[Table], tuple[str, ...]] = {
    ParquetTable: (".parquet", ".pq"),
    CsvTable: (".csv", ".tsv", ".csv.gz"),
    JsonLinesTable: (".jsonl", ".ndjson"),
}
"""How files end that are read when a path names a folder."""


def parquet(path: str, *, types: Mapping[str, str] | None = None) -> ParquetTable:
    """Name a table in Parquet files.

    Parameters
    ----------
    path : str
        One file, a pattern such as ``data/flights/*.parquet``, or a folder, whose files are all
        read; relative to the project.
    types : mapping of str to str, optional
        Types of columns whose file says another one, as in `csv`.

    Examples
    --------
    >>> parquet("data/flights/*.parquet").path
    'data/flights/*.parquet'

    Times that were written as seconds since 1970 are declared:

    >>> parquet("data/clicks", types={"at": "epoch_s"}).types
    (('at', <Epoch.SECONDS: 'epoch_s'>),)
    """
    return ParquetTable(str(path), declared_types(types, "parquet"))


def csv(
    path: str,
    *,
    separator: str = ",",
    null_values: tuple[str, ...] = ("",),
    types: Mapping[str, str] | None = None,
) -> CsvTable:
    """Name a table in CSV files with a header line.

    Parameters
    ----------
    path : str
        One file, a pattern such as ``data/*.csv``, or a folder, whose files are all read;
        relative to the project.
    separator : str, default=","
        What stands between two values, one character.
    null_values : tuple of str, default=("",)
        Texts that mean *missing*.
    types : mapping of str to str, optional
        Types of columns that must not be guessed from the whole file: ``boolean``,
        ``integer``, ``float``, ``text``, ``instant``, ``local``; and ``epoch_s``, ``epoch_ms``,
        ``epoch_us``, ``epoch_ns`` for numbers that count from 1970-01-01 UTC.

    Raises
    ------
    ArgumentError
        When a type or the separator is not one of these.

    Examples
    --------
    A postal code is a text, although it looks like a number:

    >>> csv("data/customers.csv", types={"postal_code": "text"}).types
    (('postal_code', <Type.TEXT: 'text'>),)
    """
    if len(separator) != 1:
        raise ArgumentError.out_of_range("separator", "csv", "be one character", separator)
    return CsvTable(
        path=str(path),
        separator=separator,
        null_values=tuple(null_values),
        types=declared_types(types, "csv"),
    )


def jsonl(path: str, *, types: Mapping[str, str] | None = None) -> JsonLinesTable:
    """Name a table in files of JSON lines: one object a line, its members are the columns.

    A member that only some lines have is missing in the others. Texts that are all times of
    ISO 8601 are read as times; other texts stay texts. Objects and lists inside a row are left
    out and told by a finding, since a column holds plain values.

    Parameters
    ----------
    path : str
        One file, a pattern such as ``logs/*.jsonl``, or a folder, whose files are all read;
        relative to the project.
    types : mapping of str to str, optional
        Types of columns that must not be guessed, as in `csv`.

    Examples
    --------
    >>> jsonl("logs/*.jsonl", types={"ts": "epoch_ms"}).types
    (('ts', <Epoch.MILLISECONDS: 'epoch_ms'>),)
    """
    return JsonLinesTable(path=str(path), types=declared_types(types, "jsonl"))


def declared_types(types: Mapping[str, str] | None, of: str) -> ColumnTypes:
    """Read declared types of columns.

    Parameters
    ----------
    types : mapping of str to str or None
        As a project's ``sources.py`` gives them.
    of : str
        The function they were given to, for the message.

    Raises
    ------
    ArgumentError
        When one of them is no type that a column can be read as.
    """
    known: dict[str, ColumnType] = {t.value: t for t in Type if t is not Type.DURATION}
    known |= {e.value: e for e in Epoch}
    for column, kind in (types or {}).items():
        if kind not in known:
            raise ArgumentError.out_of_range(
                f"types[{column!r}]", of, f"be one of {', '.join(known)}", kind
            )
    return tuple(sorted((c, known[k]) for c, k in (types or {}).items()))
