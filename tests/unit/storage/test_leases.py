from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from isbjerg.errors import StoreError
from isbjerg.storage.catalog.catalog import Catalog
from isbjerg.storage.processes import lives, process_started

_HOLDER = """
import sys, time
from pathlib import Path
from isbjerg.storage.catalog.catalog import Catalog
with Catalog.open(Path(sys.argv[1]), lambda: 0) as catalog:
    catalog.start_run(frame_hash="f", measure_hash="m")
    with catalog.lease("run", "isbjerg run"):
        print("held", flush=True)
        time.sleep(60)
"""


def test_a_lease_is_one_at_a_time_and_free_afterwards(tmp_path: Path) -> None:
    with Catalog.open(tmp_path / "catalog.db", lambda: 0) as catalog:
        with catalog.lease("run", "isbjerg run"):
            with catalog.lease("ingest", "isbjerg ingest"):
                pass
            with (
                pytest.raises(StoreError, match=r"'isbjerg run'.*1970-01-01T00:00:00Z") as caught,
                catalog.lease("run", "isbjerg run"),
            ):
                pass
            assert caught.value.kind_code == "ISB605"
        with catalog.lease("run", "isbjerg run"):
            pass


def test_a_living_holder_is_named_and_a_killed_one_is_replaced_at_once(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with Catalog.open(path, lambda: 1) as catalog:
            with pytest.raises(StoreError) as caught, catalog.lease("run", "isbjerg run"):
                pass
            assert caught.value.facts["pid"] == holder.pid
            assert catalog.mark_interrupted_runs() == []
            os.kill(holder.pid, signal.SIGKILL)
            # Not waited for: the process is a zombie, which must count as dead.
            while process_started(holder.pid) is not None:
                pass
            with catalog.lease("run", "isbjerg run"):
                pass
            assert catalog.mark_interrupted_runs() == ["r1"]
            run = catalog.run("r1")
            assert (run.status, run.finished_us) == ("interrupted", 1)
            assert catalog.mark_interrupted_runs() == []


def test_a_holder_in_another_container_is_seen(tmp_path: Path) -> None:
    """Its process number names another process here, or none: only the lock tells."""
    path = tmp_path / "catalog.db"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        db = sqlite3.connect(path)
        db.execute("UPDATE leases SET pid = ?", (2**22 + 1,))
        db.commit()
        db.close()
        with Catalog.open(path, lambda: 1) as catalog:
            with pytest.raises(StoreError, match="isbjerg run"), catalog.lease("run", "again"):
                pass
            holder.kill()
            holder.wait()
            with catalog.lease("run", "again"):
                pass


def test_a_number_used_again_is_another_process() -> None:
    start = process_started(os.getpid())
    assert start is not None
    assert lives(os.getpid(), start)
    assert not lives(os.getpid(), start - 1)
    assert process_started(2**22 + 1) is None
