"""Tables that a person names on the command line: a file by its path, a table by a URL."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from pathlib import Path

import polars as pl

from isbjerg.data.carriers import DTYPES, schema_of
from isbjerg.data.sql_tables import SqlTable, sql
from isbjerg.data.tables import SUFFIXES, JsonLinesTable, ParquetTable, Table, csv, jsonl, parquet
from isbjerg.errors import ArgumentError, SourceError
from isbjerg.expressions.tree import Type
from isbjerg.workflows.drafting_reading import separator_of

_SQLITE = b"SQLite format 3\x00"
"""How every database file of SQLite begins."""


def is_url(text: str) -> bool:
    """Say whether a text names a table in a database.

    Examples
    --------
    >>> is_url("sqlite:///shop.db#orders"), is_url("orders.csv")
    (True, False)
    """
    return "://" in text


def table_at(url: str) -> SqlTable:
    """Read a URL whose fragment names a table.

    Raises
    ------
    ArgumentError
        When it names none.

    Examples
    --------
    >>> table_at("sqlite:///shop.db#orders").table
    'orders'
    """
    base, _, table = url.partition("#")
    if not table:
        raise ArgumentError(
            f"'{base}' names a database, but no table in it.",
            mend=f"'{base}#orders'",
            code="ISB307",
        )
    return sql(base, table=table)


def is_sqlite(path: Path) -> bool:
    """Say whether a file is a database of SQLite, by how all of them begin."""
    with path.open("rb") as file:
        return file.read(len(_SQLITE)) == _SQLITE


def is_kind(path: Path, kind: type[Table]) -> bool:
    """Say whether a file's name ends as files of a kind do."""
    return path.name.lower().endswith(SUFFIXES[kind])


def table_in(path: Path, types: Mapping[str, str]) -> Table:
    """Name the table in a file: Parquet, JSON lines, or CSV with any usual separator.

    Parameters
    ----------
    path : Path
        The file; the table is relative to its folder.
    types : mapping of str to str
        Of columns whose type must not be guessed, where the format does not say it.
    """
    name = glob.escape(path.name)
    if is_kind(path, ParquetTable):
        return parquet(name)
    if is_kind(path, JsonLinesTable):
        return jsonl(name, types=types)
    return csv(name, separator=separator_of(path) if path.is_file() else ",", types=types)


def as_declared(
    name: str, rows: pl.DataFrame, schema: Mapping[str, Type], *, wanted_by: str
) -> pl.DataFrame:
    """Refuse a column of another type: its values would silently match nothing.

    Raises
    ------
    SourceError
        For the first such column.
    """
    found = schema_of(rows)
    for column, kind in found.items():
        wanted = schema[column]
        if kind is not wanted and (kind, wanted) != (Type.INTEGER, Type.FLOAT):
            raise SourceError(
                f"Column '{column}' of '{name}' is of type {kind}, {wanted_by} it is {wanted}.",
                mend=f"write it as {wanted}",
                code="ISB322",
                column=column,
                found=str(kind),
                wanted=str(wanted),
            )
    return rows.cast({column: DTYPES[schema[column]] for column in found})
