from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import isbjerg
from isbjerg.data.versions import newest
from isbjerg.storage.catalog.catalog import Catalog
from isbjerg.storage.layout import Store
from isbjerg.storage.tables import read_facts, sweep

pytestmark = pytest.mark.slow
ACTS = Path(__file__).with_name("crash_acts.py")


@pytest.mark.parametrize("act", ["create", "ingest", "finish", "assign"])
def test_killed_before_any_write_it_is_all_or_nothing(act: str, tmp_path: Path) -> None:
    command = [sys.executable, str(ACTS), act, str(tmp_path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    rounds = [json.loads(line) for line in ran.stdout.splitlines()]
    assert len(rounds) > 5
    assert [r["died"] for r in rounds] == [True] * (len(rounds) - 1) + [False]
    before, done = rounds[0]["after"], rounds[-1]["after"]
    if act != "create":
        assert before != done
    for r in rounds:
        assert r["after"] in (before, done), "all or nothing"
        assert r["again"] == done, "the next command continues, and doubles nothing"
        assert r["after"]["part_is_there"]


_INGEST = """
import sys
from pathlib import Path
import polars as pl
from isbjerg.data.carriers import schema_of
from isbjerg.data.versions import as_facts, new_facts, newest, next_version
from isbjerg.storage.catalog.catalog import Catalog
from isbjerg.storage.layout import Store
from isbjerg.storage.tables import read_facts, sweep, write_part

store = Store(Path(sys.argv[1])).create()
with Catalog.open(store.catalog, lambda: 0) as catalog, catalog.lease("ingest", "ingest"):
    sweep(store, "t", catalog.parts("t"))
    while True:
        latest = catalog.latest_data_version("t")
        n = latest.number if latest else 0
        read = pl.DataFrame({"id": range(n + 1), "x": [n // 2] * (n + 1)})
        old = newest(read_facts(store, latest), ["id"]) if latest else read.clear()
        changes = new_facts(old, read, ["id"])
        first = catalog.reserve_rows("t", changes.rows.height)
        facts = as_facts(changes.rows, first_row=first, ingested_us=0, live=False)
        part = write_part(store, "t", facts)
        version = next_version(
            latest, table="t", key=["id"], parts=[part], schema=schema_of(read), source="s",
            at_us=0, live=False, changes=changes,
        )
        catalog.record_data_version(version)
        print(version.id, flush=True)
"""


def test_an_ingest_killed_at_random_loses_nothing_acknowledged(tmp_path: Path) -> None:
    # The pauses are random so that they fall into every step.
    store, pause, acknowledged = Store(tmp_path / ".isbjerg"), random.Random(7), 0
    command = [sys.executable, "-c", _INGEST, str(store.folder)]
    for _ in range(10):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        first = process.stdout.readline()
        time.sleep(pause.random() * 0.05)
        os.kill(process.pid, signal.SIGKILL)
        lines = [first, *process.stdout.readlines()]
        process.wait()
        process.stdout.close()
        acknowledged = max(acknowledged, *(int(t.strip()[3:]) for t in lines if t.endswith("\n")))
    with Catalog.open(store.catalog, lambda: 0) as catalog, catalog.lease("ingest", "test"):
        latest = catalog.latest_data_version("t")
        assert latest is not None
        assert acknowledged <= latest.number <= acknowledged + 1
        facts = read_facts(store, latest)
        known = newest(facts, ["id"])
        assert known["id"].sort().to_list() == list(range(latest.number))
        assert facts["_row"].is_sorted()
        assert facts["_row"].n_unique() == facts.height
        sweep(store, "t", catalog.parts("t"))
        there = {f.stem for f in store.table("t").iterdir()}
        assert there == {p.hash for p in latest.parts}


def test_the_package_under_test_is_the_one_the_processes_use() -> None:
    code = "import isbjerg; print(isbjerg.__file__)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == isbjerg.__file__
