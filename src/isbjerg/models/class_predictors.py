"""Predictors of a multiclass target: a probability of each class, in the order of the bundle.

As `isbjerg.models.predictors`, which asks for these, it runs in a prediction server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from isbjerg.models.booster import Booster
from isbjerg.models.bundle import Bundle
from isbjerg.models.class_weights import CategoryTerms, ClassSums, ClassWeights, softmax
from isbjerg.models.encoding import CODE_FIRST, Encoder
from isbjerg.models.parameters import TREES_FILE, read_parameters, unfit

if TYPE_CHECKING:
    import polars as pl

Probabilities = tuple[float, ...]


def load_classes(
    bundle: Bundle, files: Mapping[str, bytes], *, threads: int = 1
) -> _Constant | _Rule | _Linear | _Trees:
    """Make the bundle of a multiclass target ready to be asked; see `predictors.load`."""
    if bundle.kind == "constant":
        return _Constant(bundle, read_parameters(bundle, _ConstantParameters))
    if bundle.kind == "rule":
        return _Rule(bundle, read_parameters(bundle, _RuleParameters))
    if bundle.kind == "linear":
        return _Linear(bundle, read_parameters(bundle, ClassWeights))
    if TREES_FILE not in files:
        raise unfit(bundle, f"'{TREES_FILE}' is missing")
    booster = Booster(files[TREES_FILE], len(bundle.encoder.encodings), threads=threads)
    if booster.outputs != len(bundle.classes):
        raise unfit(bundle, f"it has {len(bundle.classes)} classes, its trees {booster.outputs}")
    return _Trees(bundle.encoder, booster)


class _ConstantParameters(msgspec.Struct):
    values: tuple[float, ...]


class _RuleParameters(msgspec.Struct):
    sure: float
    shares: tuple[float, ...]


class _Constant:
    """The share of each class, for everyone."""

    def __init__(self, bundle: Bundle, parameters: _ConstantParameters) -> None:
        if len(parameters.values) != len(bundle.classes):
            raise unfit(bundle, "it has not one number per class")
        self._values = parameters.values

    def predict_one(self, features: Sequence[Any]) -> Probabilities:  # noqa: ARG002 - the same for all
        return self._values

    def predict_many(self, columns: pl.DataFrame) -> NDArray[np.float64]:
        return np.tile(np.array(self._values), (columns.height, 1))

    def close(self) -> None:
        """Nothing is held."""


class _Rule:
    """The class that the one output of the feature set names; the shares where it names none."""

    def __init__(self, bundle: Bundle, parameters: _RuleParameters) -> None:
        shares, sure = parameters.shares, parameters.sure
        if len(bundle.feature_set.outputs) != 1 or len(shares) != len(bundle.classes):
            raise unfit(bundle, "a rule has one output, and one share per class")
        if not (0.5 < sure < 1.0 and all(0.0 < s < 1.0 for s in shares)):  # noqa: PLR2004 - more than half
            raise unfit(bundle, "its probabilities lie outside their ranges")
        self._name = bundle.feature_set.outputs[0]
        self._places = {name: place for place, name in enumerate(bundle.classes)}
        self._answers = [*(_named(place, sure, shares) for place in range(len(shares))), shares]

    def predict_one(self, features: Sequence[Any]) -> Probabilities:
        return self._answers[self._places.get(features[0], -1)]

    def predict_many(self, columns: pl.DataFrame) -> NDArray[np.float64]:
        prefixed = f"feature:{self._name}"
        column = columns[prefixed if prefixed in columns.columns else self._name]
        places = [self._places.get(name, -1) for name in column.to_list()]
        return np.array(self._answers)[np.array(places, dtype=np.int64)]

    def close(self) -> None:
        """Nothing is held."""


def _named(place: int, sure: float, shares: Probabilities) -> Probabilities:
    """Give a class its probability, and the others the rest as often as they occur."""
    rest = (1.0 - sure) / (1.0 - shares[place])
    return tuple(sure if other == place else rest * share for other, share in enumerate(shares))


class _Linear:
    """A sum of terms per class, in one order."""

    def __init__(self, bundle: Bundle, weights: ClassWeights) -> None:
        _check_weights(bundle, weights)
        self._encoder = bundle.encoder
        self._encode = bundle.encoder.row_encoder()
        self._sums = ClassSums(weights)

    def predict_one(self, features: Sequence[Any]) -> Probabilities:
        return softmax(self._sums.one(self._encode(features)))

    def predict_many(self, columns: pl.DataFrame) -> NDArray[np.float64]:
        totals = self._sums.many(self._encoder.encode_many(columns))
        return np.array([softmax(row) for row in totals.tolist()]).reshape(totals.shape)

    def close(self) -> None:
        """Nothing is held."""


class _Trees:
    """LightGBM's trees over encoded features, one in turn for each class."""

    def __init__(self, encoder: Encoder, booster: Booster) -> None:
        self._encoder = encoder
        self._encode = encoder.row_encoder()
        self._booster = booster

    def predict_one(self, features: Sequence[Any]) -> Probabilities:
        return self._booster.predict_classes(self._encode(features))

    def predict_many(self, columns: pl.DataFrame) -> NDArray[np.float64]:
        return self._booster.predict_many(self._encoder.encode_many(columns))

    def close(self) -> None:
        self._booster.close()


def _check_weights(bundle: Bundle, weights: ClassWeights) -> None:
    """Hold every term to its feature and to the number of classes."""
    classes, encodings = len(bundle.classes), bundle.encoder.encodings
    if len(weights.intercepts) != classes or len(weights.terms) != len(encodings):
        raise unfit(bundle, "its weights are not one per class and feature")
    for term, encoding in zip(weights.terms, encodings, strict=True):
        if isinstance(term, CategoryTerms):
            rows, codes = term.weights, CODE_FIRST + len(encoding.vocabulary)
            fits = encoding.kind == "category" and len(rows) == codes
        else:
            rows = (term.weights, term.missing)
            fits = encoding.kind == "numeric" and term.deviation > 0.0
        if not fits or any(len(row) != classes for row in rows):
            raise unfit(bundle, f"its weights of '{encoding.name}' are of another shape")
