"""Where a project stands, as it is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from isbjerg.cli.alarms_table import alarms_table
from isbjerg.cli.data_report import planned
from isbjerg.cli.figures import count, instant
from isbjerg.cli.output import Column, key_values, next_step, table

if TYPE_CHECKING:
    from isbjerg.workflows.status import StatusReport


def status_pieces(report: StatusReport) -> Iterator[RenderableType]:
    """Lay out what is live, what it stands on, and what to do next."""
    live = report.live
    shown = "nothing yet"
    if live is not None:
        shown = f"v{live.version} ({live.rung}, {live.run}) since {instant(live.since_us)}, by {live.by}"
    lone = f", {count(report.unmatched)} without a prediction" if report.unmatched else ""
    newest = None if report.newest is None else f"v{report.newest}"
    yield key_values(
        report.objective,
        [
            ("live", shown),
            ("newest that passed", newest),
            ("runs", count(report.runs)),
            ("predictions", count(report.predictions) + _blind(report)),
            ("outcomes", count(report.outcomes) + lone),
        ],
    )
    if report.alarms:
        yield alarms_table(report.alarms)
    yield table(
        "Data",
        ["table", "version", Column("rows", "right"), "since", Column("findings", "right")],
        [
            (
                line.table,
                line.version or "never read",
                count(line.rows),
                instant(line.at_us) + (" (stale)" if line.stale else ""),
                line.findings,
            )
            for line in report.tables
        ],
    )
    if report.planned:
        yield planned(report.planned)
    if report.workers:
        yield table(
            "Servers",
            ["worker", "address", Column("plan", "right"), "fault"],
            [(w.name, w.address, w.serving, w.fault or "none") for w in report.workers],
        )
    if report.next_step:
        yield next_step(report.next_step)


def _blind(report: StatusReport) -> str:
    """Tell how many of the last day's answers were given while nothing of a source was known."""
    if not report.lookups_missing:
        return ""
    return f", {count(report.lookups_missing)} of the last day without a looked-up source"
