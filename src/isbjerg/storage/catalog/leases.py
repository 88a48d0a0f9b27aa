"""One command at a time: leases by process, taken over at once from a killed one.

A lease belongs to a process, named by its number and by when it started, since numbers are
used again. A holder that does not live any more holds nothing, so no time has to pass after
a crash.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, delete, insert, select

from isbjerg.errors import StoreError
from isbjerg.storage.catalog.engine import writing
from isbjerg.storage.catalog.schema import leases
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
    token = secrets.token_hex(8)
    with writing(engine) as connection:
        _refuse_if_held(connection, name)
        connection.execute(delete(leases).where(leases.c.name == name))
        connection.execute(
            insert(leases).values(
                name=name,
                pid=os.getpid(),
                started=process_start(os.getpid()) or "",
                what=what,
                taken_us=clock(),
                token=token,
            )
        )
    try:
        yield
    finally:
        with writing(engine) as connection:
            ours = (leases.c.name == name) & (leases.c.token == token)
            connection.execute(delete(leases).where(ours))


def _refuse_if_held(connection: Connection, name: str) -> None:
    held = connection.execute(select(leases).where(leases.c.name == name)).first()
    if held is None or not lives(held.pid, held.started):
        return
    raise StoreError(
        f"The store is busy: '{held.what}' (process {held.pid}) holds the lease '{name}' "
        f"since {format_instant(held.taken_us)}.",
        code="ISB605",
        mend=f"wait for it to end, or stop process {held.pid}",
        lease=name,
        pid=held.pid,
        what=held.what,
        since_us=held.taken_us,
    )


def lives(pid: int, started: str) -> bool:
    """Say whether the process that is meant still lives, not a later one of its number.

    Examples
    --------
    >>> lives(os.getpid(), process_start(os.getpid()) or ""), lives(os.getpid(), "-1")
    (True, False)
    """
    if not Path("/proc/self/stat").exists():
        return _answers(pid)
    return process_start(pid) == started


def process_start(pid: int) -> str | None:
    """Return when a living process started, in ticks since boot, or ``None``.

    A zombie, killed but not yet waited for by its parent, does not live.
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    # The name of the program stands in brackets and may hold anything, so count from its end.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else fields[19]


def _answers(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
