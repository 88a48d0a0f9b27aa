"""Fit one rung and make its bundle; score bundles on assembled rows, as tables and singly."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.data.contract import Field
from isbjerg.errors import ArgumentError
from isbjerg.expressions.python import compile_function
from isbjerg.expressions.tree import Type
from isbjerg.features.definitions import Feature
from isbjerg.features.sets import FeatureSet
from isbjerg.models import boosted, bundle, constant, encoding, linear, rule
from isbjerg.models.bundle import Bundle
from isbjerg.models.definitions import Candidate
from isbjerg.models.fitted import Fitted, TargetKind
from isbjerg.models.parameters import Score
from isbjerg.models.predictors import Predictor, load
from isbjerg.release.gate import Parity
from isbjerg.workflows.preparing import Prepared
from isbjerg.workflows.project_files import CONSTANT

PARITY_ROWS = 200
"""Rows scored both singly and as a table before a bundle may pass the gate."""

THREADS_MAX = 4
"""Half the cores, at most so many: a fit leaves room for the server beside it."""

_TIMES = (Type.INSTANT, Type.LOCAL, Type.DURATION)


@dataclass(frozen=True)
class FittedRung:
    """A fitted rung: its bundle, the bundle's files, and its scores of the held out rows.

    `choosing` are its scores of the rows on which a rung is chosen, `scores` those of the test rows.
    """

    name: str
    bundle: Bundle
    files: dict[str, bytes]
    choosing: NDArray[np.float64]
    scores: NDArray[np.float64]
    notes: tuple[str, ...]


def fit_rung(name: str, prepared: Prepared, target_kind: TargetKind, seed: int) -> FittedRung:
    """Fit a rung on the training part and score validation and test parts with its bundle.

    Raises
    ------
    ArgumentError
        When a candidate has a parameter that its model does not know.
    ModelError
        When the training part cannot teach it anything.
    """
    feature_set = prepared.sets[name]
    fitted = _fit(name, prepared, target_kind, feature_set, seed)
    made = bundle.make(
        fitted,
        rung=name,
        feature_set=feature_set,
        unit=prepared.unit,
        contract=_request_fields(prepared, feature_set),
    )
    files = made.to_files(fitted.files)
    choosing = score(made, files, prepared.part("choosing"))
    scores = score(made, files, prepared.part("test"))
    return FittedRung(name, made, files, choosing, scores, fitted.notes)


def _request_fields(prepared: Prepared, feature_set: FeatureSet) -> tuple[Field, ...]:
    """Choose what a request must keep: its columns, and the key and subject it is known by.

    Without the key's type a server would record ``"5"`` or ``5.0`` for 5, and the outcome of 5
    would never find its prediction.
    """
    unit = prepared.unit
    asked = {*dict(feature_set.columns), *unit.key, unit.subject}
    return tuple(field for field in prepared.contract if field.name in asked)


def score(made: Bundle, files: dict[str, bytes], units: pl.DataFrame) -> NDArray[np.float64]:
    """Score assembled units with a bundle, as a server would load it."""
    predictor = load(made, files)
    try:
        return predictor.predict_many(units)
    finally:
        predictor.close()


def check_parity(rung: FittedRung, units: pl.DataFrame, rng: np.random.Generator) -> Parity:
    """Score rows singly, by the server's own code, and compare with the table's scores.

    Parameters
    ----------
    rung : FittedRung
        Its scores are those of `units`.
    units : DataFrame
        Assembled test units.
    rng : numpy.random.Generator
        Which rows.
    """
    rows = min(PARITY_ROWS, units.height)
    chosen = np.sort(rng.choice(units.height, rows, replace=False))
    predictor = load(rung.bundle, rung.files)
    try:
        singly = _score_singly(rung.bundle.feature_set, predictor, units[chosen])
    finally:
        predictor.close()
    together = [
        tuple(said) if isinstance(said, list) else said for said in rung.scores[chosen].tolist()
    ]
    return Parity(rows=rows, differing=sum(a != b for a, b in zip(singly, together, strict=True)))


def _score_singly(
    feature_set: FeatureSet, predictor: Predictor, units: pl.DataFrame
) -> list[Score]:
    inputs = [("column", c) for c, _ in feature_set.columns]
    inputs += [("slot", s.name) for s in feature_set.slots]
    compute = compile_function(
        [(s.name, s.node) for s in feature_set.steps], inputs, feature_set.outputs
    )
    types = [t for _, t in feature_set.columns] + [s.type for s in feature_set.slots]
    columns = [
        _carriers(units[name if op == "column" else f"slot:{name}"], type_)
        for (op, name), type_ in zip(inputs, types, strict=True)
    ]
    rows = zip(*columns, strict=True) if columns else iter([()] * units.height)
    return [predictor.predict_one(compute(*row)) for row in rows]


def _carriers(column: pl.Series, type_: Type) -> list[Any]:
    return (column.to_physical() if type_ in _TIMES else column).to_list()


def _fit(
    name: str, prepared: Prepared, target_kind: TargetKind, feature_set: FeatureSet, seed: int
) -> Fitted:
    train = prepared.part("train")
    truth, classes = prepared.truth_of(train), prepared.classes
    if name == CONSTANT:
        return constant.fit(truth, target_kind, classes=classes)
    rung = prepared.rungs[name]
    if isinstance(rung, Feature) and classes:
        said, of = train[f"feature:{feature_set.outputs[0]}"], prepared.unit.target.type
        type_ = feature_set.output_types[0]
        return rule.fit_classes(truth, classes, said, type_=type_, of=of or type_)
    if isinstance(rung, Feature):
        return rule.fit(truth, target_kind, type_=feature_set.output_types[0])
    return _fit_candidate(rung, prepared, truth, target_kind, seed)


def _fit_candidate(
    candidate: Candidate,
    prepared: Prepared,
    truth: NDArray[np.float64],
    target_kind: TargetKind,
    seed: int,
) -> Fitted:
    train = prepared.units[prepared.parts.train]
    feature_set = prepared.sets[candidate.name]
    columns = train.select(f"feature:{n}" for n in feature_set.outputs)
    columns.columns = list(feature_set.outputs)
    encoder = encoding.fit(columns, feature_set.output_types)
    parameters = dict(candidate.spec.parameters)
    if candidate.spec.kind == "linear":
        return linear.fit(
            columns,
            truth,
            target_kind,
            encoder=encoder,
            classes=prepared.classes,
            **_linear_parameters(parameters),
        )
    later = prepared.part("tuning")
    return boosted.fit(
        columns,
        truth,
        target_kind,
        encoder=encoder,
        validation=(later, prepared.truth_of(later)),
        classes=prepared.classes,
        parameters=parameters,
        seed=seed,
        threads=min(THREADS_MAX, max(1, (os.cpu_count() or 1) // 2)),
    )


def _linear_parameters(given: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(given) - {"penalty"})
    if unknown:
        raise ArgumentError(
            f"`{unknown[0]}` is no parameter of ib.linear. It takes: penalty.",
            mend="ib.linear(penalty=1.0)",
            name=unknown[0],
        )
    return given
