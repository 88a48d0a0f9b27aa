from __future__ import annotations

import msgspec
import pytest

from isbjerg.errors import TypingError
from isbjerg.expressions.checking import DEPTH_MAX, NODES_MAX, check
from isbjerg.expressions.polars import to_polars
from isbjerg.expressions.python import compile_expression
from isbjerg.expressions.tree import EDGES_MAX, TABLE_MAX, Node, Type, literal

X = Node("column", value="x", type=Type.FLOAT)
TEXT = Node("column", value="t", type=Type.TEXT)


def chain(levels: int) -> Node:
    node = X
    for _ in range(levels - 1):
        node = Node("negate", (node,), type=Type.FLOAT)
    return node


def test_the_deepest_tree_is_compiled_and_one_more_level_is_not():
    deepest = compile_expression(chain(DEPTH_MAX), [("column", "x")])
    assert deepest(1.5) == -1.5  # 199 negations
    for compiler in (to_polars, check, lambda n: compile_expression(n, [("column", "x")])):
        with pytest.raises(TypingError, match="deeper than 200 levels") as error:
            compiler(chain(DEPTH_MAX + 1))
        assert error.value.kind_code == "ISB121"


def test_a_depth_that_would_exhaust_the_stack_is_refused_in_words():
    with pytest.raises(TypingError, match="deeper"):
        check(chain(100_000))


def test_a_tree_that_doubles_at_every_level_is_refused_at_once():
    node = X
    for _ in range(100):  # 2**100 nodes, if they were walked
        node = Node("add", (node, node), type=Type.FLOAT)
    with pytest.raises(TypingError, match=f"larger than {NODES_MAX} nodes"):
        check(node)


@pytest.mark.parametrize(
    "node",
    [
        Node("system", (X,), type=Type.FLOAT),
        Node("__import__", type=Type.TEXT),
        Node("add", (X,), type=Type.FLOAT),
        Node("column", (X,), "x", Type.FLOAT),
        Node("column", value="x"),
        Node("column", value=7, type=Type.FLOAT),
        Node("column", value="\ud800", type=Type.FLOAT),
        Node("negate", (X,)),
        Node("negate", (X,), value="1; import os", type=Type.FLOAT),
        Node("negate", (X,), type=Type.INTEGER),
        Node("negate", (TEXT,), type=Type.TEXT),
        Node("divide", (X, literal(2, Type.INTEGER)), type=Type.FLOAT),
        Node("equal", (X, Node("column", value="x", type=Type.TEXT)), type=Type.BOOLEAN),
        literal(1, Type.FLOAT),
        literal(1.0, Type.INTEGER),
        literal(True, Type.INTEGER),
        literal(2**63, Type.INTEGER),
        literal(float("nan"), Type.FLOAT),
        literal(float("inf"), Type.FLOAT),
        literal("\udfff", Type.TEXT),
        literal(10**18, Type.INSTANT),
        literal("2013-06-01", Type.LOCAL),
        literal({"a": 1}, Type.TEXT),
        literal(None, None),
        Node("contains", (TEXT,), None, Type.BOOLEAN),
        Node("starts_with", (TEXT,), ["a"], Type.BOOLEAN),
        Node("slice", (TEXT,), [0], Type.TEXT),
        Node("slice", (TEXT,), [-1, 2], Type.TEXT),
        Node("slice", (TEXT,), [0, 2**63], Type.TEXT),
        Node("slice", (TEXT,), [0, True], Type.TEXT),
        Node("is_in", (TEXT,), "abc", Type.BOOLEAN),
        Node("is_in", (TEXT,), ["a", None], Type.BOOLEAN),
        Node("is_in", (TEXT,), ["a", 1], Type.BOOLEAN),
        Node("is_in", (TEXT,), [["a"]], Type.BOOLEAN),
        Node("is_in", (X,), [1.0], Type.BOOLEAN),
        Node("in_zone", (Node("column", value="a", type=Type.INSTANT),), "EST", Type.LOCAL),
        Node("map", (TEXT,), None, Type.FLOAT),
        Node("map", (TEXT,), [["a"], [1.0]], Type.FLOAT),
        Node("map", (TEXT,), [["a"], [1.0], None], Type.FLOAT),
        Node("map", (TEXT,), [["a"], [1], 0.0], Type.FLOAT),
        Node("map", (TEXT,), [["a"], [1.0, 2.0], 0.0], Type.FLOAT),
        Node("map", (TEXT,), [["a", "a"], [1.0, 2.0], 0.0], Type.FLOAT),
        Node("map", (TEXT,), [[1], [1.0], 0.0], Type.FLOAT),
        Node("map", (TEXT,), [[None], [1.0], 0.0], Type.FLOAT),
        Node("map", (TEXT,), [[["a"]], [1.0], 0.0], Type.FLOAT),
        Node("map", (TEXT,), [["a"], [float("nan")], 0.0], Type.FLOAT),
        Node("map", (X,), [[1.0], [1.0], 0.0], Type.FLOAT),
        Node("bucket", (X,), None, Type.INTEGER),
        Node("bucket", (X,), [2.0, 1.0], Type.INTEGER),
        Node("bucket", (X,), [1.0, 1.0], Type.INTEGER),
        Node("bucket", (X,), [1, 2], Type.INTEGER),
        Node("bucket", (X,), [float("inf")], Type.INTEGER),
        Node("learn", (X,), {"what": "mean"}, Type.FLOAT),
        Node("python", (X,), {"module": "os", "name": "system"}, Type.FLOAT),
        Node("python", (), None, Type.FLOAT),
    ],
    ids=repr,
)
def test_a_tree_that_is_not_whole_is_refused_by_both_compilers(node):
    with pytest.raises(TypingError):
        compile_expression(node, [("column", "x"), ("column", "t"), ("column", "a")])
    with pytest.raises(TypingError):
        to_polars(node)


def test_tables_are_bounded():
    keys = list(range(TABLE_MAX + 1))
    whole = Node("column", value="n", type=Type.INTEGER)
    for node in (
        Node("map", (whole,), [keys, [0.5] * len(keys), 0.0], Type.FLOAT),
        Node("is_in", (whole,), keys, Type.BOOLEAN),
        Node("bucket", (X,), [float(k) for k in keys[: EDGES_MAX + 1]], Type.INTEGER),
    ):
        with pytest.raises(TypingError, match="The parameter of"):
            check(node)
    most = Node("map", (whole,), [keys[1:], [0.5] * TABLE_MAX, 0.0], Type.FLOAT)
    assert compile_expression(check(most), [("column", "n")])(0) == 0.0


def test_a_tree_read_from_json_is_whole():
    node = Node("is_in", (TEXT,), ["a", "b"], Type.BOOLEAN)
    assert check(msgspec.json.decode(msgspec.json.encode(node), type=Node)) == node
