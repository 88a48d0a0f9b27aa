"""The demonstration as it is read: how well, how fast, nothing lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType

from isbjerg.cli.figures import count, interval, measure, span
from isbjerg.cli.output import Column, key_values, next_step, table, verdict
from isbjerg.times import SECOND_US

if TYPE_CHECKING:
    from isbjerg.evaluation.metrics import Measured
    from isbjerg.examples.demo_report import DemoReport


def demo_pieces(report: DemoReport) -> Iterator[RenderableType]:
    """Lay out the ladder, the week that was replayed, the traffic, three traces."""
    yield key_values("Said, in the project's folder", [("$", verb) for verb in report.verbs])
    yield _metrics(f"Learnt until {report.as_of}: the ladder on its test days", report.rungs)
    yield _metrics(f"Replayed {report.week}: {count(report.flights)} flights", report.week_metrics)
    sent = report.delivery
    yield key_values(
        "Traffic",
        [
            ("requests", f"{count(sent.sent)}, {count(sent.answered)} answered"),
            ("in the ledger", f"{count(sent.in_ledger)}, {count(sent.lost)} lost"),
            ("facts posted", count(sent.facts)),
            ("latency", f"{sent.p50_ms} ms at p50, {sent.p99_ms} ms at p99"),
            ("outcomes", f"{count(report.settlement.new)} settled, {count(report.late)} late"),
            ("took", span(round(sum(report.seconds.values()) * SECOND_US))),
        ],
    )
    yield table(
        "Traced",
        ["prediction", "flight", Column("score", "right"), "late", "replays"],
        [
            (t.id, t.flight_id, measure(t.score), t.outcome, "equal" if t.holds else "differ")
            for t in report.traced
        ],
    )
    heading = "Nothing was lost, and every trace came out equal."
    yield verdict(heading if report.holds else "Something does not hold.", [], passed=report.holds)
    yield next_step(f"isbjerg -C {report.folder} status")


def _metrics(title: str, rungs: Mapping[str, Mapping[str, Measured]]) -> Group:
    names = list(next(iter(rungs.values()), {}))
    columns: list[Column | str] = ["rung", *(Column(name, "right") for name in names)]
    if names:
        columns.append(f"95 % interval of {names[0]}")
    rows = [
        (
            rung,
            *(measure(found[name].value) for name in names),
            interval(found[names[0]].low, found[names[0]].high),
        )
        for rung, found in rungs.items()
    ]
    return table(title, columns, rows)
