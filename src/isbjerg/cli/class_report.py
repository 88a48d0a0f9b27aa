"""The classes of a run as they are read: all when they are few, else the largest and the worst."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from isbjerg.cli.figures import NOTHING, count, interval, measure
from isbjerg.cli.output import Column, table

if TYPE_CHECKING:
    from isbjerg.evaluation.classes import ClassLine

ALL_MAX = 20
_LARGEST, _WORST = 10, 5


def class_piece(lines: Sequence[ClassLine]) -> RenderableType:
    """Lay out how often each class is found, and how often its name is right."""
    shown = _shown(lines)
    columns: list[Column | str] = ["class", *(Column(h, "right") for h in _HEADINGS), ""]
    title = "Each class, on the test rows"
    body = table(title, columns, [_row(line) for line in shown])
    if len(shown) == len(lines):
        return body
    more = f"{len(lines) - len(shown):,} more classes: isbjerg runs RUN --json"
    return Group(body, Padding(Text(more, style="dim"), (0, 0, 0, 2)))


_HEADINGS = ("learnt from", "rows", "precision", "recall", "95 % interval")


def _row(line: ClassLine) -> tuple[str, ...]:
    return (
        str(line.name),
        count(line.trained),
        count(line.rows),
        NOTHING if line.precision is None else measure(line.precision),
        NOTHING if line.recall is None else measure(line.recall),
        interval(line.recall_low, line.recall_high),
        "too few rows" if line.few else "",
    )


def _shown(lines: Sequence[ClassLine]) -> list[ClassLine]:
    """Choose what is worth a line: the classes met most often, and of the others the worst."""
    if len(lines) <= ALL_MAX:
        return list(lines)
    largest = sorted(lines, key=lambda line: -line.rows)[:_LARGEST]
    others = [line for line in lines if line not in largest and not line.few]
    worst = sorted(others, key=lambda line: line.recall or 0.0)[:_WORST]
    return [*largest, *worst]
