"""An ONNX model, checked and loaded, to be asked with one row or many.

ONNX Runtime is imported when the first such model is loaded and not before. It runs on one thread,
rewrites nothing of the graph (so that what runs is what was judged, and loading computes nothing)
and keeps no arena. One row and many rows may differ in the last bits of single precision: matrix
products are summed in another order. That is the class *bounded*; a bundle says its tolerance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isbjerg.errors import BundleError
from isbjerg.models.extras import need
from isbjerg.models.onnx_check import Port, Signature, check_model, refused
from isbjerg.models.onnx_parameters import OnnxInput, OnnxParameters
from isbjerg.models.weights import sigmoid

BATCH_ROWS = 10_000
"""Rows in one call: the runtime's memory grows with them."""

FLOAT_MAX = float(np.finfo(np.float32).max)
"""Larger numbers are held at this one, for infinity is no number."""

NUMPY_TYPES: dict[str, Any] = {
    "float": np.float32,
    "double": np.float64,
    "int64": np.int64,
    "int32": np.int32,
    "bool": np.bool_,
    "string": np.object_,
}


class OnnxModel:
    """A loaded model.

    Parameters
    ----------
    model : bytes
        The file, which is checked before the runtime sees it.
    parameters : OnnxParameters
        How it is asked.

    Raises
    ------
    BundleError
        When the model may not be run, or does not have the inputs and outputs it should have.
    ModelError
        When ONNX Runtime is not installed.
    """

    def __init__(self, model: bytes, parameters: OnnxParameters) -> None:
        check_ports(check_model(model), parameters)
        self._parameters = parameters
        self._session = _session(model)

    def scores(self, inputs: Mapping[str, NDArray[Any]], rows: int) -> NDArray[np.float64]:
        """Score rows.

        Parameters
        ----------
        inputs : mapping of str to numpy.ndarray
            By the model's names, of the types that `isbjerg.models.onnx_parameters` lists.
        rows : int
            How many rows they have.

        Returns
        -------
        numpy.ndarray of shape (n_rows,), or (n_rows, n_classes) where there is no single column

        Raises
        ------
        BundleError
            When the model fails on these rows.
        """
        parts = [
            self._ask({name: values[start : start + BATCH_ROWS] for name, values in inputs.items()})
            for start in range(0, rows, BATCH_ROWS)
        ]
        if not parts:
            return np.empty(0, dtype=np.float64)
        return np.concatenate(parts)

    def _ask(self, inputs: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        try:
            (said,) = self._session.run([self._parameters.output], inputs)
        except Exception as fault:  # the runtime's own kinds are not public
            raise BundleError(
                f"The ONNX model failed on a row: {_first_line(fault)}",
                code="ISB432",
                mend="ib.onnx(..., missing={input: value}), if a missing value is the reason",
            ) from fault
        scores = np.asarray(said, dtype=np.float64)
        if scores.ndim > 1 and self._parameters.column is not None:
            scores = scores[:, self._parameters.column]
        if self._parameters.link == "logistic":
            flat = [sigmoid(value) for value in scores.ravel().tolist()]
            return np.array(flat, dtype=np.float64).reshape(scores.shape)
        return scores

    def close(self) -> None:
        """Let the runtime go."""
        self._session = None


def column_values(item: OnnxInput, values: Sequence[Sequence[Any]]) -> NDArray[Any]:
    """Write the values of an input's features side by side, as the model takes them.

    Parameters
    ----------
    item : OnnxInput
        The input.
    values : sequence of sequences
        The carriers of each of its features.

    Examples
    --------
    >>> column_values(OnnxInput("x", "float", ("a", "b")), [[1, None], [2.5, 1e300]]).tolist()
    [[1.0, 2.5], [nan, 3.4028234663852886e+38]]
    >>> column_values(OnnxInput("t", "string", ("a",), ""), [["UA", None]]).tolist()
    [['UA'], ['']]
    """
    missing = np.nan if item.missing is None else item.missing
    rows = len(values[0]) if values else 0
    if item.element == "string":
        texts: NDArray[Any] = np.empty((rows, len(values)), dtype=np.object_)
        for place, column in enumerate(values):
            texts[:, place] = [missing if v is None else v for v in column]
        return texts[:, 0] if item.flat else texts
    numbers = np.empty((rows, len(values)), dtype=np.float64)
    for place, column in enumerate(values):
        numbers[:, place] = [missing if v is None else v for v in column]
    if item.element == "float":
        np.clip(numbers, -FLOAT_MAX, FLOAT_MAX, out=numbers)
    made = numbers.astype(NUMPY_TYPES[item.element])
    return made[:, 0] if item.flat else made


def check_ports(signature: Signature, parameters: OnnxParameters) -> None:
    """Prove that the model takes what it will be given and gives what will be read."""
    own = {port.name: port for port in signature.inputs}
    if set(own) != {item.name for item in parameters.inputs}:
        raise refused(f"it takes {sorted(own)}, given is {[i.name for i in parameters.inputs]}")
    for item in parameters.inputs:
        _check_input(own[item.name], item, parameters)
    outputs = {port.name: port for port in signature.outputs}
    if parameters.output not in outputs:
        raise refused(f"it gives {sorted(outputs)}, asked for is {parameters.output!r}")
    if outputs[parameters.output].element not in ("float", "double"):
        raise refused(
            f"its output {parameters.output!r} is no tensor of floats; a classifier of skl2onnx is "
            'exported with options={"zipmap": False}'
        )


def _check_input(port: Port, item: OnnxInput, parameters: OnnxParameters) -> None:
    width = len(item.features) if parameters.design is None else parameters.design.width
    if port.element != item.element:
        raise refused(
            f"its input {item.name!r} holds {port.element or 'no tensor'}, not {item.element}"
        )
    if port.width is not None and port.width != width:
        raise refused(f"its input {item.name!r} has {port.width} columns, {width} are given")
    if port.dimensions > 2:  # noqa: PLR2004 - rows and columns
        raise refused(f"its input {item.name!r} has {port.dimensions} dimensions, a table has 2")


def _session(model: bytes) -> Any:
    runtime = need("onnxruntime", extra="onnx", purpose="An ONNX model")
    if hasattr(runtime, "disable_telemetry_events"):
        runtime.disable_telemetry_events()  # the builds for Windows have some
    options = runtime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.enable_cpu_mem_arena = False
    options.use_deterministic_compute = True
    options.log_severity_level = 4
    try:
        return runtime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as fault:  # the runtime's own kinds are not public
        raise refused(f"ONNX Runtime cannot load it ({_first_line(fault)})") from fault


def _first_line(fault: Exception) -> str:
    return (str(fault).splitlines() or [type(fault).__name__])[0][:300]
