"""The serving plan on disk: published by atomic rename, acknowledged by each worker.

A promotion writes the bundles' files, then the plan that names them; a worker sees the new
plan, loads and warms, switches, and acknowledges its epoch. Whoever promotes waits for the
acknowledgement of every worker that lives.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from isbjerg.canonical import file_sha256, sha256
from isbjerg.errors import StoreError
from isbjerg.release.plan import ServingPlan, from_json
from isbjerg.storage.durable import WRITING, write_durably
from isbjerg.storage.processes import lives

_POLL_S = 0.02


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """What a serving process says of itself.

    Parameters
    ----------
    name : str
        The worker's name, also its ledger file's.
    pid, started : int
        The process, and its start in the kernel's ticks: a pid alone may be used again.
    address : str
        Where it listens.
    epoch : int
        Newest plan it has taken notice of; 0 before the first.
    serving : int
        Plan it answers with; lower than `epoch` when that plan's bundle did not load.
    fault : str
        Why it did not, or empty.
    at_us : int
        When it said so.
    """

    name: str
    pid: int
    started: int
    address: str
    epoch: int
    serving: int
    at_us: int
    fault: str = ""


class ServingFolder:
    """Everything that a promotion and the workers tell each other, in ``.isbjerg/serving``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.plan_path = folder / "plan.json"

    def publish(self, plan: ServingPlan) -> None:
        """Put a plan in force; its bundles must have been put there before."""
        write_durably(self.plan_path, plan.to_json())

    def read_plan(self) -> ServingPlan | None:
        """Return the plan in force, or ``None`` before the first.

        Raises
        ------
        ReleaseError
            When the file is no plan this version can read.
        """
        try:
            content = self.plan_path.read_bytes()
        except FileNotFoundError:
            return None
        return from_json(content)

    def put_bundle(self, name: str, files: Mapping[str, bytes]) -> Path:
        """Lay a bundle's files down under its hash, whole or not at all.

        Laying it down again repairs files that differ.
        """
        target = self.folder / "bundles" / _checked(name)
        for file, content in files.items():
            path = target / _checked(file)
            if not path.is_file() or file_sha256(path) != sha256(content):
                write_durably(path, content)
        return target

    def read_bundle(self, name: str) -> dict[str, bytes]:
        """Return the files of a bundle as they are; `Bundle.from_files` verifies them.

        Raises
        ------
        StoreError
            ISB631 when there is no such bundle.
        """
        target = self.folder / "bundles" / _checked(name)
        files = {
            str(p.relative_to(target)): p.read_bytes()
            for p in sorted(target.rglob("*"))
            if p.is_file() and not p.name.startswith(WRITING)
        }
        if not files:
            raise StoreError(
                f"Bundle {name[:12]} is not in the serving folder.",
                code="ISB631",
                mend="isbjerg promote",
                bundle=name,
            )
        return files

    def acknowledge(self, worker: Worker) -> None:
        """Say what a worker serves."""
        write_durably(self._worker_path(worker.name), msgspec.json.encode(worker))

    def withdraw(self, name: str) -> None:
        """Take a worker's word back at its end."""
        self._worker_path(name).unlink(missing_ok=True)

    def live_workers(self) -> list[Worker]:
        """Return the workers whose process still lives, by name."""
        found = []
        for path in sorted((self.folder / "workers").glob("*.json")):
            try:
                worker = msgspec.json.decode(path.read_bytes(), type=Worker)
            except (FileNotFoundError, msgspec.MsgspecError):
                continue  # withdrawn meanwhile, or no word of a worker
            if lives(worker.pid, worker.started):
                found.append(worker)
        return found

    def wait_for_epoch(
        self,
        epoch: int,
        timeout_s: float,
        *,
        tick: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> list[Worker]:
        """Wait until every living worker has taken notice of a plan.

        Returns
        -------
        list of Worker
            Those that do not answer with it: still silent when the time was over, or with
            a `fault` that says why they kept the plan before.
        """
        end = tick() + timeout_s
        while True:
            workers = self.live_workers()
            if all(w.epoch >= epoch for w in workers) or tick() >= end:
                return [w for w in workers if w.serving < epoch]
            sleep(_POLL_S)

    def _worker_path(self, name: str) -> Path:
        return self.folder / "workers" / f"{_checked(name)}.json"


def _checked(name: str) -> str:
    """Refuse a name that would leave its folder."""
    if Path(name).is_absolute() or not name or ".." in Path(name).parts:
        raise StoreError(f"{name!r} is no name of a file of the store.", code="ISB632")
    return name
