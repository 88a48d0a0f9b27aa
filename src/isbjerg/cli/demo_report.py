"""The demonstration as it is read: how well month by month, how fast, nothing lost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType

from isbjerg.cli.figures import count, interval, measure, span
from isbjerg.cli.output import Column, key_values, next_step, table, verdict
from isbjerg.times import SECOND_US

if TYPE_CHECKING:
    from isbjerg.evaluation.metrics import Measured
    from isbjerg.examples.demo_report import DemoReport, Month

_ALARMS_SHOWN = 8


def demo_pieces(report: DemoReport) -> Iterator[RenderableType]:
    """Lay out the ladder, the months, the releases, the traffic, three traces."""
    yield key_values("Said, in the project's folder", [("$", verb) for verb in report.verbs])
    yield _ladder(f"Learnt until {report.as_of}: the ladder on its test days", report.rungs)
    yield _months(f"Replayed until {report.until}: {report.metric}", report)
    yield _releases(report)
    if report.alarms:
        rows = [(a.at, a.code, a.subject, a.message) for a in report.alarms[:_ALARMS_SHOWN]]
        yield table(
            f"Alarms: {len(report.alarms)}", ["week until", "code", "subject", "what"], rows
        )
    yield key_values(
        "Traffic",
        [
            ("requests", f"{count(report.sent)}, {count(report.answered)} answered"),
            ("in the ledger", f"{count(report.in_ledger)}, {count(report.lost)} lost"),
            ("facts posted", count(report.facts)),
            ("outcomes settled", count(report.settled)),
            ("latency", f"{report.p50_ms} ms at p50, {report.p99_ms} ms at p99"),
            ("took", span(round(report.seconds * SECOND_US))),
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


def _ladder(title: str, rungs: Mapping[str, Mapping[str, Measured]]) -> Group:
    names = list(next(iter(rungs.values()), {}))[:3]
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


def _months(title: str, report: DemoReport) -> Group:
    systems = ("rule", "frozen", "live")
    columns: list[Column | str] = ["month", *(Column(name, "right") for name in systems)]
    columns += ["95 % interval of live", Column("flights", "right"), Column("late", "right")]

    def row(month: Month) -> tuple[str, ...]:
        low, high = month.intervals.get("live", (None, None))
        values = (measure(v) for v in (month.rule, month.frozen, month.live))
        return (month.month, *values, interval(low, high), count(month.n), count(month.late))

    return table(title, columns, [row(month) for month in report.months])


def _releases(report: DemoReport) -> Group:
    promoted = [r for r in report.releases if r.ended == "promoted"]
    others: dict[str, int] = {}
    for release in report.releases:
        if release.ended != "promoted":
            others[release.ended] = others.get(release.ended, 0) + 1
    told = ", ".join(f"{number} {ended}" for ended, number in others.items())
    often = "once" if len(report.releases) == 1 else f"{len(report.releases)} times"
    title = f"Trained again {often}: {len(promoted)} promoted"
    rows = [(r.at, f"v{r.version}", r.rung, r.why) for r in promoted]
    return table(f"{title}, {told}" if told else title, ["on", "version", "rung", "why"], rows)
