"""Say in words what the disk or SQLite refused, and what mends it.

A full disk, a folder that may not be written and a damaged file come up anywhere between a read
and a commit. Whatever was being done is undone where it was begun (a temporary file, a
transaction); here is only told what to do before the same command is given again.
"""

from __future__ import annotations

import errno
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

from isbjerg.errors import StoreError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_IO = "disk I/O error"
"""All that SQLite says of a file that may not grow."""

_SAYS_FULL = ("disk is full", "no space left", "file too large", "quota exceeded", _IO.lower())
_SAYS_FORBIDDEN = ("readonly", "permission denied", "read-only file system", "unable to open")

_DAMAGED = "ISB602"
_NO_ROOM = "ISB640"
_NOT_ALLOWED = "ISB641"


def store_error(fault: sqlite3.Error | OSError, path: Path) -> StoreError:
    """Tell what the world said about a file or a folder.

    Parameters
    ----------
    fault : sqlite3.Error or OSError
        What was raised.
    path : Path
        What it was about; the file that an `OSError` names comes first.

    Examples
    --------
    >>> full = OSError(errno.ENOSPC, "No space left on device")
    >>> print(store_error(full, Path("catalog.db")))
    There is no room: 'catalog.db' cannot be written: No space left on device.
    What was begun is undone: make room, then give the same command again.
    <BLANKLINE>
    Mend: df -h .
    More: isbjerg explain ISB640
    """
    if isinstance(fault, OSError) and fault.filename:
        path = Path(os.fsdecode(fault.filename))
    said = (fault.strerror if isinstance(fault, OSError) else None) or str(fault)
    if _is(fault, _FULL, _SAYS_FULL):
        why = "The disk or a quota is full, or broken" if _IO in said else "There is no room"
        return StoreError(
            f"{why}: '{path}' cannot be written: {said}.\n"
            "What was begun is undone: make room, then give the same command again.",
            code=_NO_ROOM,
            mend=f"df -h {quote(str(_there(path)))}",
        )
    if _is(fault, _FORBIDDEN, _SAYS_FORBIDDEN):
        return StoreError(
            f"'{path}' may not be read or written by this user: {said}.",
            code=_NOT_ALLOWED,
            mend=f"ls -ld {quote(str(_there(path)))} {quote(str(path))}",
        )
    if isinstance(fault, sqlite3.Error):
        return StoreError(
            f"'{path}' cannot be used: {said}.",
            code=_DAMAGED,
            mend=f"copy {path.name} back from a backup of .isbjerg",
            path=str(path),
        )
    return StoreError(f"'{path}': {said}.", code=_NOT_ALLOWED, mend=f"ls -ld {quote(str(path))}")


@contextmanager
def telling_refusals(folder: Path) -> Iterator[None]:
    """Turn what the disk or SQLite refuses inside into an error with a mend.

    Raises
    ------
    StoreError
        ISB640 when there is no room, ISB641 when something is not allowed, ISB602 when a file
        is damaged.
    """
    try:
        yield
    except (sqlite3.DatabaseError, OSError) as fault:
        raise store_error(fault, folder) from fault


def _is(fault: sqlite3.Error | OSError, codes: frozenset[int], words: tuple[str, ...]) -> bool:
    if isinstance(fault, OSError) and fault.errno is not None:
        return fault.errno in codes
    return any(word in str(fault).lower() for word in words)


def _there(path: Path) -> Path:
    """Return the nearest folder above that is there: what a shell can be asked about."""
    return next((p for p in path.parents if p.is_dir()), Path())
