"""How online.db and outcomes.db are opened: made when missing, durable, of a known format.

The ledger is opened otherwise (:mod:`isbjerg.storage.ledger_writer`): it has one writer, and its
readers must never see it half made.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from isbjerg.errors import StoreError
from isbjerg.storage.refusals import store_error

BUSY_S = 30.0
"""How long a transaction waits for another one to end."""

WAL_PAGES = 8192
"""Pages in the write-ahead log before they are moved to their places: many small commits touch
the same pages, which are then moved once (32 MB; half the time of a commit)."""

_WAL_TRIES, _WAL_WAIT_S = 100, 0.02


def open_file(path: Path, schema: str, version: int) -> sqlite3.Connection:
    """Open a file; every commit is durable, every transaction begins by our word.

    Parameters
    ----------
    path : Path
        In a folder that is there.
    schema : str
        Makes the tables of a new file in one transaction, and sets ``PRAGMA user_version``.
    version : int
        The format that this version of isbjerg reads.

    Raises
    ------
    StoreError
        When the file is of another format, is damaged, or may not be written.
    """
    try:
        return _opened(path, schema, version)
    except sqlite3.DatabaseError as fault:
        raise store_error(fault, path) from fault


def _opened(path: Path, schema: str, version: int) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=BUSY_S, check_same_thread=False)
    try:
        db.execute("PRAGMA synchronous = FULL")
        db.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
        if _format(db) == 0:
            use_wal(db)
            _make_tables(db, schema)
        _check_format(_format(db), path, version)
    except BaseException:
        db.close()
        raise
    return db


def use_wal(db: sqlite3.Connection) -> None:
    """Turn a file to the write-ahead log.

    Changing the mode of a new file does not wait for a lock, so two who make it may meet. Nothing
    else becomes better by waiting.
    """
    for _ in range(_WAL_TRIES):
        try:
            if db.execute("PRAGMA journal_mode = WAL").fetchone()[0] == "wal":
                return
        except sqlite3.OperationalError as fault:
            if "locked" not in str(fault):
                raise
        time.sleep(_WAL_WAIT_S)
    db.execute("PRAGMA journal_mode = WAL")


def _check_format(found: int, path: Path, version: int) -> None:
    if found != version:
        raise StoreError(
            f"{path.name} has format {found}; this isbjerg reads {version}.",
            code="ISB613",
            mend="pip install --upgrade isbjerg",
        )


def _make_tables(db: sqlite3.Connection, schema: str) -> None:
    """Run a schema in its own transaction, unless another process has done so meanwhile."""
    try:
        db.executescript(schema)
    except sqlite3.OperationalError as fault:
        if db.in_transaction:
            db.execute("ROLLBACK")
        if "already exists" not in str(fault):
            raise


def _format(db: sqlite3.Connection) -> int:
    return int(db.execute("PRAGMA user_version").fetchone()[0])
