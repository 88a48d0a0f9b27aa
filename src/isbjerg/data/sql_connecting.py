"""Open a database for reading only, with secrets from the environment that are told to nobody.

SQLite files are opened in mode *ro*; PostgreSQL gets one read-only transaction that sees one
state of all tables.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError as UrlError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from isbjerg.data.sql_tables import REFERENCE, SqlTable
from isbjerg.errors import SourceError

_CONNECT_WAIT_S_MAX = 10
_SECRET_LENGTH_MIN = 3


@contextmanager
def connected(
    table: SqlTable, root: Path, environment: Mapping[str, str], *, batch_rows: int
) -> Iterator[Connection]:
    """Connect for one read; every fault of the database becomes a `SourceError` without secrets.

    Parameters
    ----------
    table : SqlTable
        Whose database to open.
    root : Path
        The project's folder, to which SQLite files are relative.
    environment : mapping of str to str
        Where ``${...}`` of the URL is looked up.
    batch_rows : int
        How many rows the server is asked for at once.

    Raises
    ------
    SourceError
        When a variable is not set, the database cannot be reached, or it refuses the query.
    """
    url = resolved(table.url, environment)
    secrets = secrets_in(table.url, environment)
    try:
        engine = _engine(url, root, table)
        try:
            with engine.connect() as connection:
                yield connection.execution_options(stream_results=True, yield_per=batch_rows)
        finally:
            engine.dispose()
    except ModuleNotFoundError as fault:
        raise SourceError(
            f"PostgreSQL is read by a library that is not installed: {fault.name}.",
            code="ISB307",
            mend="pip install 'isbjerg[postgres]'",
        ) from None
    except (SQLAlchemyError, sqlite3.Error) as fault:
        raise _database_fault(table, fault, secrets) from None  # its own words hold the URL


def resolved(url: str, environment: Mapping[str, str]) -> str:
    """Put the variables of the environment into a URL.

    A variable that is a part of the URL may hold any characters; one that is the whole URL is
    taken as it stands.

    Raises
    ------
    SourceError
        When a variable is not set.

    Examples
    --------
    >>> resolved("postgresql://me:${SECRET}@host/db", {"SECRET": "a@b"})
    'postgresql://me:a%40b@host/db'
    """
    for name in REFERENCE.findall(url):
        if name not in environment:
            raise SourceError(
                f"The URL of a database names ${{{name}}}, which is not set in the environment.",
                code="ISB309",
                mend=f"export {name}=...",
                variable=name,
            )
    if whole := REFERENCE.fullmatch(url):
        return environment[whole[1]]
    return REFERENCE.sub(lambda found: quote(environment[found[1]], safe=""), url)


def _engine(url: str, root: Path, table: SqlTable) -> Engine:
    try:
        parsed = make_url(url)
    except UrlError:
        message = "The URL of the database cannot be read."
        raise SourceError(message, code="ISB307", mend=_url_mend(table)) from None
    if parsed.get_backend_name() == "sqlite":
        return _sqlite_engine(root / (parsed.database or ""))
    if parsed.get_backend_name() != "postgresql":
        message = f"'{parsed.drivername}' is no database that isbjerg reads."
        raise SourceError(message, code="ISB307", mend=_url_mend(table))
    waits = {} if "connect_timeout" in parsed.query else {"connect_timeout": _CONNECT_WAIT_S_MAX}
    return create_engine(
        parsed.set(drivername="postgresql+psycopg"), poolclass=NullPool, connect_args=waits
    ).execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _sqlite_engine(file: Path) -> Engine:
    if not file.is_file():
        raise SourceError(
            f"No SQLite database is at '{file}'.",
            code="ISB307",
            mend="put the file there, or change the URL in sources.py",
            path=str(file),
        )
    address = f"file:{quote(str(file.resolve()))}?mode=ro"
    engine = create_engine(
        "sqlite://", creator=lambda: sqlite3.connect(address, uri=True), poolclass=NullPool
    )
    event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA query_only = ON"))
    return engine


def secrets_in(url: str, environment: Mapping[str, str]) -> list[str]:
    """List what a URL takes from the environment."""
    return [environment[name] for name in REFERENCE.findall(url) if name in environment]


def words_of(fault: Exception, secrets: Sequence[str]) -> str:
    """Repeat what a database said, without values and secrets."""
    told = str(getattr(fault, "orig", None) or fault).strip()
    told = told.split(" with text", 1)[0]  # SQLite would show the value that is not UTF-8
    told = "\n".join(line for line in told.splitlines() if not line.startswith("DETAIL:"))
    for secret in _hidden(secrets):
        told = told.replace(secret, "***")
    return told.rstrip(".") or type(fault).__name__


def _database_fault(table: SqlTable, fault: Exception, secrets: Sequence[str]) -> SourceError:
    return SourceError(
        f"The database refused: {words_of(fault, secrets)}.\nAsked: {asked(table)}",
        code="ISB307",
        mend=_url_mend(table),
        database=table.url,
    )


def _hidden(secrets: Sequence[str]) -> list[str]:
    """List what must not be told: each secret as it stands and as parts of a URL."""
    parts = [urlsplit(s).password or "" for s in secrets if "://" in s]
    forms = {f for s in [*secrets, *parts] for f in (s, unquote(s), quote(s, safe=""))}
    return sorted((f for f in forms if len(f) >= _SECRET_LENGTH_MIN), key=len, reverse=True)


def asked(table: SqlTable) -> str:
    """Say what a database is asked, for people; the URL as it stands in sources.py.

    Examples
    --------
    >>> asked(SqlTable(url="sqlite:///shop.db", table="orders"))
    'orders of sqlite:///shop.db'
    """
    what = table.table or " ".join((table.query or "").split())
    return f"{what} of {table.url}"


def _url_mend(table: SqlTable) -> str:
    if table.url.startswith("sqlite"):
        return "mend the query or the URL in sources.py"
    return "mend the query or the URL in sources.py, or look whether the database is reachable"
