"""A prediction as it is read: what was said, from what, by what, and whether it replays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from isbjerg.cli.figures import carrier, instant, share, short, span
from isbjerg.cli.output import key_values, outcome, verdict

if TYPE_CHECKING:
    from isbjerg.findings import Finding
    from isbjerg.storage.ledger import Prediction
    from isbjerg.workflows.trace import Lineage, Trace

_QUESTIONS = {
    "trace.score_from_recorded_features": "score, from the recorded features",
    "trace.features_from_recorded_inputs": "features, from the recorded inputs",
    "trace.looked_up_values_from_facts": "looked-up values, from the facts",
}


_CLASSES_SHOWN = 5


def trace_pieces(trace: Trace) -> Iterator[RenderableType]:
    """Lay a trace out, from the answer back to code and data."""
    yield _prediction(trace)
    yield _values("Columns as received", trace.prediction.inputs, trace.types)
    if trace.prediction.slots:
        yield _values("Looked-up values", trace.prediction.slots, trace.types)
    yield _values("Features", trace.prediction.features, {})
    if trace.lineage is not None:
        yield _lineage(trace.lineage)
    yield _replays(trace.replays)
    yield _answer(trace)


def _prediction(trace: Trace) -> Group:
    said = trace.prediction
    known = trace.outcome
    came = None if known is None else f"{known.value} (known {instant(known.known_us)})"
    pairs = [
        *_said(said),
        ("came true", came or "not known yet"),
        ("unit", said.unit_key),
        ("subject", said.subject),
        ("decided as of", instant(said.at_us)),
        ("received", instant(said.received_us)),
        ("answered by", f"v{said.model_version} as {said.route}: {said.why}"),
        ("serving plan", said.epoch),
        ("latency", span(said.latency_us)),
        ("purpose", said.purpose),
    ]
    return key_values(f"Prediction {said.id}", pairs)


def _said(said: Prediction) -> list[tuple[str, Any]]:
    """Say the answer: a score, or a class with the likeliest of the others."""
    output = said.output or {}
    if "rank" in output:
        place = f"{output['rank']:,} of {output['of']:,} in {output['list']}"
        return [
            ("score", repr(said.score)),
            ("place", place + ("" if output["shown"] else ", not shown")),
        ]
    if "class" not in output:
        return [("score", repr(said.score))]
    ranked = sorted(output["probabilities"].items(), key=lambda pair: -pair[1])
    shown = ", ".join(f"{name} {share(value)}" for name, value in ranked[:_CLASSES_SHOWN])
    more = f", {len(ranked) - _CLASSES_SHOWN:,} more" if len(ranked) > _CLASSES_SHOWN else ""
    return [("class", f"{output['class']}, with {said.score!r}"), ("of", shown + more)]


def _values(title: str, values: Mapping[str, Any], types: Mapping[str, str]) -> Group:
    pairs = [(name, carrier(value, types.get(name, ""))) for name, value in values.items()]
    return key_values(title, pairs)


def _lineage(lineage: Lineage) -> Group:
    code = short(lineage.commit) if lineage.commit else "not under version control"
    if lineage.dirty:
        code += ", with uncommitted changes (kept with the run)"
    pairs = [
        ("model", f"v{lineage.model_version} ({lineage.rung})"),
        ("run", lineage.run),
        ("code", code),
        ("data", ", ".join(lineage.data_versions.values())),
        ("features", short(lineage.feature_set)),
        ("bundle", short(lineage.bundle)),
        ("verdict", short(lineage.verdict)),
    ]
    return key_values("Made by", pairs)


def _replays(replays: tuple[Finding, ...]) -> Group:
    """Show every replay, also those that came out equal: that is what was asked for."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for finding in replays:
        question = _QUESTIONS.get(finding.code, finding.code)
        grid.add_row(outcome(finding.outcome), Text(f"{question}: {finding.message}"))
    return Group(Text("Replayed", style="bold"), Padding(grid, (0, 0, 0, 2), expand=False))


def _answer(trace: Trace) -> RenderableType:
    if not trace.holds:
        return verdict("What was recorded cannot be replayed.", [], passed=False)
    if any(finding.outcome == "not_run" for finding in trace.replays):
        return verdict("What could be replayed came out equal; not all could be.", [], passed=None)
    return verdict("Everything came out equal.", [], passed=True)
