"""Compile typed trees to one generated Python function, for a single row.

The function takes the row's carriers by position and returns the outputs. It is flat: every
sub-expression becomes one local variable, computed once however often the trees use it, and
no function is called per node. Nothing that a tree holds is written into the source: literals
and other parameters are bound to the names ``k0, k1, ...``, columns are the arguments ``a0,
a1, ...``, and the function runs without builtins, so a stranger's tree cannot bring code.

What each operation must do is written in ``docs/internals/semantics.md``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from math import sqrt
from string import ascii_uppercase
from typing import Any, NamedTuple

from isbjerg.errors import TypingError
from isbjerg.expressions.checking import check
from isbjerg.expressions.code import bound
from isbjerg.expressions.tree import (
    INTEGER_MAX,
    INTEGER_MIN,
    LEAVES,
    PYTHON,
    TIME_MAX_US,
    TIME_MIN_US,
    Node,
    Type,
)
from isbjerg.expressions.zones import ZONED_MAX_US, ZONED_MIN_US, local_clock

_FLOAT_MAX = 1.7976931348623157e308
_WHITE_SPACE = " \t\n\r\x0b\x0c"
_LOWER_ASCII = {ord(letter): ord(letter.lower()) for letter in ascii_uppercase}
_DATE = "fromordinal({0} // 86400000000 + 719163)"  # days from 0001-01-01 to 1970-01-01, plus 1

_RESULT = {  # of arguments that are not null; {0} {1} are arguments, {p} is the parameter
    "to_float": "float({0})",
    "to_integer": "int({0})",
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "floor_divide": "{0} // {1}",
    "modulo": "{0} % {1}",
    "negate": "-{0}",
    "absolute": "-{0} if {0} < 0 else {0}",
    "floor": "{0} // 1.0",
    "ceil": "-(-{0} // 1.0)",
    "sqrt": "sqrt({0})",
    "minimum": "{0} if {0} <= {1} else {1}",
    "maximum": "{0} if {0} >= {1} else {1}",
    "equal": "{0} == {1}",
    "not_equal": "{0} != {1}",
    "less": "{0} < {1}",
    "less_equal": "{0} <= {1}",
    "greater": "{0} > {1}",
    "greater_equal": "{0} >= {1}",
    "is_in": "{0} in {p}",
    "not": "not {0}",
    "text_length": "len({0})",
    "starts_with": "{0}.startswith({p})",
    "ends_with": "{0}.endswith({p})",
    "contains": "{p} in {0}",
    "slice": "{0}[{p}]",
    "strip": "{0}.strip({p})",
    "lower_ascii": "{0}.translate({p})",
    "map": "{p}[{0}]",
    "bucket": "bisect_left({p}, {0})",
    "year": _DATE + ".year",
    "month": _DATE + ".month",
    "day": _DATE + ".day",
    "weekday": "({0} // 86400000000 + 3) % 7 + 1",  # 1970-01-01 was a Thursday
    "hour": "{0} // 3600000000 % 24",
    "minute": "{0} // 60000000 % 60",
    "second": "{0} // 1000000 % 60",
    "in_zone": "{p}({0})",
    "total_seconds": "float({0}) / 1000000.0",
}

_REFUSED = {  # arguments for which the result is null, besides null
    "divide": "not {1}",
    "floor_divide": "not {1}",
    "modulo": "not {1}",
    "sqrt": "{0} < 0.0",
    "in_zone": f"not {ZONED_MIN_US} <= {{0}} <= {ZONED_MAX_US}",
}

_OVERFLOWS = frozenset({"add", "subtract", "multiply", "divide", "floor_divide"}) | {
    "negate",
    "absolute",
    "to_integer",
}

_RANGES = {
    Type.INTEGER: (INTEGER_MIN, INTEGER_MAX),
    Type.DURATION: (INTEGER_MIN, INTEGER_MAX),
    Type.FLOAT: (-_FLOAT_MAX, _FLOAT_MAX),  # also keeps out NaN, which no comparison holds for
    Type.INSTANT: (TIME_MIN_US, TIME_MAX_US),
    Type.LOCAL: (TIME_MIN_US, TIME_MAX_US),
}

_OWN_NULLS = {  # operations that see nulls themselves
    "is_null": "{0} is None",
    "fill_null": "{1} if {0} is None else {0}",
    "when": "{1} if {0} else {2}",
    "and": "False if {0} is False or {1} is False else None if {0} is None else {1}",
    "or": "True if {0} or {1} else None if {0} is None else {1}",
}


class _Value(NamedTuple):
    """A local variable, an argument or a constant of the generated function."""

    text: str
    nullable: bool


class _Writer:
    """Writes the function's lines, each distinct sub-expression once."""

    def __init__(self, inputs: Sequence[tuple[str, str]]) -> None:
        self.lines: list[str] = []
        self.names: dict[str, Any] = {
            "__builtins__": {},
            "fromordinal": date.fromordinal,
            "sqrt": sqrt,
            "bisect_left": bisect_left,
            "float": float,
            "int": int,
            "len": len,
        }
        self.leaves = {leaf: _Value(f"a{i}", nullable=True) for i, leaf in enumerate(inputs)}
        self._types: dict[tuple[str, str], Type | None] = {}
        self._written: dict[tuple[object, ...], _Value] = {}

    def step(self, name: str, node: Node) -> None:
        """Write one step and let later ones use it by its name."""
        if ("feature", name) in self.leaves:
            raise TypingError(
                f"Two steps or inputs are named '{name}'.", mend="give each its own name"
            )
        self.leaves["feature", name] = self._write(check(node))
        self._types["feature", name] = node.type

    def _write(self, node: Node) -> _Value:
        if node.op in LEAVES - {"literal"}:
            return self._leaf(node)
        args = tuple(self._write(a) for a in node.args)
        key = (node.op, node.type, _plain(node.value), args)
        if key not in self._written:
            self._written[key] = self._apply(node, args)
        return self._written[key]

    def _leaf(self, node: Node) -> _Value:
        leaf = node.op, node.value
        if leaf not in self.leaves or self._types.setdefault(leaf, node.type) is not node.type:
            found = sorted(f"{op} '{name}'" for op, name in self.leaves)
            raise TypingError(
                f"The {node.op} '{node.value}' of type {node.type} is not given.\nFound: {found}",
                mend="give it as an input, or put the step that makes it before",
            )
        return self.leaves[leaf]

    def _apply(self, node: Node, args: tuple[_Value, ...]) -> _Value:
        parameter = self._bind(bound(node) if node.op == PYTHON else _parameter(node))
        if node.op == "literal":
            return _Value(parameter, nullable=node.value is None)
        name = f"v{len(self._written)}"
        texts = [a.text for a in args]
        if node.op in _OWN_NULLS:
            self.lines.append(f"{name} = {_OWN_NULLS[node.op].format(*texts)}")
            return _Value(name, nullable=_may_be_null(node.op, args))
        if node.op == PYTHON:
            self._guard(node, name, args, f"{name} = {parameter}({', '.join(texts)})")
            return _Value(name, nullable=True)
        result = f"{name} = {_RESULT[node.op].format(*texts, p=parameter)}"
        return self._guard(node, name, args, result)

    def _guard(self, node: Node, name: str, args: tuple[_Value, ...], result: str) -> _Value:
        body = [result, *_range_check(node, name)]
        nulls = [f"{a.text} is None" for a in dict.fromkeys(args) if a.nullable]
        nulls += _refusals(node, [a.text for a in args])
        if nulls:
            self.lines += [f"if {' or '.join(nulls)}:", f"    {name} = None", "else:"]
        self.lines += [f"    {line}" if nulls else line for line in body]
        return _Value(name, nullable=bool(nulls) or len(body) > 1)

    def _bind(self, parameter: object) -> str:
        name = f"k{len(self.names)}"
        self.names[name] = parameter
        return name


