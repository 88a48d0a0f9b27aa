from __future__ import annotations

import ast
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.expression_strategies import carriers, frame, same, values

import isbjerg as ib
from isbjerg.errors import ArgumentError, BundleError, TracingError, TypingError
from isbjerg.expressions import code
from isbjerg.expressions.checking import check
from isbjerg.expressions.code import collecting_code_faults
from isbjerg.expressions.inference import infer
from isbjerg.expressions.pins import Pin, pins, read_pin
from isbjerg.expressions.polars import polars_type, to_polars
from isbjerg.expressions.python import compile_expression
from isbjerg.expressions.tree import Node, Type
from isbjerg.features import deployment
from isbjerg.features.reaching import reach
from isbjerg.features.sets import FeatureSet, Step

SCALE = 3


def scaled(text):
    return len(text) * SCALE


@ib.python_feature(returns="float")
def weight(text, number):
    """Weigh a text; fail on what cannot be weighed."""
    if text.startswith("a"):
        raise ValueError(text)
    if number == 7:
        return "seven"
    return scaled(text) / number


@ib.python_feature(returns="local")
def tomorrow(at, later):
    return at + later


@ib.feature
def heavy(w=weight):
    return w > 1.0


TEXT = """\
import re
from helpers import tidy as clean, unused

SHAPE = re.compile("N[0-9]+")  # a comment
LIMIT = 3
other = object()


def f(tail):
    return bool(SHAPE.match(clean(tail)))


def g(tail):
    return LIMIT
"""
HELPERS = """\
MARK = " "


def tidy(text):
    return text.strip(MARK)


def unused(text):
    return text
"""


def digest(text: str = TEXT, helpers: str = HELPERS) -> str:
    return reach({"features": text, "helpers": helpers}.get, "features", "f").digest


def test_only_what_is_reached_is_cut_out():
    found = reach({"features": TEXT, "helpers": HELPERS}.get, "features", "f")
    assert list(found.statements) == ["helpers", "features"]
    told = {m: [ast.unparse(s).splitlines()[0] for s in b] for m, b in found.statements.items()}
    assert told == {
        "helpers": ["MARK = ' '", "def tidy(text):"],
        "features": ["import re", "SHAPE = re.compile('N[0-9]+')", "def f(tail):"],
    }
    assert found.taken == {"features": {"clean": ("helpers", "tidy")}}
    function = deployment.build(found, "features", "f")
    assert (function(" N12"), function("X")) == (True, False)


@pytest.mark.parametrize(
    ("text", "helpers", "same_pin"),
    [
        (TEXT.replace("# a comment", ""), HELPERS, True),
        (TEXT.replace("LIMIT = 3", "LIMIT = 4"), HELPERS, True),
        (TEXT + "\nraise SystemExit\n", HELPERS, True),
        (TEXT, HELPERS.replace("return text\n", "return text + '!'\n"), True),
        (TEXT.replace("N[0-9]+", "N[0-9]*"), HELPERS, False),
        (TEXT, HELPERS.replace('MARK = " "', 'MARK = "-"'), False),
        (TEXT.replace("import tidy as clean", "import unused as clean"), HELPERS, False),
        (TEXT.replace("bool(", "not bool("), HELPERS, False),
    ],
)
def test_a_pin_changes_with_what_is_reached_and_nothing_else(text, helpers, same_pin):
    assert (digest(text, helpers) == digest()) is same_pin


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ("import random\ndef f(x):\n    return random.random()", "random"),
        ("import datetime\ndef f(x):\n    return datetime.datetime.now()", "a clock"),
        ("def f(x):\n    return open(x).read()", "open"),
        ("def f(x):\n    import os\n    return os.getenv(x)", "os"),
        ("n = 0\ndef f(x):\n    global n\n    n += 1\n    return n", "global"),
        ("import isbjerg as ib\ndef f(x):\n    return ib.lit(x)", "isbjerg"),
        ("def f(x):\n    return nowhere(x)", "nowhere"),
        ("import helpers\ndef f(x):\n    return helpers.tidy(x)", "from helpers import"),
        ("def f(x):\n    return hash(x)", "hash"),
        ("seen = {}\ndef f(x):\n    seen[x] = 1\n    return len(seen)", "a change of `seen`"),
        ("seen = set()\ndef f(x):\n    seen.add(x)\n    return len(seen)", "a change of `seen`"),
        ("seen = {}\ndef f(x):\n    return seen.setdefault(x, len(seen))", "a change of `seen`"),
        ("from helpers import MARK\ndef f(x):\n    return MARK.pop()", "a change of `MARK`"),
        (
            "from itertools import count\nNUMBERS = count()\ndef f(x):\n    return next(NUMBERS)",
            "a change of `NUMBERS`",
        ),
        ("import random\nT = [1, 2]\nrandom.shuffle(T)\ndef f(x):\n    return T[0]", "random"),
        ("from . import helpers\ndef f(x):\n    return helpers", "relative import"),
        ("def memo(g):\n    return g\n@memo\n@memo\ndef f(x):\n    return x", "second decorator"),
    ],
)
def test_what_would_not_give_the_same_for_the_same_row_is_refused(body, word):
    with pytest.raises(TracingError, match=word) as fault:
        reach({"features": body, "helpers": HELPERS}.get, "features", "f")
    assert fault.value.kind_code == "ISB111"


