"""One command at a time: leases that the kernel takes back from a killed holder at once.

A lease is a lock on a file beside the catalog, so it holds between containers that share the
folder too, where process numbers mean nothing; it ends with its process, so no time has to
pass after a crash. The row in the catalog only tells people who holds it.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Row, delete, insert, select

from isbjerg.errors import StoreError
from isbjerg.storage.catalog.engine import reading, writing
from isbjerg.storage.catalog.schema import leases
from isbjerg.storage.processes import process_started
from isbjerg.times import Clock, format_instant


@contextmanager
def lease(engine: Engine, clock: Clock, name: str, what: str) -> Iterator[None]:
    """Hold the lease `name` while the block runs.

    Parameters
    ----------
    engine : Engine
        Of the catalog.
    clock : Clock
        When it is taken, for people.
    name : str
        ``ingest``, ``run`` or ``release``.
    what : str
        What the holder does, told to those who are refused.

    Raises
    ------
    StoreError
        When a living process holds it; the message says who and since when.
    """
    lock = _lock(engine, name)
    try:
        with writing(engine) as connection:
            connection.execute(delete(leases).where(leases.c.name == name))
            connection.execute(
                insert(leases).values(
                    name=name,
                    pid=os.getpid(),
                    started=str(process_started(os.getpid()) or 0),
                    what=what,
                    taken_us=clock(),
                    token=secrets.token_hex(8),
                )
            )
        yield
    finally:
        # The row goes first: while the lock is held it can be nobody else's.
        try:
            with writing(engine) as connection:
                connection.execute(delete(leases).where(leases.c.name == name))
        finally:
            os.close(lock)


def _lock(engine: Engine, name: str) -> int:
    path = Path(str(engine.url.database)).with_name(f"{name}.lock")
    lock = os.open(path, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        os.close(lock)
        with reading(engine) as connection:
            held = connection.execute(select(leases).where(leases.c.name == name)).first()
        raise _held(name, held) from fault
    return lock


def _held(name: str, held: Row[Any] | None) -> StoreError:
    if held is None:  # taken a moment ago, or just being given back
        return StoreError(
            f"The store is busy: another command holds the lease '{name}'.",
            code="ISB605",
            mend="give the command again in a moment",
            lease=name,
        )
    return StoreError(
        f"The store is busy: '{held.what}' (process {held.pid}) holds the lease '{name}' "
        f"since {format_instant(held.taken_us)}.",
        code="ISB605",
        mend=f"wait for it to end, or stop process {held.pid}",
        lease=name,
        pid=held.pid,
        what=held.what,
        since_us=held.taken_us,
    )
