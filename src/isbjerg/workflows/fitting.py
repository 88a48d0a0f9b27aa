"""Fit one rung and make its bundle; score bundles on assembled rows, as tables and singly."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.data.contract import Field
from isbjerg.errors import ModelError
from isbjerg.expressions.python import compile_function
from isbjerg.expressions.tree import Type
from isbjerg.features.definitions import Feature
from isbjerg.features.sets import FeatureSet
from isbjerg.frame.frame import Frame
from isbjerg.models import bundle, constant, rule
from isbjerg.models.batches import blocks
from isbjerg.models.bundle import Bundle
from isbjerg.models.fitted import Carriage, EvaluatedOnly, Fitted, Tolerance
from isbjerg.models.parameters import Score
from isbjerg.models.predictors import Predictor, load
from isbjerg.release.gate import Parity
from isbjerg.workflows.fitting_candidates import Carried, fit_candidate
from isbjerg.workflows.preparing import Prepared
from isbjerg.workflows.project_files import CONSTANT
from isbjerg.workflows.searching import Searched

PARITY_ROWS = 200
"""Rows scored both singly and as a table before a bundle may pass the gate."""

_TIMES = (Type.INSTANT, Type.LOCAL, Type.DURATION)


@dataclass(frozen=True)
class FittedRung:
    """A fitted rung and its scores of the held out rows.

    Parameters
    ----------
    name : str
        The rung.
    bundle : Bundle or None
        ``None`` for one that is evaluated only.
    files : dict of str to bytes
        The bundle's.
    choosing : numpy.ndarray
        Scores of the rows on which a rung is chosen.
    scores : numpy.ndarray
        Scores of the test rows.
    notes : tuple of str
        What the fit had to say.
    carriage : Carriage or None
        How its own scores compare with the bundle's, where those are two things.
    evaluated_only : EvaluatedOnly or None
        Why no bundle can carry it.
    searched : Searched or None
        What was tried to find its parameters.
    """

    name: str
    bundle: Bundle | None
    files: dict[str, bytes]
    choosing: NDArray[np.float64]
    scores: NDArray[np.float64]
    notes: tuple[str, ...]
    carriage: Carriage | None = None
    evaluated_only: EvaluatedOnly | None = None
    searched: Searched | None = None

    @property
    def carried(self) -> Bundle:
        """Its bundle.

        Raises
        ------
        ModelError
            When it is evaluated only: such a rung is never chosen.
        """
        if self.bundle is None:
            raise ModelError(f"'{self.name}' is evaluated only; it has no bundle.", code="ISB436")
        return self.bundle


def fit_rung(name: str, prepared: Prepared, frame: Frame, folder: Path) -> FittedRung:
    """Fit a rung on the training part and score validation and test parts with its bundle.

    Parameters
    ----------
    name : str
        The rung.
    prepared : Prepared
        The rows.
    frame : Frame
        Target, metric and seed.
    folder : Path
        The project's.

    Raises
    ------
    ArgumentError
        When a candidate has a parameter that its model does not know.
    ModelError
        When the training part cannot teach it anything.
    """

    def carried(fitted: Fitted, units: pl.DataFrame) -> NDArray[np.float64]:
        made = _bundle(name, prepared, fitted)
        return score(made, made.to_files(fitted.files), units)

    fitted, searched = _fit(name, prepared, frame, folder, carried)
    notes = (*fitted.notes, *([str(searched)] if searched else []))
    parts = prepared.part("choosing"), prepared.part("test")
    if isinstance(fitted, EvaluatedOnly):
        choosing, scores = (fitted.score(units) for units in parts)
        return FittedRung(
            name, None, {}, choosing, scores, notes, evaluated_only=fitted, searched=searched
        )
    made = _bundle(name, prepared, fitted)
    files = made.to_files(fitted.files)
    choosing, scores = (score(made, files, units) for units in parts)
    return FittedRung(
        name, made, files, choosing, scores, notes, carriage=fitted.carriage, searched=searched
    )


def _bundle(name: str, prepared: Prepared, fitted: Fitted) -> Bundle:
    feature_set = prepared.sets[name]
    return bundle.make(
        fitted,
        rung=name,
        feature_set=feature_set,
        unit=prepared.unit,
        contract=_request_fields(prepared, feature_set),
    )


def _request_fields(prepared: Prepared, feature_set: FeatureSet) -> tuple[Field, ...]:
    """Choose what a request must keep: its columns, and the key and subject it is known by.

    Without the key's type a server would record ``"5"`` or ``5.0`` for 5, and the outcome of 5
    would never find its prediction.
    """
    unit = prepared.unit
    asked = {*dict(feature_set.columns), *unit.key, *unit.group, unit.subject}
    return tuple(field for field in prepared.contract if field.name in asked)


def score(made: Bundle, files: dict[str, bytes], units: pl.DataFrame) -> NDArray[np.float64]:
    """Score assembled units with a bundle, as a server would load it."""
    predictor = load(made, files)
    try:
        stretches = blocks(units.height, len(made.feature_set.outputs))
        scores = [predictor.predict_many(units[rows]) for rows in stretches]
        return np.concatenate(scores) if scores else predictor.predict_many(units)
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
    made = rung.carried
    predictor = load(made, rung.files)
    try:
        singly = _score_singly(made.feature_set, predictor, units[chosen])
    finally:
        predictor.close()
    together = [
        tuple(said) if isinstance(said, list) else said for said in rung.scores[chosen].tolist()
    ]
    pairs = list(zip(singly, together, strict=True))
    allowed = made.tolerance
    if allowed is None:
        return Parity(rows=rows, differing=sum(a != b for a, b in pairs))
    return Parity(
        rows=rows,
        differing=sum(not _close(a, b, allowed) for a, b in pairs),
        within=str(allowed),
    )


def _close(singly: Score, together: Score, allowed: Tolerance) -> bool:
    pairs = zip(np.atleast_1d(singly).tolist(), np.atleast_1d(together).tolist(), strict=True)
    return all(allowed.allows(a, b) for a, b in pairs)


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
    name: str, prepared: Prepared, frame: Frame, folder: Path, carried: Carried
) -> tuple[Fitted | EvaluatedOnly, Searched | None]:
    train, target_kind = prepared.part("train"), frame.target.kind
    feature_set = prepared.sets[name]
    truth, classes = prepared.truth_of(train), prepared.classes
    if name == CONSTANT:
        return constant.fit(truth, target_kind, classes=classes), None
    rung = prepared.rungs[name]
    if isinstance(rung, Feature) and classes:
        said, of = train[f"feature:{feature_set.outputs[0]}"], prepared.unit.target.type
        type_ = feature_set.output_types[0]
        return rule.fit_classes(truth, classes, said, type_=type_, of=of or type_), None
    if isinstance(rung, Feature):
        return rule.fit(truth, target_kind, type_=feature_set.output_types[0]), None
    return fit_candidate(rung, prepared, frame, folder, carried)
