"""Watching a real store: a live model, a ledger of two weeks, and what goes wrong in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import log_loss, ndcg_score
from tests.workflows import digits_project, ledger_kit, ranking_project, small_project
from tests.workflows.ledger_kit import Record

import isbjerg as ib
from isbjerg.cli.main import main
from isbjerg.monitoring.reference import read_reference
from isbjerg.project import Project
from isbjerg.times import from_datetime, parse_instant

EARLY, LATER = "2024-03-28", small_project.AS_OF


UNDATED = {
    "frame.toml": [('at      = "placed"\n', "")],
    "sources.py": [
        (
            '"order_id": ib.ahead("1h"),\n        "placed": ib.ahead("1h"),',
            '"order_id": ib.beforehand(),',
        ),
        ('"customer": ib.ahead("1h")', '"customer": ib.beforehand()'),
        ('"shop": ib.ahead("1h")', '"shop": ib.beforehand()'),
        ('"city": ib.ahead("1h")', '"city": ib.beforehand()'),
        ('"amount": ib.ahead("1h")', '"amount": ib.beforehand()'),
    ],
    "features.py": [],
    "models.py": [
        ("f.wind, f.at_shop, f.size, f.shop_late_7d, f.shop_orders_7d", "f.at_shop, f.size"),
        ("f.wind, f.at_shop, f.size, f.shop_late_7d", "f.at_shop, f.size"),
        (
            "def windy(w=f.wind):\n    return ib.when(w > 10.0)",
            "def big(a=f.size):\n    return ib.when(a > 40.0)",
        ),
    ],
}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A model that learnt until late in March, is live, and knows what came true until April."""
    folder = small_project.write_project(tmp_path / "p")
    frame = folder / "frame.toml"
    text = frame.read_text(encoding="utf-8").replace(
        "[split]", "[freshness]\nretrain = '30d'\n\n[split]"
    )
    frame.write_text(text, encoding="utf-8")
    made = ib.Project(folder)
    assert made.run(EARLY).model_version == 1
    made.promote(1)
    return made


def answer(
    project: Project,
    since: str,
    until: str,
    *,
    twist: Callable[[Record], None] | None = None,
    each: int = 6,
) -> int:
    """Answer about each order of a time, several times over."""
    first, last = (datetime.fromisoformat(t).replace(tzinfo=UTC) for t in (since, until))
    placed = pl.col("placed").is_between(first, last, closed="left")
    units = small_project.orders().filter(placed)
    return ledger_kit.answer(project, units, pl.col("placed"), twist=twist, copies=each)


def outcomes(project: Project, code: str, until: str = LATER, window: str = "7d") -> set[str]:
    report = project.watch(until, window=window)
    return {f.outcome for f in report.findings if f.code == code}


def test_a_registered_version_keeps_what_it_looked_like(project: Project) -> None:
    with project._open() as workspace:
        model = workspace.catalog.model_version(1)
    reference = read_reference(model.card)
    assert reference is not None
    parts = project.run_details("r1").run.report["parts"]
    assert reference.total == parts["test"]
    assert all(sum(c.missing) <= reference.total for c in reference.counted.values())
    counted = [c for c in reference.counted.values() if c.bins is not None]
    assert counted
    for column in counted:
        assert sum(map(sum, column.counts)) + sum(column.missing) == reference.total
    assert 3600e6 <= reference.delay_us <= 6 * 3600e6, "orders come an hour or some later"
    assert reference.metrics[reference.primary].n == reference.total


def test_a_quiet_week_says_so(project: Project) -> None:
    given = answer(project, EARLY, LATER)
    report = project.watch(LATER, window="7d")
    assert 0 < report.predictions < given
    assert (report.version, report.opened) == (1, 0), [f for f in report.findings if f.failed]
    assert not report.failed
    metric = next(f for f in report.findings if f.code == "watch.metric")
    assert metric.outcome == "passed"
    assert outcomes(project, "watch.outcomes") == {"passed"}


def without_shop(record: Record) -> None:
    record["inputs"]["shop"] = None
    record["features"]["at_shop"] = None


def without_lookups(record: Record) -> None:
    record["slots"] = dict.fromkeys(record["slots"])


def upside_down(record: Record) -> None:
    record["score"] = 1.0 - record["score"]


@pytest.mark.parametrize(
    ("twist", "code", "subject"),
    [
        (without_shop, "watch.missing", "orders.shop"),
        (without_lookups, "watch.lookup", "weather"),
    ],
)
def test_what_is_wrong_is_an_alarm_that_lasts_and_closes(
    project: Project, twist: Callable[[Record], None], code: str, subject: str
) -> None:
    answer(project, EARLY, "2024-04-04", twist=twist)
    answer(project, "2024-04-04", LATER)
    for day, times in (("2024-04-02", 1), ("2024-04-03", 2)):
        assert project.watch(day, window="3d").failed
        found = {(a.code, a.subject): a for a in project.alarms()}
        assert found[code, subject].times == times
    again = {(a.code, a.subject): a.times for a in project.alarms()}
    project.watch("2024-04-03", window="3d")
    assert {(a.code, a.subject): a.times for a in project.alarms()} == again, "the same watch"
    assert project.status().alarms
    project.watch(LATER, window="3d")
    assert (code, subject) not in {(a.code, a.subject) for a in project.alarms()}
    every = project.alarms(only_open=False)
    closed = next(a for a in every if (a.code, a.subject) == (code, subject))
    assert closed.why_closed is not None
    assert closed.why_closed.startswith("passed as of 2024-04-08")


