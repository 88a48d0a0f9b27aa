"""The value behind ``ib.sql``: which database holds a table, and how it is asked.

Nothing is connected here, and a password never stands here: it is taken from the environment
when the table is read. :mod:`isbjerg.data.sql_reading` reads it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlsplit

import msgspec

from isbjerg.data.tables import ColumnTypes, declared_types
from isbjerg.errors import ArgumentError

REFERENCE = re.compile(r"\$\{(\w+)\}")
"""A variable of the environment inside a URL."""

_SCHEMES = ("sqlite", "postgresql", "postgresql+psycopg")


class SqlTable(msgspec.Struct, frozen=True, tag="sql", kw_only=True):
    """A table in a database; build it with `sql`."""

    url: str
    query: str | None = None
    table: str | None = None
    watermark: str | None = None
    rows_per_second: int | None = None
    types: ColumnTypes = ()


def sql(
    url: str,
    *,
    query: str | None = None,
    table: str | None = None,
    watermark: str | None = None,
    rows_per_second: int | None = None,
    types: Mapping[str, str] | None = None,
) -> SqlTable:
    """Name a table in an SQLite or PostgreSQL database.

    The database is asked at an ingest and at no other time: in one read-only transaction, row by
    row through a cursor of the server. A prediction never asks it.

    Parameters
    ----------
    url : str
        ``sqlite:///data/shop.db`` (relative to the project, four slashes for an absolute path) or
        ``postgresql://user:${PGPASSWORD}@host/database``. What stands in ``${...}`` is taken from
        the environment at each read and kept nowhere.
    query : str, optional
        A ``SELECT``; or
    table : str, optional
        the name of a table or view, with its schema if need be: ``"sales.orders"``.
    watermark : str, optional
        Column that grows whenever a row is added or changed, such as ``"updated_at"``. Later
        ingests then read only rows at or above the highest value they have seen, and rows where
        it is missing. Rows that are deleted, and rows whose transaction commits after later ones
        were read, are only noticed by ``isbjerg ingest --full``.
    rows_per_second : int, optional
        The most rows to ask for in a second, for a database that has other work.
    types : mapping of str to str, optional
        Types of columns that the database does not tell, as in `csv`. SQLite has no times of its
        own: a column of texts that are all times is read as times unless declared ``"text"``.

    Raises
    ------
    ArgumentError
        When the URL is of another database or holds a password, or not exactly one of `query`
        and `table` is given.

    Examples
    --------
    >>> orders = sql(
    ...     "postgresql://reader:${PGPASSWORD}@127.0.0.1/shop",
    ...     table="orders",
    ...     watermark="updated_at",
    ...     rows_per_second=50_000,
    ... )
    >>> orders.table, orders.watermark
    ('orders', 'updated_at')
    >>> sql("postgresql://reader:hunter2@127.0.0.1/shop", table="orders")
    Traceback (most recent call last):
        ...
    isbjerg.errors.ArgumentError: The URL given to `sql` holds a password.
    <BLANKLINE>
    Mend: put ${PGPASSWORD} where the password stands, and it into the environment
    More: isbjerg explain ISB309
    """
    _check_url(url)
    given = [text for text in (query, table) if text is not None and text.strip()]
    if len(given) != 1:
        raise ArgumentError(
            "`sql` needs either a `query` or a `table`: exactly one of them.",
            mend='ib.sql(url, table="orders")',
        )
    if rows_per_second is not None and rows_per_second < 1:
        raise ArgumentError.out_of_range("rows_per_second", "sql", "be 1 or more", rows_per_second)
    return SqlTable(
        url=url,
        query=query,
        table=table,
        watermark=watermark,
        rows_per_second=rows_per_second,
        types=declared_types(types, "sql"),
    )


def _check_url(url: str) -> None:
    if REFERENCE.fullmatch(url):
        return  # the whole of it is a secret of the environment
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES:
        raise ArgumentError(  # the URL is not repeated: it may hold a secret
            f"`url` of `sql` must begin with one of {', '.join(f'{s}://' for s in _SCHEMES)}. "
            f"Got '{parts.scheme}'.",
            mend='ib.sql("sqlite:///data/shop.db", table="orders")',
        )
    asked = dict(parse_qsl(parts.query))
    secrets = [parts.password, asked.get("password"), asked.get("sslpassword")]
    if any(s and not REFERENCE.fullmatch(s) for s in secrets):
        raise ArgumentError(
            "The URL given to `sql` holds a password.",
            code="ISB309",
            mend="put ${PGPASSWORD} where the password stands, and it into the environment",
        )
