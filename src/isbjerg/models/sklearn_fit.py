"""The rung of any scikit-learn estimator: fitted as it is, carried as ONNX if that is the same.

scikit-learn's own storage is pickle, which runs code when it is read, so no bundle holds one. What
skl2onnx can write down, and what then answers alike on every row compared, is released like any
other model. The rest is *evaluated only*: it stands in the ladder with its numbers and the reason.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.pipeline import Pipeline

from isbjerg.errors import ModelError
from isbjerg.expressions.tree import Type
from isbjerg.models import design, encoding
from isbjerg.models.fitted import (
    Carriage,
    Class,
    EvaluatedOnly,
    Fitted,
    TargetKind,
    truth_as_floats,
)
from isbjerg.models.onnx_parameters import FILE, OnnxParameters
from isbjerg.models.onnx_parity import compare, tolerance_for
from isbjerg.models.onnx_predictor import OnnxPredictor
from isbjerg.models.sklearn_convert import ConversionError, convert
from isbjerg.models.sklearn_inputs import Encoded, Inputs, as_they_are
from isbjerg.models.weights import sigmoid

CLASSED: frozenset[TargetKind] = frozenset({"binary", "multiclass"})
"""Kinds of target that a classifier is for; the others are a regressor's."""

NOTES_MAX = 3
"""Warnings of a fit that are told; more are usually the same again."""


@dataclass(frozen=True)
class FittedEstimator:
    """A fitted estimator and how features are handed to it."""

    estimator: Any
    inputs: Inputs
    target_kind: TargetKind
    notes: tuple[str, ...]
    classes: tuple[Class, ...] = ()

    @property
    def gives(self) -> str:
        """Which of its methods gives the score."""
        if self.target_kind not in CLASSED:
            return "predict"
        return "predict_proba" if hasattr(self.estimator, "predict_proba") else "decision_function"

    def score(self, columns: pl.DataFrame) -> NDArray[np.float64]:
        """Score a table of features with the estimator itself."""
        table = self.inputs.table(columns)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            said = np.asarray(getattr(self.estimator, self.gives)(table), dtype=np.float64)
        if self.gives == "predict_proba":
            return said if self.classes else said[:, -1]
        if self.gives == "decision_function":
            return np.array([sigmoid(value) for value in said.ravel().tolist()])
        return said.ravel()


def fit(
    columns: pl.DataFrame,
    truth: NDArray[Any],
    target_kind: TargetKind,
    *,
    types: Sequence[Type],
    estimator: Any,
    parameters: Mapping[str, Any] | None = None,
    encode: bool | None = None,
    seed: int = 0,
    classes: tuple[Class, ...] = (),
) -> FittedEstimator:
    """Fit an estimator.

    Parameters
    ----------
    columns : polars.DataFrame
        Features of the training rows.
    truth : numpy.ndarray of shape (n_rows,)
        Truth values, numbers, or positions of classes.
    target_kind : {"binary", "regression", "multiclass", "ranking"}
        Of classes a classifier is wanted, else a regressor.
    types : sequence of Type
        Of the features.
    estimator : scikit-learn estimator
        Cloned, so that it stays as it was; every ``random_state`` that is ``None`` becomes `seed`.
    parameters : mapping, optional
        Set on it before it is fitted, by scikit-learn's names.
    encode : bool, optional
        Whether it has the default encoding in front; every estimator but a Pipeline does unless
        told otherwise.
    seed : int, default=0
        Decides what it draws.
    classes : tuple, optional
        Of a multiclass target.

    Raises
    ------
    ModelError
        When it is of the wrong kind, does not know a parameter, or cannot be fitted to these rows.
    """
    numbers = truth_as_floats(truth, target_kind)
    ready = _prepared(estimator, parameters or {}, seed)
    _check_kind(ready, target_kind)
    if encode is None:
        encode = not isinstance(ready, Pipeline)
    inputs = _inputs(columns, types, encode=encode)
    notes = _fit(ready, inputs.table(columns), numbers, target_kind)
    return FittedEstimator(ready, inputs, target_kind, notes, classes)


def carry(
    fitted: FittedEstimator,
    held_out: pl.DataFrame,
    types: Sequence[Type],
    truth: NDArray[np.float64],
) -> Fitted | EvaluatedOnly:
    """Write a fitted estimator down as ONNX, if that answers alike.

    Parameters
    ----------
    fitted : FittedEstimator
        From `fit`.
    held_out : polars.DataFrame
        Features of rows on which both forms are compared; their outcomes are not looked at.
    types : sequence of Type
        Of the features.
    truth : numpy.ndarray of shape (n_rows,)
        Of the training rows: the tolerance of a number is stated in units of its spread.

    Returns
    -------
    Fitted or EvaluatedOnly
        The latter with the reason why no bundle can carry it.
    """
    try:
        return _carried(fitted, held_out, types, truth)
    except ConversionError as fault:
        return EvaluatedOnly(
            fitted.target_kind, fitted.score, why=fault.why, mend=fault.mend, notes=fitted.notes
        )


