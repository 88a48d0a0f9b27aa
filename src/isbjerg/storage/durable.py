"""Write a file so that a crash leaves all of it or none of it.

The bytes go to a temporary name in the same folder, are forced to the disk, and take their
name by one rename; the folder is forced to the disk last, so that the name survives too.

Who writes holds a lock on the temporary file, which the kernel takes back from a killed process
at once. So what nobody holds was left behind, whoever wrote it, and `sweep_unfinished` may
remove it beside any number of writers.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

WRITING = ".writing-"
"""How the name of a file that is still being written begins."""


def write_durably(path: Path, content: bytes) -> None:
    """Write `content` to `path`, all or nothing, on the disk when this returns.

    A file that is there already is replaced.
    """

    def write(temporary: Path) -> Path:
        temporary.write_bytes(content)
        return path

    settle_file(path.parent, write)


def settle_file(folder: Path, write: Callable[[Path], Path]) -> Path:
    """Let `write` fill a temporary file in `folder` and say what it shall be called.

    Parameters
    ----------
    folder : Path
        Made when it is not there.
    write : callable
        Takes the temporary path, fills the file, returns the final path in `folder`.

    Returns
    -------
    Path
        The final path, durable.
    """
    make_folder(folder)
    handle, temporary = _begin(folder)
    try:
        final = write(temporary)
        temporary.chmod(0o644)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(final)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        os.close(handle)
    sync_folder(folder)
    return final


def _begin(folder: Path) -> tuple[int, Path]:
    """Make a temporary file and lock it; take another when a sweep came in between."""
    while True:
        handle, name = tempfile.mkstemp(prefix=WRITING, dir=folder)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, Path(name)
        os.close(handle)


def sweep_unfinished(folder: Path) -> list[str]:
    """Remove temporary files and folders that a killed writer left in a folder and those below it.

    Returns
    -------
    list of str
        Their names, sorted.
    """
    left = sorted(folder.rglob(f"{WRITING}*")) if folder.is_dir() else []
    return [file.name for file in left if _remove_unheld(file)]


def _remove_unheld(file: Path) -> bool:
    try:
        handle = os.open(file, os.O_RDONLY)
    except FileNotFoundError:
        return False  # it has its name by now
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not is_still(handle, file):
            return False
        if file.is_dir():
            shutil.rmtree(file)
        else:
            file.unlink()
    except (BlockingIOError, FileNotFoundError):
        return False
    finally:
        os.close(handle)
    return True


def is_still(handle: int, path: Path) -> bool:
    """Say whether what was opened is still what has the name."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, each name on the disk: a file survives in none else."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def sync_folder(folder: Path) -> None:
    """Force the names in a folder to the disk, where the system can."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
