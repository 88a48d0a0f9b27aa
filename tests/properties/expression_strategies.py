"""Random typed trees over every operation, and rows of all types with their extremes."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import product
from typing import Any

import polars as pl
from hypothesis import strategies as st

from isbjerg.expressions import inference
from isbjerg.expressions.inference import infer
from isbjerg.expressions.polars import polars_type
from isbjerg.expressions.tree import (
    INTEGER_MAX,
    INTEGER_MIN,
    LEAVES,
    OPERATIONS,
    TIME_MAX_US,
    TIME_MIN_US,
    Node,
    Type,
    literal,
)

ZONES = (
    "America/New_York",
    "Europe/Copenhagen",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "UTC",
)


def _us(*parts: int) -> int:
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000


TIMES = (
    TIME_MIN_US,
    TIME_MIN_US + 1,
    -1,
    0,
    1,
    1_370_044_799_999_999,
    _us(2012, 2, 29, 23, 59, 59),
    _us(2013, 3, 10, 7),  # New York puts its clock forward
    _us(2013, 3, 10, 7) - 1,
    _us(2013, 11, 3, 6),  # and back
    _us(2013, 11, 3, 6) - 1,
    _us(2013, 10, 27, 1),  # Copenhagen back
    _us(2100, 1, 1) - 1,
    _us(2100, 1, 1),
    TIME_MAX_US - 1,
    TIME_MAX_US,
)

EXTREMES: dict[Type, tuple[Any, ...]] = {
    Type.BOOLEAN: (True, False),
    Type.INTEGER: (
        *(0, 1, -1, 2, -3, 7, 10, 2**31, 2**53 + 1, 3037000500),
        *(INTEGER_MIN, INTEGER_MIN + 1, INTEGER_MAX, INTEGER_MAX - 1),
    ),
    Type.FLOAT: (
        *(0.0, -0.0, 1.0, -1.0, 0.1, 3.0, -2.5, 0.5, 5e-324, -5e-324, 2.2250738585072014e-308),
        *(1e308, -1e308, 1.7976931348623157e308, 2.0**63, -(2.0**63), -(2.0**63) - 2048),
        *(9.223372036854774784e18, 4503599627370495.5, -4503599627370495.5, 1e-300, 7.1),
    ),
    Type.TEXT: (
        *("", "a", "B", "ab", " \t\n a \r\x0b\x0c", "\x00", "a\x00b", "é", "e\u0301", "Ærø", "ﬀ"),
        *("😀", "\uffff", "\U0010ffff", "a😀b", "\u00a0a\u2003", "\x1fa\x85", "%_.*(", "\u2028"),
    ),
    Type.INSTANT: TIMES,
    Type.LOCAL: TIMES,
    Type.DURATION: (
        *(0, 1, -1, 1_000_000, 3_600_000_000, -86_400_000_000, 86_399_999_999, 2**53 + 1),
        *(INTEGER_MIN, INTEGER_MIN + 1, INTEGER_MAX, 315_537_897_599_999_999),
    ),
}

VALUES: dict[Type, st.SearchStrategy[Any]] = {
    Type.BOOLEAN: st.booleans(),
    Type.INTEGER: st.integers(INTEGER_MIN, INTEGER_MAX) | st.integers(-10, 10),
    Type.FLOAT: st.floats(allow_nan=False, allow_infinity=False),
    Type.TEXT: st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    Type.INSTANT: st.integers(TIME_MIN_US, TIME_MAX_US) | st.integers(0, _us(2100, 1, 1)),
    Type.LOCAL: st.integers(TIME_MIN_US, TIME_MAX_US),
    Type.DURATION: st.integers(INTEGER_MIN, INTEGER_MAX) | st.integers(-(10**13), 10**13),
}

COLUMNS: dict[str, Type] = {
    f"{name} {type_}": type_
    for type_ in Type
    for name in ("plain", "'); __import__('os').abort() #")
}
"""Two columns of every type; the second one's name would do harm if it were pasted as code."""

PARAMETERS: dict[str, st.SearchStrategy[Any]] = {
    **dict.fromkeys(("starts_with", "ends_with", "contains"), st.sampled_from(EXTREMES[Type.TEXT])),
    "slice": st.tuples(st.integers(0, 4), st.integers(0, 4) | st.just(INTEGER_MAX)).map(list),
    "in_zone": st.sampled_from(ZONES),
    "bucket": st.lists(
        st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([0.0, -2.5, 1e308]),
        max_size=5,
    ).map(lambda floats: sorted({f + 0.0 for f in floats})),
}

