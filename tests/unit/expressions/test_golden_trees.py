"""Trees that earlier versions stored keep their meaning; the files are never edited."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from tests.properties.expression_strategies import carriers, every_operation, frame, same

from isbjerg.expressions.polars import to_polars
from isbjerg.expressions.python import compile_expression
from isbjerg.expressions.tree import FORMAT_VERSION, SEMANTICS_VERSION, Node, Type, walk

GOLDEN = Path(__file__).parents[2] / "golden"
FILES = {v: json.loads((GOLDEN / f"tree-v{v}.json").read_text(encoding="utf-8")) for v in (1, 2)}
STORED = [stored for file in FILES.values() for stored in file["trees"]]
ADDED_BY_2 = {"map", "bucket", "lower_ascii"}


@pytest.mark.parametrize("stored", STORED, ids=lambda s: s["example"])
def test_a_stored_tree_keeps_its_meaning(stored):
    node = msgspec.convert(stored["node"], type=Node)
    types = {name: Type(type_) for name, type_ in stored["columns"]}
    row = dict(zip(types, stored["row"], strict=True))
    online = compile_expression(node, [("column", n) for n in types])(*stored["row"])
    offline = frame([row], types).select(to_polars(node).alias("made"))["made"]
    assert same(online, stored["result"])
    assert same(carriers(offline)[0], stored["result"])


def test_a_stored_tree_is_written_as_it_was():
    for stored in STORED:
        node = msgspec.convert(stored["node"], type=Node)
        assert msgspec.json.decode(msgspec.json.encode(node)) == stored["node"]


@pytest.mark.parametrize(
    ("version", "operations"),
    [(1, every_operation() - ADDED_BY_2), (2, every_operation())],
)
def test_a_file_holds_every_operation_of_its_version(version, operations):
    file = FILES[version]
    nodes = [msgspec.convert(s["node"], type=Node) for s in file["trees"]]
    assert {n.op for node in nodes for n in walk(node)} - {"column"} == operations
    assert (file["format_version"], file["semantics_version"]) == (version, 1)


def test_the_newest_file_is_of_this_version():
    assert (max(FILES), 1) == (FORMAT_VERSION, SEMANTICS_VERSION)
