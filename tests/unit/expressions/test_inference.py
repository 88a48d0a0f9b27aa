from __future__ import annotations

import pytest
from hypothesis import given, settings
from tests.properties.expression_strategies import COLUMNS, trees

from isbjerg.errors import TypingError
from isbjerg.expressions.inference import infer
from isbjerg.expressions.tree import Node, Type, literal, walk

TYPES = {
    "flag": Type.BOOLEAN,
    "n": Type.INTEGER,
    "x": Type.FLOAT,
    "name": Type.TEXT,
    "at": Type.INSTANT,
    "clock": Type.LOCAL,
    "span": Type.DURATION,
}
FLAG, N, X, NAME, AT, CLOCK, SPAN = (Node("column", value=n) for n in TYPES)
NULL = literal(None, None)


def typed(node: Node) -> Node:
    return infer(node, columns=TYPES)


@given(node=trees())
@settings(max_examples=100)
def test_a_typed_tree_comes_back_equal(node):
    assert infer(node, columns=COLUMNS) == node
    assert all(n.type is not None for n in walk(node))


@pytest.mark.parametrize("op", ["add", "subtract", "multiply", "minimum", "less", "fill_null"])
def test_an_integer_beside_a_float_is_widened_in_sight(op):
    for args, at in (((N, X), 0), ((X, N), 1)):
        node = typed(Node(op, args))
        assert node.args[at] == Node(
            "to_float", (Node("column", (), "n", Type.INTEGER),), None, Type.FLOAT
        )
        assert node.args[1 - at].op == "column"


def test_two_integers_stay_integers_but_divide_as_floats():
    assert typed(Node("add", (N, N))).type is Type.INTEGER
    assert [a.op for a in typed(Node("divide", (N, N))).args] == ["to_float", "to_float"]


def test_a_whole_literal_becomes_a_float_literal():
    node = typed(Node("add", (X, literal(2, Type.INTEGER))))
    assert node.args[1] == literal(2.0, Type.FLOAT)
    assert type(node.args[1].value) is float


def test_the_condition_of_when_is_never_widened():
    node = typed(Node("when", (FLAG, N, X)))
    assert [a.op for a in node.args] == ["column", "to_float", "column"]


@pytest.mark.parametrize(
    ("node", "types"),
    [
        (Node("fill_null", (X, NULL)), (Type.FLOAT, Type.FLOAT)),
        (Node("add", (NULL, SPAN)), (Type.DURATION, Type.DURATION)),
        (Node("when", (FLAG, NULL, NAME)), (Type.BOOLEAN, Type.TEXT, Type.TEXT)),
        (Node("when", (NULL, N, N)), (Type.BOOLEAN, Type.INTEGER, Type.INTEGER)),
    ],
)
def test_a_null_takes_the_type_of_its_neighbour(node, types):
    assert tuple(a.type for a in typed(node).args) == types


@pytest.mark.parametrize(
    ("node", "says"),
    [
        (Node("add", (N, NAME)), r"`add` was given \(integer, text\)"),
        (Node("add", (FLAG, N)), r"\.to_integer\(\)"),
        (Node("hour", (AT,)), r"\.in_zone\('America/New_York'\)\.hour\(\)"),
        (Node("less", (FLAG, FLAG)), r"`less` was given \(boolean, boolean\)"),
        (Node("less", (AT, CLOCK)), r"\(instant, local\)"),
        (Node("floor_divide", (X, X)), r"\(float, float\)"),
        (Node("and", (N, FLAG)), r"\(integer, boolean\)"),
        (Node("is_null", (NULL,)), r"`is_null` was given \(null\)"),
        (Node("is_in", (N,), ["a"]), r"was given \['a'\]"),
        (Node("is_in", (N,), [True]), r"was given \[True\]"),
        (Node("is_in", (X,), [1.0]), r"`is_in` was given \(float\)"),
        (Node("column", value="gone"), "names the column 'gone', which is not there"),
        (Node("slot", value="s"), "names the slot 's'"),
        (NULL, "only null has no type"),
        (Node("when", (FLAG, NULL, NULL)), "null"),
    ],
)
def test_what_does_not_fit_is_refused_with_a_mend(node, says):
    with pytest.raises(TypingError, match=says) as error:
        typed(node)
    assert error.value.mend
