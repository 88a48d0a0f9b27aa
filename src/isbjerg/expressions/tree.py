"""The nodes of an expression, and how they are stored.

A tree is data: an operation's name, its arguments, at most one parameter, and, once
:mod:`isbjerg.expressions.inference` has run, a type. It is stored as JSON inside feature
sets and bundles, so an operation, once released, keeps its name and its meaning: a new
meaning is a new `SEMANTICS_VERSION`, a new layout a new `FORMAT_VERSION`.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import msgspec

FORMAT_VERSION = 2
"""Layout of the stored tree; version 1 had no tables (`map`, `bucket`), no `learn`, no `python`."""

SEMANTICS_VERSION = 1
"""Meaning of the operations, as ``docs/internals/semantics.md`` writes it."""


class Type(StrEnum):
    """What a value can be. Every type also has *null*, and no other missing value.

    The carriers, which compiled code works on: ``bool``, ``int`` (64 bits), ``float``
    (finite), ``str``, and microseconds as ``int`` for the three of time.
    """

    BOOLEAN = "boolean"
    INTEGER = "integer"
    FLOAT = "float"
    TEXT = "text"
    INSTANT = "instant"
    """A point in time, UTC."""
    LOCAL = "local"
    """What a clock on a wall showed: a date and time without a zone."""
    DURATION = "duration"


class Node(msgspec.Struct, frozen=True, omit_defaults=True):
    """One operation over other nodes.

    Parameters
    ----------
    op : str
        Name of the operation, a key of `OPERATIONS`.
    args : tuple of Node
        What it works on.
    value : Any
        Its parameter: a literal's carrier value, a column's name, the texts of ``is_in``.
    type : Type, optional
        Type of its result; ``None`` before inference.
    """

    op: str
    args: tuple[Node, ...] = ()
    value: Any = None
    type: Type | None = None


OPERATIONS: dict[str, int] = {
    # leaves: their value names what they stand for
    "literal": 0,
    "column": 0,  # a column of the row
    "feature": 0,  # another feature of the set, by name
    "slot": 0,  # an assembled value (newest, past), by the slot's name
    # conversions
    "to_float": 1,
    "to_integer": 1,
    # arithmetic: a result that is not finite, or does not fit 64 bits, is null
    "add": 2,
    "subtract": 2,
    "multiply": 2,
    "divide": 2,
    "floor_divide": 2,
    "modulo": 2,
    "negate": 1,
    "absolute": 1,
    "floor": 1,
    "ceil": 1,
    "sqrt": 1,
    "minimum": 2,
    "maximum": 2,
    # comparison: null if either side is
    "equal": 2,
    "not_equal": 2,
    "less": 2,
    "less_equal": 2,
    "greater": 2,
    "greater_equal": 2,
    "is_in": 1,  # value: the list of literals
    # Kleene's three-valued logic
    "and": 2,
    "or": 2,
    "not": 1,
    # null
    "is_null": 1,
    "fill_null": 2,
    "when": 3,  # condition, then, otherwise; a null condition is not true
    # text: code points, no locale
    "text_length": 1,
    "starts_with": 1,  # value: the text
    "ends_with": 1,
    "contains": 1,
    "slice": 1,  # value: [start >= 0, length >= 0]
    "strip": 1,  # ASCII white space
    "lower_ascii": 1,  # A-Z alone
    # tables: what was learnt on training rows
    "map": 1,  # value: [keys, floats, the float of any other]
    "bucket": 1,  # value: edges in order
    # wall time
    "year": 1,
    "month": 1,
    "day": 1,
    "weekday": 1,  # ISO: Monday 1 .. Sunday 7
    "hour": 1,
    "minute": 1,
    "second": 1,
    "in_zone": 1,  # instant -> local; value: the zone's name
    # durations as numbers
    "total_seconds": 1,
}
"""Every operation and how many arguments it takes."""

LEARN = "learn"
"""A value still to be learnt of its argument; no compiler takes it. `isbjerg.features.learning`
puts what was learnt in its place."""

PYTHON = "python"
"""A call of a deployed Python function; its value is a pin (`isbjerg.expressions.code`)."""

TABLE_MAX = 50_000
"""Entries that the table of a `map` or the options of `is_in` may have."""

EDGES_MAX = 1_000
"""Edges that a `bucket` may have."""

LEAVES = frozenset({"literal", "column", "feature", "slot"})

INTEGER_MIN, INTEGER_MAX = -(2**63), 2**63 - 1

TIME_MIN_US = -62_135_596_800_000_000
"""0001-01-01T00:00:00: the first instant or local time; earlier results are null."""

TIME_MAX_US = 253_402_300_799_999_999
"""9999-12-31T23:59:59.999999: the last instant or local time; later results are null."""


def literal(value: Any, type_: Type | None) -> Node:
    """Make a literal; a null literal has no type until its neighbours give it one."""
    return Node("literal", value=value, type=type_)


def walk(node: Node) -> Iterator[Node]:
    """Visit every node, arguments before the node that uses them.

    Examples
    --------
    >>> [n.op for n in walk(Node("not", (Node("column", value="late"),)))]
    ['column', 'not']
    """
    for argument in node.args:
        yield from walk(argument)
    yield node


def names(node: Node, op: str) -> tuple[str, ...]:
    """List the names that leaves of kind `op` stand for, each once, in order of first use.

    Examples
    --------
    >>> delay = Node("column", value="delay")
    >>> names(Node("add", (delay, delay)), "column")
    ('delay',)
    """
    return tuple(dict.fromkeys(n.value for n in walk(node) if n.op == op))
