"""Where the project stands, and what its runs came to: reading only."""

from __future__ import annotations

from typing import Any

import msgspec

from isbjerg.features.sources import Planned, Source
from isbjerg.storage.catalog.records import Alarm, MetricRow, Run, VerdictRecord
from isbjerg.storage.ledger import LOOKUP_MISSING
from isbjerg.times import DAY_US
from isbjerg.workflows.project_files import Definitions
from isbjerg.workflows.promote import LIVE
from isbjerg.workflows.workspace import Workspace


class TableLine(msgspec.Struct, frozen=True, kw_only=True):
    """One source: its newest data version."""

    table: str
    version: str | None
    rows: int
    at_us: int | None
    findings: int
    stale: bool = False
    """Whether nothing new has come for longer than the source declares."""


class LiveLine(msgspec.Struct, frozen=True, kw_only=True):
    """What is live since when."""

    version: int
    rung: str
    run: str
    since_us: int
    by: str
    epoch: int


class WorkerLine(msgspec.Struct, frozen=True, kw_only=True):
    """One living server process and the plan it answers with."""

    name: str
    address: str
    serving: int
    fault: str


class AlarmLine(msgspec.Struct, frozen=True, kw_only=True):
    """One open alarm."""

    id: int
    code: str
    subject: str
    severity: str
    since_us: int
    times: int
    message: str


class StatusReport(msgspec.Struct, frozen=True, kw_only=True):
    """Where the project stands.

    Parameters
    ----------
    objective : str
        What it is for.
    live : LiveLine or None
        What is live.
    newest : int or None
        Newest model version that passed the gate.
    tables : tuple of TableLine
        The sources.
    runs, predictions, outcomes, unmatched : int
        How many there are.
    workers : tuple of WorkerLine
        Living servers.
    next_step : str
        What to do now.
    alarms : tuple of AlarmLine
        What is open, newest first.
    lookups_missing : int
        Answers of the ledger's last day that were given while nothing of a source was known.
    planned : tuple of Planned
        Sources that are not there yet.
    """

    objective: str
    live: LiveLine | None
    newest: int | None
    tables: tuple[TableLine, ...]
    runs: int
    predictions: int
    outcomes: int
    unmatched: int
    workers: tuple[WorkerLine, ...]
    next_step: str
    alarms: tuple[AlarmLine, ...] = ()
    lookups_missing: int = 0
    planned: tuple[Planned, ...] = ()


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """One run in a list, with its primary metric."""

    run: str
    status: str
    started_us: int
    seconds: float | None
    chosen: str | None
    passed: bool | None
    metric: str | None
    value: float | None
    low: float | None
    high: float | None
    note: str
    comparable: bool
    """Whether its numbers measure the same thing as the newest run's."""


class RunDetails(msgspec.Struct, frozen=True, kw_only=True):
    """One run: what it was made with and what it came to."""

    run: Run
    metrics: tuple[MetricRow, ...]
    verdict: VerdictRecord | None
    ladder: dict[str, Any]


def status(workspace: Workspace, definitions: Definitions) -> StatusReport:
    """Say where the project stands."""
    workspace.catalog.mark_interrupted_runs()
    versions = [m.number for m in workspace.catalog.model_versions()]
    newest = max(versions, default=None)
    live = _live(workspace)
    workers = tuple(
        WorkerLine(name=w.name, address=w.address, serving=w.serving, fault=w.fault)
        for w in workspace.serving.live_workers()
    )
    outcomes = workspace.outcomes
    outcomes.rematch(workspace.ledger)  # a prediction may have come after its outcome
    return StatusReport(
        objective=definitions.frame.objective,
        live=live,
        newest=newest,
        tables=tuple(_table(workspace, s) for s in definitions.sources.values()),
        runs=len(workspace.catalog.runs()),
        predictions=workspace.ledger.count(),
        outcomes=outcomes.count(),
        unmatched=len(outcomes.unmatched()),
        workers=workers,
        next_step=_next_step(workspace, live, newest, serving=bool(workers)),
        alarms=tuple(alarm_line(alarm) for alarm in workspace.catalog.alarms()),
        lookups_missing=_lookups_missing(workspace),
        planned=tuple(definitions.planned.values()),
    )


