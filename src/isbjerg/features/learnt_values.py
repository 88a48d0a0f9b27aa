"""What was learnt of training rows, and the ordinary operation that takes its place in a tree.

A number becomes a literal, edges a ``bucket``, kept texts a choice, a table a ``map``. After
that nothing in the tree reminds of learning: compilers, bundles and servers need not know.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from isbjerg.errors import ArgumentError
from isbjerg.expressions.build import describe
from isbjerg.expressions.tree import LEARN, Node, Type, literal


class Table(msgspec.Struct, frozen=True):
    """A float for each category.

    Parameters
    ----------
    floats : dict
        By category; not for null.
    other : float
        For a category that has none.
    missing : float, optional
        For null; null stays null when not given.
    """

    floats: dict[Any, float]
    other: float
    missing: float | None = None


Learnt = float | None | tuple[float, ...] | tuple[str, ...] | Table
"""A number, edges, texts, or a table."""


def put(node: Node, argument: Node, value: Learnt) -> Node:
    """Write what was learnt as an operation on `argument`.

    Parameters
    ----------
    node : Node
        The ``learn`` node.
    argument : Node
        Its argument, with what was learnt inside it in place.
    value : Learnt
        What was learnt.

    Examples
    --------
    >>> from isbjerg.expressions.learnt import bucket
    >>> from isbjerg.expressions.build import Expression
    >>> x = Node("column", value="x")
    >>> describe(put(bucket(Expression(x), 3).node, x, (1.0, 2.0)))
    'bucket(x, [1.0, 2.0])'
    """
    what = node.value["what"]
    if isinstance(value, Table):
        parameter = [list(value.floats), list(value.floats.values()), value.other]
        found = Node("map", (argument,), parameter)
        if value.missing is None:
            return found
        return Node("fill_null", (found, literal(value.missing, Type.FLOAT)))
    if isinstance(value, tuple):
        if what == "bucket":
            return Node("bucket", (argument,), list(value))
        return _kept(argument, list(value), node.value["other"])
    return literal(value, Type.FLOAT)


def _kept(text: Node, texts: list[Any], other: str) -> Node:
    unknown = Node(
        "when",
        (Node("is_null", (text,)), literal(None, Type.TEXT), literal(other, Type.TEXT)),
    )
    return Node("when", (Node("is_in", (text,), texts), text, unknown))


def substituted(node: Node, learn: Callable[[Node, Node], Node]) -> Node:
    """Replace each ``learn`` node, those inside others first.

    Parameters
    ----------
    node : Node
        A tree.
    learn : callable
        Takes a ``learn`` node and its argument, already substituted; gives what takes its place.
    """
    args = tuple(substituted(a, learn) for a in node.args)
    if node.op == LEARN:
        return learn(node, args[0])
    return Node(node.op, args, node.value, node.type)


def given(node: Node, value: object) -> Learnt:
    """Read what a test says was learnt.

    Parameters
    ----------
    node : Node
        The ``learn`` node.
    value : object
        A number; for a bucket its edges, for a vocabulary its texts; for a frequency or a target
        mean a mapping from category to number, with ``None`` for missing and ``...`` for any
        other category.

    Raises
    ------
    ArgumentError
        When it is of another form.

    Examples
    --------
    >>> from isbjerg.expressions import learnt
    >>> from isbjerg.expressions.build import lit
    >>> given(learnt.target_mean(lit("UA")).node, {"UA": 0.25, None: 0.5, ...: 0.4})
    Table(floats={'UA': 0.25}, other=0.4, missing=0.5)
    """
    what = node.value["what"]
    if what in {"frequency", "target_mean"} and isinstance(value, Mapping):
        floats = {k: float(v) for k, v in value.items() if k is not None and k is not ...}
        other = float(value.get(..., 0.0))
        missing = value.get(None, other if what == "target_mean" else None)
        return Table(floats, other, missing if missing is None else float(missing))
    if what == "bucket" and isinstance(value, list | tuple):
        return tuple(sorted({float(v) + 0.0 for v in value}))
    if what == "vocabulary" and isinstance(value, list | tuple | set | frozenset):
        return tuple(sorted(map(str, value)))
    if what in {"mean", "std", "quantile"} and isinstance(value, int | float):
        return float(value)
    raise ArgumentError(
        f"{describe(node)} was given {value!r}. It takes {_FORMS[what]}.",
        mend=f"feature.with_learnt({_EXAMPLES[what]})",
        what=what,
    )


_FORMS = {
    **dict.fromkeys(("mean", "std", "quantile"), "a number"),
    "bucket": "a list of edges",
    "vocabulary": "a list of texts",
    **dict.fromkeys(("frequency", "target_mean"), "a mapping from category to number"),
}
_EXAMPLES = {
    **dict.fromkeys(("mean", "std", "quantile"), "12.5"),
    "bucket": "[10.0, 20.0]",
    "vocabulary": '["UA", "DL"]',
    "frequency": '{"UA": 0.3, ...: 0.0}',
    "target_mean": '{"UA": 0.3, None: 0.2, ...: 0.25}',
}


def example(node: Node) -> str:
    """Show in which form a test may give what was learnt."""
    return _EXAMPLES[node.value["what"]]


def say(value: Learnt) -> str:
    """Say what was learnt in a few words.

    Examples
    --------
    >>> say(("UA", "B6", "EV", "DL")), say(0.25), say(Table({"UA": 0.5, "DL": 0.25}, 0.4))
    ("4: 'UA', 'B6', 'EV', ...", '0.25', "2: 'UA' 0.5, 'DL' 0.25; any other 0.4")
    """
    if isinstance(value, Table):
        told = [f"{k!r} {v:.4g}" for k, v in list(value.floats.items())[:_TOLD]]
        missing = "" if value.missing is None else f"; missing {value.missing:.4g}"
        return f"{_counted(told, len(value.floats))}; any other {value.other:.4g}{missing}"
    if isinstance(value, tuple):
        told = [f"{v:.4g}" if isinstance(v, float) else repr(v) for v in value[:_TOLD]]
        return _counted(told, len(value))
    return "nothing: no training row has a value" if value is None else f"{value:.6g}"


_TOLD = 3


def _counted(told: list[str], count: int) -> str:
    return f"{count}: {', '.join(told)}" + (", ..." if count > len(told) else "")
