from __future__ import annotations

import msgspec
import pytest

from isbjerg.canonical import canonical_json
from isbjerg.expressions.inference import _RESULTS
from isbjerg.expressions.tree import (
    INTEGER_MAX,
    LEAVES,
    OPERATIONS,
    TIME_MAX_US,
    TIME_MIN_US,
    Node,
    Type,
    literal,
    names,
    walk,
)
from isbjerg.times import parse_instant

A, B = (Node("column", value=n) for n in "ab")


def test_arguments_come_before_the_node_that_uses_them():
    tree = Node("add", (A, Node("multiply", (B, A))))
    assert [n.op for n in walk(tree)] == ["column", "column", "column", "multiply", "add"]


def test_names_are_listed_once_in_order_of_first_use():
    tree = Node("add", (B, Node("add", (A, Node("add", (B, Node("slot", value="s")))))))
    assert names(tree, "column") == ("b", "a")
    assert names(tree, "slot") == ("s",)
    assert names(tree, "feature") == ()


def test_every_operation_takes_as_many_arguments_as_inference_gives_it():
    assert set(_RESULTS) == set(OPERATIONS) - LEAVES
    for op, rule in _RESULTS.items():
        assert {len(takes) for takes in rule} == {OPERATIONS[op]}


def test_time_spans_the_years_1_to_9999():
    assert parse_instant("0001-01-01") == TIME_MIN_US
    assert parse_instant("9999-12-31T23:59:59.999999") == TIME_MAX_US


@pytest.mark.parametrize("write", [msgspec.json.encode, canonical_json])
@pytest.mark.parametrize(
    "value", [1.0, -0.0, 5e-324, 1e308, INTEGER_MAX, True, "\x00\u2028😀", None, [1, 2], ["a"]]
)
def test_a_stored_parameter_keeps_its_type(value, write):
    read = msgspec.json.decode(write(literal(value, Type.FLOAT)), type=Node)
    assert read == literal(value, Type.FLOAT)
    assert repr(read.value) == repr(value)


def test_a_node_stores_only_what_it_says():
    assert msgspec.json.encode(A) == b'{"op":"column","value":"a"}'


def test_a_node_cannot_be_changed():
    with pytest.raises(AttributeError):
        A.op = "slot"
