"""Feature sets that this version's predecessors stored are read and written as they were.

Version 1 is asked beside the stores (`tests/unit/storage/test_golden.py`). The file of version 2 was
written once by ``canonical_json(SET)`` and is never edited.
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import polars as pl
import pytest

from isbjerg.canonical import canonical_json
from isbjerg.errors import BundleError
from isbjerg.expressions.polars import to_polars
from isbjerg.expressions.python import compile_function
from isbjerg.expressions.tree import FORMAT_VERSION, Node, Type, literal
from isbjerg.features.sets import FeatureSet, Step

GOLDEN = Path(__file__).parents[2] / "golden" / "feature-set-v2.json"

CARRIER = Node("column", value="carrier", type=Type.TEXT)
DISTANCE = Node("column", value="distance", type=Type.INTEGER)
PIN = {
    "module": "features",
    "name": "digits",
    "requires": ["python 3.11"],
    "returns": "integer",
    "source": "5f" * 32,
}
RISK = Node("map", (CARRIER,), [["UA", "DL"], [0.25, 0.5], 0.4], Type.FLOAT)
TABLES = (
    Step("risk", Node("fill_null", (RISK, literal(0.3, Type.FLOAT)), type=Type.FLOAT)),
    Step(
        "far",
        Node(
            "bucket",
            (Node("to_float", (DISTANCE,), type=Type.FLOAT),),
            [500.0, 1000.0],
            Type.INTEGER,
        ),
    ),
    Step("small", Node("lower_ascii", (CARRIER,), type=Type.TEXT)),
)
SET = FeatureSet(
    columns=(("carrier", Type.TEXT), ("distance", Type.INTEGER)),
    slots=(),
    steps=(*TABLES, Step("digits", Node("python", (CARRIER,), PIN, Type.INTEGER))),
    outputs=("risk", "far", "small", "digits"),
    format_version=2,
)
ROWS = [("UA", 400), ("XX", 500), (None, 700), ("DL", None)]
ANSWERS = [(0.25, 0, "ua"), (0.4, 0, "xx"), (0.3, 1, None), (0.5, None, "dl")]
"""By hand: UA and DL stand in the table, XX is any other, nothing is 0.3; 500 is no edge below 500."""


def test_a_set_of_version_2_is_read_and_written_as_it_was() -> None:
    content = GOLDEN.read_bytes()
    read = msgspec.json.decode(content, type=FeatureSet)
    assert canonical_json(read) == content == canonical_json(SET)
    assert read.format_version == FORMAT_VERSION == 2


def test_its_tables_answer_as_they_did() -> None:
    read = msgspec.json.decode(GOLDEN.read_bytes(), type=FeatureSet)
    steps = [(s.name, s.node) for s in read.steps[:3]]
    inputs = [("column", name) for name, _ in read.columns]
    function = compile_function(steps, inputs, [name for name, _ in steps])
    assert [function(*row) for row in ROWS] == ANSWERS
    table = pl.DataFrame(ROWS, schema=["carrier", "distance"], orient="row")
    assert table.select(to_polars(n).alias(name) for name, n in steps).rows() == ANSWERS


def test_its_python_needs_its_code() -> None:
    read = msgspec.json.decode(GOLDEN.read_bytes(), type=FeatureSet)
    with pytest.raises(BundleError, match=r"digits of features\.py"):
        to_polars(read.steps[3].node)
