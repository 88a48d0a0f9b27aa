"""scikit-learn to ONNX, through skl2onnx.

Two things are mended on the way, both of histogram trees; skl2onnx lets a converter be replaced, so
theirs is called with what it should have been given. It hands truth values over where ONNX wants
whole numbers, which newer releases of protobuf refuse. And it rounds a threshold to the nearest
number of single precision: when that is the value just above, rows with that value change sides.
Rounded down, every number of single precision stays on the side on which it was.
"""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable
from itertools import chain
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from isbjerg.models.extras import need
from isbjerg.models.onnx_parameters import OnnxParameters
from isbjerg.models.onnx_rewriting import without_maps

_PURPOSE = "Carrying a scikit-learn estimator"
_HISTOGRAM_TREES = (HistGradientBoostingClassifier, HistGradientBoostingRegressor)


class ConversionError(Exception):
    """An estimator has no ONNX form that answers alike; caught where the estimator was fitted.

    Parameters
    ----------
    why : str
        The reason, without a full stop.
    mend : str
        What would help.
    """

    def __init__(self, why: str, *, mend: str = "") -> None:
        super().__init__(why)
        self.why = why
        self.mend = mend or "use an estimator that skl2onnx converts, or ib.boosted_trees()"


def convert(estimator: Any, layout: OnnxParameters, gives: str) -> tuple[bytes, OnnxParameters]:
    """Write a fitted estimator down as ONNX.

    Parameters
    ----------
    estimator : scikit-learn estimator
        Fitted.
    layout : OnnxParameters
        The inputs that the model is to have.
    gives : {"predict", "predict_proba", "decision_function"}
        Which of its methods is wanted.

    Returns
    -------
    tuple of (bytes, OnnxParameters)
        The model, and how it is asked.

    Raises
    ------
    ConversionError
        When skl2onnx does not know the estimator, or fails.
    """
    skl2onnx = need("skl2onnx", extra="sklearn", purpose=_PURPOSE)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            made = skl2onnx.convert_sklearn(
                estimator,
                name="estimator",  # a random one, when not given: no two files would be alike
                initial_types=_types(layout),
                options={id(estimator): {"raw_scores": True}}
                if gives == "decision_function"
                else None,
                custom_conversion_functions={k: _histogram_trees(k) for k in _HISTOGRAM_TREES},
            )
        except Exception as fault:  # any kind: converters are written by many
            raise ConversionError(_why(estimator, fault)) from fault
    model, outputs = without_maps(made)
    output = outputs[0] if gives == "predict" else outputs[-1]
    link = "logistic" if gives == "decision_function" else "identity"
    return model, msgspec.structs.replace(layout, output=output, link=link)


def _types(layout: OnnxParameters) -> list[tuple[str, Any]]:
    kinds = need("skl2onnx.common.data_types", extra="sklearn", purpose=_PURPOSE)
    named = {
        "float": kinds.FloatTensorType,
        "double": kinds.DoubleTensorType,
        "string": kinds.StringTensorType,
    }
    return [
        (
            item.name,
            named[item.element](
                [None, len(item.features) if layout.design is None else layout.design.width]
            ),
        )
        for item in layout.inputs
    ]


def _why(estimator: Any, fault: Exception) -> str:
    kind = type(fault).__name__
    if kind in ("MissingShapeCalculator", "MissingConverter"):
        unknown = str(fault).partition("'<class '")[2].partition("'")[0]
        name = unknown or type(estimator).__name__
        return f"skl2onnx has no converter for {name.rpartition('.')[2]}"
    first = (str(fault).strip().splitlines() or [""])[0][:160]
    return f"skl2onnx cannot convert {type(estimator).__name__} ({kind}: {first})"


def _histogram_trees(kind: type) -> Callable[[Any, Any, Any], None]:
    """Wrap the converter of a kind of estimator: thresholds rounded down, truth values 0 and 1."""
    names = need("skl2onnx._supported_operators", extra="sklearn", purpose=_PURPOSE)
    registered = need("skl2onnx.common._registration", extra="sklearn", purpose=_PURPOSE)
    own = registered.get_converter(names.sklearn_operator_name_map[kind])

    def converter(scope: Any, operator: Any, container: Any) -> None:
        operator.raw_operator = copy.deepcopy(operator.raw_operator)
        for predictor in chain.from_iterable(operator.raw_operator._predictors):  # noqa: SLF001
            predictor.nodes["num_threshold"] = rounded_down(predictor.nodes["num_threshold"])
        own(scope, operator, _WholeNumbers(container))

    return converter


def rounded_down(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round to the next number of single precision that is not above.

    Examples
    --------
    >>> tenth = rounded_down(np.array([0.1, 0.5]))
    >>> (tenth <= [0.1, 0.5]).all(), (tenth == tenth.astype(np.float32)).all()
    (np.True_, np.True_)
    """
    with np.errstate(over="ignore"):
        single = numbers.astype(np.float32)
    above = single.astype(np.float64) > numbers
    single[above] = np.nextafter(single[above], np.float32(-np.inf))
    return single.astype(np.float64)


class _WholeNumbers:
    """A container of nodes that takes truth values for whole numbers."""

    def __init__(self, container: Any) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, *places: Any, **attributes: Any) -> Any:
        """Add a node, its attributes in whole numbers."""
        whole = {
            name: [int(v) if isinstance(v, bool) else v for v in value]
            if isinstance(value, list)
            else value
            for name, value in attributes.items()
        }
        return self._container.add_node(*places, **whole)
