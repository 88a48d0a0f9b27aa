"""How SQLite is opened, and what a transaction is.

Python's driver starts transactions on its own and late, which makes a read that turns into
a write fail under load. Here it starts none: every transaction begins by our word, a writing
one with ``BEGIN IMMEDIATE``, so that it waits for its turn before it reads anything.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError, OperationalError

from isbjerg.errors import StoreError
from isbjerg.storage.refusals import store_error
from isbjerg.storage.sqlite_files import use_wal

BUSY_MS = 10_000
"""How long a transaction waits for another one to end."""


def open_engine(path: Path) -> Engine:
    """Build the engine for a catalog file; the file is made on first use."""
    engine = create_engine(f"sqlite:///{path}")
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: sqlite3.Connection, _record: Any) -> None:
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    use_wal(connection)
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("isbjerg_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Give a connection that sees one state of the catalog."""
    with _store_errors(engine), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Give a connection whose writes all become durable at the end, or none of them."""
    with _store_errors(engine), engine.connect() as plain:
        connection = plain.execution_options(isbjerg_writes=True)
        with connection.begin():
            yield connection


@contextmanager
def _store_errors(engine: Engine) -> Iterator[None]:
    try:
        yield
    except OperationalError as fault:
        if "locked" not in str(fault.orig):
            raise _unreadable(engine, fault) from fault
        raise StoreError(
            f"The catalog was busy for {BUSY_MS // 1000} seconds: another command is writing.",
            code="ISB603",
            mend="wait for the other command to end, then give this one again",
        ) from fault
    except DatabaseError as fault:
        if isinstance(fault.orig, sqlite3.IntegrityError):
            raise
        raise _unreadable(engine, fault) from fault


def _unreadable(engine: Engine, fault: DatabaseError) -> StoreError:
    cause = fault.orig if isinstance(fault.orig, sqlite3.Error) else sqlite3.DatabaseError(fault)
    return store_error(cause, Path(str(engine.url.database)))
