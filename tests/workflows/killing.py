"""What the kill tests share: commands that can be killed, and a look at all that a store holds."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from tests.workflows.kill_host import TALLY
from tests.workflows.server_kit import Server

from isbjerg.canonical import file_sha256
from isbjerg.data.versions import INGESTED_AT, LIVE_AT, ROW
from isbjerg.models.bundle import from_files
from isbjerg.storage.blobs import Blobs
from isbjerg.storage.catalog.catalog import Catalog
from isbjerg.storage.layout import Store
from isbjerg.storage.ledger import Ledger
from isbjerg.storage.plans import ServingFolder
from isbjerg.storage.tables import read_facts
from isbjerg.times import system_clock

HOST = Path(__file__).with_name("kill_host.py")
KILLED = -int(signal.SIGKILL)


class Ended(NamedTuple):
    """How a command ended: exit code, what it counted, what it said."""

    code: int
    writes: int
    said: str
    took_s: float


class Host:
    """Start verbs in a project's folder, each in its own process, and kill them."""

    def __init__(self, folder: Path) -> None:
        self._said = folder / "said.txt"
        self.code, self.writes = 0, 0
        """How the last server ended."""
        # A fork copies one thread only, so libraries must not have started any before it.
        alone = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "1")
        self._process = subprocess.Popen(
            [sys.executable, str(HOST)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **alone},
        )
        self._answer()

    def run(
        self,
        folder: Path,
        *words: str,
        kill_at: int | str | None = None,
        kill_after_s: float | None = None,
    ) -> Ended:
        """Run a verb to its end, or to its death before a write or after a time."""
        begun = time.monotonic()
        pid = self.start(folder, *words, kill_at=kill_at)
        if kill_after_s is not None:
            time.sleep(kill_after_s)
            os.killpg(pid, signal.SIGKILL)  # not waited for yet, so the number is still its own
        code = self.wait(pid)
        tally = Path(str(self._said) + TALLY)
        writes = int(tally.read_text()) if code >= 0 else -1
        said = self._said.read_text(encoding="utf-8")
        return Ended(code, writes, said, time.monotonic() - begun)

    def start(self, folder: Path, *words: str, kill_at: int | str | None = None) -> int:
        """Start a verb and return its process."""
        self._said.unlink(missing_ok=True)
        command = {"words": words, "kill_at": kill_at, "said": str(self._said)}
        return int(self._ask({**command, "folder": str(folder)})["pid"])

    def wait(self, pid: int) -> int:
        """Wait for a process and return its exit code, negative when a signal ended it."""
        return int(self._ask({"wait": pid})["code"])

    @contextmanager
    def serve(self, folder: Path, *, kill_at: int | str | None = None) -> Iterator[Server | None]:
        """Start the server; ``None`` when it died before it said where it listens."""
        words = ("serve", "--store", str(Store(folder / ".isbjerg").folder), "--port", "0")
        pid = self.start(folder, *words, kill_at=kill_at)
        address = self._address(pid)
        try:
            yield None if address is None else Server(None, *address)  # type: ignore[arg-type]
        finally:
            _signal(pid, signal.SIGTERM)
            self.code = self.wait(pid)
            tally = Path(str(self._said) + TALLY)
            self.writes = int(tally.read_text()) if self.code >= 0 else -1

    def _address(self, pid: int) -> tuple[str, int] | None:
        end = time.monotonic() + 30
        while time.monotonic() < end:
            said = self._said.read_text(encoding="utf-8") if self._said.exists() else ""
            if "http://" in said and "\n" in said:
                host, _, port = said.split("http://")[1].split()[0].rpartition(":")
                return host, int(port)
            if Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").split(") ")[1][0] == "Z":
                return None
            time.sleep(0.01)
        raise AssertionError("the server said nothing")

    def close(self) -> None:
        """End the host; its children have ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def _ask(self, command: dict[str, Any]) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        return dict(json.loads(self._process.stdout.readline()))


def _signal(pid: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def look(folder: Path, *, published: bool = True) -> dict[str, Any]:
    """Check what must hold at any time, and return what the store holds, without its times.

    Parameters
    ----------
    folder : Path
        The project.
    published : bool, default=True
        Whether servers must be told already what is live: not so right after a kill.
    """
    store = Store(folder / ".isbjerg")
    with Catalog.open(store.catalog, system_clock) as catalog:
        seen = {
            "tables": {name: _table(store, catalog, name) for name in _tables(catalog)},
            "models": [_bundle(store, m.bundle) for m in catalog.model_versions()],
            "acts": [(a.act, a.subject) for a in catalog.audit()],
            **_live(store, catalog, published=published),
        }
        _check_runs(catalog)
    return {
        **seen,
        "online": online_facts(store),
        "posted": posted(store),
        "settled": settled(store),
    }


def _tables(catalog: Catalog) -> list[str]:
    return sorted({v.table for v in catalog.data_versions()})


def _table(store: Store, catalog: Catalog, name: str) -> dict[str, Any]:
    latest = catalog.latest_data_version(name)
    assert latest is not None
    for number in range(1, latest.number + 1):
        version = catalog.data_version(f"{name}@v{number}")
        assert all(file_sha256(store.part(name, p.hash)) == p.hash for p in version.parts)
        assert version.parts == latest.parts[:number]
    facts = read_facts(store, latest, [*dict(latest.schema), INGESTED_AT])
    assert facts[ROW].is_unique().all(), "a row number was given twice"
    key = list(latest.key)
    again = facts.select(*key, *(c for c in dict(latest.schema) if c not in key))
    same = again.with_columns(facts[LIVE_AT].is_not_null()).is_duplicated()
    assert not same.any(), "a fact is there twice"
    assert facts.height == latest.rows
    plain = facts.sort(ROW).with_columns(pl.col(LIVE_AT).is_not_null()).drop(ROW, INGESTED_AT)
    return {
        "versions": latest.number,
        "facts": sorted(plain.rows(), key=repr),
        "parts": len(latest.parts),
    }


def _bundle(store: Store, bundle: str) -> str:
    blobs = Blobs(store.blobs)
    manifest = blobs.get(bundle)
    named = json.loads(manifest)["files"]
    from_files({"bundle.json": manifest, **{n: blobs.get(h) for n, h in named.items()}})
    return bundle


def _live(store: Store, catalog: Catalog, *, published: bool) -> dict[str, Any]:
    standing = [a for a in catalog.assignments("live") if a.until_us is None]
    newest = catalog.latest_plan()
    told = ServingFolder(store.serving).read_plan()
    if newest is None:
        assert not standing
        assert told is None
        return {"live": None, "epoch": None}
    assert len(standing) == 1
    (route,) = newest.payload["routes"]
    assert route["model_version"] == standing[0].version
    if told is not None:  # whatever servers were told last, they can load it
        assert told.epoch <= newest.epoch
        for one in told.routes:
            files = ServingFolder(store.serving).read_bundle(one.bundle)
            from_files(files, expected_hash=one.bundle)
    if published:
        assert told is not None
        assert told.epoch == newest.epoch
        assert told.routes[0].model_version == standing[0].version
    return {"live": standing[0].version, "epoch": newest.epoch}


def _check_runs(catalog: Catalog) -> None:
    runs, models = catalog.runs(), catalog.model_versions()
    assert [m.number for m in models] == list(range(len(models), 0, -1))
    by_run = {m.run: m for m in models}
    assert len(by_run) == len(models), "a run left two model versions"
    for run in runs:
        assert (run.verdict is not None) == (run.status == "finished")
        assert (run.id in by_run) == (run.status == "finished")
        assert bool(catalog.metrics(run.id)) == (run.status == "finished")


def online_facts(store: Store) -> list[tuple[Any, ...]]:
    """Return what each slot was fed, without row numbers and times of arrival."""
    facts = _rows(
        store.online,
        "SELECT name, on_key, fact_key, position, value, row >= 1 << 62"
        " FROM slot_facts JOIN slots ON slots.id = slot",
    )
    return sorted(facts, key=repr)


def posted(store: Store) -> list[tuple[Any, ...]]:
    """Return the facts that were posted, and whether a data version holds them."""
    return _rows(
        store.online,
        "SELECT source, fact_key, body, data_version IS NOT NULL FROM posted"
        " ORDER BY source, fact_key, seq",
    )


def settled(store: Store) -> list[tuple[Any, ...]]:
    """Return the outcomes that were settled."""
    return _rows(
        store.ledger / "outcomes.db",
        "SELECT by, ref, value, known_us, corrects IS NULL, matched FROM outcomes ORDER BY n",
    )


def _rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    """Ask a database; one that was killed before it had its tables holds nothing."""
    if not path.exists():
        return []
    with closing(sqlite3.connect(path)) as db:
        tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        return db.execute(query).fetchall() if tables[0] else []


def ledger_ids(folder: Path) -> list[str]:
    """Return the ids of all predictions, as often as the ledger holds them."""
    return [p.id for p in Ledger(Store(folder / ".isbjerg").ledger).scan()]
