"""A ranking all the way, on real flights: run, promote, serve, settle, trace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.workflows import ranking_project
from tests.workflows.test_life import DONE, Life

import isbjerg as ib
from isbjerg.cli.main import main
from isbjerg.models.ranking import held_out
from isbjerg.storage.ledger import unit_key

NOW = datetime.now(UTC).replace(microsecond=0, second=0, minute=0) + timedelta(hours=4)
NOW_US = round(NOW.timestamp()) * 1_000_000


class Ranking(Life):
    """The project of the ranked flights, and how its verbs are said."""

    def __init__(self, folder: Path) -> None:
        self.folder = ranking_project.write_project(folder / "p")
        self.project = ib.Project(self.folder)


def _flight(number: int, origin: str, row: dict[str, Any]) -> dict[str, Any]:
    about = {name: row[name] for name in ("dest", "carrier", "distance_miles")}
    when = {"sched_dep_utc": NOW.isoformat(), "hour_utc": NOW.isoformat()}
    return {"flight_id": f"f{number}", "origin": origin, **when, **about}


def _a_batch_ranks_alike(
    life: Ranking, sent: list[dict[str, Any]], top: list[dict[str, Any]]
) -> None:
    """The same rows as a batch: the same lists, places and scores, those held out included."""
    times = [pl.col(c).str.to_datetime(time_zone="UTC") for c in ("sched_dep_utc", "hour_utc")]
    pl.DataFrame(sent).with_columns(times).write_parquet(life.folder / "asked.parquet")
    best = life.folder / "best.parquet"
    report = life.project.predict(life.folder / "asked.parquet", best, top=3)
    assert (report.answered, report.published) == (60, 15)
    told = [
        (unit_key([r["origin"], NOW_US]), r["rank"], r["of"], r["score"])
        for r in pl.read_parquet(best).rows(named=True)
    ]
    assert told == [(p["list"], p["rank"], p["of"], p["score"]) for p in top]


@pytest.mark.slow
def test_a_life_of_ranked_lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    life = Ranking(tmp_path)
    report = life.project.run(as_of=ranking_project.AS_OF)
    assert report.verdict.passed, report.verdict.sentence
    constant = report.ladder.row("constant").metrics
    chosen = report.ladder.row(report.ladder.chosen).metrics
    assert constant["lift@3"].value == pytest.approx(1.0), "in no order nothing is lifted"
    assert chosen["lift@3"].value > 1.1
    assert chosen["ndcg@3"].value > constant["ndcg@3"].value + 0.05
    assert chosen["ndcg@3"].low < chosen["ndcg@3"].value < chosen["ndcg@3"].high
    assert life.say("promote", "v1", "--why", "it helps") == DONE

    held = {a: held_out(unit_key([a, NOW_US]), 0.2) for a in ("EWR", "JFK", "LGA", "TEB", "HPN")}
    flights = ranking_project.flights().rows(named=True)
    sent = [_flight(n, list(held)[n % 5], flights[100 * n]) for n in range(60)]
    with life.serve() as server:
        status, top = server.ask("/predict", {"rows": sent, "top": 3})
        assert status == 200, top
        status, every = server.ask("/predict", {"rows": sent})
        assert status == 200, every
        status, refused = server.ask("/predict", {"inputs": sent[0], "top": 3})
        assert (status, refused["error"]["code"]) == (422, "ISB720")
        status, _lacking = server.ask("/predict", {"rows": [{**sent[0], "origin": None}]})
        assert status == 422, "a row of no list"
    assert [(p["list"], p["rank"]) for p in top["predictions"]] == [
        (unit_key([origin, NOW_US]), rank) for origin in held for rank in (1, 2, 3)
    ]
    assert all(p["of"] == 12 for p in top["predictions"])
    by_list: dict[str, list[dict[str, Any]]] = {}
    for answer in every["predictions"]:
        by_list.setdefault(answer["list"], []).append(answer)
    for origin, chance in held.items():
        ordered = sorted(by_list[unit_key([origin, NOW_US])], key=lambda p: p["rank"])
        scores = [p["score"] for p in ordered]
        assert (scores == sorted(scores, reverse=True)) is not chance
        assert {p.get("why") for p in ordered} == {"hold-out" if chance else None}

    _a_batch_ranks_alike(life, sent, top["predictions"])
    records = [life.project.trace(p["id"]).prediction for p in top["predictions"]]
    assert all(r.output["shown"] and r.output["rank"] <= 3 for r in records)
    known = pl.DataFrame(
        {"flight_id": ["f0"], "arr_delay": [40.0], "landed_utc": [datetime.now(UTC)]}
    ).with_columns(pl.col("landed_utc") - pl.duration(minutes=1))
    known.write_parquet(life.folder / "landed.parquet")
    assert life.project.settle(life.folder / "landed.parquet").outcomes.new == 1
    first = every["predictions"][0]
    traced = life.project.trace(first["id"])
    assert traced.outcome is not None
    assert traced.outcome.value == 40.0
    assert [f.outcome for f in traced.replays] == ["passed"] * 3
    capsys.readouterr()
    assert life.say("trace", first["id"]) == DONE
    said = capsys.readouterr().out
    assert f"{first['rank']} of 12 in" in said


@pytest.mark.slow
def test_what_a_ranking_needs_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = ranking_project.write_project(tmp_path / "p")
    frame = (folder / "frame.toml").read_text()

    def run(old: str, new: str) -> str:
        assert old in frame
        (folder / "frame.toml").write_text(frame.replace(old, new))
        assert main(["-C", str(folder), "run", "--as-of", ranking_project.AS_OF]) != DONE
        return " ".join(capsys.readouterr().err.split())

    assert "`group` of [target] must say which rows are one" in run(
        'group   = ["origin", "hour_utc"]', ""
    )
    assert "names 'origen', which 'flights' does not have" in run('"origin", ', '"origen", ')
    assert "10,000 are ranked" in run('group   = ["origin", "hour_utc"]', 'group = "origin"')
    assert "which is not known when the decision is taken" in run('"hour_utc"]', '"arr_delay"]')
    (folder / "features.py").write_text(
        ranking_project.FEATURES.replace(".otherwise(0.0)", ".otherwise(-1.0)")
    )
    assert "must be 0 or more; the least is -1" in run("holdout = 0.2\n", "")
