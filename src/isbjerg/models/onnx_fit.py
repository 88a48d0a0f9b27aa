"""The rung of an ONNX model as it is: read, checked, tried out within bounds, asked.

Nothing is learnt. The file is copied into the bundle, so that what was judged is what goes live
whatever becomes of the file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.errors import ModelError
from isbjerg.expressions.tree import Type
from isbjerg.models.encoding import Encoder
from isbjerg.models.fitted import Class, EvaluatedOnly, Fitted, TargetKind
from isbjerg.models.onnx_check import MODEL_BYTES_MAX, Port, Signature, check_model, refused
from isbjerg.models.onnx_model import check_ports
from isbjerg.models.onnx_parameters import FILE, OnnxInput, OnnxParameters
from isbjerg.models.onnx_parity import edge_rows, tolerance_for
from isbjerg.models.onnx_predictor import OnnxPredictor
from isbjerg.models.onnx_trial import try_out
from isbjerg.models.sklearn_inputs import as_they_are

_PROBABILITY_SLACK = 1e-5
"""By how much single precision may round a probability out of its range."""

_SUM_SLACK = 1e-3


def read(folder: Path, file: str) -> bytes:
    """Read a model from the project's folder.

    Raises
    ------
    ModelError
        When it is not there, lies outside the folder, or is too large.
    """
    place = (folder / file).resolve()
    if not place.is_relative_to(folder.resolve()) or not place.is_file():
        raise ModelError(
            f"There is no file '{file}' in the project's folder.",
            code="ISB435",
            mend=f"copy the model into the project, then ib.onnx({Path(file).name!r})",
            file=file,
        )
    if place.stat().st_size > MODEL_BYTES_MAX:
        raise refused(
            f"it has {place.stat().st_size:,} bytes, at most {MODEL_BYTES_MAX:,} are read"
        )
    return place.read_bytes()


def fit(
    columns: pl.DataFrame,
    truth: NDArray[np.float64],
    target_kind: TargetKind,
    *,
    types: Sequence[Type],
    model: bytes,
    settings: Mapping[str, Any],
    classes: tuple[Class, ...] = (),
) -> Fitted | EvaluatedOnly:
    """Make a rung of an ONNX model.

    Parameters
    ----------
    columns : polars.DataFrame
        Features of rows to try it on.
    truth : numpy.ndarray of shape (n_rows,)
        Truth values or numbers; the tolerance between one row and a table is stated in units of
        their spread.
    target_kind : {"binary", "regression", "multiclass", "ranking"}
        What its score is to be.
    types : sequence of Type
        Of the features.
    model : bytes
        The file.
    settings : mapping
        As `isbjerg.onnx` was called.
    classes : tuple, optional
        Of a multiclass target; the output has one column for each, in their order.

    Returns
    -------
    Fitted or EvaluatedOnly
        The latter when it gives no number for a row that can come, such as one with a missing
        value.

    Raises
    ------
    BundleError
        When the model may not be run, or runs beyond its bounds.
    ModelError
        When features and inputs do not fit, or scores are no probabilities.
    """
    names = as_they_are(columns.columns, types).names
    signature = check_model(model)
    parameters = _parameters(signature, dict(zip(names, types, strict=True)), settings)
    if classes:
        parameters = msgspec.structs.replace(parameters, column=None)
    check_ports(signature, parameters)
    edges = edge_rows(columns, types)
    sample = pl.concat([columns.head(100), edges])
    try_out(model, parameters, sample)
    predictor = OnnxPredictor(
        model, parameters, Encoder(), names, "regression", classes=len(classes)
    )
    try:
        _check_scores(predictor.predict_many(columns), target_kind)
        said = predictor.predict_many(edges).reshape(edges.height, -1)
        silent = edges.filter(pl.Series(np.isfinite(said).all(axis=1)).not_())
    finally:
        predictor.close()
    if silent.height:
        carried = OnnxPredictor(
            model, parameters, Encoder(), names, target_kind, classes=len(classes)
        )
        return _evaluated_only(carried, names, target_kind, silent)
    return Fitted(
        kind="onnx",
        target_kind=target_kind,
        classes=classes,
        parameters=msgspec.to_builtins(parameters),
        files={FILE: model},
        tolerance=tolerance_for(truth, target_kind),
    )


def _parameters(
    signature: Signature, types: Mapping[str, Type], settings: Mapping[str, Any]
) -> OnnxParameters:
    given = dict(settings["inputs"]) or _found_inputs(signature, list(types))
    ports = {port.name: port for port in signature.inputs}
    if set(given) != set(ports):
        raise _unfit(f"The model takes {sorted(ports)}; `inputs` names {sorted(given)}.")
    missing = dict(settings["missing"])
    return OnnxParameters(
        tuple(_input(ports[name], given[name], types, missing) for name in given),
        settings["output"] or _found_output(signature),
        column=settings["column"],
        link="logistic" if settings["logits"] else "identity",
    )


def _found_inputs(signature: Signature, names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    ports = [port.name for port in signature.inputs]
    if set(ports) <= set(names):
        return {name: (name,) for name in ports}
    if len(ports) == 1:
        return {ports[0]: tuple(names)}
    raise _unfit(f"The model takes {sorted(ports)}; the features are {sorted(names)}.")


def _found_output(signature: Signature) -> str:
    floats = [p.name for p in signature.outputs if p.element in ("float", "double")]
    if not floats:
        raise refused(
            "none of its outputs is a tensor of floats; a classifier of skl2onnx is exported with "
            'options={"zipmap": False}'
        )
    return floats[-1]


def _input(
    port: Port, features: Sequence[str], types: Mapping[str, Type], missing: Mapping[str, Any]
) -> OnnxInput:
    unknown = sorted(set(features) - set(types))
    if unknown:
        raise _unfit(f"`inputs` names '{unknown[0]}'; the features are {sorted(types)}.")
    texts = {name for name in features if types[name] is Type.TEXT}
    if texts and (port.element != "string" or texts != set(features)):
        raise _unfit(
            f"The features {sorted(texts)} are texts; the input '{port.name}' holds {port.element}."
        )
    if not texts and port.element == "string":
        raise _unfit(f"The input '{port.name}' holds texts; {list(features)} are none.")
    stands = missing.get(port.name, "" if port.element == "string" else None)
    if stands is None and port.element not in ("float", "double"):
        raise _unfit(
            f"The input '{port.name}' holds {port.element or 'no tensor'}, which has no missing "
            "value.",
            mend=f"ib.onnx(..., missing={{{port.name!r}: -1}})",
        )
    if port.element is None:
        raise refused(f"its input '{port.name}' is no tensor of numbers or texts")
    return OnnxInput(
        port.name,
        port.element,
        tuple(features),
        stands,
        flat=port.dimensions == 1,
    )


def _check_scores(scores: NDArray[np.float64], target_kind: TargetKind) -> None:
    found = scores[np.isfinite(scores)]
    if not found.size:
        raise _unfit("The model gives no number for any row.")
    outside = (found < -_PROBABILITY_SLACK) | (found > 1.0 + _PROBABILITY_SLACK)
    if target_kind in {"binary", "multiclass"} and outside.any():
        raise _unfit(
            f"A {target_kind} score must be a probability; the model gives {found.min():.4g} to "
            f"{found.max():.4g}.",
            mend="ib.onnx(..., logits=True) for decision values, or another output or column",
        )
    if scores.ndim > 1 and (np.abs(scores.sum(axis=1) - 1.0) > _SUM_SLACK).any():
        raise _unfit("The probabilities of the classes do not add up to 1.")
    if found.size < scores.size:
        raise _unfit(
            f"The model gives no number for {scores.size - found.size:,} of {scores.size:,} rows.",
            mend="ib.onnx(..., missing={input: value}), if missing values are the reason",
        )


def _evaluated_only(
    predictor: OnnxPredictor, names: Sequence[str], target_kind: TargetKind, silent: pl.DataFrame
) -> EvaluatedOnly:
    absent = [name for name in names if silent[name].null_count()]
    told = f"a missing {', '.join(absent[:3])}" if absent else "a number far outside its range"
    return EvaluatedOnly(
        target_kind,
        predictor.predict_many,
        why=f"it gives no number for {told}",
        mend="ib.onnx(..., missing={input: value}), or features that fill missing values",
    )


def _unfit(message: str, *, mend: str = "") -> ModelError:
    return ModelError(
        message, code="ISB435", mend=mend or 'ib.onnx(file, inputs={"input": ["feature", ...]})'
    )