def test_answers_that_come_out_wrong_are_an_alarm(project: Project) -> None:
    answer(project, EARLY, LATER, twist=upside_down, each=1)
    project.watch(LATER, window="7d")
    found = {(a.code, a.subject) for a in project.alarms()}
    assert {("watch.metric", "live"), ("watch.beats_constant", "live")} <= found


def test_a_stop_is_seen(project: Project) -> None:
    answer(project, EARLY, "2024-04-06", each=40)
    report = project.watch(LATER, window="1d")
    silence = next(f for f in report.findings if f.code == "watch.silence")
    assert silence.failed
    assert silence.evidence["hours"] == 24
    assert report.failed


def test_young_decisions_are_told_and_not_judged(project: Project) -> None:
    answer(project, EARLY, LATER, each=1)
    report = project.watch(LATER, window="1d")
    told = next(f for f in report.findings if f.code == "watch.outcomes")
    with project._open() as workspace:
        reference = read_reference(workspace.catalog.model_version(1).card)
    assert reference is not None
    edge = parse_instant(LATER) - reference.delay_us
    placed = [from_datetime(p) for p in small_project.orders()["placed"]]
    young = sum(
        edge <= at // 3_600_000_000 * 3_600_000_000 for at in placed if at < parse_instant(LATER)
    )
    assert told.message.endswith(f"{told.evidence['immature']} are too young.")
    assert told.evidence["immature"] >= young
    assert told.evidence["known"] == told.evidence["decided"], "all of them were delivered"


def test_an_old_model_is_an_alarm_that_a_successor_closes(project: Project) -> None:
    answer(project, EARLY, LATER, each=1)
    frame = project.folder / "frame.toml"
    frame.write_text(frame.read_text(encoding="utf-8").replace("'30d'", "'5d'"), encoding="utf-8")
    assert project.watch(LATER).failed
    assert ("watch.model_age", "live") in {(a.code, a.subject) for a in project.alarms()}
    assert project.retrain(LATER, promote=False).version == 2
    project.promote(2)
    project.watch(LATER)
    assert ("watch.model_age", "live") not in {(a.code, a.subject) for a in project.alarms()}


def test_before_anything_is_live_only_data_is_watched(tmp_path: Path) -> None:
    fresh = ib.Project(small_project.write_project(tmp_path / "fresh"))
    fresh.ingest()
    report = fresh.watch(LATER)
    assert report.version is None
    assert {f.outcome for f in report.findings if f.code == "watch.model"} == {"not_run"}
    assert not report.failed


def test_a_source_that_is_late_is_told(project: Project) -> None:
    sources = project.folder / "sources.py"
    text = sources.read_text(encoding="utf-8").replace(
        '@ib.source(key=["city", "hour"],', '@ib.source(key=["city", "hour"], refresh="1h",'
    )
    sources.write_text(text, encoding="utf-8")
    project.ingest()
    last = small_project.weather()["hour"].max() + timedelta(hours=1)  # type: ignore[operator]
    for late, outcome in ((timedelta(minutes=80), "passed"), (timedelta(minutes=100), "failed")):
        at = (last + late).isoformat()
        found = {
            f.subject: f.outcome for f in project.watch(at).findings if f.code == "watch.data_age"
        }
        assert found["weather"] == outcome
        assert found["orders"] == "not_applicable"


def test_the_verb_ends_with_1_and_closes_alarms(
    project: Project, capsys: pytest.CaptureFixture[str]
) -> None:
    answer(project, EARLY, LATER, twist=without_shop)

    def say(*words: str) -> int:
        return main(["-C", str(project.folder), "--quiet", *words])

    assert say("watch", "--as-of", LATER, "--window", "3d") == 1
    shown = capsys.readouterr().out
    assert "shop is missing in 100.0%, 0.0% on the test rows." in shown
    assert "Something is wrong" in shown
    assert say("watch", "--close", "1") == 2
    assert say("watch", "--close", "1", "--why", "a known outage") == 0
    assert project.history().acts[0].act == "close alarm"
    capsys.readouterr()
    assert say("watch", "--as-of", LATER, "--window", "3d", "--json") == 1
    report = json.loads(capsys.readouterr().out)
    assert report["opened"] == 1, "what lasts is an alarm again"
    assert report["alarms"][0]["id"] > 1
    assert say("watch", "--window", "3x") == 2
    assert say("watch", "--window", "90m") == 2


