from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from isbjerg.errors import LedgerError
from isbjerg.storage.ledger import (
    SCHEMA,
    Ledger,
    Prediction,
    check_format,
    open_reader,
    unit_key,
)
from isbjerg.storage.ledger_writer import LedgerWriter

GOLDEN = Path(__file__).parents[2] / "golden" / "storage" / "ledger-v1.db"
GOLDEN_2 = GOLDEN.with_name("ledger-v2.db")


def prediction(name: str, **changes: Any) -> Prediction:
    facts: dict[str, Any] = {
        "id": name,
        "epoch": 3,
        "unit_key": unit_key([name]),
        "subject": "N14228",
        "at_us": 1_370_000_000_000_000,
        "received_us": 1_370_000_000_000_001,
        "route": "live",
        "why": "live",
        "model_version": 2,
        "bundle": "ab" * 32,
        "score": 0.1 + 0.2,
        "inputs": {"carrier": "UA", "hour": 7, "delayed": True, "gone": None},
        "slots": {"newest(weather.wind)": 7.5},
        "features": {"evening": False},
        "findings": [],
        "latency_us": 12,
    }
    return Prediction(**(facts | changes))


def write(folder: Path, worker: str, *predictions: Prediction) -> None:
    writer = LedgerWriter(folder / f"{worker}.db", lambda: 1)
    for future in [writer.append(one) for one in predictions]:
        future.result(timeout=10)
    writer.close()


def test_a_record_comes_back_as_it_was(tmp_path: Path) -> None:
    written = prediction("a", findings=[{"code": "contract.range"}])
    write(tmp_path, "w1", written)
    found = Ledger(tmp_path).find("a")
    assert found is not None
    assert found.seq == 1
    assert {n: getattr(found, n) for n in written.__struct_fields__ if n != "seq"} == {
        n: getattr(written, n) for n in written.__struct_fields__ if n != "seq"
    }
    assert Ledger(tmp_path).find("b") is None


def test_workers_files_are_read_as_one(tmp_path: Path) -> None:
    write(tmp_path, "w1", prediction("a", at_us=1), prediction("c", at_us=3))
    write(tmp_path, "w2", prediction("b", at_us=2, model_version=9), prediction("d", at_us=4))
    (tmp_path / "outcomes.db").write_bytes(b"no ledger")
    ledger = Ledger(tmp_path)
    assert ledger.count() == 4
    assert [p.id for p in ledger.scan()] == ["a", "b", "c", "d"]
    assert [p.id for p in ledger.scan(newest_first=True)] == ["d", "c", "b", "a"]
    assert [p.id for p in ledger.scan(since_us=2, until_us=4)] == ["b", "c"]
    assert [p.id for p in ledger.scan(model_version=9)] == ["b"]
    assert [p.id for p in ledger.of_units(['["c"]', '["b"]', '["x"]'])] == ["b", "c"]
    assert ledger.known(ids=["a", "x"], units=['["d"]', '["y"]']) == {"a", '["d"]'}


def test_a_reader_sees_what_a_killed_writer_committed(tmp_path: Path) -> None:
    writer = LedgerWriter(tmp_path / "w1.db", lambda: 1)
    writer.append(prediction("a")).result(timeout=10)
    copied = tmp_path / "copied"
    copied.mkdir()
    for path in tmp_path.glob("w1.db*"):  # the WAL as a power cut would leave it
        shutil.copy(path, copied)
    writer.close()
    assert [p.id for p in Ledger(copied).scan()] == ["a"]


def test_the_first_format_can_still_be_read(tmp_path: Path) -> None:
    shutil.copy(GOLDEN, tmp_path / "w1.db")
    found = Ledger(tmp_path).find("01hf7yat000000000000000000")
    assert found is not None
    assert found.score == 0.30000000000000004
    assert found.inputs == {"carrier": "UA", "hour": 7, "delayed": True, "gone": None}
    assert found.unit_key == '["01hf7yat000000000000000000"]'


@pytest.mark.parametrize("pragma", ["user_version = 3", "application_id = 7"])
def test_a_later_format_and_another_file_are_refused(tmp_path: Path, pragma: str) -> None:
    write(tmp_path, "w1", prediction("a"))
    db = sqlite3.connect(tmp_path / "w1.db")
    db.execute(f"PRAGMA {pragma}")
    db.close()
    with pytest.raises(LedgerError) as caught:
        Ledger(tmp_path).count()
    assert caught.value.kind_code == "ISB612"
    with pytest.raises(LedgerError):
        LedgerWriter(tmp_path / "w1.db", lambda: 1)


SAID = {"class": "rain", "probabilities": {"rain": 0.1 + 0.2, "sun": 0.7 - 1e-17}}


def fill_version_2(folder: Path) -> None:
    """Write what `ledger-v2.db` holds; packed as `test_golden` says."""
    write(folder, "w1", prediction("01hf7yat000000000000000000", output=SAID), prediction("b"))


def test_a_file_of_version_2_is_read(tmp_path: Path) -> None:
    shutil.copy(GOLDEN_2, tmp_path / "w1.db")
    first, second = Ledger(tmp_path).scan()
    assert (first.output, second.output) == (SAID, None)
    assert first.score == 0.30000000000000004


def test_what_was_said_of_classes_comes_back_as_it_was(tmp_path: Path) -> None:
    write(tmp_path, "w1", prediction("a", output=SAID), prediction("b"))
    first, second = Ledger(tmp_path).scan()
    assert first.output == SAID
    assert list(first.output["probabilities"]) == ["rain", "sun"], "in the order of the classes"
    assert second.output is None


def test_a_worker_brings_its_file_of_version_1_up_before_it_writes(tmp_path: Path) -> None:
    shutil.copy(GOLDEN, tmp_path / "w1.db")
    shutil.copy(GOLDEN, tmp_path / "w2.db")  # whose worker does not come back
    before = next(Ledger(tmp_path).scan())
    reading = Ledger(tmp_path).scan()  # one reader began before, and goes on
    next(reading)
    write(tmp_path, "w1", prediction("new", output=SAID))
    assert len(list(reading)) == 1
    version = {name: _version(tmp_path / name) for name in ("w1.db", "w2.db")}
    assert version == {"w1.db": 2, "w2.db": 1}
    records = list(Ledger(tmp_path).scan())
    assert records[0] == before
    assert [r.output for r in records] == [None, None, SAID]
    assert records[-1].seq == before.seq + 1, "the file counts on"
    with sqlite3.connect(tmp_path / "w1.db") as db:
        assert dict(db.execute("SELECT name, value FROM meta"))["format_version"] == 2
        upgraded = {row[1:3] for row in db.execute("PRAGMA table_info(predictions)")}
    db.close()
    fresh = sqlite3.connect(":memory:")
    fresh.executescript(SCHEMA)
    made = {row[1:3] for row in fresh.execute("PRAGMA table_info(predictions)")}
    fresh.close()
    assert upgraded == made, "an upgraded file has the columns of a new one"


def _version(path: Path) -> int:
    db = open_reader(path)
    try:
        return check_format(db, path)
    finally:
        db.close()