def _plain(value: object) -> object:
    """Make a parameter hashable so that 1, 1.0 and True, or 0.0 and -0.0, stay apart."""
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else repr(value)


def _parameter(node: Node) -> object:
    if node.op == "is_in":
        return frozenset(node.value)
    if node.op == "slice":
        start, length = node.value
        return slice(start, start + length)
    if node.op == "strip":
        return _WHITE_SPACE
    if node.op == "lower_ascii":
        return _LOWER_ASCII
    if node.op == "in_zone":
        return local_clock(node.value)
    if node.op == "map":
        return _Table(*node.value)
    return node.value


class _Table(dict[Any, float]):
    """A finite table with one answer for everything else."""

    def __init__(self, keys: Sequence[Any], floats: Sequence[float], other: float) -> None:
        super().__init__(zip(keys, floats, strict=True))
        self._other = other

    def __missing__(self, key: object) -> float:
        return self._other


def _may_be_null(op: str, args: tuple[_Value, ...]) -> bool:
    if op == "is_null":
        return False
    if op == "fill_null":
        return args[0].nullable and args[1].nullable
    return any(a.nullable for a in (args[1:] if op == "when" else args))


def _refusals(node: Node, texts: list[str]) -> Iterator[str]:
    if node.op in _REFUSED:
        yield _REFUSED[node.op].format(*texts)


