"""Runs as they are read: a list, or one of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec
from rich.console import RenderableType
from rich.text import Text

from isbjerg.cli.figures import instant, measure, short, span
from isbjerg.cli.ladder_report import ladder_pieces
from isbjerg.cli.output import Column, findings, key_values, table, verdict
from isbjerg.evaluation.ladder import Ladder
from isbjerg.findings import Finding
from isbjerg.times import SECOND_US

if TYPE_CHECKING:
    from isbjerg.workflows.status import RunDetails, RunLine

_GATE = {
    True: Text("✓ passed", style="green"),
    False: Text("✗ failed", style="red"),
    None: Text("? not asked", style="dim"),
}


def list_pieces(lines: Sequence[RunLine]) -> Iterator[RenderableType]:
    """Lay out one row per run."""
    metrics = list(dict.fromkeys(line.metric for line in lines if line.metric))
    metric = metrics[0] if len(metrics) == 1 else ""
    title = f"Runs, newest first; the value is {metric}" if metric else "Runs, newest first"
    columns: list[Column | str] = [
        Column("run", wrap=False),
        Column("started (UTC)", wrap=False),
        Column("took", "right"),
        Column("rung", wrap=False),
        Column("value", "right"),
        Column("gate", wrap=False),
    ]
    columns += ["note"] if any(line.note for line in lines) else []
    yield table(title, columns, [_row(line, metric)[: len(columns)] for line in lines])
    if not all(line.comparable for line in lines):
        yield Text("* measures something else than the newest run: not to be compared", style="dim")


def details_pieces(details: RunDetails) -> Iterator[RenderableType]:
    """Lay out what a run was made with and what it came to."""
    run = details.run
    took = None if run.finished_us is None else span(run.finished_us - run.started_us)
    code = short(run.code.commit) if run.code.commit else "not under version control"
    pairs = [
        ("status", run.status),
        ("started", instant(run.started_us)),
        ("took", took),
        ("as of", instant(run.as_of_us)),
        ("note", run.note or None),
        ("code", code + (", with uncommitted changes (kept)" if run.code.dirty else "")),
        ("data", ", ".join(run.data_versions.values()) or None),
        ("seed", run.seed),
        ("frame", short(run.frame_hash)),
        ("measure", short(run.measure_hash)),
    ]
    yield key_values(f"Run {run.id}", pairs)
    if details.ladder:
        yield from ladder_pieces(msgspec.convert(details.ladder, Ladder))
    if details.verdict is not None:
        yield findings("The gate", msgspec.convert(details.verdict.findings, list[Finding]))
        sentence = details.verdict.payload.get("sentence", details.verdict.rung)
        yield verdict(sentence, [], passed=details.verdict.passed)


def _row(line: RunLine, metric: str) -> tuple[str | Text | None, ...]:
    value = measure(line.value)
    if line.metric not in {metric, None}:
        value = f"{line.metric} {value}"
    seconds = None if line.seconds is None else span(round(line.seconds * SECOND_US))
    finished = line.status == "finished"
    return (
        line.run,
        instant(line.started_us).removesuffix(" UTC"),
        seconds,
        line.chosen,
        value + ("" if line.comparable else " *"),
        _GATE[line.passed] if finished else Text(line.status, style="yellow"),
        line.note,
    )
