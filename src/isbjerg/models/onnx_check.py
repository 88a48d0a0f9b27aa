"""The proof that an ONNX model may be given to the runtime: what it may hold, and how much.

A model file is read as if a stranger had written it. Refused are weights in other files, functions
and operators from anywhere but the two standard domains, operators that draw random numbers, that
loop as often as the model says or that read images and sound, deep nesting, and sizes beyond the
limits below. What a model may still do with what is left, such as asking for a large array, is
bounded by the process that it runs in: docs/how-to/rungs.md says how.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from isbjerg.errors import BundleError
from isbjerg.models.onnx_operators import OPERATORS
from isbjerg.models.onnx_parameters import Element
from isbjerg.models.onnx_wire import BYTES, fields, integers

MODEL_BYTES_MAX = 256 * 2**20
NODES_MAX = 20_000
ELEMENTS_MAX = 2**28
"""Numbers that one weight of a model may have; more does not fit into its file either."""
GRAPHS_DEEP_MAX = 4
"""Graphs within graphs: a scan within a scan is as deep as converters write."""

ELEMENTS: dict[int, Element] = {
    1: "float",
    11: "double",
    7: "int64",
    6: "int32",
    9: "bool",
    8: "string",
}
"""Types of inputs and outputs that isbjerg can fill and read, by ONNX's number."""

# Numbers of the fields of onnx.proto that are looked at; the rest is passed over.
_MODEL_GRAPH, _MODEL_OPSET, _MODEL_TRAINING, _MODEL_FUNCTIONS = 7, 8, 20, 25
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_SPARSE = 1, 5, 11, 12, 15
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSES = (5, 10), (6, 11), (22, 23)
_TENSOR_DIMS, _TENSOR_EXTERNAL, _TENSOR_LOCATION = 1, 13, 14
_TYPE_TENSOR, _TENSOR_ELEMENT, _TENSOR_SHAPE = 1, 1, 2


@dataclass(frozen=True)
class Port:
    """An input or an output of a model.

    Parameters
    ----------
    name : str
        Its name.
    element : str or None
        ``"float"``, ``"string"`` and so on; ``None`` when it is no tensor of such a type.
    width : int or None
        Columns, when the model says; ``None`` when it does not or the tensor has one dimension.
    dimensions : int
        How many dimensions it has.
    """

    name: str
    element: Element | None
    width: int | None
    dimensions: int


@dataclass
class Signature:
    """What a model takes and gives, and what was counted on the way."""

    inputs: list[Port] = field(default_factory=list)
    outputs: list[Port] = field(default_factory=list)
    opsets: dict[str, int] = field(default_factory=dict)
    nodes: int = 0


def check_model(model: bytes) -> Signature:
    """Prove that a model holds only what may be run, and read what it takes and gives.

    Parameters
    ----------
    model : bytes
        The file.

    Returns
    -------
    Signature
        Inputs that have a weight as their default are not among its inputs.

    Raises
    ------
    BundleError
        Saying what was found that is not allowed.

    Notes
    -----
    One pass over the bytes, weights are stepped over, not read. A field that should be there once
    and is there twice is refused where it matters: two readers could take different ones.
    """
    if len(model) > MODEL_BYTES_MAX:
        raise refused(f"it has {len(model):,} bytes, at most {MODEL_BYTES_MAX:,} are read")
    found = Signature()
    try:
        _model(memoryview(model), found)
    except (ValueError, UnicodeDecodeError) as fault:
        raise refused(f"it is no ONNX file ({fault})") from fault
    return found


def refused(why: str) -> BundleError:
    """Build the one error of a model that may not be run."""
    return BundleError(
        f"The ONNX model is refused: {why}.",
        code="ISB431",
        mend="export it again, with its weights inside, from operators of ai.onnx and ai.onnx.ml",
        why=why,
    )


def _model(message: memoryview, found: Signature) -> None:
    graphs = []
    for number, wire, value in fields(message):
        if number == _MODEL_TRAINING:
            raise refused("it holds a training graph")
        if number == _MODEL_FUNCTIONS:
            raise refused("it defines functions of its own")
        if number == _MODEL_OPSET:
            domain, version = _opset(_bytes(wire, value))
            found.opsets[domain] = version
        if number == _MODEL_GRAPH:
            graphs.append(_bytes(wire, value))
    if len(graphs) != 1:
        raise refused(f"it holds {len(graphs)} graphs, one is wanted")
    foreign = sorted(set(found.opsets) - {"", "ai.onnx", *OPERATORS})
    if foreign:
        raise refused(f"it uses operators of the domain {foreign[0]!r}")
    _graph(graphs[0], found, depth=1)


