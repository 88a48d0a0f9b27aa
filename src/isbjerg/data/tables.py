"""The values behind ``ib.parquet`` and ``ib.csv``: which files hold a table, and how to read them.

A project's ``sources.py`` builds these values; nothing is read here, so that loading a
project costs nothing. :mod:`isbjerg.data.reading` reads them.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from isbjerg.errors import ArgumentError
from isbjerg.expressions.tree import Type


class ParquetTable(msgspec.Struct, frozen=True, tag="parquet"):
    """A table in one or more Parquet files; build it with `parquet`."""

    path: str


class CsvTable(msgspec.Struct, frozen=True, tag="csv", kw_only=True):
    """A table in one or more CSV files; build it with `csv`."""

    path: str
    separator: str = ","
    null_values: tuple[str, ...] = ("",)
    types: tuple[tuple[str, Type], ...] = ()


Table = ParquetTable | CsvTable
"""What a source function may return besides a data frame."""


def parquet(path: str) -> ParquetTable:
    """Name a table in Parquet files.

    Parameters
    ----------
    path : str
        One file, or a pattern such as ``data/flights/*.parquet``; relative to the project.

    Examples
    --------
    >>> parquet("data/flights/*.parquet").path
    'data/flights/*.parquet'
    """
    return ParquetTable(str(path))


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
        One file, or a pattern such as ``data/*.csv``; relative to the project.
    separator : str, default=","
        What stands between two values, one character.
    null_values : tuple of str, default=("",)
        Texts that mean *missing*.
    types : mapping of str to str, optional
        Types of columns that must not be guessed from the whole file: ``boolean``,
        ``integer``, ``float``, ``text``, ``instant``, ``local``.

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
    known = [t.value for t in Type if t is not Type.DURATION]
    for column, kind in (types or {}).items():
        if kind not in known:
            raise ArgumentError.out_of_range(
                f"types[{column!r}]", "csv", f"be one of {', '.join(known)}", kind
            )
    return CsvTable(
        path=str(path),
        separator=separator,
        null_values=tuple(null_values),
        types=tuple(sorted((c, Type(k)) for c, k in (types or {}).items())),
    )