def list_runs(workspace: Workspace, limit: int | None = None) -> tuple[RunLine, ...]:
    """List runs, newest first."""
    workspace.catalog.mark_interrupted_runs()
    summaries = workspace.catalog.runs(limit)
    newest = next((s.measure_hash for s in summaries), None)
    passed = {model.run for model in workspace.catalog.model_versions()}
    lines = []
    for s in summaries:
        primary = _primary(workspace, s.id, s.chosen)
        ended = None if s.finished_us is None else (s.finished_us - s.started_us) / 1e6
        lines.append(
            RunLine(
                run=s.id,
                status=s.status,
                started_us=s.started_us,
                seconds=ended,
                chosen=s.chosen,
                passed=s.id in passed if s.verdict else None,
                metric=primary.metric if primary else None,
                value=primary.value if primary else None,
                low=primary.low if primary else None,
                high=primary.high if primary else None,
                note=s.note,
                comparable=s.measure_hash == newest,
            )
        )
    return tuple(lines)


def run_details(workspace: Workspace, run: str) -> RunDetails:
    """Show one run.

    Raises
    ------
    StoreError
        When there is no such run.
    """
    found = workspace.catalog.run(run)
    return RunDetails(
        run=found,
        metrics=tuple(workspace.catalog.metrics(run)),
        verdict=workspace.catalog.verdict(found.verdict) if found.verdict else None,
        ladder=found.report.get("ladder", {}),
    )


def _primary(workspace: Workspace, run: str, chosen: str | None) -> MetricRow | None:
    """Find the primary metric of the rung chosen: the first that was measured of it."""
    if chosen is None:
        return None
    return next((m for m in workspace.catalog.metrics(run) if m.rung == chosen), None)


def _live(workspace: Workspace) -> LiveLine | None:
    assigned = workspace.catalog.live(LIVE)
    if assigned is None:
        return None
    model = workspace.catalog.model_version(assigned.version)
    return LiveLine(
        version=model.number,
        rung=model.rung,
        run=model.run,
        since_us=assigned.from_us,
        by=assigned.by,
        epoch=assigned.epoch,
    )


def alarm_line(alarm: Alarm) -> AlarmLine:
    """Sum an alarm up for a list."""
    return AlarmLine(
        id=alarm.id,
        code=alarm.code,
        subject=alarm.subject,
        severity=alarm.severity,
        since_us=alarm.opened_us,
        times=alarm.times,
        message=alarm.finding.message,
    )


def _lookups_missing(workspace: Workspace) -> int:
    """Count over the last day of decisions that there is: a replay's lies in the past."""
    span = workspace.ledger.span()
    return 0 if span is None else workspace.ledger.count_finding(LOOKUP_MISSING, span[1] - DAY_US)


def _table(workspace: Workspace, source: Source) -> TableLine:
    version = workspace.catalog.latest_data_version(source.name)
    if version is None:
        return TableLine(table=source.name, version=None, rows=0, at_us=None, findings=0)
    return TableLine(
        table=source.name,
        version=version.id,
        rows=version.rows,
        at_us=version.at_us,
        findings=sum(f.failed for f in version.findings),
        stale=bool(source.refresh_us and workspace.clock() - version.at_us > source.refresh_us),
    )


def _next_step(
    workspace: Workspace, live: LiveLine | None, newest: int | None, *, serving: bool
) -> str:
    if newest is None:
        return "isbjerg run"
    tried = {assigned.version for assigned in workspace.catalog.assignments(LIVE)}
    if live is None or newest not in tried:  # one that was rolled back is not asked for again
        return f"isbjerg promote v{newest}"
    return "isbjerg settle outcomes.csv" if serving else "isbjerg serve"
