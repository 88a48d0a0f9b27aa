from __future__ import annotations

import random

import polars as pl
import pytest

from isbjerg.expressions.inference import infer
from isbjerg.expressions.polars import polars_column, polars_type, to_polars, type_of
from isbjerg.expressions.tree import Node, Type, literal


@pytest.mark.parametrize("type_", Type)
def test_a_carrier_type_is_its_own_type(type_):
    assert type_of(polars_type(type_)) is type_


@pytest.mark.parametrize(
    ("dtype", "type_"),
    [
        (pl.Int8(), Type.INTEGER),
        (pl.UInt64(), Type.INTEGER),
        (pl.Int128(), Type.INTEGER),
        (pl.Float32(), Type.FLOAT),
        (pl.Decimal(10, 2), Type.FLOAT),
        (pl.Categorical(), Type.TEXT),
        (pl.Enum(["a"]), Type.TEXT),
        (pl.Date(), Type.LOCAL),
        (pl.Datetime("ns"), Type.LOCAL),
        (pl.Datetime("ms", "America/New_York"), Type.INSTANT),
        (pl.Duration("ms"), Type.DURATION),
        (pl.Time(), None),
        (pl.Binary(), None),
        (pl.List(pl.Int64()), None),
        (pl.Struct({"a": pl.Int64()}), None),
        (pl.Null(), None),
        (pl.Object(), None),
    ],
)
def test_type_of(dtype, type_):
    assert type_of(dtype) is type_


def test_a_leaf_finds_its_column():
    nodes = [Node(op, value="x", type=Type.INTEGER) for op in ("column", "feature", "slot")]
    table = pl.DataFrame({"x": [1], "feature:x": [2], "slot:x": [3]})
    assert [table.select(to_polars(n)).item() for n in nodes] == [1, 2, 3]
    assert [polars_column(n.op, "x") for n in nodes] == ["x", "feature:x", "slot:x"]
    named = to_polars(nodes[2], lambda op, name: f"{name}?{op}")
    assert pl.DataFrame({"x?slot": [7]}).select(named).item() == 7


def test_a_column_whose_name_looks_like_a_pattern_is_one_column():
    for name in ("^x.*$", "*"):
        n = Node("column", value=name, type=Type.INTEGER)
        node = Node("add", (n, literal(1, Type.INTEGER)), type=Type.INTEGER)
        table = pl.DataFrame({name: [1], "xx": [5], "y": [6]})
        assert table.select(to_polars(node).alias("made")).to_dict(as_series=False) == {"made": [2]}


def test_division_by_a_constant_has_the_bits_of_a_division():
    """Polars alone multiplies with the reciprocal, and differs in hundreds of these rows."""
    drawn = random.Random(20130601)
    numbers = [drawn.uniform(-1e6, 1e6) for _ in range(1000)]
    table = pl.DataFrame({"x": numbers})
    for divisor in (3.0, 7.1, 1e6):
        node = infer(
            Node("divide", (Node("column", value="x"), literal(divisor, Type.FLOAT))),
            columns={"x": Type.FLOAT},
        )
        assert table.select(to_polars(node)).to_series().to_list() == [x / divisor for x in numbers]
    spans = pl.DataFrame({"d": range(1000)}).cast(pl.Duration("us"))
    node = infer(Node("total_seconds", (Node("column", value="d"),)), columns={"d": Type.DURATION})
    assert spans.select(to_polars(node)).to_series().to_list() == [i / 1e6 for i in range(1000)]


def test_an_expression_grows_with_the_tree_and_not_with_its_power():
    """Each division is checked for infinity; were it written twice, this would be 2**60 of them."""
    tree = infer(Node("column", value="x"), columns={"x": Type.FLOAT})
    for _ in range(60):
        tree = Node("divide", (tree, literal(2.0, Type.FLOAT)), type=Type.FLOAT)
    assert pl.DataFrame({"x": [1.0]}).select(to_polars(tree)).item() == 2.0**-60


def test_an_empty_table_stays_empty():
    table = pl.DataFrame({"x": []}, schema={"x": pl.Int64})
    x = Node("column", value="x", type=Type.INTEGER)
    one = literal(1, Type.INTEGER)
    for node in (x, one, Node("add", (x, one), type=Type.INTEGER)):
        assert table.select(to_polars(node)).height == 0
