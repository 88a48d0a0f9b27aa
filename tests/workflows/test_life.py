"""A whole life of a small project: from files to answers to what came true, and round again.

The verbs are said as a user says them, the server is a real one, and after each verb that was
said twice, or with ``--plan``, the store must hold what it held before.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.workflows import small_project
from tests.workflows.killing import ledger_ids, look
from tests.workflows.server_kit import Server

import isbjerg as ib
from isbjerg.cli.main import main
from isbjerg.storage.catalog.catalog import Catalog
from isbjerg.storage.layout import Store
from isbjerg.times import system_clock

NOW = datetime.now(UTC).replace(microsecond=0)
DONE, WRONG, MISUSE, REFUSED, BUSY = 0, 1, 2, 3, 4


class Life:
    """A project and how its verbs are said."""

    def __init__(self, folder: Path, *, count: int = 560) -> None:
        self.folder = small_project.write_project(folder / "p", count=count)
        self.project = ib.Project(self.folder)

    def say(self, *words: str) -> int:
        return main(["-C", str(self.folder), *words])

    def changes_nothing(self, *words: str, code: int = DONE) -> None:
        """Say a verb and hold the store against what it was before."""
        before = self.look()
        assert self.say(*words) == code
        assert self.look() == before

    def look(self) -> dict[str, Any]:
        return {**look(self.folder), "predictions": ledger_ids(self.folder)}

    @contextmanager
    def serve(self) -> Iterator[Server]:
        words = ["-m", "isbjerg", "-C", str(self.folder), "serve", "--port", "0"]
        process = subprocess.Popen(
            [sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "http://" in line, process.communicate()[1]
        host, _, port = line.split("http://")[1].split()[0].rpartition(":")
        server = Server(process, host, int(port))
        try:
            server.health()
            yield server
        finally:
            code, said = server.stop()
            assert code == 0, said

    def replays(self, prediction: str) -> list[str]:
        """Trace a prediction; it must replay, in the order of the three questions."""
        assert self.say("trace", prediction) == DONE
        return [f.outcome for f in self.project.trace(prediction).replays]


def _order(number: int) -> dict[str, Any]:
    about = {"customer": "c1", "shop": "west", "city": "B", "amount": 25.0}
    return {"order_id": number, "placed": NOW.isoformat(), **about}


def _predict(server: Server, number: int) -> dict[str, Any]:
    status, answer = server.ask("/predict", {"inputs": _order(number)})
    assert status == 200, answer
    return dict(answer)


EQUAL = ["passed"] * 3


@pytest.mark.slow
def test_a_whole_life(tmp_path: Path) -> None:
    life = Life(tmp_path)
    assert life.say("ingest") == DONE
    life.changes_nothing("ingest")
    assert life.say("run", "--as-of", small_project.AS_OF) == DONE
    life.changes_nothing("promote", "--plan")
    assert life.say("promote", "v1", "--why", "the first") == DONE
    life.changes_nothing("promote", "v1")

    hour = (NOW - timedelta(hours=2)).replace(minute=0, second=0)
    reading = {"city": "B", "hour": hour.isoformat(), "wind": 21.5}
    with life.serve() as server:
        given = [_predict(server, 1001)]
        assert server.ask("/facts/weather", {"rows": [reading]})[1]["accepted"] == 1
        assert server.ask("/facts/weather", {"rows": [reading]})[1]["duplicates"] == 1
        given += [_predict(server, n) for n in range(1002, 1007)]
    winds = [life.project.trace(g["id"]).prediction.features["wind"] for g in given]
    assert winds == [None, *[21.5] * 5]
    assert all(life.replays(g["id"]) == EQUAL for g in given)

    # 1006 has not come yet; 1099 was never predicted.
    known = pl.DataFrame(
        {
            "order_id": [1001, 1002, 1003, 1004, 1005, 1006, 1099],
            "minutes_late": [50.0, 3.0, 45.0, 31.0, 30.0, None, 12.0],
            "delivered": [*[NOW - timedelta(minutes=1)] * 5, None, NOW - timedelta(minutes=1)],
        }
    )
    known.write_parquet(life.folder / "known.parquet")
    life.changes_nothing("settle", str(life.folder / "known.parquet"), "--plan")
    assert life.say("settle", str(life.folder / "known.parquet")) == DONE
    life.changes_nothing("settle", str(life.folder / "known.parquet"))
    came = [life.project.trace(g["id"]).outcome for g in given]
    assert [None if c is None else c.value for c in came] == [True, False, True, True, False, None]

    small_project.orders().write_parquet(life.folder / "data" / "orders.parquet")
    assert life.say("ingest") == DONE
    life.changes_nothing("ingest")
    facts = life.look()["tables"]["orders"]["facts"]
    assert len(facts) == 560 + 40 + 6
    assert all(life.replays(g["id"]) == EQUAL for g in given), "posted or ingested, facts are facts"

    report = life.project.run()
    assert report.counts.usable == 600 + 5, "what was settled can be learnt from"
    assert report.model_version == 2
    life.changes_nothing("promote", "--plan")
    assert life.say("promote") == DONE
    with life.serve() as server:
        second = _predict(server, 1007)
        assert second["model"] == 2
        life.changes_nothing("rollback", "--plan")
        assert life.say("rollback", "--why", "to see that it goes back") == DONE
        back = _predict(server, 1008)
        assert (back["model"], back["epoch"]) == (1, 3)  # the server had it when the verb ended
    assert life.replays(second["id"]) == life.replays(back["id"]) == EQUAL
    assert life.project.trace(second["id"]).prediction.slots != {}
    assert life.look()["acts"] == [("rollback", "v1"), ("promote", "v2"), ("promote", "v1")]
    life.changes_nothing("rollback", code=REFUSED)
    for words in (["status"], ["runs"], ["runs", "r1"], ["history"]):
        life.changes_nothing(*words)
        life.changes_nothing(*words, "--json")


def test_exit_codes(tmp_path: Path) -> None:
    life = Life(tmp_path)
    assert main(["-C", str(tmp_path), "run"]) == WRONG  # no project
    assert life.say("promot") == MISUSE
    assert life.say("promote", "newest") == MISUSE
    assert life.say("promote") == REFUSED  # no model version yet
    assert life.say("rollback") == REFUSED
    assert life.say("ingest", "ordres") == MISUSE
    assert life.say("trace", "0123456789abcdefghjkmnpqrs") == WRONG
    assert life.say("settle", "nowhere.parquet") == WRONG
    with (
        Catalog.open(Store(life.folder / ".isbjerg").catalog, system_clock) as catalog,
        catalog.lease("ingest", "somebody"),
    ):
        assert life.say("ingest") == BUSY
    assert life.say("ingest") == DONE


def test_a_drafted_project_runs(tmp_path: Path) -> None:
    table = tmp_path / "orders.parquet"
    small_project.orders().with_columns(late=pl.col("minutes_late") > 30).drop(
        "minutes_late", "delivered"
    ).write_parquet(table)
    folder = tmp_path / "drafted"
    words = ["new", str(folder), "--from", str(table), "--target", "late", "--time", "placed"]
    assert main(words) == DONE
    assert main(words) != DONE, "what is there is not written over"
    assert main(["-C", str(folder), "run"]) == DONE


def test_facts_told_before_a_promotion_are_in_its_windows(tmp_path: Path) -> None:
    life = Life(tmp_path)
    life.project.run(as_of=small_project.AS_OF)
    _settle(life, minutes_late=99.0)
    life.project.promote()
    told = [fact for fact in look(life.folder)["online"] if fact[-1]]
    assert told, "a window that lacks what was told before it answers wrongly until the next ingest"


def test_a_file_that_lags_behind_does_not_take_back_what_was_settled(tmp_path: Path) -> None:
    life = Life(tmp_path)
    path = life.folder / "data" / "orders.parquet"
    row = {
        **_order(1001),
        "placed": NOW - timedelta(hours=1),
        "minutes_late": None,
        "delivered": None,
    }
    ours = small_project.orders(560)
    waiting = pl.concat([ours, pl.DataFrame([row], schema=ours.schema)])
    waiting.write_parquet(path)
    life.project.ingest()
    _settle(life, minutes_late=99.0)
    waiting.reverse().write_parquet(path)  # the same rows, told again
    life.project.ingest()
    newest = [f for f in look(life.folder)["tables"]["orders"]["facts"] if f[0] == 1001]
    assert len(newest) == 2, "the row as it was placed, and as it was settled"


def _settle(life: Life, *, minutes_late: float) -> None:
    row = {**_order(1001), "placed": NOW - timedelta(hours=1)}
    row |= {"minutes_late": minutes_late, "delivered": NOW - timedelta(minutes=1)}
    pl.DataFrame([row]).write_parquet(life.folder / "known.parquet")
    assert life.project.settle(life.folder / "known.parquet").facts == 1
