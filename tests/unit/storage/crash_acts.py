"""Run one act on a catalog and kill this process with SIGKILL before its n-th write.

A write is an SQL statement, a commit, an fsync or a rename. The acts run in forks of this
small process, so that a round costs little; it prints one line of JSON for each round.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path

import msgspec
from sqlalchemy import Engine, event

from isbjerg.data.manifest import DataVersion, Part
from isbjerg.expressions.tree import Type
from isbjerg.storage.blobs import Blobs
from isbjerg.storage.catalog.catalog import Catalog
from isbjerg.storage.catalog.records import MetricRow, ModelVersion, VerdictRecord

CONTENT = b"the bytes of a part"


def _version(number: int, part: str) -> DataVersion:
    return DataVersion(
        id=f"t@v{number}", table="t", number=number, parent=f"t@v{number - 1}" if number > 1 else None,
        parts=(*(Part(f"{i}", 1, 1) for i in range(1, number)), Part(part, 1, 1)),
        schema=(("id", Type.INTEGER),), key=("id",), source="s", fingerprint=None,
        rows=number, at_us=0, live=False,
    )  # fmt: skip


def ingest(catalog: Catalog, folder: Path) -> None:
    """Reserve, write bytes, commit the version: the order in which an ingest works."""
    with catalog.lease("ingest", "ingest"):
        latest = catalog.latest_data_version("t")
        if latest and latest.number == 2:
            return
        catalog.reserve_rows("t", 1)
        part = Blobs(folder).put(CONTENT)
        catalog.record_data_version(_version(2, part))


def finish(catalog: Catalog, folder: Path) -> None:
    """Finish the run that stands."""
    run = msgspec.structs.replace(
        catalog.run("r2"), report={"a": 1}, chosen="linear", status="running"
    )
    run = msgspec.structs.replace(run, finished_us=None, verdict=None)
    catalog.finish_run(
        run,
        metrics=[
            MetricRow(run="r2", rung=r, split="test", metric="brier", value=0.1) for r in ("a", "b")
        ],
        verdict=VerdictRecord(run="r2", rung="linear", passed=True),
        model=ModelVersion(name="late", bundle="b2", run="r2", rung="linear"),
    )  # fmt: skip


def assign(catalog: Catalog, folder: Path) -> None:
    """Replace the live version."""
    catalog.assign("live", 2, by="a", why="", build_plan=lambda epoch, open_: {"epoch": epoch})


def create(catalog: Catalog, folder: Path) -> None:
    """Nothing more: opening has made the file."""


ACTS = {"create": create, "ingest": ingest, "finish": finish, "assign": assign}


def prepare(act: str, path: Path) -> None:
    """Bring a new catalog to where the act begins."""
    if act == "create":
        return
    with Catalog.open(path, lambda: 1) as catalog:
        catalog.record_data_version(_version(1, "1"))
        for _ in range(2):
            catalog.start_run(frame_hash="f", measure_hash="m")
        catalog.finish_run(
            catalog.run("r1"),
            verdict=VerdictRecord(run="r1", rung="a", passed=True),
            model=ModelVersion(name="late", bundle="b1", run="r1", rung="a"),
        )
        if act == "assign":
            finish(catalog, path.parent)
        catalog.assign("live", 1, by="a", why="", build_plan=lambda e, o: {"epoch": e})


def state(catalog: Catalog, folder: Path) -> dict[str, object]:
    """Look at everything the acts may touch."""
    live, plan, version = catalog.live(), catalog.latest_plan(), catalog.latest_data_version("t")
    return {
        "version": version.id if version else None,
        "part_is_there": not version or version.number < 2
        or Blobs(folder).get(version.parts[-1].hash) == CONTENT,
        "parts": len(catalog.parts("t")),
        "runs": [r.status for r in catalog.runs()],
        "metrics": len(catalog.metrics("r2")),
        "models": len(catalog.model_versions()),
        "live": live.version if live else None,
        "open": sum(a.until_us is None for a in catalog.assignments()),
        "epoch": plan.epoch if plan else None,
        "audit": len(catalog.audit()),
    }  # fmt: skip


def kill_before(n: int) -> None:
    """Arm this process: its n-th write does not happen."""
    left = n

    def count(*_anything: object) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def counted(function):
        def call(*args):
            count()
            return function(*args)

        return call

    event.listen(Engine, "before_cursor_execute", lambda *a: count())
    event.listen(Engine, "commit", count)
    os.fsync, os.replace = counted(os.fsync), counted(os.replace)


def round_(act: str, path: Path, n: int) -> bool:
    """Run the act in a fork that dies before its n-th write; say whether it died."""
    child = os.fork()
    if child == 0:
        kill_before(n)
        with Catalog.open(path, lambda: 2) as catalog:
            ACTS[act](catalog, path.parent)
        os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


def main(act: str, root: Path) -> None:
    """Kill at the first write, the second, ... until the act comes through."""
    template = root / "template"
    template.mkdir()
    prepare(act, template / "catalog.db")
    n, died = 0, True
    while died:
        path = root / str(n) / "catalog.db"
        shutil.copytree(template, path.parent)
        died = round_(act, path, n)
        with Catalog.open(path, lambda: 3) as catalog:
            after = state(catalog, path.parent)
            ACTS[act](catalog, path.parent)
            again = state(catalog, path.parent)
        sys.stdout.write(json.dumps({"died": died, "after": after, "again": again}) + "\n")
        sys.stdout.flush()
        n += 1


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
