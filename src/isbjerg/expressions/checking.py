"""Refuse a tree that is not whole, before anything is compiled from it.

Trees are read from files that strangers may have written. A compiler that was given a tree
which passed :func:`check` can rely on this: it is small and shallow, every operation is known
and has its arguments, every parameter is a plain value of the right kind, and every type is
the one that inference gives.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from operator import lt
from typing import Any

from isbjerg.errors import TypingError
from isbjerg.expressions.inference import infer
from isbjerg.expressions.pins import ARGUMENTS_MAX, read_pin
from isbjerg.expressions.tree import (
    EDGES_MAX,
    INTEGER_MAX,
    INTEGER_MIN,
    LEARN,
    LEAVES,
    OPERATIONS,
    PYTHON,
    TABLE_MAX,
    TIME_MAX_US,
    TIME_MIN_US,
    Node,
    Type,
    walk,
)
from isbjerg.expressions.zones import check_zone

DEPTH_MAX = 200
"""Levels a tree may have; a deeper one is to be cut into features that use each other."""

NODES_MAX = 10_000
"""Nodes a tree may have, each counted as often as it is used."""


_TOLD_MAX = 200
"""Letters of a parameter that a message shows."""


def check(node: Node) -> Node:
    """Return `node` if compilers may rely on it.

    Parameters
    ----------
    node : Node
        A typed tree.

    Returns
    -------
    Node
        The same tree.

    Raises
    ------
    TypingError
        When the tree is too deep or too large (ISB121), holds an unknown operation, a
        parameter of the wrong kind or a type that does not follow from its leaves.

    Examples
    --------
    >>> odd = Node("text_length", (Node("literal", value=5, type=Type.TEXT),), type=Type.INTEGER)
    >>> check(odd)
    Traceback (most recent call last):
    isbjerg.errors.TypingError: The parameter of a `literal` of type text was 5...
    """
    _check_size(node)
    leaves: dict[str, dict[str, Type]] = {"column": {}, "feature": {}, "slot": {}}
    for n in walk(node):
        _check_node(n)
        if n.op in leaves and n.type is not None:
            leaves[n.op][n.value] = n.type
    known = infer(node, columns=leaves["column"], features=leaves["feature"], slots=leaves["slot"])
    if known != node:
        raise TypingError(
            "A tree's types do not follow from its leaves.",
            mend="type it with isbjerg.expressions.inference.infer",
        )
    return node


def _check_size(node: Node) -> None:
    """Count without recursion, and stop at the limit: shared nodes can multiply."""
    waiting, seen = [(node, 1)], 0
    while waiting:
        current, depth = waiting.pop()
        seen += 1
        if depth > DEPTH_MAX or seen + len(waiting) > NODES_MAX:
            raise TypingError(
                f"An expression is deeper than {DEPTH_MAX} levels or larger than "
                f"{NODES_MAX} nodes.",
                code="ISB121",
                mend="cut it into features, each using the one before",
            )
        waiting.extend((argument, depth + 1) for argument in current.args)


def _check_node(node: Node) -> None:
    if node.op == LEARN:
        raise TypingError(
            "An expression still has a value to learn of training rows, so it cannot be computed.",
            code="ISB123",
            mend="feature.with_learnt(...) in a test; isbjerg run learns it",
        )
    if node.op == PYTHON:
        _check_python(node)
        return
    if OPERATIONS.get(node.op) != len(node.args):
        raise TypingError(
            f"`{node.op}` with {len(node.args)} arguments is not an operation.\n"
            f"Known: {sorted(OPERATIONS)}",
            mend="read the tree with the version of isbjerg that wrote it",
        )
    if node.type is None or (node.op in LEAVES - {"literal"} and not _is_text(node.value)):
        raise TypingError(
            f"A `{node.op}` has no type or no name.",
            mend="type the tree with isbjerg.expressions.inference.infer",
        )
    fits = is_carrier(node.value, node.type) if node.op == "literal" else _fits(node)
    if not fits:
        raise TypingError(
            f"The parameter of a `{node.op}` of type {node.type} was {_shortened(node.value)}.",
            mend="give a plain value of the kind that docs/internals/semantics.md names",
        )


def _shortened(value: object) -> str:
    """Write a parameter for a message; a table may have 50,000 entries."""
    text = repr(value)
    return text if len(text) <= _TOLD_MAX else f"{text[:_TOLD_MAX]}..."


def _check_python(node: Node) -> None:
    pin = read_pin(node.value)
    called = 1 <= len(node.args) <= ARGUMENTS_MAX and all(a.op in LEAVES for a in node.args)
    if pin is None or not called or node.type is not pin.returns:
        raise TypingError(
            f"A `{PYTHON}` node holds no whole pin, or no leaves as arguments.",
            mend="read the tree with the version of isbjerg that wrote it",
        )


def is_carrier(value: object, type_: Type) -> bool:
    """Tell whether `value` is null or a carrier of `type_`.

    Examples
    --------
    >>> is_carrier(1, Type.INTEGER), is_carrier(True, Type.INTEGER), is_carrier(None, Type.TEXT)
    (True, False, True)
    """
    return value is None or _CARRIERS[type_](value)


def _is_text(value: object) -> bool:
    """Tell whether `value` is text that UTF-8 can write; half a surrogate pair is not."""
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_whole(low: int, high: int) -> Callable[[object], bool]:
    return lambda value: type(value) is int and low <= value <= high


_CARRIERS: dict[Type, Callable[[object], bool]] = {
    Type.BOOLEAN: lambda value: type(value) is bool,
    Type.INTEGER: _is_whole(INTEGER_MIN, INTEGER_MAX),
    Type.FLOAT: lambda value: type(value) is float and isfinite(value),
    Type.TEXT: _is_text,
    Type.INSTANT: _is_whole(TIME_MIN_US, TIME_MAX_US),
    Type.LOCAL: _is_whole(TIME_MIN_US, TIME_MAX_US),
    Type.DURATION: _is_whole(INTEGER_MIN, INTEGER_MAX),
}


def _fits(node: Node) -> bool:
    if node.op in {"column", "feature", "slot"}:
        return True
    if node.op in {"starts_with", "ends_with", "contains"}:
        return _is_text(node.value)
    if node.op == "is_in":
        return _is_keys(node.value, node)
    if node.op == "map":
        return _is_table(node.value, node)
    if node.op == "bucket":
        edges = node.value
        return _is_floats(edges) and len(edges) <= EDGES_MAX and all(map(lt, edges, edges[1:]))
    if node.op == "slice":
        whole = _is_whole(0, INTEGER_MAX)
        return _is_list(node.value) and len(node.value) == 2 and all(map(whole, node.value))  # noqa: PLR2004
    if node.op == "in_zone":
        return bool(check_zone(node.value))
    return node.value is None


def _is_list(value: Any) -> bool:
    return isinstance(value, list | tuple) and len(value) <= TABLE_MAX


def _is_keys(value: Any, node: Node) -> bool:
    type_ = node.args[0].type or Type.TEXT
    return _is_list(value) and all(is_carrier(v, type_) and v is not None for v in value)


def _is_floats(value: Any) -> bool:
    return _is_list(value) and all(type(v) is float and isfinite(v) for v in value)


def _is_table(value: Any, node: Node) -> bool:
    """Tell whether `value` is different keys, a float for each, and the float of any other."""
    if not _is_list(value) or len(value) != 3:  # noqa: PLR2004 - the three of the sentence above
        return False
    keys, floats, other = value
    return (
        _is_keys(keys, node)
        and len(set(keys)) == len(keys)
        and _is_floats(floats)
        and len(floats) == len(keys)
        and _is_floats([other])
    )
