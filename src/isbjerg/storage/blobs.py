"""Bytes named by their SHA-256: bundles, dirty diffs, lock files.

A blob is written once, never changed, and checked whenever it is read.
"""

from __future__ import annotations

import re
from pathlib import Path

from isbjerg.canonical import sha256
from isbjerg.errors import ArgumentError, StoreError
from isbjerg.storage.durable import write_durably

_HASH = re.compile(r"[0-9a-f]{64}")


class Blobs:
    """A folder of blobs.

    Parameters
    ----------
    folder : Path
        Usually ``Store(...).blobs``; made when the first blob is written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     blobs = Blobs(Path(folder))
    ...     name = blobs.put(b"ice")
    ...     name[:8], blobs.get(name)
    ('4cb0b250', b'ice')
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, content: bytes) -> str:
        """Keep `content` and return its name; durable when this returns."""
        name = sha256(content)
        path = self.path(name)
        if not self._holds(path, content):
            write_durably(path, content)
        return name

    def get(self, name: str) -> bytes:
        """Return the bytes of a blob.

        Raises
        ------
        StoreError
            When it is not there, or its bytes are not those it is named by: bring the file
            back from a copy of the store.
        """
        try:
            content = self.path(name).read_bytes()
        except FileNotFoundError:
            raise StoreError(
                f"Blob '{name}' is not in the store.",
                code="ISB601",
                mend="copy the file back from a backup of .isbjerg/blobs",
                blob=name,
            ) from None
        if sha256(content) != name:
            raise damaged(self.path(name), name)
        return content

    def path(self, name: str) -> Path:
        """Return where a blob is, or would be."""
        if _HASH.fullmatch(name) is None:
            raise ArgumentError.out_of_range("name", "Blobs", "be 64 hexadecimal digits", name)
        return self.folder / name[:2] / name

    def _holds(self, path: Path, content: bytes) -> bool:
        try:
            return path.read_bytes() == content
        except FileNotFoundError:
            return False


def damaged(path: Path, expected: str) -> StoreError:
    """Build the error for a file whose bytes do not have the hash it is named by."""
    return StoreError(
        f"The file '{path.name}' is damaged: its bytes are not those it is named by.\n"
        f"Expected SHA-256: {expected}",
        code="ISB602",
        mend="copy the file back from a backup of .isbjerg",
        path=str(path),
        expected=expected,
    )
