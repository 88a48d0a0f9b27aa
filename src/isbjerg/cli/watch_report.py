"""A watch as it is read: the window, what is wrong, what is open, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from isbjerg.cli.alarms_table import alarms_table
from isbjerg.cli.figures import count, instant
from isbjerg.cli.output import findings, key_values, next_step, verdict
from isbjerg.workflows.status import alarm_line

if TYPE_CHECKING:
    from isbjerg.workflows.watch import WatchReport


def watch_pieces(report: WatchReport) -> Iterator[RenderableType]:
    """Lay a watch out."""
    model = "nothing" if report.version is None else f"v{report.version} ({report.rung})"
    yield key_values(
        "Watch",
        [
            ("window", f"{instant(report.from_us)} to {instant(report.as_of_us)}"),
            ("live", model),
            ("its predictions", count(report.predictions)),
        ],
    )
    yield findings("What was asked", report.findings)
    if report.alarms:
        yield alarms_table([alarm_line(alarm) for alarm in report.alarms])
    yield _answer(report)
    if report.next_step:
        yield next_step(report.next_step)


def _answer(report: WatchReport) -> RenderableType:
    moves = f"{report.opened} alarms opened, {report.lasting} last, {report.closed} closed."
    if report.failed:
        return verdict("Something is wrong", [moves], passed=False)
    unseen = sum(f.outcome == "not_run" for f in report.findings)
    if unseen:
        return verdict("Nothing seen is wrong", [f"{unseen} not run. {moves}"], passed=None)
    return verdict("All is well", [moves], passed=True)
