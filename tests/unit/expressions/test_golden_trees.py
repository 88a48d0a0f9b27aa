"""Trees that version 1 stored keep their meaning; the file is never edited."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from tests.properties.expression_strategies import carriers, every_operation, frame, same

from isbjerg.expressions.polars import to_polars
from isbjerg.expressions.python import compile_expression
from isbjerg.expressions.tree import FORMAT_VERSION, SEMANTICS_VERSION, Node, Type, walk

STORED = json.loads(
    (Path(__file__).parents[2] / "golden" / "tree-v1.json").read_text(encoding="utf-8")
)


@pytest.mark.parametrize("stored", STORED["trees"], ids=lambda s: s["example"])
def test_a_stored_tree_keeps_its_meaning(stored):
    node = msgspec.convert(stored["node"], type=Node)
    types = {name: Type(type_) for name, type_ in stored["columns"]}
    row = dict(zip(types, stored["row"], strict=True))
    online = compile_expression(node, [("column", n) for n in types])(*stored["row"])
    offline = frame([row], types).select(to_polars(node).alias("made"))["made"]
    assert same(online, stored["result"])
    assert same(carriers(offline)[0], stored["result"])


def test_a_stored_tree_is_written_as_it_was():
    for stored in STORED["trees"]:
        node = msgspec.convert(stored["node"], type=Node)
        assert msgspec.json.decode(msgspec.json.encode(node)) == stored["node"]


def test_the_file_holds_every_operation_of_version_1():
    nodes = [msgspec.convert(s["node"], type=Node) for s in STORED["trees"]]
    assert {n.op for node in nodes for n in walk(node)} - {"column"} == every_operation()
    assert (STORED["format_version"], STORED["semantics_version"]) == (1, 1)
    assert (FORMAT_VERSION, SEMANTICS_VERSION) == (1, 1)
