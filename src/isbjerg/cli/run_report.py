"""A run as it is read: rows, ladder, what each step was worth, the gate, the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from isbjerg.cli.figures import count, instant, interval, measure, span
from isbjerg.cli.output import Column, findings, key_values, next_step, table, verdict
from isbjerg.times import SECOND_US

if TYPE_CHECKING:
    from isbjerg.evaluation.ladder import Ladder
    from isbjerg.workflows.train import RunReport

CHOSEN = "●"
"""Stands before the rung that the ladder answers with."""


def run_pieces(report: RunReport) -> Iterator[RenderableType]:
    """Lay a run out, from what went in to what to do next."""
    yield _head(report)
    yield _ladder(report.ladder)
    if others := _other_metrics(report.ladder):
        yield others
    yield _steps(report.ladder)
    if report.notes:
        yield key_values("Notes", [(rung, " ".join(said)) for rung, said in report.notes.items()])
    yield findings("The gate", report.verdict.findings)
    yield _answer(report)
    if report.next_step:
        yield next_step(report.next_step)


def _head(report: RunReport) -> Group:
    parts = report.parts
    split = f"{parts.train:,} train, {parts.validation:,} validation, {parts.test:,} test"
    if parts.purged:
        split += f"; {parts.purged:,} left out between them"
    tables = [t.version + ("" if t.changed else " (as before)") for t in report.ingest.tables]
    aside = sum(t.quarantined for t in report.ingest.tables)
    pairs = [
        ("as of", instant(report.as_of_us)),
        ("data", ", ".join(tables)),
        ("set aside", f"{count(aside)} rows break their contract" if aside else "no row"),
        ("rows", report.counts.say()),
        ("split", split),
        ("took", span(round(sum(report.stages.values()) * SECOND_US))),
    ]
    return key_values(f"Run {report.run}", pairs)


def _ladder(ladder: Ladder) -> Group:
    rows = [
        (
            CHOSEN if row.chosen else "",
            row.rung,
            measure((found := row.metrics[ladder.primary]).value),
            interval(found.low, found.high),
        )
        for row in ladder.rows
    ]
    columns: list[Column | str] = [
        Column("", style="green"),
        "rung",
        Column(ladder.primary, "right"),
        "95 % interval",
    ]
    return table("The ladder, on the test rows", columns, rows)


def _other_metrics(ladder: Ladder) -> Group | None:
    names = [name for name in ladder.rows[0].metrics if name != ladder.primary]
    if not names:
        return None
    rows = [(row.rung, *(measure(row.metrics[n].value) for n in names)) for row in ladder.rows]
    return table("Other metrics", ["rung", *(Column(name, "right") for name in names)], rows)


def _steps(ladder: Ladder) -> Group:
    """Say of each rung in a sentence whether it was worth it."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for row in ladder.rows:
        worth = row.step is not None and row.step.better
        grid.add_row(
            Text("▲", style="green") if worth else Text("·", style="dim"), Text(row.sentence)
        )
    return Group(Text("Each step", style="bold"), Padding(grid, (0, 0, 0, 2), expand=False))


def _answer(report: RunReport) -> RenderableType:
    version = report.model_version
    named = [] if version is None else [f"It is model version v{version}."]
    return verdict(report.verdict.sentence, named, passed=report.verdict.passed)
