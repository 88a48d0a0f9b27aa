"""Write a file so that a crash leaves all of it or none of it.

The bytes go to a temporary name in the same folder, are forced to the disk, and take their
name by one rename; the folder is forced to the disk last, so that the name survives too.
"""

from __future__ import annotations

import os
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
    handle, name = tempfile.mkstemp(prefix=WRITING, dir=folder)
    os.close(handle)
    temporary = Path(name)
    try:
        final = write(temporary)
        temporary.chmod(0o644)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(final)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(folder)
    return final


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