def _opset(message: memoryview) -> tuple[str, int]:
    domain, version = "", 0
    for number, wire, value in fields(message):
        if number == 1:
            domain = _text(_bytes(wire, value))
        elif isinstance(value, int):
            version = value
    return domain, version


def _graph(message: memoryview, found: Signature, *, depth: int) -> None:
    if depth > GRAPHS_DEEP_MAX:
        raise refused(f"its graphs nest deeper than {GRAPHS_DEEP_MAX}")
    weights = set()
    inputs: list[Port] = []
    outputs: list[Port] = []
    for number, wire, value in fields(message):
        if number == _GRAPH_NODE:
            _node(_bytes(wire, value), found, depth=depth)
        elif number == _GRAPH_INITIALIZER:
            weights.add(_tensor(_bytes(wire, value)))
        elif number == _GRAPH_SPARSE:
            raise refused("it holds sparse weights")
        elif number == _GRAPH_INPUT:
            inputs.append(_port(_bytes(wire, value)))
        elif number == _GRAPH_OUTPUT:
            outputs.append(_port(_bytes(wire, value)))
    if depth == 1:
        found.inputs = [port for port in inputs if port.name not in weights]
        found.outputs = outputs


def _node(message: memoryview, found: Signature, *, depth: int) -> None:
    found.nodes += 1
    if found.nodes > NODES_MAX:
        raise refused(f"it has more than {NODES_MAX:,} nodes")
    operator, domain = "", ""
    named = 0
    for number, wire, value in fields(message):
        if number == _NODE_OPERATOR:
            operator, named = _text(_bytes(wire, value)), named + 1
        elif number == _NODE_DOMAIN:
            domain = _text(_bytes(wire, value))
        elif number == _NODE_ATTRIBUTE:
            _attribute(_bytes(wire, value), found, depth=depth)
    domain = "" if domain == "ai.onnx" else domain
    if named != 1 or operator not in OPERATORS.get(domain, frozenset()):
        shown = f"{domain or 'ai.onnx'}.{operator}"
        raise refused(f"the operator {shown!r} is not among those that are run")


def _attribute(message: memoryview, found: Signature, *, depth: int) -> None:
    for number, wire, value in fields(message):
        if number in _ATTRIBUTE_TENSORS:
            _tensor(_bytes(wire, value))
        elif number in _ATTRIBUTE_GRAPHS:
            _graph(_bytes(wire, value), found, depth=depth + 1)
        elif number in _ATTRIBUTE_SPARSES:
            raise refused("it holds sparse weights")


def _tensor(message: memoryview) -> str:
    """Check a weight and return its name."""
    elements, name = 1, ""
    for number, wire, value in fields(message):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value):
            raise refused("its weights lie in another file")
        if number == _TENSOR_DIMS:
            for size in integers(wire, value):
                elements *= max(size, 0)
        elif number == 8 and wire == BYTES:  # noqa: PLR2004 - the field `name`
            name = _text(_bytes(wire, value))
    if elements > ELEMENTS_MAX:
        raise refused(f"a weight of {elements:,} numbers, at most {ELEMENTS_MAX:,} are read")
    return name


def _port(message: memoryview) -> Port:
    name, shape = "", None
    element: Element | None = None
    for number, wire, value in fields(message):
        if number == 1:
            name = _text(_bytes(wire, value))
        elif number == 2:  # noqa: PLR2004 - the field `type`
            for tensor in _inside(_bytes(wire, value), _TYPE_TENSOR):
                for place, _, said in fields(tensor):
                    if place == _TENSOR_ELEMENT and isinstance(said, int):
                        element = ELEMENTS.get(said)
                    elif place == _TENSOR_SHAPE and isinstance(said, memoryview):
                        shape = [_dimension(d) for d in _inside(said, 1)]
    return Port(
        name=name,
        element=element,
        width=shape[1] if shape is not None and len(shape) == 2 else None,  # noqa: PLR2004
        dimensions=len(shape) if shape is not None else 0,
    )


def _dimension(message: memoryview) -> int | None:
    """Read a size; a name or nothing stands for any size."""
    for number, _, value in fields(message):
        if number == 1 and isinstance(value, int):
            return value
    return None


def _inside(message: memoryview, wanted: int) -> Iterator[memoryview]:
    for number, wire, value in fields(message):
        if number == wanted:
            yield _bytes(wire, value)


def _bytes(wire: int, value: int | memoryview) -> memoryview:
    if wire != BYTES or not isinstance(value, memoryview):
        raise ValueError(f"wire type {wire} where bytes are wanted")
    return value


def _text(value: memoryview) -> str:
    return bytes(value).decode("utf-8")
