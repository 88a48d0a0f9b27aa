from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from isbjerg.storage.durable import WRITING, settle_file, sweep_unfinished, write_durably

_DIES = """
import os, signal, sys
from pathlib import Path
from isbjerg.storage.durable import settle_file

def write(temporary):
    temporary.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)

settle_file(Path(sys.argv[1]), write)
"""


def test_what_a_killed_writer_left_is_swept_wherever_it_lies(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "serving" / "bundles" / "ab"):
        killed = subprocess.run([sys.executable, "-c", _DIES, str(folder)], check=False)
        assert killed.returncode == -signal.SIGKILL
    write_durably(tmp_path / "kept", b"whole")
    gone = sweep_unfinished(tmp_path)
    assert len(gone) == 2
    assert [f for f in tmp_path.rglob("*") if f.is_file()] == [tmp_path / "kept"]
    assert sweep_unfinished(tmp_path) == sweep_unfinished(tmp_path / "nowhere") == []


def test_a_folder_that_a_killed_writer_left_goes_with_what_lies_in_it(tmp_path: Path) -> None:
    left = tmp_path / "batches" / f"{WRITING}ab"
    left.mkdir(parents=True)
    (left / "part-00000.parquet").write_bytes(b"half")
    assert sweep_unfinished(tmp_path) == [left.name]
    assert list((tmp_path / "batches").iterdir()) == []


def test_a_folder_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    writing = tmp_path / f"{WRITING}ab"
    writing.mkdir()
    held = os.open(writing, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_EX)
    assert sweep_unfinished(tmp_path) == []
    os.close(held)
    assert sweep_unfinished(tmp_path) == [writing.name]


def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    def write(temporary: Path) -> Path:
        temporary.write_bytes(b"half")
        assert sweep_unfinished(tmp_path) == []
        temporary.write_bytes(b"whole")
        return tmp_path / "done"

    assert settle_file(tmp_path, write).read_bytes() == b"whole"
    assert [f.name for f in tmp_path.iterdir()] == ["done"]


def test_the_bytes_are_on_the_disk_before_the_name_and_the_name_before_the_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[tuple[int, bool]] = []
    fsync = os.fsync

    def seen(handle: int) -> None:
        synced.append((os.fstat(handle).st_ino, (tmp_path / "done").exists()))
        fsync(handle)

    monkeypatch.setattr(os, "fsync", seen)
    write_durably(tmp_path / "done", b"whole")
    assert synced == [((tmp_path / "done").stat().st_ino, False), (tmp_path.stat().st_ino, True)]


def test_a_sweep_between_the_name_and_the_lock_costs_the_writer_a_name_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    mkstemp = tempfile.mkstemp

    def swept_at_once(*args: Any, **options: Any) -> tuple[int, str]:
        handle, name = mkstemp(*args, **options)
        if not made:
            assert sweep_unfinished(tmp_path) == [Path(name).name]
        made.append(name)
        return handle, name

    monkeypatch.setattr(tempfile, "mkstemp", swept_at_once)
    write_durably(tmp_path / "done", b"whole")
    assert (tmp_path / "done").read_bytes() == b"whole"
    assert len(made) == 2
    assert not list(tmp_path.glob(f"{WRITING}*"))