def test_classes_are_watched_by_the_one_that_was_said(tmp_path: Path) -> None:
    project = ib.Project(digits_project.write_project(tmp_path / "digits"))
    assert project.run("2024-01-10").model_version == 1
    project.promote(1)
    later = digits_project.images().filter(pl.col("scanned") >= datetime(2024, 1, 10, tzinfo=UTC))

    def said_wrong(record: Record) -> None:
        names = sorted(digits_project.NAMES)
        chances = list(record["output"]["probabilities"].values())
        turned = dict(zip(names, [*chances[1:], chances[0]], strict=True))
        record["output"] = {"class": max(turned, key=turned.__getitem__), "probabilities": turned}

    ledger_kit.answer(project, later, pl.col("scanned"))
    well = {f.code: f for f in project.watch("2024-01-13", window="3d").findings}
    with project._open() as workspace:
        until_us = parse_instant("2024-01-13") - well["watch.outcomes"].evidence["due_after_us"]
        due = list(workspace.ledger.scan(until_us=until_us))
    truth = dict(zip(later["image"].to_list(), later["read_as"].to_list(), strict=True))
    expected = log_loss(
        [truth[p.inputs["image"]] for p in due],
        [list((p.output or {})["probabilities"].values()) for p in due],
        labels=sorted(digits_project.NAMES),
    )
    assert well["watch.metric"].evidence["now"]["value"] == pytest.approx(expected)
    assert well["watch.outcomes"].evidence["known"] == len(due) > 300

    for old in (project.store / "ledger").glob("w1.db*"):
        old.unlink()
    ledger_kit.answer(project, later, pl.col("scanned"), twist=said_wrong)
    found = {f.code: f for f in project.watch("2024-01-13", window="3d").findings}
    assert found["watch.metric"].failed
    assert found["watch.guardrail"].failed


@pytest.mark.slow
def test_a_ranking_is_watched_list_by_list(tmp_path: Path) -> None:
    project = ib.Project(ranking_project.write_project(tmp_path / "lists"))
    assert project.run("2013-02-08").model_version == 1
    project.promote(1)
    decided = pl.col("sched_dep_utc") - pl.duration(hours=2)
    later = ranking_project.flights().filter(
        decided >= datetime(2013, 2, 8, tzinfo=UTC), decided < datetime(2013, 2, 14, tzinfo=UTC)
    )
    ledger_kit.answer(project, later, decided)
    found = {f.code: f for f in project.watch("2013-02-14", window="7d").findings}
    with project._open() as workspace:
        until_us = parse_instant("2013-02-14") - found["watch.outcomes"].evidence["due_after_us"]
        due = list(workspace.ledger.scan(until_us=until_us))
    came = {
        flight: max(0.0, minutes)
        for flight, minutes, known in later.select(
            "flight_id", "arr_delay", "landed_utc"
        ).iter_rows()
        if minutes is not None and known < datetime(2013, 2, 14, tzinfo=UTC)
    }
    lists: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for p in due:
        if p.inputs["flight_id"] in came:
            of = lists.setdefault((p.inputs["origin"], p.inputs["hour_utc"]), [])
            of.append((came[p.inputs["flight_id"]], p.score))
    values = [
        ndcg_score([[t for t, _ in rows]], [[s for _, s in rows]], k=3) if len(rows) > 1 else 1.0
        for rows in lists.values()
        if any(t for t, _ in rows)
    ]
    now = found["watch.metric"].evidence["now"]
    assert len(values) > 100
    assert now["value"] == pytest.approx(sum(values) / len(values))
    assert now["low"] < now["value"] < now["high"]
    assert found["watch.metric"].outcome == "passed"


def test_decisions_without_a_time_are_watched_by_when_they_were_asked(tmp_path: Path) -> None:
    folder = small_project.write_project(tmp_path / "undated")
    for name, changes in UNDATED.items():
        path = folder / name
        text = path.read_text(encoding="utf-8")
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
    rng = np.random.default_rng(2)
    known = small_project.orders().with_columns(
        amount=pl.col("minutes_late") + pl.Series(rng.normal(0, 25, small_project.ORDERS))
    )
    known.write_parquet(folder / "data" / "orders.parquet")
    project = ib.Project(folder)
    report = project.run()
    assert report.model_version == 1, report.verdict.sentence
    project.promote(1)
    ledger_kit.answer(project, known, pl.col("placed"))
    seen = project.watch(LATER, window="7d")
    outcomes_ = {f.code: f.outcome for f in seen.findings}
    placed = known["placed"].dt.strftime("%Y-%m-%d")
    assert seen.predictions == ((placed >= "2024-04-01") & (placed < LATER)).sum()
    assert outcomes_["watch.scores"] == "passed"
    assert outcomes_["watch.metric"] == "passed"
    assert project.retrain().ended == "skipped"