SIGNATURES: dict[Type, list[tuple[str, tuple[Type, ...]]]] = {
    result: sorted(
        (op, takes)
        for op, rule in inference._RESULTS.items()
        for takes, gives in rule.items()
        if gives is result
    )
    for result in Type
}
"""What makes each type: operation and the types it takes, as inference has them."""


def values(type_: Type) -> st.SearchStrategy[Any]:
    return st.sampled_from(EXTREMES[type_]) | VALUES[type_]


@st.composite
def rows(draw: st.DrawFn, size: int = 5) -> list[dict[str, Any]]:
    count = draw(st.integers(0, size))
    return [{n: draw(st.none() | values(t)) for n, t in COLUMNS.items()} for _ in range(count)]


@st.composite
def untyped(draw: st.DrawFn, type_: Type, depth: int) -> Node:
    """Draw a tree that inference will give `type_`, or a float where integers may widen."""
    if depth == 0 or draw(st.integers(0, 9)) == 0:
        return draw(_leaf(type_))
    return draw(_operation(*draw(st.sampled_from(SIGNATURES[type_])), depth))


@st.composite
def _operation(draw: st.DrawFn, op: str, takes: tuple[Type, ...], depth: int) -> Node:
    args = tuple(draw(untyped(draw(_narrowed(op, t)), depth - 1)) for t in takes)
    if op == "map":
        return Node(op, args, draw(tables(takes[0])))
    if op == "is_in":
        return Node(op, args, draw(st.lists(values(takes[0]), max_size=3)))
    return Node(op, args, draw(PARAMETERS[op]) if op in PARAMETERS else None)


def tables(of: Type) -> st.SearchStrategy[list[Any]]:
    """Draw the table of a ``map``: different keys, a float for each, the float of any other."""
    return st.dictionaries(values(of), values(Type.FLOAT), max_size=4).flatmap(
        lambda t: values(Type.FLOAT).map(lambda other: [list(t), list(t.values()), other])
    )


def _narrowed(op: str, type_: Type) -> st.SearchStrategy[Type]:
    """Sometimes put an integer where a float is wanted, so that inference has to widen it."""
    if op in inference._ALWAYS_FLOAT and type_ is Type.FLOAT:
        return st.sampled_from([Type.FLOAT, Type.INTEGER])
    return st.just(type_)


def _leaf(type_: Type) -> st.SearchStrategy[Node]:
    columns = [Node("column", value=n) for n, t in COLUMNS.items() if t is type_]
    literals = (st.none() | values(type_)).map(lambda v: literal(v, type_))
    return st.sampled_from(columns) | st.sampled_from(columns) | literals


def trees(type_: Type | None = None, depth: int = 4) -> st.SearchStrategy[Node]:
    """Draw typed trees."""
    types = st.sampled_from(list(Type)) if type_ is None else st.just(type_)
    return types.flatmap(lambda t: untyped(t, depth)).map(lambda n: infer(n, columns=COLUMNS))


def trees_of(op: str, depth: int = 3) -> st.SearchStrategy[Node]:
    """Draw typed trees with `op` at the root."""
    takes = st.sampled_from(sorted(inference._RESULTS[op]))
    drawn = takes.flatmap(lambda t: _operation(op, t, depth))
    return drawn.map(lambda n: infer(n, columns=COLUMNS))


def frame(table: list[dict[str, Any]], types: dict[str, Type]) -> pl.DataFrame:
    """Make the Polars frame that carries `table`."""
    return pl.DataFrame(
        [
            pl.Series(n, [row[n] for row in table], dtype=_bare(t)).cast(polars_type(t))
            for n, t in types.items()
        ]
    )


def _bare(type_: Type) -> pl.DataType:
    return pl.Int64() if polars_type(type_).is_temporal() else polars_type(type_)


def carriers(series: pl.Series) -> list[Any]:
    """List a column's carriers."""
    return (series.cast(pl.Int64()) if series.dtype.is_temporal() else series).to_list()


def same(one: Any, other: Any) -> bool:
    """Tell whether two carriers are the same, type and bits; -0.0 is 0.0."""
    return type(one) is type(other) and one == other


def grid(takes: tuple[Type, ...]) -> list[dict[str, Any]]:
    """List every combination of extremes and null, as columns ``x0 x1 ...``."""
    columns = [(*EXTREMES[t], None) for t in takes]
    return [{f"x{i}": v for i, v in enumerate(row)} for row in product(*columns)]


def every_operation() -> set[str]:
    return set(OPERATIONS) - LEAVES
