"""An ONNX model behind the face that every model has: features in, scores out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from isbjerg.models.encoding import Encoder
from isbjerg.models.fitted import TargetKind
from isbjerg.models.onnx_check import refused
from isbjerg.models.onnx_model import NUMPY_TYPES, OnnxModel, column_values
from isbjerg.models.onnx_parameters import OnnxParameters
from isbjerg.models.parameters import Score

if TYPE_CHECKING:
    import polars as pl


class OnnxPredictor:
    """A predictor; see `isbjerg.models.predictors`.

    Parameters
    ----------
    model : bytes
        The file.
    parameters : OnnxParameters
        How it is asked.
    encoder : Encoder
        In front of a design; empty where features go in as they are.
    names : sequence of str
        The features, in the order of a row.
    target_kind : {"binary", "regression", "multiclass", "ranking"}
        A probability is held within 0 and 1: single precision may round it just outside.
    classes : int, default=0
        Of a multiclass target: a row's answer is one probability of each.
    """

    def __init__(
        self,
        model: bytes,
        parameters: OnnxParameters,
        encoder: Encoder,
        names: Sequence[str],
        target_kind: TargetKind,
        *,
        classes: int = 0,
    ) -> None:
        self._model = OnnxModel(model, parameters)
        self._parameters = parameters
        self._encoder = encoder
        self._encode = encoder.row_encoder()
        self._names = tuple(names)
        self._places = {name: place for place, name in enumerate(names)}
        self._probability = target_kind in {"binary", "multiclass"}
        self._classes = classes

    def predict_one(self, features: Sequence[Any]) -> Score:
        """Score one row of features, carriers in order."""
        if self._parameters.design is not None:
            inputs = self._designed(np.array([self._encode(features)], dtype=np.float64))
        else:
            inputs = {
                item.name: column_values(item, [[features[self._places[n]]] for n in item.features])
                for item in self._parameters.inputs
            }
        (said,) = self._held(self._model.scores(inputs, 1)).tolist()
        score: Score = tuple(said) if self._classes else said
        return score

    def predict_many(self, columns: pl.DataFrame) -> NDArray[np.float64]:
        """Score a table of features, within the bundle's tolerance of row by row."""
        if self._parameters.design is not None:
            inputs = self._designed(self._encoder.encode_many(columns))
        else:
            values = {name: carriers(columns, name) for name in self._names}
            inputs = {
                item.name: column_values(item, [values[n] for n in item.features])
                for item in self._parameters.inputs
            }
        return self._held(self._model.scores(inputs, columns.height))

    def close(self) -> None:
        """Let the runtime go."""
        self._model.close()

    def _designed(self, matrix: NDArray[np.float64]) -> dict[str, NDArray[Any]]:
        design, item = self._parameters.design, self._parameters.inputs[0]
        made = design.apply(matrix) if design is not None else matrix
        return {item.name: made.astype(NUMPY_TYPES[item.element], copy=False)}

    def _held(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        if self._classes:
            scores = scores.reshape(-1, self._classes) if not scores.size else scores
            if scores.shape[1:] != (self._classes,):
                raise refused(f"it gives {scores.shape[1:]} numbers a row, not {self._classes}")
        if not self._probability:
            return scores
        held = np.clip(scores, 0.0, 1.0)
        if not self._classes:
            return held
        sums = held.sum(axis=1, keepdims=True)  # in single precision they are nearly 1
        return held / np.where(sums > 0.0, sums, 1.0)


def carriers(columns: pl.DataFrame, name: str) -> list[Any]:
    """Take a feature's values as carriers, under its name or as assembly names it."""
    prefixed = f"feature:{name}"
    column = columns[prefixed if prefixed in columns.columns else name]
    return column.to_physical().to_list()
