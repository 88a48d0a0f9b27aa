"""Everything behind one prediction: what was recorded, whether it can be had again, what came true.

Three things are asked apart, because they fail apart. *Score from recorded features*: does the
model, loaded again from its bundle, still say what it said? *Features from recorded inputs*: do the
definitions, applied to the recorded columns and looked-up values, still give those features?
*Looked-up values from facts*: do the data versions, as known at the decision, still give those
values? The last may differ honestly, when a fact was ingested late.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import polars as pl

from isbjerg.canonical import canonical_json
from isbjerg.errors import IsbjergError, LedgerError
from isbjerg.expressions.polars import polars_type
from isbjerg.expressions.python import compile_function
from isbjerg.expressions.tree import Type, names
from isbjerg.features.assembly import assemble
from isbjerg.features.sets import FeatureSet, Slot
from isbjerg.findings import Finding, Outcome
from isbjerg.models.answers import read_score
from isbjerg.models.bundle import Bundle
from isbjerg.models.predictors import load
from isbjerg.storage.catalog.records import ModelVersion, Run
from isbjerg.storage.ledger import Prediction
from isbjerg.storage.outcomes import Settled
from isbjerg.workflows.bundles import load_bundle
from isbjerg.workflows.stored_facts import facts_with_posted, physical
from isbjerg.workflows.workspace import Workspace

_AT = "_at"


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """From the model version back to data and code."""

    model_version: int
    rung: str
    bundle: str
    run: str
    verdict: str
    commit: str | None
    dirty: bool
    data_versions: dict[str, str]
    feature_set: str


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """Everything behind one prediction.

    Parameters
    ----------
    prediction : Prediction
        As the ledger keeps it.
    lineage : Lineage or None
        ``None`` when the catalog does not know the model version.
    replays : tuple of Finding
        The three questions of this module, each answered apart.
    outcome : Settled or None
        What came true, if it is known.
    types : dict of str to Type
        Types of the columns and looked-up values of the prediction, from its bundle; empty when
        the bundle cannot be read.
    """

    prediction: Prediction
    lineage: Lineage | None
    replays: tuple[Finding, ...]
    outcome: Settled | None
    types: dict[str, Type] = {}

    @property
    def holds(self) -> bool:
        """Whether nothing that was asked came out otherwise."""
        return not any(f.failed for f in self.replays)


def trace(workspace: Workspace, prediction_id: str) -> Trace:
    """Trace a prediction.

    Raises
    ------
    LedgerError
        When the ledger has no such prediction.
    """
    found = workspace.ledger.find(prediction_id)
    if found is None:
        raise LedgerError(
            f"The ledger has no prediction '{prediction_id}'.",
            mend=_newest(workspace),
            code="ISB619",
        )
    outcome = workspace.outcomes.newest([found]).get(found.id)
    bundle = _bundle(workspace, found)
    return Trace(
        prediction=found,
        lineage=_lineage(workspace, found),
        replays=_replays(workspace, found, bundle),
        outcome=outcome,
        types={} if isinstance(bundle, IsbjergError) else _types(bundle[0]),
    )


def _newest(workspace: Workspace) -> str:
    """Name the newest prediction; its id shows what an id looks like."""
    last = next(workspace.ledger.scan(newest_first=True), None)
    return "isbjerg serve" if last is None else f"isbjerg trace {last.id}"


def _bundle(
    workspace: Workspace, prediction: Prediction
) -> tuple[Bundle, dict[str, bytes]] | IsbjergError:
    """Read the bundle that answered, or say why it cannot be read."""
    try:
        return load_bundle(workspace, prediction.bundle)
    except IsbjergError as fault:
        return fault


def _types(bundle: Bundle) -> dict[str, Type]:
    feature_set = bundle.feature_set
    named = {field.name: field.type for field in bundle.contract}
    return {**named, **dict(feature_set.columns), **{s.name: s.type for s in feature_set.slots}}


def _lineage(workspace: Workspace, prediction: Prediction) -> Lineage | None:
    known = {m.number for m in workspace.catalog.model_versions()}
    if prediction.model_version not in known:
        return None
    model: ModelVersion = workspace.catalog.model_version(prediction.model_version)
    run: Run = workspace.catalog.run(model.run)
    return Lineage(
        model_version=model.number,
        rung=model.rung,
        bundle=model.bundle,
        run=run.id,
        verdict=model.verdict,
        commit=run.code.commit,
        dirty=run.code.dirty,
        data_versions=run.data_versions,
        feature_set=run.feature_sets.get(model.rung, ""),
    )


def _replays(
    workspace: Workspace,
    prediction: Prediction,
    found: tuple[Bundle, dict[str, bytes]] | IsbjergError,
) -> tuple[Finding, ...]:
    if isinstance(found, IsbjergError):
        return tuple(_not_run(code, found.message) for code in _CODES)
    bundle, files = found
    return (
        _ask(_CODES[0], lambda: _score_again(bundle, files, prediction)),
        _ask(_CODES[1], lambda: _features_again(bundle.feature_set, prediction)),
        _ask(_CODES[2], lambda: _slots_again(workspace, bundle.feature_set, prediction)),
    )


_CODES = (
    "trace.score_from_recorded_features",
    "trace.features_from_recorded_inputs",
    "trace.looked_up_values_from_facts",
)


def _ask(code: str, replay: Callable[[], list[str]]) -> Finding:
    try:
        differing = replay()
    except IsbjergError as fault:
        return _not_run(code, fault.message)
    outcome: Outcome = "failed" if differing else "passed"
    message = f"{len(differing)} differ: {', '.join(differing)}." if differing else "Equal."
    return Finding(
        code=code, subject="prediction", outcome=outcome, severity="error", message=message
    )


def _not_run(code: str, why: str) -> Finding:
    return Finding(code=code, subject="prediction", outcome="not_run", message=why)


def _score_again(bundle: Bundle, files: dict[str, bytes], prediction: Prediction) -> list[str]:
    predictor = load(bundle, files)
    try:
        said = predictor.predict_one(
            [prediction.features.get(name) for name in bundle.feature_set.outputs]
        )
    finally:
        predictor.close()
    score, output = read_score(said, bundle.classes)
    differing = [] if score == prediction.score else [f"score {score!r} for {prediction.score!r}"]
    return [*differing, *_differing(output or {}, prediction.output or {})]


def _features_again(feature_set: FeatureSet, prediction: Prediction) -> list[str]:
    inputs = [("column", c) for c, _ in feature_set.columns]
    inputs += [("slot", s.name) for s in feature_set.slots]
    compute = compile_function(
        [(s.name, s.node) for s in feature_set.steps], inputs, feature_set.outputs
    )
    recorded = {"column": prediction.inputs, "slot": prediction.slots}
    values = compute(*(recorded[op].get(name) for op, name in inputs))
    again = dict(zip(feature_set.outputs, values, strict=True))
    return _differing(again, prediction.features)


def _slots_again(
    workspace: Workspace, feature_set: FeatureSet, prediction: Prediction
) -> list[str]:
    if not feature_set.slots:
        return []
    columns = {
        name: pl.Series(name, [prediction.inputs.get(name)], physical(type_)).cast(
            polars_type(type_)
        )
        for name, type_ in feature_set.columns
    }
    at = pl.Series(_AT, [prediction.at_us], pl.Int64).cast(polars_type(Type.INSTANT))
    units = pl.DataFrame([*columns.values(), at])
    facts = {slot.source: _facts_known(workspace, feature_set, slot) for slot in feature_set.slots}
    slots_only = FeatureSet(
        columns=feature_set.columns, slots=feature_set.slots, steps=(), outputs=()
    )
    assembled = assemble(units, _AT, slots_only, facts)
    again = {s.name: _carrier(assembled[f"slot:{s.name}"], s.type) for s in feature_set.slots}
    return _differing(again, prediction.slots)


def _facts_known(workspace: Workspace, feature_set: FeatureSet, slot: Slot) -> pl.DataFrame:
    """Read the facts of a slot's source: its data versions, and what was posted since."""
    columns: dict[str, None] = {}
    for other in feature_set.slots:
        if other.source == slot.source:
            columns.update(dict.fromkeys([*other.key, *(c for c, _ in other.on)]))
            columns.update(dict.fromkeys(names(other.value, "column")))
            columns.update(dict.fromkeys(k.column for k in other.known))
    return facts_with_posted(workspace, slot.source, list(columns))


def _carrier(column: pl.Series, type_: Type) -> Any:
    return (column.to_physical() if physical(type_) == pl.Int64 else column).item()


def _differing(again: dict[str, Any], recorded: dict[str, Any]) -> list[str]:
    return [
        name for name in again if canonical_json(again[name]) != canonical_json(recorded.get(name))
    ]
