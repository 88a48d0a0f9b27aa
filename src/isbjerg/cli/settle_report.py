"""A file of outcomes as it is read, planned or settled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from isbjerg.cli.figures import count
from isbjerg.cli.output import findings, key_values, next_step

if TYPE_CHECKING:
    from isbjerg.workflows.settle import SettleReport


def settle_pieces(report: SettleReport, file: str, *, plan: bool) -> Iterator[RenderableType]:
    """Lay out what became, or would become, of each row."""
    made = report.outcomes
    pairs = [
        ("rows", count(report.rows)),
        ("new outcomes", count(made.new)),
        ("corrections", count(made.corrections)),
        ("known before", count(made.duplicates)),
        ("without outcome", f"{count(report.not_yet_known)} not known yet"),
        ("no prediction", f"{count(made.unmatched)} kept until one is found"),
        ("matched late", count(made.matched_late)),
        ("new facts", f"{count(report.facts)} for windows over the past"),
    ]
    others = [
        ("not in the target", report.without_value, "with values that the target does not know"),
        ("refused", report.refused, "against the contract"),
        ("contradicting", report.contradicting, "against other rows about the same unit"),
        ("nameless", report.nameless, "without a unit or a prediction"),
    ]
    pairs += [(name, f"{count(rows)} {what}") for name, rows, what in others if rows]
    if report.read_as:
        said = ", ".join(f"'{old}' as {new}" for old, new in report.read_as.items())
        pairs.append(("columns read", said))
    if report.ignored:
        pairs.append(("ignored columns", ", ".join(report.ignored)))
    title = f"{file}, planned: nothing was done" if plan else f"{file}, settled"
    yield key_values(title, pairs)
    if report.findings:
        yield findings("Findings", report.findings)
    if plan:
        yield next_step(f"isbjerg settle {file}")
