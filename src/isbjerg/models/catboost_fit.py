"""The rung of CatBoost: symmetric trees, stopped early on rows that come later in time.

CatBoost writes ONNX for numbers only, so texts come as columns of the default encoding and not
through its own statistics of categories; `docs/how-to/rungs.md` says what that costs. What is
carried has to answer as CatBoost itself does, like any estimator of scikit-learn.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.errors import ModelError
from isbjerg.expressions.tree import Type
from isbjerg.models import design, encoding
from isbjerg.models.extras import need
from isbjerg.models.fitted import Class, EvaluatedOnly, Fitted, TargetKind, truth_as_floats
from isbjerg.models.onnx_parameters import FILE
from isbjerg.models.onnx_parity import compare, tolerance_for
from isbjerg.models.onnx_predictor import OnnxPredictor
from isbjerg.models.onnx_rewriting import without_maps
from isbjerg.models.sklearn_fit import CLASSED, FittedEstimator
from isbjerg.models.sklearn_inputs import Encoded

_OF_CLASSES: dict[str, Any] = {
    "learning_rate": 0.08,
    "depth": 7,
    "random_strength": 0.8,
    "leaf_estimation_iterations": 1,
}
_OF_NUMBERS: dict[str, Any] = {
    "learning_rate": 0.09,
    "depth": 9,
    "random_strength": 0.0,
    "leaf_estimation_iterations": 20,
}
DEFAULTS: dict[TargetKind, dict[str, Any]] = {
    "binary": _OF_CLASSES,
    "multiclass": _OF_CLASSES,
    "regression": _OF_NUMBERS,
    "ranking": _OF_NUMBERS,
}
"""Used unless given: the tuned defaults of Holzmueller, Grinsztajn and Steinwart (NeurIPS 2024)."""

_SHARED: dict[str, Any] = {
    "iterations": 1000,
    "early_stopping_rounds": 50,
    "l2_leaf_reg": 1e-5,
    "bootstrap_type": "Bernoulli",
    "subsample": 0.9,
    "boosting_type": "Plain",
    "max_bin": 254,
}
_LOSSES: dict[TargetKind, str] = {"binary": "Logloss", "multiclass": "MultiClass"}
_RESERVED = frozenset(
    {"random_seed", "random_state", "thread_count", "task_type", "devices", "cat_features"}
    | {"text_features", "embedding_features", "train_dir", "allow_writing_files", "verbose"}
    | {"logging_level", "silent", "verbose_eval", "snapshot_file", "save_snapshot", "loss_function"}
    | {"grow_policy", "nan_mode", "classes_count", "class_names"}
)


def check_parameters(given: Mapping[str, Any], target_kind: TargetKind) -> dict[str, Any]:
    """Complete CatBoost's parameters, refusing those that isbjerg sets itself.

    Raises
    ------
    ModelError
        Naming the parameter.

    Examples
    --------
    >>> check_parameters({"depth": 4}, "binary")["depth"]
    4
    """
    for name in given:
        if name in _RESERVED:
            raise ModelError(
                f"`{name}` of `catboost` is set by isbjerg, so that training can be repeated and "
                "the model can be carried.",
                code="ISB433",
                mend=f"leave `{name}` out",
                name=name,
            )
    return {**_SHARED, **DEFAULTS[target_kind], **given}


def fit(
    columns: pl.DataFrame,
    truth: NDArray[Any],
    target_kind: TargetKind,
    *,
    types: Sequence[Type],
    validation: tuple[pl.DataFrame, NDArray[Any]],
    parameters: Mapping[str, Any] | None = None,
    seed: int = 0,
    threads: int = 1,
    classes: tuple[Class, ...] = (),
) -> FittedEstimator:
    """Fit CatBoost's trees.

    Parameters
    ----------
    columns : polars.DataFrame
        Features of the training rows.
    truth : numpy.ndarray of shape (n_rows,)
        Truth values, numbers, or positions of classes.
    target_kind : {"binary", "regression", "multiclass", "ranking"}
        Decides the loss: log-loss of classes, else squared error.
    types : sequence of Type
        Of the features.
    validation : (polars.DataFrame, numpy.ndarray)
        Rows later than the training rows; training stops when the loss on them has stopped
        falling.
    parameters : mapping, optional
        CatBoost's.
    seed : int, default=0
        Decides what is drawn.
    threads : int, default=1
        Threads to train with; does not change the result.
    classes : tuple, optional
        Of a multiclass target; rows of `validation` that are of none are left out.

    Raises
    ------
    ModelError
        When CatBoost is not installed, or does not know a parameter.
    """
    library = need("catboost", extra="catboost", purpose="A rung of ib.catboost")
    settings = check_parameters(parameters or {}, target_kind)
    number = np.int64 if target_kind in CLASSED else np.float64  # ONNX has no other labels
    numbers = truth_as_floats(truth, target_kind).astype(number)
    encoder = encoding.fit(columns, types, categories_max=design.CATEGORIES_MAX)
    inputs = Encoded(encoder, design.fit(encoder, encoder.encode_many(columns)))
    kind = library.CatBoostClassifier if target_kind in CLASSED else library.CatBoostRegressor
    later_columns, later_truth = _of_known_classes(validation, classes)
    try:
        model = kind(
            **settings,
            loss_function=_LOSSES.get(target_kind, "RMSE"),
            random_seed=seed,
            thread_count=threads,
            allow_writing_files=False,
            logging_level="Silent",
        )
        model.fit(
            _pool(library, inputs, columns, numbers),
            eval_set=_pool(library, inputs, later_columns, np.asarray(later_truth).astype(number)),
            use_best_model=True,
        )
    except (library.CatBoostError, TypeError, ValueError) as fault:
        raise ModelError(
            f"CatBoost refuses: {str(fault).strip().splitlines()[-1]}",
            code="ISB433",
            mend="use CatBoost's own names and values, such as ib.catboost(depth=6)",
        ) from fault
    note = f"{model.tree_count_} trees of at most {settings['iterations']}."
    return FittedEstimator(model, inputs, target_kind, (note,), classes)


def carry(
    fitted: FittedEstimator,
    held_out: pl.DataFrame,
    types: Sequence[Type],
    truth: NDArray[np.float64],
) -> Fitted | EvaluatedOnly:
    """Write CatBoost's trees down as ONNX, if that answers alike.

    Parameters
    ----------
    fitted : FittedEstimator
        From `fit`.
    held_out : polars.DataFrame
        Features of rows on which both forms are compared.
    types : sequence of Type
        Of the features.
    truth : numpy.ndarray of shape (n_rows,)
        Of the training rows: the tolerance of a number is stated in units of its spread.
    """
    inputs, kind = fitted.inputs, fitted.target_kind
    model, outputs = _as_onnx(fitted.estimator)
    column = None if fitted.classes else -1
    layout = msgspec.structs.replace(inputs.layouts()[0], output=outputs[-1], column=column)
    names = layout.inputs[0].features
    carried = OnnxPredictor(model, layout, inputs.encoder, names, kind, classes=len(fitted.classes))
    tolerance = tolerance_for(truth, kind)
    columns = held_out.select(names)
    found = compare(fitted.score, carried.predict_many, columns, types, tolerance)
    if found.differing:
        why = f"its ONNX form answers otherwise: {found}"
        return EvaluatedOnly(kind, fitted.score, why, "ib.boosted_trees()", fitted.notes)
    return Fitted(
        kind="onnx",
        target_kind=kind,
        classes=fitted.classes,
        encoder=inputs.encoder,
        parameters=msgspec.to_builtins(layout),
        files={FILE: model},
        notes=fitted.notes,
        tolerance=tolerance,
        carriage=found,
    )


def _of_known_classes(
    rows: tuple[pl.DataFrame, NDArray[Any]], classes: tuple[Class, ...]
) -> tuple[pl.DataFrame, NDArray[Any]]:
    """Leave out rows of a class that came only after the training rows."""
    columns, truth = rows
    if not classes:
        return columns, truth
    known = truth < len(classes)
    return columns.filter(pl.Series(known)), truth[known]


def _pool(library: Any, inputs: Encoded, columns: pl.DataFrame, truth: NDArray[Any]) -> Any:
    return library.Pool(inputs.table(columns), truth)


def _as_onnx(model: Any) -> tuple[bytes, list[str]]:
    onnx = need("onnx", extra="catboost", purpose="Carrying a CatBoost model")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / FILE
        model.save_model(str(file), format="onnx")
        made = onnx.load_model_from_string(file.read_bytes())
    del made.metadata_props[:]
    return without_maps(made)
