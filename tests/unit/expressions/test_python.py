from __future__ import annotations

import builtins

import pytest

from isbjerg.errors import TypingError
from isbjerg.expressions.inference import infer
from isbjerg.expressions.python import compile_expression, compile_function
from isbjerg.expressions.tree import Node, Type, literal

HOSTILE = [
    "'); __import__('os').abort() #",
    '"""',
    "\n    raise SystemExit\n",
    "a0",
    "k0",
    "__builtins__",
    "\\",
    "{0}",
    "%s",
    "",
    "\x00",
    "\u2028",
    "lambda: 1",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_names_and_texts_never_become_code(text):
    column = Node("column", value=text, type=Type.TEXT)
    node = Node("equal", (column, literal(text, Type.TEXT)), type=Type.BOOLEAN)
    for op in ("starts_with", "ends_with", "contains"):
        node = Node("and", (node, Node(op, (column,), text, Type.BOOLEAN)), type=Type.BOOLEAN)
    function = compile_function([(text, node)], [("column", text)], [text])
    assert function(text) == (True,)
    assert function(text + "!")[0] is False
    allowed = set("abcdefghijklmnopqrstuvwxyzFTN_0123456789 ().,:=\n")
    assert set(function.__isbjerg_source__) <= allowed
    own = "def compiled if is or in not None False True else return startswith endswith and"
    words = set(function.__isbjerg_source__.replace("(", " ").replace(")", " ").split())
    assert not words & (set(dir(builtins)) - set(own.split()))


def test_the_function_runs_without_builtins():
    function = compile_expression(Node("column", value="x", type=Type.FLOAT), [("column", "x")])
    assert function.__globals__["__builtins__"] == {}


def test_a_sub_expression_is_computed_once():
    x = Node("column", value="x", type=Type.FLOAT)
    root = Node("sqrt", (x,), type=Type.FLOAT)
    steps = [
        ("one", Node("add", (root, root), type=Type.FLOAT)),
        ("two", Node("multiply", (root, root), type=Type.FLOAT)),
    ]
    function = compile_function(steps, [("column", "x")], ["two", "one"])
    assert function.__isbjerg_source__.count("sqrt(") == 1
    assert function(9.0) == (9.0, 6.0)


def test_constants_that_look_equal_stay_apart():
    steps = [
        ("integer", literal(1, Type.INTEGER)),
        ("float", literal(1.0, Type.FLOAT)),
        ("boolean", literal(value=True, type_=Type.BOOLEAN)),
        ("text", literal("1", Type.TEXT)),
        ("duration", literal(1, Type.DURATION)),
    ]
    answers = compile_function(steps, [], [name for name, _ in steps])()
    assert [type(a) for a in answers] == [int, float, bool, str, int]


def test_slots_features_and_columns_of_one_name_are_three_inputs():
    leaves = [Node(op, value="x", type=Type.INTEGER) for op in ("column", "slot", "feature")]
    inputs = [(leaf.op, "x") for leaf in leaves]
    steps = [(f"own {leaf.op}", leaf) for leaf in leaves]
    function = compile_function(steps, inputs, [name for name, _ in steps])
    assert function(1, 2, 3) == (1, 2, 3)


def test_nothing_in_nothing_out():
    assert compile_function([], [], [])() == ()


X = Node("column", value="x", type=Type.INTEGER)


@pytest.mark.parametrize(
    ("steps", "inputs", "outputs", "says"),
    [
        ([("f", X)], [], ["f"], "column 'x' of type integer is not given"),
        ([("f", X)], [("slot", "x")], ["f"], "column 'x' of type integer is not given"),
        ([("f", X)], [("column", "x")], ["g"], r"outputs \['g'\] are no steps"),
        ([("f", X), ("f", X)], [("column", "x")], ["f"], "Two steps or inputs are named 'f'"),
        ([("x", X)], [("column", "x"), ("feature", "x")], [], "Two steps or inputs"),
        (
            [("f", X), ("g", Node("feature", value="f", type=Type.TEXT))],
            [("column", "x")],
            ["g"],
            "feature 'f' of type text is not given",
        ),
        (
            [("f", X), ("g", Node("column", value="x", type=Type.TEXT))],
            [("column", "x")],
            ["g"],
            "column 'x' of type text is not given",
        ),
        ([("g", Node("feature", value="f", type=Type.INTEGER)), ("f", X)], [], [], "feature 'f'"),
    ],
)
def test_steps_that_do_not_join_are_refused(steps, inputs, outputs, says):
    with pytest.raises(TypingError, match=says):
        compile_function(steps, inputs, outputs)


def test_three_hundred_inputs_and_a_thousand_steps():
    columns = {f"c{i}": Type.INTEGER for i in range(300)}
    steps = [("s0", Node("column", value="c0", type=Type.INTEGER))]
    for i in range(1, 1000):
        before = Node("feature", value=f"s{i - 1}")
        node = Node("add", (before, Node("column", value=f"c{i % 300}")))
        steps.append((f"s{i}", infer(node, columns=columns, features={f"s{i - 1}": Type.INTEGER})))
    function = compile_function(steps, [("column", n) for n in columns], ["s999"])
    assert function(*[1] * 300) == (1000,)
