"""Two runs side by side, as they are read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from isbjerg.cli.changes_report import changes_grid, several
from isbjerg.cli.figures import instant, interval, measure
from isbjerg.cli.output import Column, table

if TYPE_CHECKING:
    from isbjerg.evaluation.comparison import Comparison
    from isbjerg.workflows.compare import CompareReport


def compare_pieces(report: CompareReport) -> Iterator[RenderableType]:
    """Lay out the two runs, what differs, and what it did."""
    before, after = report.before, report.after
    yield table(
        "The two runs",
        ["run", "started", "as of", "chose", "status", "note"],
        [
            (r.id, instant(r.started_us), instant(r.as_of_us), r.chosen, r.status, r.note or None)
            for r in (before, after)
        ],
    )
    title = Text(f"What differs, from {before.id} to {after.id}", style="bold")
    if report.changes:
        yield Group(title, Padding(changes_grid(report.changes), (0, 0, 0, 2), expand=False))
        kinds = [change.kind for change in report.changes if change.counts]
        if (warning := several(kinds)) is not None:
            yield warning
    else:
        yield Group(title, Text("  nothing that is recorded", style="dim"))
    yield from _metrics(report)


def _metrics(report: CompareReport) -> Iterator[RenderableType]:
    before, after = report.before, report.after
    columns: list[Column | str] = ["metric", Column(before.id, "right"), Column(after.id, "right")]
    rows = [(line.metric, measure(line.before), measure(line.after)) for line in report.metrics]
    yield table("What each chosen rung measured, on its own test rows", columns, rows)
    if report.not_compared:
        yield Text(f"Not compared: {report.not_compared}.", style="yellow")
        return
    compared = [line.paired for line in report.metrics if line.paired is not None]
    yield table(
        f"{after.id} against {before.id}, both scored on {report.rows}",
        ["metric", Column("better by", "right"), "95 % interval", "so it is"],
        [(c.metric, measure(c.difference), interval(c.low, c.high), _said(c)) for c in compared],
    )


def _said(found: Comparison) -> Text:
    if found.better:
        return Text("better", style="green")
    if found.high is not None and found.high < 0.0:
        return Text("worse", style="red")
    return Text("not told from chance", style="dim")
