"""Kill -9 of every verb, before any of its writes and at random moments.

Each round takes a project to where a verb begins, kills the verb, checks that what the store
holds is right by itself, gives the same command again, and compares what there is now with a
project in which nothing was ever killed: nothing acknowledged is lost, nothing is doubled.
"""

from __future__ import annotations

import http.client
import itertools
import json
import os
import random
import shutil
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.workflows import small_project
from tests.workflows.killing import KILLED, Ended, Host, ledger_ids, look, posted
from tests.workflows.server_kit import Server

from isbjerg.storage.catalog.catalog import Catalog
from isbjerg.storage.layout import Store
from isbjerg.storage.plans import ServingFolder
from isbjerg.times import system_clock

pytestmark = pytest.mark.slow

SEED = int(os.environ.get("ISBJERG_KILL_SEED", "20240301"))
"""The same points each time in CI, so that a failure can be seen again; `make kill` draws others."""
RUN = ("run", "--as-of", small_project.AS_OF)
NOW = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
BY_TIME = 4
"""Every fourth round kills after a random time instead, which falls inside writes too."""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    host = Host(tmp_path_factory.mktemp("host"))
    yield host
    host.close()


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that nothing was done with yet."""
    return small_project.write_project(tmp_path_factory.mktemp("fresh") / "p", count=560)


@pytest.fixture(scope="module")
def released(host: Host, fresh: Path) -> Path:
    """Two model versions that passed; v2, v1, v2 went live in this order."""
    folder = _copy(fresh, "released")
    for words in (RUN, RUN, ("promote", "v2"), ("promote", "v1"), ("promote", "v2")):
        _done(host.run(folder, *words))
    return folder


@pytest.fixture(scope="module")
def predicted(host: Host, released: Path) -> Path:
    """Twelve predictions about orders of today, and an outcome file that knows of fourteen."""
    folder = _copy(released, "predicted")
    with host.serve(folder) as server:
        assert server is not None
        for number in range(1001, 1013):
            assert server.ask("/predict", {"inputs": _order(number)})[0] == 200
    assert host.code == 0
    known = [
        {"order_id": n, "minutes_late": float(n % 60), "delivered": NOW - timedelta(minutes=n % 50)}
        for n in range(1001, 1015)
    ]
    pl.DataFrame(known).write_parquet(folder / "known.parquet")
    return folder


@pytest.fixture(scope="module")
def settled(host: Host, predicted: Path) -> Path:
    """Outcomes settled, not yet ingested; and the files have 40 new orders and 5 corrected."""
    folder = _copy(predicted, "settled")
    _done(host.run(folder, "settle", "known.parquet"))
    corrected = pl.col("order_id").is_between(551, 555)
    small_project.orders().with_columns(
        minutes_late=pl.when(corrected).then(99.0).otherwise(pl.col("minutes_late"))
    ).write_parquet(folder / "data" / "orders.parquet")
    return folder


def _order(number: int) -> dict[str, Any]:
    shop = small_project.SHOPS[number % 4]
    city = "A" if number % 4 < 2 else "B"
    about = {"customer": f"c{number % 7}", "shop": shop, "city": city, "amount": 10.0}
    return {"order_id": number, "placed": NOW.isoformat(), **about}


def _copy(folder: Path, name: str) -> Path:
    """Copy a project to a folder whose last name stays, since model versions carry it."""
    target = folder.parent.parent / name / folder.name
    shutil.copytree(folder, target)
    return target


def _done(ended: Ended) -> Ended:
    assert ended.code == 0, ended.said
    return ended


class Rounds:
    """Rounds of one verb from one beginning."""

    def __init__(self, host: Host, beginning: Path, root: Path, *words: str) -> None:
        self._host, self._beginning, self._root, self._words = host, beginning, root, words
        self._random = random.Random(f"{SEED} {words}")
        whole = self._next("whole")
        self.usual = _done(host.run(whole, *words))
        self.wanted = look(whole)

    def play(self, count: int, *named: str) -> Iterator[tuple[Path, dict[str, Any]]]:
        """Kill `count` times, and before each named write; give each project as it was found."""
        killed = 0
        ways = [self._how(turn, count) for turn in range(count)]
        for turn, how in enumerate([*({"kill_at": name} for name in named), *ways]):
            folder = self._next(str(turn))
            _tell(f"{' '.join(self._words)}, round {turn}: {how}")
            ended = self._host.run(folder, *self._words, **how)
            assert ended.code in (KILLED, 0), ended.said
            killed += ended.code == KILLED
            yield folder, (look(folder, published=False) if _begun(folder) else {})
            shutil.rmtree(folder)
        assert killed >= len(named) + count - count // BY_TIME, "a write was never reached"

    def _how(self, turn: int, count: int) -> dict[str, Any]:
        if turn % BY_TIME == BY_TIME - 1:
            return {"kill_after_s": self._random.uniform(0.15, 1.0) * self.usual.took_s}
        # Each round has its own stretch of the writes, so that together they cover all.
        low, high = (turn * self.usual.writes // count, (turn + 1) * self.usual.writes // count)
        return {"kill_at": self._random.randrange(low, max(low + 1, high))}

    def _next(self, name: str) -> Path:
        target = self._root / name / self._beginning.name
        shutil.copytree(self._beginning, target)
        return target


def _tell(what: str) -> None:
    """Say for a red test which round it was and how to have it again."""
    sys.stdout.write(f"seed {SEED}, {what}\n")


def _begun(folder: Path) -> bool:
    return Store(folder / ".isbjerg").catalog.exists()


def test_the_first_ingest(host: Host, fresh: Path, tmp_path: Path) -> None:
    rounds = Rounds(host, fresh, tmp_path, "ingest")
    for folder, _ in rounds.play(8):
        _done(host.run(folder, "ingest"))
        assert look(folder) == rounds.wanted
        _check_swept(folder)


def test_an_ingest_of_news_corrections_and_settled_orders(
    host: Host, settled: Path, tmp_path: Path
) -> None:
    rounds = Rounds(host, settled, tmp_path, "ingest")
    assert rounds.wanted["tables"]["orders"]["versions"] == 3
    assert len(rounds.wanted["tables"]["orders"]["facts"]) == 560 + 14 + 40 + 5
    for turn, (folder, found) in enumerate(rounds.play(11, "INTO data_versions", "UPDATE posted")):
        for table, held in found["tables"].items():
            wanted = rounds.wanted["tables"][table]["facts"]
            assert set(held["facts"]) <= set(wanted)
        _done(host.run(folder, "ingest"))
        assert look(folder) == rounds.wanted
        _check_swept(folder)
        if turn % 5 == 0:
            _done(host.run(folder, "ingest"))
            assert look(folder) == rounds.wanted, "an ingest of nothing new changes nothing"


def _check_swept(folder: Path) -> None:
    store = Store(folder / ".isbjerg")
    with Catalog.open(store.catalog, system_clock) as catalog:
        for table in ("orders", "weather"):
            there = {f.stem for f in store.table(table).iterdir()}
            assert there == catalog.parts(table), "a killed ingest left a part behind"


def test_a_run(host: Host, fresh: Path, tmp_path: Path) -> None:
    rounds = Rounds(host, fresh, tmp_path, *RUN)
    (bundle,) = rounds.wanted["models"]
    for folder, found in rounds.play(7, "INTO run_metrics"):
        before = len(found.get("models", ()))
        _done(host.run(folder, *RUN))
        now = look(folder)
        assert now["tables"] == rounds.wanted["tables"]
        assert now["models"] == [bundle] * (before + 1), "a run is a run, and learns the same"
        with Catalog.open(Store(folder / ".isbjerg").catalog, system_clock) as catalog:
            statuses = [r.status for r in catalog.runs()]
        assert set(statuses) <= {"finished", "interrupted"}
        assert statuses[0] == "finished"


def test_a_promotion(host: Host, released: Path, tmp_path: Path) -> None:
    rounds = Rounds(host, released, tmp_path, "promote", "v1")
    for folder, found in rounds.play(8):
        assert found["live"] in (1, 2)
        _done(host.run(folder, "promote", "v1"))
        assert look(folder) == rounds.wanted


def test_a_first_promotion(host: Host, released: Path, fresh: Path, tmp_path: Path) -> None:
    beginning = _copy(fresh, "ran")
    _done(host.run(beginning, *RUN))
    rounds = Rounds(host, beginning, tmp_path, "promote")
    assert rounds.wanted["online"]
    for folder, _ in rounds.play(6):
        _done(host.run(folder, "promote"))
        assert look(folder) == rounds.wanted


def test_a_rollback(host: Host, released: Path, tmp_path: Path) -> None:
    # v2, v1, v2 went live: going back once gives v1, going back twice by mistake v2.
    rounds = Rounds(host, released, tmp_path, "rollback")
    assert rounds.wanted["live"] == 1
    for folder, found in rounds.play(6, "INTO plans", "plan.json"):
        if _published(folder) == rounds.wanted["epoch"]:
            assert found == rounds.wanted  # it was done: to say it again would go back further
            continue
        _done(host.run(folder, "rollback"))
        assert look(folder) == rounds.wanted


def _published(folder: Path) -> int:
    plan = ServingFolder(Store(folder / ".isbjerg").serving).read_plan()
    assert plan is not None
    return plan.epoch


def test_settling(host: Host, predicted: Path, tmp_path: Path) -> None:
    rounds = Rounds(host, predicted, tmp_path, "settle", "known.parquet")
    assert len(rounds.wanted["settled"]) == len(rounds.wanted["posted"]) == 14
    for folder, found in rounds.play(6, "INTO outcomes", "INTO posted"):
        assert found["settled"] in ([], rounds.wanted["settled"])
        assert found["posted"] in ([], rounds.wanted["posted"])
        _done(host.run(folder, "settle", "known.parquet"))
        assert look(folder) == rounds.wanted


ASKED = 24
"""Requests of one round of the server: two predictions, then a posted fact, and so on."""


def test_the_server(host: Host, released: Path, tmp_path: Path) -> None:
    never = _copy(released, "never_killed")
    wanted, usual = _serve_all(host, never)
    chance = random.Random(SEED)
    for turn in range(8):
        folder = tmp_path / str(turn) / released.name
        shutil.copytree(released, folder)
        kill_at = chance.randrange(usual * turn // 8, usual * (turn + 1) // 8)
        _tell(f"server, round {turn}: dies before write {kill_at} of {usual}")
        told: dict[int, str] = {}
        with host.serve(folder, kill_at=kill_at) as server:
            reached = 0 if server is None else _ask(server, range(ASKED), told)
        assert host.code == KILLED
        assert reached < ASKED
        kept = ledger_ids(folder)
        assert set(told.values()) <= set(kept), "an answer was given and its record lost"
        assert len(kept) == len(set(kept)) <= len(told) + 1  # the one that waited for its answer
        # What was last asked is asked again, answered or not: a fact told twice counts once.
        with host.serve(folder) as server:
            assert server is not None
            assert _ask(server, range(max(0, reached - 3), ASKED), told) == ASKED
        assert host.code == 0
        assert set(told.values()) <= set(ledger_ids(folder))
        store = Store(folder / ".isbjerg")
        assert posted(store) == wanted["posted"]
        assert look(folder)["online"] == wanted["online"]
        shutil.rmtree(folder)


def _serve_all(host: Host, folder: Path) -> tuple[dict[str, Any], int]:
    with host.serve(folder) as server:
        assert server is not None
        assert _ask(server, range(ASKED), {}) == ASKED
    assert host.code == 0
    return look(folder), host.writes


def _ask(server: Server, turns: range, told: dict[int, str]) -> int:
    """Ask one after the other; return how far it came before the server died."""
    for turn in turns:
        try:
            if turn % 3 == 2:
                status, answer = server.ask("/facts/weather", {"rows": [_reading(turn)]})
                assert (status, answer["accepted"] + answer["duplicates"]) == (200, 1)
            else:
                status, answer = server.ask("/predict", {"inputs": _order(2000 + turn)})
                assert status == 200, answer
                told[next(n for n in itertools.count() if n not in told)] = answer["id"]
        except (OSError, http.client.HTTPException, json.JSONDecodeError):
            return turn
    return turns.stop


def _reading(turn: int) -> dict[str, Any]:
    return {
        "city": "AB"[turn % 2],
        "hour": (NOW - timedelta(hours=turn + 1)).isoformat(),
        "wind": float(turn),
    }
