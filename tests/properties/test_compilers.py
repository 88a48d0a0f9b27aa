"""The two compilers mean the same: Python, row by row, and Polars, on whole tables."""

from __future__ import annotations

from itertools import product
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.expression_strategies import (
    COLUMNS,
    EXTREMES,
    SIGNATURES,
    ZONES,
    carriers,
    every_operation,
    frame,
    grid,
    rows,
    same,
    trees,
    trees_of,
)

from isbjerg.canonical import canonical_json
from isbjerg.expressions.inference import infer
from isbjerg.expressions.polars import polars_type, to_polars
from isbjerg.expressions.python import compile_expression, compile_function
from isbjerg.expressions.tree import Node, Type, literal

economical = settings(max_examples=150, deadline=None)

GRID = [(op, takes) for made in SIGNATURES.values() for op, takes in made]
CHOICES: dict[str, list[Any]] = {
    **{op: list(EXTREMES[Type.TEXT]) for op in ("starts_with", "ends_with", "contains")},
    "slice": [[0, 0], [0, 1], [1, 2], [2, 2**63 - 1], [2**63 - 1, 2**63 - 1]],
    "in_zone": list(ZONES),
    "bucket": [[], [0.0], [-2.5, 0.0, 0.5, 1e308], sorted(set(EXTREMES[Type.FLOAT]))],
}


def parameters(op: str, takes: tuple[Type, ...]) -> list[Any]:
    if op == "is_in":
        return [[], list(EXTREMES[takes[0]][:4]), list(EXTREMES[takes[0]])]
    if op == "map":
        keys = list(dict.fromkeys(EXTREMES[takes[0]]))
        return [
            [keys[:n], [0.5 - i for i in range(n)], -1.5]
            for n in (0, 1, 4, len(keys))
            if n <= len(keys)
        ]
    return CHOICES.get(op, [None])


def differences(
    node: Node, table: list[dict[str, Any]], types: dict[str, Type]
) -> list[tuple[Any, ...]]:
    """List the rows on which the compilers differ, with both answers."""
    function = compile_expression(node, [("column", n) for n in types])
    expected = [function(*row.values()) for row in table]
    made = frame(table, types).select(to_polars(node).alias("made"))["made"]
    assert node.type is not None
    assert made.dtype == polars_type(node.type)
    assert len(made) == len(table)
    return [
        (row, e, m)
        for row, e, m in zip(table, expected, carriers(made), strict=True)
        if not same(e, m)
    ]


def test_grid_covers_every_operation():
    assert {op for op, _ in GRID} == every_operation()


@pytest.mark.parametrize(
    ("op", "takes"), GRID, ids=lambda v: v if isinstance(v, str) else "-".join(v)
)
def test_every_operation_on_every_pair_of_extremes(op, takes):
    types = {f"x{i}": t for i, t in enumerate(takes)}
    table = grid(takes)
    for value in parameters(op, takes):
        args = tuple(Node("column", value=n) for n in types)
        node = infer(Node(op, args, value), columns=types)
        assert differences(node, table, types) == []


@pytest.mark.parametrize("op", ["add", "subtract", "multiply", "divide", "minimum", "less"])
@pytest.mark.parametrize("side", [0, 1])
def test_constants_answer_as_columns_do(op, side):
    types = {"x": Type.FLOAT}
    table = [{"x": v} for v in (*EXTREMES[Type.FLOAT], None)]
    for value in (*EXTREMES[Type.FLOAT], None):
        args = (Node("column", value="x"), literal(value, Type.FLOAT))
        node = infer(Node(op, args[:: 1 - 2 * side]), columns=types)
        assert differences(node, table, types) == []


@given(node=trees(), table=rows())
@economical
def test_generated_trees_answer_alike_on_generated_rows(node, table):
    assert differences(node, table, COLUMNS) == []


