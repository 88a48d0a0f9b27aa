from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from isbjerg.errors import ReleaseError, StoreError
from isbjerg.release.plan import Route, ServingPlan
from isbjerg.storage.plans import ServingFolder, Worker
from isbjerg.storage.processes import process_started


def worker(name: str, epoch: int, serving: int, pid: int | None = None) -> Worker:
    pid = os.getpid() if pid is None else pid
    return Worker(
        name=name,
        pid=pid,
        started=process_started(pid) or 0,
        address="http://127.0.0.1:1",
        epoch=epoch,
        serving=serving,
        at_us=1,
    )


def test_a_plan_comes_back(tmp_path: Path) -> None:
    folder = ServingFolder(tmp_path / "serving")
    assert folder.read_plan() is None
    route = Route(role="live", model_version=2, bundle="ab" * 32, rung="boosted")
    plan = ServingPlan(epoch=4, at_us=1, routes=(route,))
    folder.publish(plan)
    assert folder.read_plan() == plan
    folder.plan_path.write_bytes(b'{"epoch":')
    with pytest.raises(ReleaseError):
        folder.read_plan()


def test_a_bundle_is_laid_down_and_repaired(tmp_path: Path) -> None:
    folder = ServingFolder(tmp_path)
    files = {"bundle.json": b"{}", "trees.txt": b"tree"}
    target = folder.put_bundle("ab" * 32, files)
    assert folder.read_bundle("ab" * 32) == files
    (target / "trees.txt").write_bytes(b"damaged")
    folder.put_bundle("ab" * 32, files)
    assert folder.read_bundle("ab" * 32) == files
    with pytest.raises(StoreError) as caught:
        folder.read_bundle("cd" * 32)
    assert caught.value.kind_code == "ISB631"


@pytest.mark.parametrize("name", ["../outside", "{tmp}/outside", "a/../../b", ""])
def test_no_name_leaves_the_folder(tmp_path: Path, name: str) -> None:
    folder, name = ServingFolder(tmp_path / "serving"), name.format(tmp=tmp_path)
    with pytest.raises(StoreError):
        folder.put_bundle("ab" * 32, {name: b""})
    with pytest.raises(StoreError):
        folder.put_bundle(name, {"bundle.json": b""})
    with pytest.raises(StoreError):
        folder.withdraw(name)


def test_only_living_workers_are_waited_for(tmp_path: Path) -> None:
    folder = ServingFolder(tmp_path)
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    folder.acknowledge(worker("other", 1, 1, process.pid))
    folder.acknowledge(worker("mine", 2, 2))
    assert [w.name for w in folder.live_workers()] == ["mine", "other"]
    assert [w.name for w in folder.wait_for_epoch(2, 0.05)] == ["other"]
    process.kill()
    process.communicate()
    assert folder.wait_for_epoch(2, 10) == []
    folder.withdraw("mine")
    assert folder.live_workers() == []


def test_a_pid_used_again_is_not_the_worker(tmp_path: Path) -> None:
    folder = ServingFolder(tmp_path)
    mine = worker("mine", 1, 1)
    folder.acknowledge(
        Worker(**{n: getattr(mine, n) for n in mine.__struct_fields__} | {"started": 1})
    )
    assert folder.live_workers() == []


def test_a_worker_that_kept_the_old_plan_is_told_of(tmp_path: Path) -> None:
    folder = ServingFolder(tmp_path)
    folder.acknowledge(worker("mine", 3, 2))
    assert [w.serving for w in folder.wait_for_epoch(3, 10)] == [2]