def test_a_function_may_change_its_own_things():
    body = "def f(x):\n    found = {}\n    found[x] = 1\n    return len(found)"
    assert reach({"features": body}.get, "features", "f").statements["features"]


def test_a_library_that_has_a_function_called_so_is_no_memory():
    body = "import operator\nfrom heapq import merge\ndef f(x):\n    return operator.add(x, x)"
    assert reach({"features": body}.get, "features", "f").packages == set()


FILLED = """
from helpers import CODES

TABLE = {}
TABLE["a"] = 1
TABLE.update(b=2)
for letter in "cd":
    TABLE[letter] = 3
OTHER = {}
OTHER["z"] = 1
CODES["late"] = 9

class Rates:
    low = 0
Rates.low = 5

def fill(table):
    table["e"] = 4

fill(TABLE)

def f(x):
    return TABLE.get(x, 0) + Rates.low + CODES["late"]
"""


def test_what_fills_a_table_goes_with_it():
    """A table that is filled after it is made would be empty where a server runs the function."""
    helpers = "CODES = {'late': 1}\nCODES['early'] = 2\n"
    found = reach({"features": FILLED, "helpers": helpers}.get, "features", "f")
    function = deployment.build(found, "features", "f")
    space = {}
    exec(helpers + FILLED.replace("from helpers import CODES", ""), space)
    assert [function(x) for x in "abcdez"] == [space["f"](x) for x in "abcdez"]
    assert [function(x) for x in "abcdez"] == [15, 16, 17, 17, 18, 14]
    assert not any("OTHER" in ast.unparse(s) for s in found.statements["features"])
    refilled = reach(
        {"features": FILLED.replace("b=2", "b=7"), "helpers": helpers}.get, "features", "f"
    )
    assert refilled.digest != found.digest


def test_a_function_that_ends_the_process_does_not(tmp_path):
    made = deployed_project(tmp_path, "import sys\ndef f(x):\n    sys.exit(x)\n")
    deployment.deploy_from(tmp_path, made)
    with collecting_code_faults() as faults:
        assert compile_expression(made.steps[0].node, [("column", "x")])("a") is None
    assert dict(faults.counts) == {("f", "SystemExit"): 1}


def test_code_that_cannot_be_run_is_refused_with_its_reason(tmp_path):
    made = deployed_project(tmp_path, "LIMIT = 1 // 0\ndef f(x):\n    return x[:LIMIT]\n")
    with pytest.raises(BundleError, match=r"cannot be run \(ZeroDivisionError"):
        deployment.deploy_from(tmp_path, made)


