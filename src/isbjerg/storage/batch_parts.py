"""Predictions that were made as a batch: immutable Parquet parts beside the workers' files.

A batch is written whole: its parts and its manifest go into a folder of an unfinished name, are
forced to the disk, and the folder takes the batch's name by one rename. So a batch is in the
ledger with all of its rows or with none, and since its name is drawn from what went in, a batch
that is made again finds itself there.
"""

from __future__ import annotations

import fcntl
import heapq
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from isbjerg.canonical import file_sha256
from isbjerg.errors import LedgerError
from isbjerg.storage.durable import WRITING, is_still, make_folder, sweep_unfinished, sync_folder
from isbjerg.storage.ids import batch_id_span
from isbjerg.storage.layout import BATCHES

FORMAT_VERSION = 1
"""Layout of a batch's folder; a larger one is refused."""

MANIFEST = "batch.json"
_ROW_GROUP = 65_536


class BatchPart(msgspec.Struct, frozen=True):
    """A file of a batch."""

    name: str
    sha256: str
    rows: int


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """The manifest of a batch.

    Parameters
    ----------
    id : str
        Drawn from what went in: input, bundle, time, purpose.
    model_version : int
        Which answered.
    at_us : int
        When it was made.
    rows : int
        Predictions.
    parts : tuple of BatchPart
        Its files, in the order of their rows.
    format_version : int
        `FORMAT_VERSION` when it was written.
    """

    id: str
    model_version: int
    at_us: int
    rows: int
    parts: tuple[BatchPart, ...]
    format_version: int = FORMAT_VERSION


