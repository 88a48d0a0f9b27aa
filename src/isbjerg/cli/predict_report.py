"""A batch as it is read: what was answered, what was not and why."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import TYPE_CHECKING

from rich.console import RenderableType

from isbjerg.cli.figures import count, instant, short
from isbjerg.cli.output import findings, key_values, next_step

if TYPE_CHECKING:
    from isbjerg.workflows.predict import PredictReport


def predict_pieces(report: PredictReport) -> Iterator[RenderableType]:
    """Lay out the batch and the rows that were set aside."""
    again = "" if report.new or not report.answered else ", which were there already"
    yield key_values(
        f"Batch {short(report.batch)}",
        [
            ("model", f"v{report.version} ({report.rung})"),
            ("as of", instant(report.as_of_us) if report.as_of_us else "each row's own time"),
            ("rows", count(report.rows)),
            ("in the ledger", f"{count(report.answered)}{again}"),
            ("written", f"{count(report.published)} rows to {report.out}"),
            *(
                [("flagged", ", ".join(f"{count(n)} {code}" for code, n in report.flags.items()))]
                if report.flags
                else []
            ),
            *(
                [("set aside", f"{count(report.refused)} in {report.quarantine}")]
                if report.refused
                else []
            ),
        ],
    )
    if report.findings:
        yield findings("Findings", report.findings)
    if report.answered and not report.new:
        anew = '--as-of "$(date -u +%FT%TZ)"'  # another time is another batch
        yield next_step(f"isbjerg predict {quote(report.given)} {quote(report.out)} {anew}")
