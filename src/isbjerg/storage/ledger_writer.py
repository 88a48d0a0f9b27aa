"""Write the ledger: one thread, one commit for all that queued during the last one.

A batch is what arrived while the disk was busy with the batch before (natural group commit):
alone, a record waits for one fsync; under load, a hundred share it. Nothing is told to be
written before ``COMMIT`` returned, and when it fails, all of the batch fail.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import sqlite3
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from shlex import quote
from typing import Any

from isbjerg.errors import LedgerError
from isbjerg.storage.durable import make_folder, sync_folder
from isbjerg.storage.ledger import (
    APPLICATION_ID,
    FORMAT_VERSION,
    INDEX_BY_TIME,
    INSERT,
    SCHEMA,
    UPGRADE,
    Prediction,
    check_format,
    to_row,
)
from isbjerg.storage.refusals import store_error
from isbjerg.times import Clock

BATCH_ROWS_MAX = 2_000
"""Enough to make an fsync cheap, few enough to keep a waiting request's wait short."""

_Waiter = Future[None] | asyncio.Future[None]
_Entry = tuple[list[tuple[Any, ...]], _Waiter]


class LedgerWriter:
    """Append predictions to one worker's file, durably.

    Parameters
    ----------
    path : Path
        ``.isbjerg/ledger/<worker>.db``; made with its folder when missing.
    clock : Clock
        Only for the date in a new file.

    Raises
    ------
    LedgerError
        ISB611 when another process writes this file; ISB612 when it is no ledger of a
        known format; ISB610 when it cannot be opened.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self.worker = path.stem
        self._clock = clock
        self.fault = ""
        """Why the last batch failed; empty when it did not."""
        self._queue: deque[_Entry] = deque()
        self._stir = threading.Condition(threading.Lock())
        self._closing = False
        make_folder(path.parent)
        self._lock = _take_lock(path)
        try:
            self._db: sqlite3.Connection | None = self._open()
        except BaseException:
            os.close(self._lock)
            raise
        self._thread = threading.Thread(target=self._run, name=f"ledger-{self.worker}", daemon=True)
        self._thread.start()

    def append(self, prediction: Prediction) -> Future[None]:
        """Queue a record; the future ends after its commit, or with `LedgerError`."""
        waiter: Future[None] = Future()
        self._put(([to_row(prediction)], waiter))
        return waiter

    def append_all(
        self, predictions: Sequence[Prediction], loop: asyncio.AbstractEventLoop
    ) -> asyncio.Future[None]:
        """Queue records that commit together, for a coroutine of `loop` to await.

        The loop is woken once per batch, not once per request.
        """
        waiter = loop.create_future()
        self._put(([to_row(one) for one in predictions], waiter))
        return waiter

    def close(self) -> None:
        """Commit what is queued, then let the file go."""
        with self._stir:
            self._closing = True
            self._stir.notify()
        self._thread.join()
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def _put(self, entry: _Entry) -> None:
        with self._stir:
            if self._closing:
                raise LedgerError("The ledger is closing.", mend="ask again in a second")
            self._queue.append(entry)
            self._stir.notify()

    def _run(self) -> None:
        while batch := self._take():
            self._write(batch)
        if self._db is not None:
            self._db.close()

    def _take(self) -> list[_Entry]:
        with self._stir:
            while not self._queue and not self._closing:
                self._stir.wait()
            batch, rows = [], 0
            while self._queue and rows < BATCH_ROWS_MAX:
                batch.append(self._queue.popleft())
                rows += len(batch[-1][0])
            return batch

    def _write(self, batch: list[_Entry]) -> None:
        try:
            self._commit(batch)
        except (sqlite3.OperationalError, LedgerError) as fault:
            # Disk full, I/O error: the same for all, and the next batch tries a new connection.
            self._let_go()
            self._fail(batch, fault)
        except Exception as fault:  # noqa: BLE001 - whatever it is, somebody waits for an answer
            if len(batch) == 1:
                self._fail(batch, fault)
                return
            for entry in batch:
                self._write([entry])  # one bad record must not take the others with it
        else:
            self.fault = ""
            _settle([w for _, w in batch], None)

    def _fail(self, batch: list[_Entry], fault: Exception) -> None:
        failure = _not_durable(self.path, fault)
        self.fault = failure.message
        _settle([w for _, w in batch], failure)

    def _commit(self, batch: list[_Entry]) -> None:
        if self._db is None:
            self._db = self._open()
        db = self._db
        db.execute("BEGIN IMMEDIATE")
        try:
            db.executemany(INSERT, [row for rows, _ in batch for row in rows])
            db.execute("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                db.execute("ROLLBACK")
            raise

    def _let_go(self) -> None:
        if self._db is not None:
            with contextlib.suppress(sqlite3.Error):
                self._db.close()
            self._db = None

    def _open(self) -> sqlite3.Connection:
        try:
            if not self.path.exists():
                self._make()
            db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
            try:
                db.execute("PRAGMA synchronous = FULL")
                if check_format(db, self.path) < FORMAT_VERSION:
                    db.executescript(UPGRADE)
                db.execute(INDEX_BY_TIME)
            except BaseException:
                db.close()
                raise
        except sqlite3.DatabaseError as fault:
            raise _not_durable(self.path, fault) from fault
        return db

    def _make(self) -> None:
        """Make the file under another name: a reader never sees one without its tables."""
        making = self.path.with_suffix(".making")
        for left in making.parent.glob(f"{making.name}*"):
            left.unlink()
        with closing(sqlite3.connect(making, isolation_level=None)) as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(f"BEGIN; {SCHEMA} PRAGMA application_id = {APPLICATION_ID};")
            db.execute(f"PRAGMA user_version = {FORMAT_VERSION}")
            facts = {"format_version": FORMAT_VERSION, "made_us": self._clock()}
            db.executemany("INSERT INTO meta VALUES (?, ?)", facts.items())
            db.execute("COMMIT")
        making.replace(self.path)
        sync_folder(self.path.parent)


def _take_lock(path: Path) -> int:
    """Hold the file for this process: two writers of one file would mix two workers."""
    lock = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        os.close(lock)
        raise LedgerError(
            f"Another process writes the ledger of worker {path.stem!r}.",
            code="ISB611",
            mend=f"isbjerg serve --worker {path.stem}-2",
            worker=path.stem,
        ) from fault
    return lock


def _not_durable(path: Path, fault: Exception) -> LedgerError:
    if isinstance(fault, LedgerError):
        return fault
    cause = store_error(fault, path) if isinstance(fault, sqlite3.Error | OSError) else None
    return LedgerError(
        f"{path.name} could not be written: {fault}.",
        mend=cause.mend if cause else f"ls -ld {quote(str(path.parent))}",
    )


def _settle(waiters: list[_Waiter], fault: LedgerError | None) -> None:
    """End the futures of a batch; those of an event loop in one call into that loop."""
    by_loop: dict[asyncio.AbstractEventLoop, list[_Waiter]] = {}
    for waiter in waiters:
        if isinstance(waiter, asyncio.Future):
            by_loop.setdefault(waiter.get_loop(), []).append(waiter)
        else:
            _end([waiter], fault)
    for loop, some in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop is gone, and with it who asked
            loop.call_soon_threadsafe(_end, some, fault)


def _end(waiters: list[_Waiter], fault: LedgerError | None) -> None:
    for waiter in waiters:
        if waiter.done():
            continue
        if fault is None:
            waiter.set_result(None)
        else:
            waiter.set_exception(fault)