def test_names_of_builtins_may_be_the_functions_own():
    body = "def f(id, hash):\n    vars = [id]\n    return [input for input in vars] + [hash]"
    assert reach({"features": body}.get, "features", "f").statements["features"]


def test_all_reasons_are_told_at_once():
    body = "import random\ndef f(x):\n    return random.random() + open(x) + nowhere"
    with pytest.raises(TracingError, match=r"3 reason") as fault:
        reach({"features": body}.get, "features", "f")
    assert "features.py:3" in fault.value.message


def test_files_that_import_each_other_are_refused():
    files = {
        "features": "from a import g\ndef f(x):\n    return g(x)",
        "a": "from b import h\ndef g(x):\n    return h(x)\nONE = 1",
        "b": "from a import ONE\ndef h(x):\n    return ONE",
    }
    with pytest.raises(TracingError, match=r"a\.py imports b\.py imports a\.py"):
        reach(files.get, "features", "f")


TYPES = {"text": Type.TEXT, "number": Type.INTEGER}


def test_a_row_and_a_table_call_the_same_function():
    node = infer(weight.node, columns=TYPES)
    rows = [
        {"text": t, "number": n}
        for t in ("", "b", "Ærø", "a", None)
        for n in (0, 1, 7, 2**62, None)
    ]
    with collecting_code_faults() as singly:
        function = compile_expression(node, [("column", n) for n in TYPES])
        expected = [function(*row.values()) for row in rows]
    with collecting_code_faults() as together:
        made = frame(rows, TYPES).select(to_polars(node).alias("made"))["made"]
    assert made.dtype == polars_type(Type.FLOAT)
    assert all(map(same, expected, carriers(made)))
    assert expected[rows.index({"text": "Ærø", "number": 1})] == 9.0
    assert expected[rows.index({"text": None, "number": 1})] is None
    # by hand: "a" fails 4 times; 0 divides 3 other texts; 7 gives a text for 3 others
    expected_counts = {("weight", "ValueError"): 4, ("weight", "ZeroDivisionError"): 3}
    expected_counts["weight", "a value of another type"] = 3
    assert dict(singly.counts) == dict(together.counts) == expected_counts
    told = singly.taken()
    assert [f.evidence["rows"] for f in told] == [4, 3, 3]
    assert all(f.failed and f.severity == "warning" for f in told)
    assert "Ærø" not in str(told)
    assert not singly.taken()


@given(
    st.lists(
        st.tuples(st.none() | values(Type.LOCAL), st.none() | values(Type.DURATION)), max_size=6
    )
)
@settings(max_examples=60, deadline=None)
def test_times_arrive_as_python_has_them(pairs):
    types = {"at": Type.LOCAL, "later": Type.DURATION}
    node = infer(tomorrow.node, columns=types)
    rows = [{"at": at, "later": later} for at, later in pairs]
    function = compile_expression(node, [("column", n) for n in types])
    made = frame(rows, types).select(to_polars(node).alias("made"))["made"]
    assert [function(*row.values()) for row in rows] == carriers(made)
    assert tomorrow(datetime(2013, 1, 1), timedelta(days=1)) == datetime(2013, 1, 2)


def test_features_are_built_on_it():
    assert heavy(2.0) is True
    assert weight("bb", 2) == 3.0
    assert weight(None, 2) is None
    with pytest.raises(ValueError, match="abc"):
        weight("abc", 2)


def test_what_it_cannot_be_is_refused():
    with pytest.raises(ArgumentError, match="be one of boolean"):
        ib.python_feature(returns="number")
    with pytest.raises(TracingError, match="plain Python"):
        weight.row_value()
    with pytest.raises(TracingError, match="not defined at its top level"):

        @ib.python_feature(returns="float")
        def inner(text):
            return 1.0


def pin() -> Pin:
    (found,) = pins([weight.node])
    return found


