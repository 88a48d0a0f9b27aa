"""See a new serving plan: one ``stat`` of one file, twenty times a second.

A rename gives the file a new inode, so no plan is missed, and no notification service of the
operating system is needed, which network and container file systems often lack.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

POLL_S = 0.05

_Mark = tuple[int, int, int] | None


def mark(path: Path) -> _Mark:
    """Return what changes when a file is replaced; ``None`` while there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


async def watch(path: Path, changed: Callable[[], Awaitable[None]], seen: _Mark) -> None:
    """Call `changed` after each replacement of a file, until cancelled.

    Parameters
    ----------
    path : Path
        The file.
    changed : coroutine function
        Awaited before the next look, so it never runs twice at once.
    seen : tuple or None
        The `mark` at which the file was last read, taken before reading it.
    """
    while True:
        await asyncio.sleep(POLL_S)
        now = mark(path)
        if now != seen:
            seen = now
            await changed()
