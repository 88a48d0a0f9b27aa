"""Batches in the ledger, asked as the workers' files are; `test_batch_parts` damages them."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from isbjerg.storage.batch_parts import BatchParts
from isbjerg.storage.ids import batch_ids, drawn_at_us
from isbjerg.storage.ledger import Ledger

NAME = "ab" * 32
AT_US = 1_700_000_000_000_000


def rows(first: int, count: int, *, batch: str = NAME, version: int = 3) -> pl.DataFrame:
    numbers = range(first, first + count)
    return pl.DataFrame(
        {
            "id": batch_ids(batch, AT_US, first, count),
            "epoch": 1,
            "unit_key": [f"[{n}]" for n in numbers],
            "subject": [None if n % 2 else f"s{n}" for n in numbers],
            "at_us": [AT_US + n for n in numbers],
            "received_us": AT_US,
            "route": "batch",
            "why": "batch",
            "model_version": version,
            "bundle": "b" * 64,
            "score": [n / 10 for n in numbers],
            "inputs": [f'{{"x":{n}}}' for n in numbers],
            "slots": "{}",
            "features": "{}",
            "findings": "[]",
            "latency_us": 0,
            "purpose": "decision",
            "output": pl.Series([None] * count, dtype=pl.String),
        }
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    parts = BatchParts(tmp_path)
    parts.write(NAME, [rows(0, 4), rows(4, 3)], model_version=3, at_us=AT_US)
    return tmp_path


def test_a_batch_is_read_as_workers_files_are(folder: Path) -> None:
    ledger = Ledger(folder)
    assert ledger.count() == 7
    found = list(ledger.scan())
    assert [p.unit_key for p in found] == [f"[{n}]" for n in range(7)]
    assert [p.score for p in found] == [n / 10 for n in range(7)]
    assert [p.unit_key for p in ledger.scan(newest_first=True)] == [
        f"[{n}]" for n in reversed(range(7))
    ]
    assert [p.at_us for p in ledger.scan(since_us=AT_US + 2, until_us=AT_US + 5)] == [
        AT_US + n for n in (2, 3, 4)
    ]
    assert not list(ledger.scan(model_version=4))
    one = ledger.find(found[5].id)
    assert one is not None
    assert (one.inputs, one.subject, one.findings, one.output) == ({"x": 5}, None, [], None)
    assert [p.score for p in ledger.of_units(["[1]", "[6]", "[99]"])] == [0.1, 0.6]
    assert ledger.known(ids=[one.id, "no"], units=["[2]", "[8]"]) == {one.id, "[2]"}


def test_ids_of_a_batch_are_the_same_each_time_and_tell_their_time() -> None:
    assert batch_ids(NAME, AT_US, 2, 3) == batch_ids(NAME, AT_US, 0, 9)[2:5]
    assert drawn_at_us(batch_ids(NAME, AT_US, 0, 1)[0]) == AT_US
    many = batch_ids(NAME, AT_US, 32**5 - 1, 2)  # the counter runs over: the millisecond grows
    assert many == sorted(many)
    assert len(set(many)) == 2


def test_a_writer_that_fails_leaves_nothing_that_is_read(folder: Path) -> None:
    def broken():
        yield rows(0, 2)
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        BatchParts(folder).write("ef" * 32, broken(), model_version=3, at_us=AT_US)
    assert BatchParts(folder).get("ef" * 32) is None
    assert Ledger(folder).count() == 7
