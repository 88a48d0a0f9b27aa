"""The ladder as it is read: each rung's numbers, and in a sentence what each step was worth."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from isbjerg.cli.figures import interval, measure
from isbjerg.cli.output import Column, table

if TYPE_CHECKING:
    from isbjerg.evaluation.ladder import Ladder

CHOSEN = "●"
"""Stands before the rung that the ladder answers with."""


_BESIDE_MAX = 4


def ladder_pieces(ladder: Ladder) -> Iterator[RenderableType]:
    """Lay out the primary metric, the others, and the steps."""
    yield _primary(ladder)
    names = [name for name in ladder.rows[0].metrics if name != ladder.primary]
    if names:
        yield _others(ladder, names)
    yield _steps(ladder)


def _primary(ladder: Ladder) -> Group:
    rows = [
        (
            CHOSEN if row.chosen else "",
            row.rung,
            measure((found := row.metrics[ladder.primary]).value),
            interval(found.low, found.high),
            *([measure(row.choosing[ladder.primary].value)] if row.choosing else []),
        )
        for row in ladder.rows
    ]
    columns: list[Column | str] = [
        Column("", style="green"),
        "rung",
        Column(ladder.primary, "right"),
        "95 % interval",
    ]
    title = "The ladder, on the test rows"
    if ladder.chosen_on == "validation":
        columns.append(Column("on validation", "right"))
        title = "The ladder, chosen on the validation rows and measured on the test rows"
    return table(title, columns, rows)


def _others(ladder: Ladder, names: list[str]) -> Group:
    """Lay the metrics out beside each other, or below each other when they are many."""
    if len(names) > _BESIDE_MAX:
        turned = [(n, *(measure(row.metrics[n].value) for row in ladder.rows)) for n in names]
        rungs = [Column(row.rung, "right") for row in ladder.rows]
        return table("Other metrics", ["metric", *rungs], turned)
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
        if row.below is not None and row.below != row.step:
            grid.add_row("", Text(f"Directly below: {row.below.sentence}", style="dim"))
        if row.evaluated_only:
            grid.add_row("", Text(f"Evaluated only: {row.evaluated_only}.", style="yellow"))
    return Group(Text("Each step", style="bold"), Padding(grid, (0, 0, 0, 2), expand=False))
