"""Results that can be had again, by the name of everything they were made from.

Nothing in here is needed: the folder may be removed at any time, and what is missing, half
written or damaged is made again. So an entry is written beside its place and renamed, without
waiting for the disk, and its hash is checked whenever it is read. The folder is kept below a
bound; what was not used for longest goes first.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path

from isbjerg.canonical import content_hash
from isbjerg.storage.durable import WRITING, sweep_unfinished
from isbjerg.times import Clock

BYTES_MAX = 2 * 2**30
"""How large the folder may be after a run, unless it is told otherwise."""

_MAGIC = b"isbjerg-cache-1\n"
_DIGEST_BYTES = 32


class Cache:
    """A folder of entries, each under the hash of what it was made from.

    Parameters
    ----------
    folder : Path
        Made when the first entry is written.
    clock : Clock
        Says when an entry was used.
    bytes_max : int
        Bound of the folder, kept by `trim`.

    Examples
    --------
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     cache = Cache(Path(folder), lambda: 0)
    ...     key = cache.key(feature="hour", rows="flights@v1")
    ...     before = cache.get(key)
    ...     cache.put(key, b"ice")
    ...     before, cache.get(key)
    (None, b'ice')
    """

    def __init__(self, folder: Path, clock: Clock, *, bytes_max: int = BYTES_MAX) -> None:
        self.folder = folder
        self._clock = clock
        self._bytes_max = bytes_max
        self._bytes_written = 0

    @staticmethod
    def key(**made_from: object) -> str:
        """Name an entry by what it is made from, anything that canonical JSON can write."""
        return content_hash(made_from)

    def get(self, key: str) -> bytes | None:
        """Return an entry; ``None`` when it is not there or is not what was written."""
        path = self._path(key)
        try:
            written = path.read_bytes()
        except OSError:
            return None
        start = len(_MAGIC) + _DIGEST_BYTES
        content = written[start:]
        if written[:start] != _MAGIC + hashlib.sha256(content).digest():
            path.unlink(missing_ok=True)
            return None
        self._used(path)
        return content

    def put(self, key: str, content: bytes) -> None:
        """Keep an entry, unless the bound is written full already, or the disk is."""
        self._bytes_written += len(content)
        if self._bytes_written > self._bytes_max:
            return
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(prefix=WRITING, dir=path.parent)
            with os.fdopen(handle, "wb") as file:
                file.write(_MAGIC + hashlib.sha256(content).digest())
                file.write(content)
            Path(name).replace(path)
        except OSError:
            return
        self._used(path)

    def trim(self) -> int:
        """Remove what a killed run left half written, then the longest unused beyond the bound.

        Call it while no other run writes.

        Returns
        -------
        int
            Bytes that are left.
        """
        sweep_unfinished(self.folder)
        entries = sorted(self._entries())
        total = sum(size for _, size, _ in entries)
        for _, size, path in entries:
            if total <= self._bytes_max:
                break
            path.unlink(missing_ok=True)
            total -= size
        return total

    def _entries(self) -> list[tuple[int, int, Path]]:
        found = []
        for path in self.folder.glob("??/*"):
            facts = path.stat()
            found.append((facts.st_mtime_ns, facts.st_size, path))
        return found

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key

    def _used(self, path: Path) -> None:
        now_ns = self._clock() * 1000
        try:
            os.utime(path, ns=(now_ns, now_ns))
        except OSError:  # removed in between, or another's: it only counts as older
            return
