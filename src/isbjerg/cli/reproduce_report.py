"""Whether a run could be made again, as it is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from isbjerg.cli.figures import span
from isbjerg.cli.output import key_values, next_step, verdict
from isbjerg.times import SECOND_US

if TYPE_CHECKING:
    from isbjerg.workflows.reproduce import Difference, ReproduceReport

_HEADINGS = {
    "same": "Same bytes.",
    "differs": "Not the same.",
    "not_run": "Not run: it is not what it was.",
}
_SHOWN_MAX = 20


def reproduce_pieces(report: ReproduceReport) -> Iterator[RenderableType]:
    """Lay out each rung's bytes, what differs, and the answer."""
    if report.models:
        told = [(name, "same bytes" if ok else "other bytes") for name, ok in report.models.items()]
        told.append(("took", span(round(report.seconds * SECOND_US))))
        yield key_values(f"Run {report.run}, made again", told)
    if report.differences:
        yield _differences(report.differences)
    same = sum(report.models.values())
    sentences = [f"{same} of {len(report.models)} bundles and {report.numbers} numbers compared."]
    yield verdict(
        f"{report.run}: {_HEADINGS[report.outcome]}",
        sentences if report.models else [],
        passed=report.outcome == "same",
    )
    if report.mend:
        yield next_step(report.mend)


def _differences(found: tuple[Difference, ...]) -> Group:
    text = Text()
    for number, difference in enumerate(found[:_SHOWN_MAX]):
        text.append("\n" if number else "")
        text.append(f"{difference.kind:<11}", style="cyan")
        text.append(f"  {difference}")
    if len(found) > _SHOWN_MAX:
        text.append(f"\nand {len(found) - _SHOWN_MAX} more", style="dim")
    title = Text("What is not as it was", style="bold")
    return Group(title, Padding(text, (0, 0, 0, 2), expand=False))
