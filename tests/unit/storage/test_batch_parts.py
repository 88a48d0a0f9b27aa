"""Batches in the ledger: their order among others, what damage says, what a sweep may remove."""

from __future__ import annotations

import fcntl
import os
import shutil
from pathlib import Path

import msgspec
import polars as pl
import pytest
from tests.unit.storage.test_ledger import prediction, write

from isbjerg.errors import LedgerError
from isbjerg.storage.batch_parts import MANIFEST, BatchParts
from isbjerg.storage.ids import batch_ids
from isbjerg.storage.ledger import Ledger, to_row

GOLDEN = Path(__file__).parents[2] / "golden" / "storage" / "batch-v1"
SECOND_US = 1_000_000
AT_US = 1_370_000_000_000_000


def records(ids: list[str]) -> pl.DataFrame:
    """Rows as a batch writes them; the score is the row's number."""
    made = [prediction(name, score=float(n)) for n, name in enumerate(ids)]
    columns = made[0].__struct_fields__[:-1]
    return pl.DataFrame([to_row(one) for one in made], schema=list(columns), orient="row")


def batch(folder: Path, name: str, at_us: int, rows: int = 5, part: int = 2) -> list[str]:
    """Write a batch of parts of two rows; return its ids."""
    ids = batch_ids(name, at_us, 0, rows)
    frame = records(ids)
    parts = [frame[start : start + part] for start in range(0, rows, part)]
    BatchParts(folder).write(name, parts, model_version=2, at_us=at_us)
    return ids


def test_records_of_batches_and_workers_come_by_their_ids(tmp_path: Path) -> None:
    names = ["ab" * 32, "01" * 32, "ff" * 32]
    written = [
        *batch(tmp_path, names[0], AT_US + SECOND_US),
        *batch(tmp_path, names[1], AT_US),
        *batch(tmp_path, names[2], AT_US),  # the same millisecond as the one before
    ]
    worker = batch_ids("77" * 32, AT_US + SECOND_US // 2, 0, 2)
    write(tmp_path, "w1", *[prediction(name) for name in worker])
    ledger = Ledger(tmp_path)
    assert [p.id for p in ledger.scan()] == sorted([*written, *worker])
    assert [p.id for p in ledger.scan(newest_first=True)] == sorted(
        [*written, *worker], reverse=True
    )


def test_a_reader_holds_one_part_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(4):
        batch(tmp_path, f"{n:02x}" * 32, AT_US + n * SECOND_US)
    opened = []
    scan = pl.scan_parquet
    monkeypatch.setattr(pl, "scan_parquet", lambda *a, **k: opened.append(a) or scan(*a, **k))
    rows = Ledger(tmp_path).scan()
    next(rows)
    assert len(opened) == 1
    assert len(list(rows)) == 19
    assert len(opened) == 4 * 3


@pytest.mark.parametrize("harm", ["gone", "cut"])
def test_a_damaged_part_is_told_where_its_rows_are_asked(tmp_path: Path, harm: str) -> None:
    batch(tmp_path, "ab" * 32, AT_US)
    part = tmp_path / "batches" / ("ab" * 32) / "part-00001.parquet"
    if harm == "gone":
        part.unlink()
    else:
        part.write_bytes(part.read_bytes()[:50])
    parts = BatchParts(tmp_path)
    for read in (lambda: list(Ledger(tmp_path).scan()), lambda: list(parts.read(parts.all()[0]))):
        with pytest.raises(LedgerError, match="missing or damaged") as told:
            read()
        assert told.value.kind_code == "ISB614"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"{", "ISB614"),
        (b'{"format_version":1,"id":7}', "ISB614"),
        (b'{"format_version":2,"shards":[]}', "ISB612"),
    ],
)
def test_a_manifest_that_is_not_read(tmp_path: Path, content: bytes, code: str) -> None:
    batch(tmp_path, "ab" * 32, AT_US)
    (tmp_path / "batches" / ("ab" * 32) / MANIFEST).write_bytes(content)
    with pytest.raises(LedgerError) as told:
        BatchParts(tmp_path).all()
    assert told.value.kind_code == code


def test_a_sweep_leaves_what_is_held(tmp_path: Path) -> None:
    batch(tmp_path, "ab" * 32, AT_US)
    left, held = (tmp_path / "batches" / f".writing-{name}" for name in ("left", "held"))
    for folder in (left, held):
        folder.mkdir()
        (folder / "part-00000.parquet").write_bytes(b"half")
    handle = os.open(held, os.O_RDONLY)
    fcntl.flock(handle, fcntl.LOCK_EX)
    batch(tmp_path, "cd" * 32, AT_US)
    assert held.is_dir()
    assert not left.exists()
    os.close(handle)
    batch(tmp_path, "ef" * 32, AT_US)
    assert not held.exists()


def test_a_folder_that_a_sweep_took_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = []
    lock = fcntl.flock

    def swept_before(handle: int, how: int) -> None:
        if not taken and how == fcntl.LOCK_EX:
            taken.append(handle)
            (unfinished,) = (tmp_path / "batches").glob(".writing-*")
            shutil.rmtree(unfinished)
        lock(handle, how)

    monkeypatch.setattr(fcntl, "flock", swept_before)
    ids = batch(tmp_path, "ab" * 32, AT_US)
    assert taken
    assert [p.id for p in Ledger(tmp_path).scan()] == ids


def test_the_golden_batch_is_read(tmp_path: Path) -> None:
    """Written once, by format version 1: what it says stays readable."""
    name = "ab" * 32
    shutil.copytree(GOLDEN, tmp_path / "batches" / name)
    parts = BatchParts(tmp_path)
    found = parts.get(name)
    assert found is not None
    assert (found.format_version, found.rows, found.model_version) == (1, 5, 2)
    assert [rows.height for rows in parts.read(found)] == [2, 2, 1]
    said = list(Ledger(tmp_path).scan())
    assert [p.score for p in said] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert said[0].inputs == {"carrier": "UA", "hour": 7, "delayed": True, "gone": None}
    assert msgspec.json.decode((GOLDEN / MANIFEST).read_bytes())["format_version"] == 1
