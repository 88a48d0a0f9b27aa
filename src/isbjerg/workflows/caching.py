"""What a run may take from an earlier one, and the names under which it finds it.

A name says everything that a result follows from: the definition (a tree, a slot, a rung's
parameters), the rows and the data versions behind them, the seed, and the code and libraries
that compute. Change one feature, and only what has its hash in its name is computed again.

Rows are named by their keys and decision times as chosen, not by the run's time: as long as
the same rows are chosen, it does not matter when.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.canonical import content_hash
from isbjerg.storage.cache import Cache

_LIBRARIES = (
    *("polars", "numpy", "lightgbm", "scikit-learn", "scipy"),
    *("pandas", "onnx", "onnxruntime", "skl2onnx", "catboost"),
)

_ROWS_AT_ONCE = 1 << 20
"""Rows are named in stretches: their bytes all at once would be another copy of a large table."""

Found = TypeVar("Found")


class Reused(msgspec.Struct, frozen=True):
    """What became of one kind of piece in a run.

    Parameters
    ----------
    kind : str
        ``looked up``, ``features``, ``rungs``, ``evaluations``.
    reused : tuple of str
        Names of those taken from an earlier run.
    made : tuple of str
        Names of those computed.
    """

    kind: str
    reused: tuple[str, ...] = ()
    made: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{len(self.reused)} of {len(self.reused) + len(self.made)} {self.kind}"


@dataclass
class Remembering:
    """Looks results up before they are made, and keeps count.

    Parameters
    ----------
    cache : Cache or None
        ``None`` remembers nothing and finds nothing.
    read : bool
        Whether earlier results may be taken; what is made is kept either way.
    """

    cache: Cache | None
    read: bool = True
    _reused: dict[str, list[str]] = field(default_factory=dict)
    _made: dict[str, list[str]] = field(default_factory=dict)

    def find(self, kind: str, name: str, key: str | None) -> bytes | None:
        """Look an entry up and count what became of it; ``None`` has no key."""
        found = None
        if self.cache is not None and self.read and key is not None:
            found = self.cache.get(key)
        counted = self._made if found is None else self._reused
        counted.setdefault(kind, []).append(name)
        return found

    def keep(self, key: str | None, make: Callable[[], bytes]) -> None:
        """Keep what was made."""
        if self.cache is not None and key is not None:
            self.cache.put(key, make())

    def counted(self) -> tuple[Reused, ...]:
        """List the kinds of pieces in the order in which they were first asked for."""
        kinds = dict.fromkeys([*self._reused, *self._made])
        return tuple(
            Reused(kind, tuple(self._reused.get(kind, ())), tuple(self._made.get(kind, ())))
            for kind in kinds
        )


NOTHING_KEPT = Remembering(None)


def name_of(**made_from: object) -> str | None:
    """Name a result; ``None`` for one made from what has no canonical form, which is not kept.

    Examples
    --------
    >>> name_of(a=1) == name_of(a=1), name_of(a=object()) is None
    (True, True)
    """
    try:
        return content_hash({**made_from, "made by": made_by()})
    except (TypeError, ValueError, OverflowError):
        return None


def rows_name(units: pl.DataFrame, columns: Iterable[str]) -> str:
    """Name rows by the bytes of some of their columns, in their order.

    Examples
    --------
    >>> rows = pl.DataFrame({"id": [1, 2]})
    >>> rows_name(rows, ["id"]) == rows_name(rows.reverse(), ["id"])
    False
    """
    rows, named = units.select(columns), hashlib.sha256()
    for first in range(0, max(1, rows.height), _ROWS_AT_ONCE):
        named.update(write_columns(rows.slice(first, _ROWS_AT_ONCE), compressed=False))
    return named.hexdigest()


@cache
def made_by() -> dict[str, str]:
    """Name the code and the libraries that compute."""
    libraries = {name: _version(name) for name in _LIBRARIES}
    return {"isbjerg": _own_code(), **libraries}


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def _own_code() -> str:
    """Name the installed package by its files' sizes and times: an edit or an upgrade changes it."""
    root = Path(__file__).parents[1]
    files = sorted(root.rglob("*.py"))
    facts = [
        (f.relative_to(root).as_posix(), (s := f.stat()).st_size, s.st_mtime_ns) for f in files
    ]
    return content_hash(facts)


# Columns and arrays as bytes


def write_columns(table: pl.DataFrame, *, compressed: bool = True) -> bytes:
    """Write columns as an Arrow file; equal columns give equal bytes."""
    buffer = io.BytesIO()
    table.rechunk().write_ipc(buffer, compression="lz4" if compressed else "uncompressed")
    return buffer.getvalue()


def read_columns(content: bytes) -> pl.DataFrame:
    """Read what `write_columns` wrote."""
    return pl.read_ipc(io.BytesIO(content))


def write_array(array: NDArray[Any]) -> bytes:
    """Write an array of numbers as numpy does, without objects."""
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def read_array(content: bytes) -> NDArray[np.float64]:
    """Read what `write_array` wrote."""
    array: NDArray[np.float64] = np.load(io.BytesIO(content), allow_pickle=False)
    return array