class BatchParts:
    """Write batches, and read their rows as the workers' files are read.

    Parameters
    ----------
    ledger : Path
        ``.isbjerg/ledger``.
    """

    def __init__(self, ledger: Path) -> None:
        self._folder = ledger / BATCHES

    def get(self, name: str) -> Batch | None:
        """Return a batch that is in the ledger, or ``None``.

        Raises
        ------
        LedgerError
            When it was written by a newer isbjerg, or its manifest is damaged.
        """
        path = self._folder / name / MANIFEST
        if not path.is_file():
            return None
        content = path.read_bytes()
        try:
            written = msgspec.json.decode(content, type=_Format).format_version
            if written > FORMAT_VERSION:  # asked first: the rest of it may be anything
                raise LedgerError(
                    f"Batch {name[:12]} has format {written}; this isbjerg reads {FORMAT_VERSION}.",
                    code="ISB612",
                    mend="pip install --upgrade isbjerg",
                )
            return msgspec.json.decode(content, type=Batch)
        except msgspec.MsgspecError:
            raise _damaged(name, MANIFEST) from None

    def all(self) -> list[Batch]:
        """List the batches, by name."""
        if not self._folder.is_dir():
            return []
        names = sorted(p.name for p in self._folder.iterdir() if not p.name.startswith("."))
        return [batch for name in names if (batch := self.get(name)) is not None]

    def write(
        self, name: str, frames: Iterable[pl.DataFrame], *, model_version: int, at_us: int
    ) -> Batch:
        """Write a batch, all or nothing; durable when this returns.

        Parameters
        ----------
        name : str
            Its id; no batch of that name may be there.
        frames : iterable of DataFrame
            Records, one frame for each part.
        model_version, at_us
            For the manifest.
        """
        make_folder(self._folder)
        sweep_unfinished(self._folder)
        with self._begun(name) as unfinished:
            parts = tuple(_write_part(unfinished, i, rows) for i, rows in enumerate(frames))
            batch = Batch(
                id=name,
                model_version=model_version,
                at_us=at_us,
                rows=sum(part.rows for part in parts),
                parts=parts,
            )
            _write_synced(unfinished / MANIFEST, msgspec.json.encode(batch))
            sync_folder(unfinished)
            unfinished.rename(self._folder / name)
            sync_folder(self._folder)
        return batch

    def read(self, batch: Batch, columns: list[str] | None = None) -> Iterator[pl.DataFrame]:
        """Read the rows of a batch, part by part.

        Raises
        ------
        LedgerError
            When a part is missing or is not the one that was written.
        """
        for part in batch.parts:
            path = self._folder / batch.id / part.name
            if not path.is_file() or file_sha256(path) != part.sha256:
                raise _damaged(batch.id, part.name)
            yield pl.read_parquet(path, columns=columns, glob=False)

    def rows(
        self,
        conditions: Mapping[str, Any],
        columns: tuple[str, ...],
        *,
        newest_first: bool = False,
    ) -> Iterator[tuple[Any, ...]]:
        """Return columns of the records of all batches that conditions hold for, by their ids.

        Parameters
        ----------
        conditions : mapping of str to Any
            ``id`` and ``unit_key``: a list of those wanted; ``at_us >= ?``, ``at_us < ?`` and
            ``model_version = ?``: a number.
        columns : tuple of str
            Which, the id first where the order is to be theirs; one that an older part lacks is
            ``None``.
        newest_first : bool, default=False
            Which way.

        Raises
        ------
        LedgerError
            When a part is missing or cannot be read.

        Notes
        -----
        Batches come one after the other, as their ids do, and of each no more than one part is
        held: a year of nightly batches takes no more memory than one of them.
        """
        for together in self._in_turn(newest_first=newest_first):
            streams = (
                self._rows_of(batch, conditions, columns, newest_first=newest_first)
                for batch in together
            )
            yield from heapq.merge(*streams, key=lambda row: row[0], reverse=newest_first)

    def _in_turn(self, *, newest_first: bool) -> Iterator[list[Batch]]:
        """List the batches by their ids; those whose ids lie among each other's come together."""
        spans = sorted(
            ((batch_id_span(b.at_us, b.rows), b) for b in self.all()), key=lambda pair: pair[0]
        )
        groups: list[list[Batch]] = []
        until = -1
        for (first, last), batch in spans:
            if first <= until:
                groups[-1].append(batch)
            else:
                groups.append([batch])
            until = max(until, last)
        return iter(groups[::-1] if newest_first else groups)

    def _rows_of(
        self,
        batch: Batch,
        conditions: Mapping[str, Any],
        columns: tuple[str, ...],
        *,
        newest_first: bool,
    ) -> Iterator[tuple[Any, ...]]:
        where = [_condition(name, value) for name, value in conditions.items()]
        for part in batch.parts[::-1] if newest_first else batch.parts:
            found = self._asked(batch, part, where, columns)
            yield from (found.reverse() if newest_first else found).iter_rows()

    def _asked(
        self, batch: Batch, part: BatchPart, where: Sequence[pl.Expr], columns: tuple[str, ...]
    ) -> pl.DataFrame:
        try:
            asked = pl.scan_parquet(self._folder / batch.id / part.name, glob=False)
            there = asked.collect_schema().names()
            chosen = asked.filter(*where) if where else asked
            return chosen.select(
                pl.col(c) if c in there else pl.lit(None).alias(c) for c in columns
            ).collect()
        except (OSError, pl.exceptions.PolarsError) as fault:
            raise _damaged(batch.id, part.name) from fault

    @contextmanager
    def _begun(self, name: str) -> Iterator[Path]:
        """Make the folder of an unfinished batch, held by the kernel's lock until its process ends.

        Made anew when the sweep of another command came in between.
        """
        unfinished = self._folder / f"{WRITING}{name}"
        while True:
            unfinished.mkdir(exist_ok=True)
            try:
                handle = os.open(unfinished, os.O_RDONLY)
            except FileNotFoundError:
                continue
            fcntl.flock(handle, fcntl.LOCK_EX)
            if is_still(handle, unfinished):
                break
            os.close(handle)
        try:
            yield unfinished
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        finally:
            os.close(handle)


class _Format(msgspec.Struct, frozen=True):
    """The one thing that a manifest of any format says."""

    format_version: int


def _damaged(batch: str, part: str) -> LedgerError:
    return LedgerError(
        f"Part '{part}' of batch {batch[:12]} is missing or damaged.",
        code="ISB614",
        mend=f"copy .isbjerg/ledger/{BATCHES}/{batch} back from a backup",
    )


def _condition(name: str, value: Any) -> pl.Expr:
    column, _, how = name.partition(" ")
    if not how:
        return pl.col(column).is_in(value)
    compared = {">= ?": pl.Expr.ge, "< ?": pl.Expr.lt, "= ?": pl.Expr.eq}[how]
    return compared(pl.col(column), value)


def _write_part(folder: Path, number: int, rows: pl.DataFrame) -> BatchPart:
    path = folder / f"part-{number:05d}.parquet"
    rows.rechunk().write_parquet(
        path, compression="zstd", compression_level=3, row_group_size=_ROW_GROUP, statistics=True
    )
    with path.open("rb+") as file:
        os.fsync(file.fileno())
    return BatchPart(path.name, file_sha256(path), rows.height)


def _write_synced(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