@given(node=trees(), table=rows(size=3))
@economical
def test_stored_trees_are_equal_and_answer_alike(node, table):
    for stored in (msgspec.json.encode(node), canonical_json(node)):
        read = msgspec.json.decode(stored, type=Node)
        assert read == node
        assert infer(read, columns=COLUMNS) == node
        assert differences(read, table, COLUMNS) == []
        one, other = (compile_expression(n, [("column", c) for c in COLUMNS]) for n in (read, node))
        assert one.__isbjerg_source__ == other.__isbjerg_source__


@given(node=trees(), n=st.integers(0, 3))
@economical
def test_constants_alone_fill_the_table(node, n):
    constant = _without_columns(node)
    assert differences(constant, [{"x": 1}] * n, {"x": Type.INTEGER}) == []


def _without_columns(node: Node) -> Node:
    if node.op == "column":
        return literal(EXTREMES[node.type][-1], node.type)
    return Node(node.op, tuple(map(_without_columns, node.args)), node.value, node.type)


@given(data=st.data(), table=rows(size=4))
@economical
def test_steps_answer_alike_when_they_use_each_other(data, table):
    steps: list[tuple[str, Node]] = []
    for i in range(data.draw(st.integers(1, 4))):
        node = data.draw(trees(depth=3))
        for name, earlier in steps:  # put earlier steps where columns of their type are
            node = _swap(node, earlier.type, Node("feature", value=name, type=earlier.type))
        steps.append((f"step '{i}", node))
    names = [name for name, _ in steps]
    function = compile_function(steps, [("column", n) for n in COLUMNS], names)
    made = frame(table, COLUMNS)
    for name, node in steps:
        made = made.with_columns(to_polars(node).alias(f"feature:{name}"))
    expected = [function(*row.values()) for row in table]
    answers = list(zip(*(carriers(made[f"feature:{name}"]) for name in names), strict=True))
    assert len(answers) == len(expected)
    for e, m in zip(expected, answers, strict=True):
        assert all(map(same, e, m))


def _swap(node: Node, type_: Type | None, leaf: Node) -> Node:
    if node.op == "column" and node.type is type_ and node.value.startswith("plain"):
        return leaf
    return Node(node.op, tuple(_swap(a, type_, leaf) for a in node.args), node.value, node.type)


@pytest.mark.parametrize("op", sorted(every_operation()))
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_every_operation_over_generated_arguments(op, data):
    node = data.draw(trees_of(op))
    assert node.op == op
    assert differences(node, data.draw(rows(size=3)), COLUMNS) == []


@pytest.mark.parametrize(("a", "b"), list(product((0.0, -0.0), repeat=2)))
def test_the_sign_of_zero_is_never_seen(a, b):
    """Why -0.0 may stand for 0.0: no operation tells them apart."""
    for op in ("divide", "equal", "less", "minimum", "maximum"):
        node = infer(Node(op, (literal(a, Type.FLOAT), literal(b, Type.FLOAT))), columns={})
        other = infer(Node(op, (literal(0.0, Type.FLOAT), literal(0.0, Type.FLOAT))), columns={})
        assert compile_expression(node, [])() == compile_expression(other, [])()


def test_many_columns_at_once_do_not_change_answers():
    """Select several expressions together, as assembly does, by each of Polars' engines."""
    types = {"x": Type.FLOAT, "n": Type.INTEGER}
    x, n = (Node("column", value=c) for c in types)
    nodes = [
        infer(node, columns=types)
        for node in (
            Node("divide", (x, literal(7.1, Type.FLOAT))),
            Node("divide", (n, literal(3, Type.INTEGER))),
            literal(4, Type.INTEGER),
            Node("multiply", (n, n)),
        )
    ]
    table = frame([{"x": i * 0.37, "n": i} for i in range(1000)], types)
    expressions = [to_polars(node).alias(f"f{i}") for i, node in enumerate(nodes)]
    eager, lazy = table.select(expressions), table.lazy().select(expressions)
    assert eager.equals(lazy.collect())
    assert eager.equals(lazy.collect(engine="streaming"))
    function = compile_function(
        [(f"f{i}", node) for i, node in enumerate(nodes)],
        [("column", "x"), ("column", "n")],
        [f"f{i}" for i in range(len(nodes))],
    )
    assert eager.rows() == [function(*row) for row in table.rows()]
