"""The life of a model: traffic, outcomes, a look, a successor that has to earn its place.

All that an operator would do each week is done through `isbjerg.Project`, the same methods that
the command line calls.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import IO

import msgspec

from isbjerg.examples.demo_events import outcomes, steps
from isbjerg.examples.demo_period import DECIDE_FROM, Period, Span
from isbjerg.examples.demo_traffic import Traffic, replay
from isbjerg.project import Project
from isbjerg.times import Clock
from isbjerg.workflows.progress import Stages
from isbjerg.workflows.retrain import RetrainReport

OUTCOMES = "outcomes"
"""Folder of the project's data that gets a file of outcomes for each week."""


class Release(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one retraining."""

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
    for span in period.spans():

        def progress(sent: int, at: datetime = span.since) -> None:
            told(sent, at)

        with stages.stage("replay", f"Replaying from {span.since:%d %B}"):
            replay(
                address,
                steps(period.tables, span.since, span.until, decide_from=DECIDE_FROM),
                clock,
                traffic=lived.traffic,
                log=log,
                progress=progress,
            )
        with stages.stage("settle", f"Settling what came true until {span.until:%d %B}"):
            lived.settled += _settle(project, period, span)
        with stages.stage("watch", f"Looking at what is live on {span.until:%d %B}"):
            lived.alarms += _watch(project, span, lived.next_steps)
        if span.until < period.until:
            with stages.stage("retrain", f"Training again on {span.until:%d %B}"):
                lived.releases.append(_retrain(project, span, lived.next_steps))
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


def _retrain(project: Project, span: Span, next_steps: list[str]) -> Release:
    done: RetrainReport = project.retrain(as_of=span.until.isoformat())
    if done.next_step and done.next_step not in next_steps:
        next_steps.append(done.next_step)
    return Release(
        at=span.until.date().isoformat(),
        ended=done.ended,
        version=done.version,
        rung=done.trained.ladder.chosen if done.trained else done.live_rung,
        live=done.released.version if done.released else done.live,
        why=done.why,
    )
