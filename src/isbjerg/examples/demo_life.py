"""The life of a model: traffic, outcomes, a look, a successor that has to earn its place.

A successor is trained beside the traffic, on what was known when the week began, and goes live four
days later if it has earned it. All that an operator would do each week is done through
`isbjerg.Project`, the same methods that the command line calls.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import IO

import msgspec

from isbjerg.examples.demo_events import outcomes, steps
from isbjerg.examples.demo_period import AS_OF, DECIDE_FROM, Period, Span
from isbjerg.examples.demo_traffic import Traffic, replay
from isbjerg.project import Project
from isbjerg.times import Clock
from isbjerg.workflows.progress import Stages
from isbjerg.workflows.retrain import RetrainReport

OUTCOMES = "outcomes"
"""Folder of the project's data that gets a file of outcomes for each week."""


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one retraining; `at` is when it was decided."""

    at: str
    ended: str
    version: int | None
    rung: str
    live: int
    why: str


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a look at the live model found wrong."""

    at: str
    code: str
    subject: str
    message: str


class Lived(msgspec.Struct, kw_only=True):
    """What happened while the replay went by."""

    traffic: Traffic
    releases: list[Release] = []
    alarms: list[Alarm] = []
    settled: int = 0
    next_steps: list[str] = []


def live_through(
    project: Project,
    period: Period,
    address: str,
    *,
    clock: Clock,
    log: IO[bytes],
    stages: Stages,
    told: Callable[[int, datetime], None],
) -> Lived:
    """Replay the period, week by week.

    Parameters
    ----------
    project : Project
        With a live model.
    period : Period
        What to replay.
    address : str
        Of its server.
    clock : Clock
        Measures latencies.
    log : binary file
        The client's own log.
    stages : Stages
        Gets the seconds of each act.
    told : callable
        Told the number of requests sent, and the time that is replayed.
    """
    lived = Lived(traffic=Traffic())

    def send(since: datetime, until: datetime) -> None:
        with stages.stage("replay", f"Replaying from {since:%d %B}"):
            replay(
                address,
                steps(period.tables, since, until, decide_from=DECIDE_FROM),
                clock,
                traffic=lived.traffic,
                log=log,
                progress=lambda sent: told(sent, since),
            )

    with ThreadPoolExecutor(1) as aside:
        for span in period.spans():
            trained = None if span.since == AS_OF else aside.submit(_train, project, span)
            send(span.since, span.live)
            if trained is not None:
                with stages.stage("retrain", f"Waiting for the successor of {span.since:%d %B}"):
                    report = trained.result()
                with stages.stage("promote", "Deciding what is live from here on"):
                    lived.releases.append(_release(project, span, report))
            send(span.live, span.until)
            with stages.stage("settle", f"Settling what came true until {span.until:%d %B}"):
                lived.settled += _settle(project, period, span)
            with stages.stage("watch", f"Looking at what is live on {span.until:%d %B}"):
                lived.alarms += _watch(project, span, lived.next_steps)
    return lived


def _settle(project: Project, period: Period, span: Span) -> int:
    path = project.folder / "data" / OUTCOMES / f"{span.until:%Y-%m-%d}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    known = outcomes(period.tables["flights"], span.since, span.until, decide_from=DECIDE_FROM)
    known.write_csv(path, datetime_format="%Y-%m-%dT%H:%M:%SZ")
    return project.settle(path).outcomes.new


def _watch(project: Project, span: Span, next_steps: list[str]) -> list[Alarm]:
    """Look at the time since the last training; tell the alarms that it opened."""
    days = max(1, (span.until - span.since).days)
    seen = project.watch(as_of=span.until.isoformat(), window=f"{days}d")
    if seen.next_step:
        next_steps[:] = [seen.next_step]
    return [
        Alarm(
            at=span.until.date().isoformat(),
            code=alarm.code,
            subject=alarm.subject,
            message=alarm.finding.message,
        )
        for alarm in seen.alarms
        if alarm.opened_us == seen.as_of_us
    ]


def _train(project: Project, span: Span) -> RetrainReport:
    """Train a successor while the traffic goes on, as of when the week began."""
    return project.retrain(as_of=span.since.date().isoformat(), promote=False)


def _release(project: Project, span: Span, report: RetrainReport) -> Release:
    """Let a successor go live that has earned it."""
    ended, live = report.ended, report.live
    if report.ended == "waiting":
        live = project.promote(report.version, why=report.why).version
        ended = "promoted"
    return Release(
        at=span.live.date().isoformat(),
        ended=ended,
        version=report.version,
        rung=report.trained.ladder.chosen if report.trained else report.live_rung,
        live=live,
        why=report.why,
    )
