"""A run as it is read: rows, ladder, what each step was worth, the gate, the answer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType

from isbjerg.cli.changes_report import effect_sentence
from isbjerg.cli.class_report import class_piece
from isbjerg.cli.figures import count, instant, span
from isbjerg.cli.ladder_report import ladder_pieces
from isbjerg.cli.output import findings, key_values, next_step, verdict
from isbjerg.times import SECOND_US

if TYPE_CHECKING:
    from isbjerg.workflows.train import RunReport


_TOLD_SHARE = 0.1
_NAMED_MAX = 5


def run_pieces(report: RunReport) -> Iterator[RenderableType]:
    """Lay a run out, from what went in to what to do next."""
    yield _head(report)
    yield from ladder_pieces(report.ladder)
    if report.classes:
        yield class_piece(report.classes)
    if report.learned:
        told_of = [(f"{one.feature}: {one.name}", one.says) for one in report.learned]
        yield key_values("Learnt of the training rows", told_of)
    if report.notes:
        yield key_values("Notes", [(rung, " ".join(said)) for rung, said in report.notes.items()])
    told = [finding for finding in report.findings if finding.outcome != "passed"]
    if told:
        yield findings("Worth knowing", told)
    yield findings("The gate", report.verdict.findings)
    yield _answer(report)
    if report.next_step:
        yield next_step(report.next_step)


def _head(report: RunReport) -> Group:
    parts = report.parts
    split = f"{parts.train:,} train, {parts.validation:,} validation, {parts.test:,} test"
    if parts.purged:
        split += f"; {parts.purged:,} left out between them"
    if parts.how == "random":
        split += ", at random"
    if parts.group:
        split += f", by {parts.group}"
    tables = [t.version + ("" if t.changed else " (as before)") for t in report.ingest.tables]
    aside = sum(t.quarantined for t in report.ingest.tables)
    pairs = [
        ("as of", instant(report.as_of_us)),
        ("data", ", ".join(tables)),
        ("set aside", f"{count(aside)} rows break their contract" if aside else "no row"),
        ("rows", report.counts.say()),
        ("split", split),
        ("looks", _looks(report)),
        ("since", _since(report)),
        ("took", _took(report)),
        ("reused", _reused(report)),
    ]
    return key_values(f"Run {report.run}", pairs)


def _since(report: RunReport) -> str | None:
    """Tell what became of the primary metric since the run before."""
    if report.since is None:
        return None
    if report.since.comparison is None:
        return f"{report.since.run}: not compared, {report.since.why}"
    return effect_sentence(report.since.comparison)


def _took(report: RunReport) -> str:
    """Tell the whole and the stages that took a tenth of it or more, the longest first."""
    whole = sum(report.stages.values())
    longest = sorted(report.stages.items(), key=lambda stage: -stage[1])
    told = [f"{name} {_span(s)}" for name, s in longest if s >= _TOLD_SHARE * whole > 0]
    return _span(whole) + (f": {', '.join(told)}" if told else "")


def _span(seconds: float) -> str:
    return span(round(seconds * SECOND_US))


def _reused(report: RunReport) -> str | None:
    """Name what was taken from earlier runs: `11 of 12 features`, and the others by name."""
    if not any(piece.reused for piece in report.reused):
        return "nothing of earlier runs" if report.reused else None
    told = []
    for piece in report.reused:
        few = 0 < len(piece.made) <= _NAMED_MAX and piece.reused
        told.append(f"{piece}" + (f" (computed: {', '.join(piece.made)})" if few else ""))
    return "; ".join(told)


def _looks(report: RunReport) -> str | None:
    """Say how often these test rows have been looked at: each look lets a little of them in."""
    if report.test is None:
        return None
    if report.test.looks == 1:
        return "no run has looked at these test rows before"
    return f"{report.test.looks:,} runs have looked at these test rows, with this one"


def _answer(report: RunReport) -> RenderableType:
    version = report.model_version
    named = [] if version is None else [f"It is model version v{version}."]
    return verdict(report.verdict.sentence, named, passed=report.verdict.passed)
