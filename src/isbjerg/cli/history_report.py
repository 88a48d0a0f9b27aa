"""What was live when, and every act, as it is read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from isbjerg.cli.figures import instant
from isbjerg.cli.output import Column, table

if TYPE_CHECKING:
    from isbjerg.workflows.history import HistoryReport


def history_pieces(report: HistoryReport) -> Iterator[RenderableType]:
    """Lay out the assignments, then the acts."""
    yield table(
        "What was live, newest first",
        [
            Column("model", wrap=False),
            "role",
            Column("from", wrap=False),
            Column("until", wrap=False),
            Column("plan", "right"),
            "by",
            "why",
        ],
        [
            (
                f"v{a.version}",
                a.role,
                instant(a.from_us),
                "now" if a.until_us is None else instant(a.until_us),
                a.epoch,
                a.by,
                a.why or None,
            )
            for a in report.assignments
        ],
    )
    yield table(
        "Acts, newest first",
        [Column("when", wrap=False), "who", "act", "subject", "why"],
        [(instant(e.at_us), e.who, e.act, e.subject, e.why or None) for e in report.acts],
    )