def _prepared(estimator: Any, parameters: Mapping[str, Any], seed: int) -> Any:
    """Clone an estimator, set its parameters and seed what draws."""
    ready = clone(estimator)
    known = ready.get_params(deep=True)
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise ModelError(
            f"`{unknown[0]}` is no parameter of {type(ready).__name__}. "
            f"It has: {', '.join(sorted(known)[:20])}.",
            code="ISB433",
            mend="name a parameter as get_params() does, such as `step__parameter` of a Pipeline",
            name=unknown[0],
        )
    ready.set_params(**parameters)
    draws = {
        name: seed
        for name, value in ready.get_params(deep=True).items()
        if name.rpartition("__")[2] == "random_state" and value is None
    }
    return ready.set_params(**draws)


def _check_kind(estimator: Any, target_kind: TargetKind) -> None:
    fits, wanted = (
        (is_classifier, "classifier") if target_kind in CLASSED else (is_regressor, "regressor")
    )
    name = type(estimator).__name__
    if not fits(estimator):
        raise ModelError(
            f"A {target_kind} target needs a {wanted}; {name} is none.",
            code="ISB433",
            mend=f"give ib.sklearn a {wanted}, or change target.kind in frame.toml",
        )
    if target_kind == "multiclass" and not hasattr(estimator, "predict_proba"):
        raise ModelError(
            f"A multiclass target needs a probability of each class; {name} gives none.",
            code="ISB433",
            mend="ib.sklearn(CalibratedClassifierCV(estimator))",
        )


def _fit(
    estimator: Any, table: Any, truth: NDArray[np.float64], target_kind: TargetKind
) -> tuple[str, ...]:
    """Fit, and return what it warned of."""
    wanted = truth.astype(np.int64) if target_kind in CLASSED else truth
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            estimator.fit(table, wanted)
        except Exception as fault:  # any kind: it is the user's code
            raise ModelError(
                f"{type(estimator).__name__} cannot be fitted: {type(fault).__name__}: "
                f"{(str(fault).strip().splitlines() or [''])[0]}",
                code="ISB433",
                mend="ib.sklearn(estimator, encode=True), or a Pipeline that fills missing values "
                "and encodes texts",
            ) from fault
    return _notes(caught)


def _inputs(columns: pl.DataFrame, types: Sequence[Type], *, encode: bool) -> Inputs:
    if not encode:
        return as_they_are(columns.columns, types)
    encoder = encoding.fit(columns, types, categories_max=design.CATEGORIES_MAX)
    return Encoded(encoder, design.fit(encoder, encoder.encode_many(columns)))


def _notes(caught: Sequence[warnings.WarningMessage]) -> tuple[str, ...]:
    told = dict.fromkeys(
        f"{w.category.__name__}: {str(w.message).strip().splitlines()[0]}" for w in caught
    )
    return tuple(told)[:NOTES_MAX]


def _carried(
    fitted: FittedEstimator,
    held_out: pl.DataFrame,
    types: Sequence[Type],
    truth: NDArray[np.float64],
) -> Fitted:
    """Take the first ONNX form that answers alike.

    Raises
    ------
    ConversionError
        When there is none; it says what came closest.
    """
    tolerance = tolerance_for(truth, fitted.target_kind)
    names = list(_names(fitted.inputs))
    columns = held_out.select(
        pl.col(f"feature:{n}" if f"feature:{n}" in held_out.columns else n).alias(n) for n in names
    )
    nearest: Carriage | None = None
    fault: ConversionError | None = None
    for layout in fitted.inputs.layouts():
        try:
            model, parameters = convert(fitted.estimator, layout, fitted.gives)
            if fitted.classes:
                parameters = msgspec.structs.replace(parameters, column=None)
            carried = OnnxPredictor(
                model,
                parameters,
                fitted.inputs.encoder,
                names,
                fitted.target_kind,
                classes=len(fitted.classes),
            )
            found = compare(fitted.score, carried.predict_many, columns, types, tolerance)
        except ConversionError as why:
            fault = fault or why
            continue
        except ModelError as why:
            if why.kind_code == "ISB430":
                raise
            fault = fault or ConversionError(why.message.rstrip("."))
            continue
        if not found.differing:
            return _bundled(fitted, model, parameters, found)
        nearest = found if nearest is None or found.largest < nearest.largest else nearest
    if nearest is not None:
        raise ConversionError(
            f"its ONNX form answers otherwise: {nearest}",
            mend="take out the step that needs double precision (scaling before trees, powers "
            "of large numbers), or use ib.boosted_trees()",
        )
    raise fault or ConversionError("there is no way to write it down as ONNX")


def _names(inputs: Inputs) -> Sequence[str]:
    return tuple(dict.fromkeys(n for i in inputs.layouts()[0].inputs for n in i.features))


def _bundled(
    fitted: FittedEstimator, model: bytes, parameters: OnnxParameters, found: Carriage
) -> Fitted:
    return Fitted(
        kind="onnx",
        target_kind=fitted.target_kind,
        classes=fitted.classes,
        encoder=fitted.inputs.encoder,
        parameters=msgspec.to_builtins(parameters),
        files={FILE: model},
        notes=fitted.notes,
        tolerance=found.tolerance,
        carriage=found,
    )
