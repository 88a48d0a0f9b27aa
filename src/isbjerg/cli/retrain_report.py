"""A retraining as it is read, planned or done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import RenderableType

from isbjerg.cli.figures import instant, span
from isbjerg.cli.ladder_report import ladder_pieces
from isbjerg.cli.output import findings, key_values, next_step, verdict
from isbjerg.times import SECOND_US

if TYPE_CHECKING:
    from isbjerg.workflows.retrain import RetrainPlan, RetrainReport


def plan_pieces(plan: RetrainPlan) -> Iterator[RenderableType]:
    """Lay out what would happen."""
    acts = "nothing: it would be skipped" if plan.news.nothing else ", ".join(plan.rungs)
    goes = "goes live when it earned it" if plan.promotes else "waits for a promotion"
    yield key_values(
        "Retrain, planned: nothing was done",
        [
            ("as of", instant(plan.as_of_us)),
            (
                "live now",
                f"v{plan.live} ({plan.live_rung}), has learnt nothing for {span(plan.age_us)}",
            ),
            ("known so far", plan.news.say()),
            ("would fit", acts),
            ("the new model", goes),
        ],
    )
    yield next_step("isbjerg retrain")


def retrain_pieces(report: RetrainReport) -> Iterator[RenderableType]:
    """Lay out what had come, what was learnt from it, and what is live now."""
    yield key_values(
        "Retrain" if report.run is None else f"Retrain, run {report.run}",
        [
            ("as of", instant(report.as_of_us)),
            ("was live", f"v{report.live} ({report.live_rung})"),
            ("news", report.news.say()),
            ("fitted", ", ".join(report.rungs) if report.trained else "nothing"),
            ("took", span(round(sum(report.seconds.values()) * SECOND_US))),
        ],
    )
    if report.trained is not None:
        yield from ladder_pieces(report.trained.ladder)
        yield findings("The gate", report.trained.verdict.findings)
    yield _answer(report)
    if report.next_step:
        yield next_step(report.next_step)


def _answer(report: RetrainReport) -> RenderableType:
    new = f"v{report.version}"
    heading, passed = {
        "promoted": (f"{new} is live instead of v{report.live}", True),
        "waiting": (f"{new} has earned v{report.live}'s place and waits for a promotion", True),
        "kept": (f"v{report.live} stays live; {new} is registered", None),
        "refused": (f"v{report.live} stays live: the gate says no", False),
        "skipped": (f"v{report.live} stays live: there was nothing to learn", None),
    }[report.ended]
    return verdict(heading, [report.why], passed=passed)
