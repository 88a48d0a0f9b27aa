"""Predictors: a bundle, ready to be asked.

What a prediction server runs: NumPy, LightGBM's C library where the bundle holds trees, ONNX
Runtime where it holds an ONNX model; no training library, no table library, no catalog. Asking
for one row and asking for many gives the same bits, or, where the bundle states a tolerance,
scores within it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from isbjerg.errors import BundleError
from isbjerg.models.booster import Booster
from isbjerg.models.bundle import Bundle
from isbjerg.models.class_predictors import load_classes
from isbjerg.models.encoding import CODE_FIRST, Encoder
from isbjerg.models.fitted import TargetKind
from isbjerg.models.onnx_parameters import FILE as ONNX_FILE
from isbjerg.models.onnx_parameters import OnnxParameters
from isbjerg.models.onnx_predictor import OnnxPredictor
from isbjerg.models.parameters import TREES_FILE, Score, read_parameters, unfit
from isbjerg.models.weights import CategoryTerm, LinearWeights, NumberTerm, sigmoid

if TYPE_CHECKING:
    import polars as pl


class Predictor(Protocol):
    """What every model can do."""

    def predict_one(self, features: Sequence[Any]) -> Score:
        """Score one row of features, carriers in the feature set's output order."""
        ...

    def predict_many(self, columns: pl.DataFrame) -> NDArray[np.float64]:
        """Score a table of features, with the same bits as row by row or within its tolerance.

        Returns
        -------
        numpy.ndarray of shape (n_rows,) or (n_rows, n_classes)
            The latter of a multiclass target.
        """
        ...

    def close(self) -> None:
        """Free what the predictor holds outside Python; it cannot be asked afterwards."""
        ...


def load(bundle: Bundle, files: Mapping[str, bytes], *, threads: int = 1) -> Predictor:
    """Make a bundle ready to be asked.

    Parameters
    ----------
    bundle : Bundle
        As `isbjerg.models.bundle.from_files` verified it.
    files : mapping of str to bytes
        Its files.
    threads : int, default=1
        Threads for tables; does not change the result.

    Returns
    -------
    Predictor
        Safe to share between threads.

    Raises
    ------
    BundleError
        When its parameters do not fit its features.
    """
    if bundle.kind == "onnx":
        return _onnx(bundle, files)
    if bundle.target_kind == "multiclass":
        return load_classes(bundle, files, threads=threads)
    if bundle.kind == "constant":
        return _Constant(read_parameters(bundle, _ConstantParameters))
    if bundle.kind == "rule":
        return _Rule(bundle, read_parameters(bundle, _RuleParameters))
    if bundle.kind == "linear":
        weights = read_parameters(bundle, LinearWeights)
        _check_weights(weights, bundle.encoder)
        return _Linear(bundle, weights)
    if TREES_FILE not in files:
        raise unfit(bundle, f"'{TREES_FILE}' is missing")
    booster = Booster(files[TREES_FILE], len(bundle.encoder.encodings), threads=threads)
    if booster.outputs != 1:
        raise unfit(bundle, f"its trees answer {booster.outputs} numbers, not one")
    return _Trees(bundle.encoder, booster)


class _ConstantParameters(msgspec.Struct):
    value: float


class _RuleParameters(msgspec.Struct):
    fallback: float


class _Constant:
    """The same answer for everyone."""

    def __init__(self, parameters: _ConstantParameters) -> None:
        self._value = parameters.value

    def predict_one(self, features: Sequence[Any]) -> float:  # noqa: ARG002 - the same for all
        return self._value

    def predict_many(self, columns: pl.DataFrame) -> NDArray[np.float64]:
        return np.full(columns.height, self._value)

    def close(self) -> None:
        """Nothing is held."""


class _Rule:
    """The one output of the feature set, or the fallback where it is null."""

    def __init__(self, bundle: Bundle, parameters: _RuleParameters) -> None:
        if len(bundle.feature_set.outputs) != 1:
            raise unfit(bundle, "a rule has one output")
        self._name = bundle.feature_set.outputs[0]
        self._fallback = parameters.fallback
        self._binary = bundle.target_kind == "binary"

    def predict_one(self, features: Sequence[Any]) -> float:
        score = features[0]
        if score is None:
            return self._fallback
        return min(max(float(score), 0.0), 1.0) if self._binary else float(score)

    def predict_many(self, columns: pl.DataFrame) -> NDArray[np.float64]:
        prefixed = f"feature:{self._name}"
        column = columns[prefixed if prefixed in columns.columns else self._name]
        scores: NDArray[np.float64] = column.cast(float).to_numpy()
        held = np.clip(scores, 0.0, 1.0) if self._binary else scores
        return np.where(np.isnan(scores), self._fallback, held)

    def close(self) -> None:
        """Nothing is held."""


class _Linear:
    """A sum of terms, in one order."""

    def __init__(self, bundle: Bundle, weights: LinearWeights) -> None:
        self._encoder = bundle.encoder
        self._encode = bundle.encoder.row_encoder()
        self._weights = weights
        self._target_kind: TargetKind = bundle.target_kind

    def predict_one(self, features: Sequence[Any]) -> float:
        total = self._weights.sum_one(self._encode(features))
        return sigmoid(total) if self._target_kind == "binary" else total

    def predict_many(self, columns: pl.DataFrame) -> NDArray[np.float64]:
        totals = self._weights.sum_many(self._encoder.encode_many(columns))
        if self._target_kind != "binary":
            return totals
        return np.fromiter((sigmoid(t) for t in totals.tolist()), np.float64, len(totals))

    def close(self) -> None:
        """Nothing is held."""


class _Trees:
    """LightGBM's trees over encoded features."""

    def __init__(self, encoder: Encoder, booster: Booster) -> None:
        self._encoder = encoder
        self._encode = encoder.row_encoder()
        self._booster = booster

    def predict_one(self, features: Sequence[Any]) -> float:
        return self._booster.predict_one(self._encode(features))

    def predict_many(self, columns: pl.DataFrame) -> NDArray[np.float64]:
        return self._booster.predict_many(self._encoder.encode_many(columns))

    def close(self) -> None:
        self._booster.close()


def _onnx(bundle: Bundle, files: Mapping[str, bytes]) -> OnnxPredictor:
    parameters = read_parameters(bundle, OnnxParameters)
    names = bundle.feature_set.outputs
    used = {name for item in parameters.inputs for name in item.features}
    designed = parameters.design
    if ONNX_FILE not in files:
        raise unfit(bundle, f"'{ONNX_FILE}' is missing")
    if not used <= set(names):
        raise unfit(bundle, f"it takes {sorted(used - set(names))}, which are no features of it")
    if designed is not None and (
        len(parameters.inputs) != 1 or not designed.fits(bundle.encoder.encodings)
    ):
        raise unfit(bundle, "its design does not fit its encoder")
    return OnnxPredictor(
        files[ONNX_FILE],
        parameters,
        bundle.encoder,
        names,
        bundle.target_kind,
        classes=len(bundle.classes),
    )


def _check_weights(weights: LinearWeights, encoder: Encoder) -> None:
    widths = [
        None if e.kind == "numeric" else CODE_FIRST + len(e.vocabulary) for e in encoder.encodings
    ]
    found = [len(t.weights) if isinstance(t, CategoryTerm) else None for t in weights.terms]
    flat = any(isinstance(t, NumberTerm) and not t.deviation > 0 for t in weights.terms)
    if found != widths or flat:
        raise BundleError(
            "The linear weights do not fit the features of their bundle.",
            code="ISB413",
            mend="train again",
        )