def _range_check(node: Node, name: str) -> Iterator[str]:
    if node.op in _OVERFLOWS and node.type in _RANGES:
        low, high = _RANGES[node.type]
        yield f"if not {low} <= {name} <= {high}:"
        yield f"    {name} = None"


def compile_function(
    steps: Sequence[tuple[str, Node]],
    inputs: Sequence[tuple[str, str]],
    outputs: Sequence[str],
) -> Callable[..., tuple[Any, ...]]:
    """Compile steps to one function from a row's carriers to the outputs.

    Parameters
    ----------
    steps : sequence of (str, Node)
        Names and typed trees; a tree may use the steps before it as ``feature`` leaves.
    inputs : sequence of (str, str)
        The function's arguments in order: the leaf's operation (``column``, ``slot`` or
        ``feature``) and its name.
    outputs : sequence of str
        Names of the steps to return.

    Returns
    -------
    callable
        Takes ``len(inputs)`` carriers by position, returns ``len(outputs)``; its source is
        kept as ``__isbjerg_source__``.

    Raises
    ------
    TypingError
        When a tree is not whole (see :func:`isbjerg.expressions.checking.check`), a leaf is
        not given, or an output is not a step.

    Examples
    --------
    >>> hour = Node("column", value="hour", type=Type.INTEGER)
    >>> noon = Node("literal", value=12, type=Type.INTEGER)
    >>> late = Node("greater", (hour, noon), type=Type.BOOLEAN)
    >>> function = compile_function([("late", late)], [("column", "hour")], ["late"])
    >>> function(20), function(None)
    ((True,), (None,))
    """
    writer = _Writer(inputs)
    for name, node in steps:
        writer.step(name, node)
    made = {name for name, _ in steps}
    if missing := [name for name in outputs if name not in made]:
        raise TypingError(
            f"The outputs {missing} are no steps.\nFound: {sorted(made)}",
            mend="name steps only",
        )
    arguments = ", ".join(f"a{i}" for i in range(len(inputs)))
    results = "".join(f"{writer.leaves['feature', name].text}, " for name in outputs)
    return _build(writer, arguments, f"({results})")


def compile_expression(node: Node, inputs: Sequence[tuple[str, str]]) -> Callable[..., Any]:
    """Compile one typed tree to a function from a row's carriers to its carrier.

    Examples
    --------
    >>> name = Node("column", value="name", type=Type.TEXT)
    >>> length = Node("text_length", (name,), type=Type.INTEGER)
    >>> compile_expression(length, [("column", "name")])("Ærø")
    3
    """
    writer = _Writer(inputs)
    # A name that no leaf of the tree can have, since a tree's own result is not in it.
    writer.step("\ud800", node)
    arguments = ", ".join(f"a{i}" for i in range(len(inputs)))
    return _build(writer, arguments, writer.leaves["feature", "\ud800"].text)


def _build(writer: _Writer, arguments: str, result: str) -> Callable[..., Any]:
    body = "".join(f"    {line}\n" for line in writer.lines)
    source = f"def compiled({arguments}):\n{body}    return {result}\n"
    # Every word of the source was chosen in this file; what trees hold is bound by name.
    exec(compile(source, "<isbjerg expression>", "exec"), writer.names)  # noqa: S102
    function: Callable[..., Any] = writer.names["compiled"]
    function.__isbjerg_source__ = source  # type: ignore[attr-defined]
    return function