def test_a_pin_says_what_it_runs_on():
    assert pin().module == "test_python_features"
    assert pin().requires[0].startswith("python 3.")
    found = reach(
        {"features": "import msgspec\ndef f(x):\n    return msgspec"}.get, "features", "f"
    )
    made = deployment.pin_of(found, "features", "f", Type.TEXT)
    import msgspec

    assert made.requires[1] == f"msgspec {msgspec.__version__}"


@pytest.mark.parametrize(
    "lie",
    [
        {"name": "os.system"},
        {"module": "../features"},
        {"source": "0" * 63},
        {"returns": "anything"},
        {"requires": ["x"] * 99},
        {"more": 1},
    ],
)
def test_no_half_pin_is_compiled(lie):
    node = infer(weight.node, columns=TYPES)
    odd = Node(node.op, node.args, {**node.value, **lie}, node.type)
    assert read_pin(odd.value) is None
    with pytest.raises(TypingError, match="no whole pin"):
        check(odd)


def of_pin(wanted: Pin) -> FeatureSet:
    import msgspec

    node = Node("python", (Node("column", value="x", type=Type.TEXT),), msgspec.to_builtins(wanted))
    typed = infer(node, columns={"x": Type.TEXT})
    return FeatureSet(
        columns=(("x", Type.TEXT),), slots=(), steps=(Step("f", typed),), outputs=("f",)
    )


def deployed_project(folder: Path, body: str) -> FeatureSet:
    """Pin `f` of a project as its training did, without deploying it here."""
    (folder / "features.py").write_text(body, encoding="utf-8")
    reached = reach(deployment.reader_of(folder), "features", "f")
    return of_pin(deployment.pin_of(reached, "features", "f", Type.TEXT))


BODY = "def f(x):\n    return x + '{}'\n"


def test_a_project_with_the_same_source_serves(tmp_path):
    made = deployed_project(tmp_path, BODY.format("one"))
    node = made.steps[0].node
    with pytest.raises(BundleError, match="not deployed in this process") as fault:
        compile_expression(node, [("column", "x")])
    assert fault.value.kind_code == "ISB419"
    deployment.deploy_from(tmp_path, made)
    assert compile_expression(node, [("column", "x")])("a") == "aone"


def test_nothing_of_other_code_is_run(tmp_path):
    made = deployed_project(tmp_path, BODY.format("two"))
    harm = f"import pathlib\npathlib.Path({str(tmp_path / 'harm')!r}).touch()\n"
    for text in (
        harm + "def f(x):\n    return harm(x)\n",  # other code
        harm + BODY.format("three"),
        "def g(x):\n    return x\n",  # gone
        "def f(x:\n",  # broken
    ):
        (tmp_path / "features.py").write_text(text, encoding="utf-8")
        with pytest.raises(BundleError, match=r"f of features\.py"):
            deployment.deploy_from(tmp_path, made)
    # the same function in a file whose other lines would do harm: they are not run
    (tmp_path / "features.py").write_text(harm + BODY.format("two"), encoding="utf-8")
    deployment.deploy_from(tmp_path, made)
    assert not (tmp_path / "harm").exists()


def test_other_packages_are_refused(tmp_path, monkeypatch):
    made = deployed_project(tmp_path, "import msgspec\ndef f(x):\n    return str(msgspec)\n")
    monkeypatch.setattr(deployment.metadata, "version", lambda _: "0.0.1")
    with pytest.raises(BundleError, match=r"packages are others here \(msgspec 0\.0\.1, msgspec"):
        deployment.deploy_from(tmp_path, made)


def test_a_process_without_a_project_refuses(tmp_path):
    made = deployed_project(tmp_path, BODY.format("four"))
    with pytest.raises(BundleError, match="which project it serves"):
        deployment.deploy_from(None, made)
    assert not code.is_deployed(pins([made.steps[0].node])[0])


def test_an_empty_table_has_the_type():
    node = infer(weight.node, columns=TYPES)
    table = frame([], TYPES)
    assert table.select(to_polars(node).alias("w")).schema == {"w": pl.Float64()}
    assert datetime.now(UTC)  # this file may look at clocks; what `weight` reaches may not
