"""docs/internals/semantics.md cannot lie: its types and examples are run."""

from __future__ import annotations

import pytest
from tests.properties.expression_strategies import carriers, every_operation, frame, same
from tests.unit.expressions.semantics_page import PAGE, Example, examples, signatures

from isbjerg.expressions import inference
from isbjerg.expressions.polars import to_polars
from isbjerg.expressions.python import compile_expression
from isbjerg.expressions.tree import FORMAT_VERSION, SEMANTICS_VERSION, Node

EXAMPLES = examples()


def answers(example: Example, node: Node) -> list[object]:
    """Answer by the row function and by Polars, on a table of two equal rows."""
    function = compile_expression(node, [("column", n) for n in example.types])
    row = dict(zip(example.types, example.row, strict=True))
    table = frame([row, row], example.types)
    made = carriers(table.select(to_polars(node).alias("made"))["made"])
    assert len(made) == 2
    return [function(*example.row), *made]


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda e: e.text)
def test_example(example):
    expected, type_ = example.result
    for node in (example.over_columns(), example.over_constants()):
        assert node.type is type_
        assert all(same(answer, expected) for answer in answers(example, node))


def test_every_example_of_the_page_was_read():
    page = PAGE.read_text("utf-8")
    assert len(EXAMPLES) == page.count(") = ") - 1  # less the one that shows the form


def test_every_operation_has_an_example_and_its_types():
    assert {e.op for e in EXAMPLES} == every_operation()
    assert signatures() == inference._RESULTS


def test_versions():
    assert f"Semantics version {SEMANTICS_VERSION}, format version {FORMAT_VERSION}." in (
        PAGE.read_text("utf-8")
    )
