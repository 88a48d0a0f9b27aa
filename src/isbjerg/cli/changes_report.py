"""What differs between two runs, as it is read: in `compare` and in the journal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from isbjerg.evaluation.comparison import Comparison
    from isbjerg.workflows.changes import Change

_STYLES = {"+": "green", "-": "red", "~": "yellow"}
LINES_MAX = 12


def changes_grid(found: Sequence[Change], lines_max: int = LINES_MAX) -> Table:
    """Lay out each kind of change with its lines; long lists are cut and counted."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="cyan", no_wrap=True)
    grid.add_column(overflow="fold")
    for change in found:
        grid.add_row(change.kind, _lines(change.lines, lines_max))
    return grid


def _lines(lines: Sequence[str], lines_max: int) -> Text:
    text = Text()
    for number, line in enumerate(lines[:lines_max]):
        text.append("\n" if number else "")
        text.append(line, style=_STYLES.get(line[:1], ""))
    if len(lines) > lines_max:
        text.append(f"\nand {len(lines) - lines_max:,} more", style="dim")
    return text


def effect_sentence(found: Comparison) -> str:
    """Say what a run did to the metric; equal answers for every row are said to be that."""
    if found.low == found.high == 0.0:
        return f"It says the same of every row as {found.against}: {found.n:,} rows."
    return found.sentence.replace("; the step is not worth it", "")


def several(kinds: Sequence[str]) -> Text | None:
    """Say plainly when more than one thing was changed at once."""
    if len(kinds) < 2:  # noqa: PLR2004 - one thing, or none
        return None
    return Text(
        f"{len(kinds)} kinds of things changed at once ({', '.join(kinds)}): "
        "what each of them did cannot be told from this.",
        style="yellow",
    )
