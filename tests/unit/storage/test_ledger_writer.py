from __future__ import annotations

import asyncio
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import textwrap
import threading
from pathlib import Path
from typing import Any

import pytest

from isbjerg.errors import LedgerError
from isbjerg.storage.ledger import Ledger, Prediction
from isbjerg.storage.ledger_writer import LedgerWriter

TEMPLATE: dict[str, Any] = {
    "epoch": 1,
    "subject": None,
    "at_us": 1,
    "received_us": 1,
    "route": "live",
    "why": "live",
    "model_version": 1,
    "bundle": "b",
    "score": 0.5,
    "inputs": {},
    "slots": {},
    "features": {},
    "findings": [],
    "latency_us": 1,
}


def prediction(name: str, **changes: Any) -> Prediction:
    return Prediction(id=name, unit_key=f'["{name}"]', **(TEMPLATE | changes))


def test_what_queued_during_a_commit_is_one_batch(tmp_path: Path) -> None:
    writer = LedgerWriter(tmp_path / "w1.db", lambda: 1)
    sizes: list[int] = []
    commit, first, gate = writer._commit, threading.Event(), threading.Event()

    def watched(batch: list[Any]) -> None:
        sizes.append(len(batch))
        first.set()
        gate.wait(10)
        commit(batch)

    writer._commit = watched  # type: ignore[method-assign]
    futures = [writer.append(prediction("a"))]
    assert first.wait(10)
    futures += [writer.append(prediction(f"b{i}")) for i in range(100)]
    gate.set()
    for future in futures:
        future.result(timeout=10)
    writer.close()
    assert sizes == [1, 100]
    assert Ledger(tmp_path).count() == 101


def test_a_loop_is_woken_once_per_batch(tmp_path: Path) -> None:
    async def many() -> int:
        writer = LedgerWriter(tmp_path / "w1.db", lambda: 1)
        loop = asyncio.get_running_loop()
        calls: list[object] = []
        call = loop.call_soon_threadsafe

        def counted(*given: Any, **options: Any) -> Any:
            calls.append(given)
            return call(*given, **options)

        loop.call_soon_threadsafe = counted  # type: ignore[method-assign]
        waiting = [writer.append_all([prediction(f"p{i}")], loop) for i in range(200)]
        await asyncio.gather(*waiting)
        wakings = len(calls)
        await asyncio.to_thread(writer.close)
        return wakings

    assert asyncio.run(many()) < 100
    assert Ledger(tmp_path).count() == 200


def test_one_bad_record_does_not_take_the_others(tmp_path: Path) -> None:
    writer = LedgerWriter(tmp_path / "w1.db", lambda: 1)
    writer.append(prediction("a")).result(timeout=10)
    again, fresh = writer.append(prediction("a")), writer.append(prediction("b"))
    with pytest.raises(LedgerError):
        again.result(timeout=10)
    fresh.result(timeout=10)
    writer.close()
    assert Ledger(tmp_path).count() == 2


def test_a_request_that_left_changes_nothing(tmp_path: Path) -> None:
    async def leave() -> None:
        writer = LedgerWriter(tmp_path / "w1.db", lambda: 1)
        loop = asyncio.get_running_loop()
        writer.append_all([prediction("a")], loop).cancel()
        await writer.append_all([prediction("b")], loop)
        await asyncio.to_thread(writer.close)

    asyncio.run(leave())
    assert Ledger(tmp_path).count() == 2


def test_two_processes_cannot_be_one_worker(tmp_path: Path) -> None:
    writer = LedgerWriter(tmp_path / "w1.db", lambda: 1)
    with pytest.raises(LedgerError) as caught:
        LedgerWriter(tmp_path / "w1.db", lambda: 1)
    assert caught.value.kind_code == "ISB611"
    writer.close()
    LedgerWriter(tmp_path / "w1.db", lambda: 1).close()


def test_a_closed_ledger_takes_nothing(tmp_path: Path) -> None:
    writer = LedgerWriter(tmp_path / "w1.db", lambda: 1)
    writer.close()
    with pytest.raises(LedgerError):
        writer.append(prediction("a"))


def test_a_full_disk_fails_the_record_and_room_heals_it(tmp_path: Path) -> None:
    # A limit on file size is this process's full disk: writes beyond it fail with EFBIG.
    writer = LedgerWriter(tmp_path / "w1.db", lambda: 1)
    writer.append(prediction("a")).result(timeout=10)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    size = max(p.stat().st_size for p in tmp_path.iterdir())
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 1000, before[1]))
        with pytest.raises(LedgerError, match="could not be written"):
            writer.append(prediction("b", inputs={"long": "x" * 100_000})).result(timeout=10)
        assert "could not be written" in writer.fault
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    writer.append(prediction("c")).result(timeout=10)
    assert writer.fault == ""
    writer.close()
    assert [p.id for p in Ledger(tmp_path).scan()] == ["a", "c"]


def test_a_file_half_made_by_a_killed_process_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "w1.making").write_bytes(b"SQLite format 3")
    (tmp_path / "w1.making-wal").write_bytes(b"half")
    assert Ledger(tmp_path).count() == 0
    LedgerWriter(tmp_path / "w1.db", lambda: 1).close()
    assert [p.name for p in sorted(tmp_path.iterdir())] == ["w1.db", "w1.lock"]


def test_each_commit_is_forced_to_the_disk(tmp_path: Path) -> None:
    writer = LedgerWriter(tmp_path / "w1.db", lambda: 1)
    assert writer._db is not None
    assert writer._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    writer.close()
    db = sqlite3.connect(tmp_path / "w1.db")
    assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()


WRITE_FOREVER = """
    import sys
    from pathlib import Path
    sys.path.insert(0, {here!r})
    from test_ledger_writer import LedgerWriter, prediction
    writer = LedgerWriter(Path({path!r}), lambda: 1)
    start = int(sys.argv[1])
    for i in range(start, start + 10**6):
        writer.append(prediction(f"{{i:09d}}")).result()
        print(i, flush=True)
"""


def test_nothing_acknowledged_is_lost_by_kill(tmp_path: Path) -> None:
    code = textwrap.dedent(WRITE_FOREVER).format(
        here=str(Path(__file__).parent), path=str(tmp_path / "w1.db")
    )
    told: list[int] = []
    for turn in range(4):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(turn * 10**6)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for line in process.stdout:
            told.append(int(line))
            if len(told) % 40 == 39 - turn:
                os.kill(process.pid, signal.SIGKILL)
                break
        told += [int(line) for line in process.stdout.read().splitlines()]
        process.stdout.close()
        process.wait(10)
    kept = [int(p.id) for p in Ledger(tmp_path).scan()]
    assert len(set(kept)) == len(kept)
    assert set(told) <= set(kept)
    assert len(kept) - len(told) <= 4  # at most the one in flight of each turn
