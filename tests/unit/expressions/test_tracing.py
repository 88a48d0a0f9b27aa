from __future__ import annotations

import colorsys
import datetime as dt
import functools
import math
import operator
import os
import random
import time
import time as clock
from random import random as draw

import numpy as np
import pytest

from isbjerg.errors import TracingError
from isbjerg.expressions.build import Expression, when
from isbjerg.expressions.tracing import trace
from isbjerg.expressions.tree import Node

THRESHOLD = 30
CARRIERS = ("UA", "AA")
MUTABLE = {"UA": 1}
NESTED = ((1, 2), [3])


def column(name):
    return Expression(Node("column", value=name))


def traced(function, *names):
    return trace(function, {n: column(n) for n in names})


def test_constants_of_the_module_become_literals():
    def late(delay):
        return delay > THRESHOLD

    assert traced(late, "delay").args[1].value == 30


def test_a_tuple_of_options_is_taken():
    def big(carrier):
        return carrier.is_in(CARRIERS)

    assert traced(big, "carrier").value == ["UA", "AA"]


def test_a_loop_over_a_constant_is_written_out():
    def total(a):
        result = a
        for factor in (2, 3):
            result = result * factor
        return result

    assert traced(total, "a").op == "multiply"


def doubled(value):
    return value * 2


def two_faced(value):
    return value * 2 if value else 0


def test_a_function_of_the_module_is_looked_into():
    def good(a):
        return doubled(a)

    def bad(a):
        return two_faced(a)

    assert traced(good, "a").op == "multiply"
    with pytest.raises(TracingError, match="if condition else"):
        traced(bad, "a")


def test_a_function_of_another_module_is_looked_into():
    with pytest.raises(TracingError, match=r"colorsys.py:\d+: `if`"):
        traced(with_function_of_a_module, "a")


def test_what_never_changes_is_taken_from_other_modules():
    def scaled(a):
        steps = functools.reduce(operator.add, [a, a])
        return steps * math.sqrt(4.0) + dt.timedelta(hours=1).total_seconds()

    assert traced(scaled, "a").args[1].value == 3600.0


def with_is(a):
    return a is None


def with_is_not(a):
    return a is not None


def with_in(a):
    return a in (1, 2)


def with_not_in(a):
    return a not in (1, 2)


def with_and(a):
    return a and 1


def with_or(a):
    return a or 1


def with_not(a):
    return not a


def with_if(a):
    if a:
        return 1
    return 0


def with_choice(a):
    return 1 if a else 0


def with_chain(a):
    return 0 < a < 3


def with_now(a):
    return a - dt.datetime.now()


def with_today(a):
    return a - dt.date.today()


def with_time(a):
    return a - time.time()


def with_random(a):
    return a + random.random()


def with_draw(a):
    return a + draw()


def with_mutable(a):
    return a + MUTABLE["UA"]


def with_nested(a):
    return a + NESTED[0][0]


def with_open(a):
    return a + len(open("x").read())  # noqa: PTH123


def with_while(a):
    while True:
        a = a + 1
    return a


def with_import(a):
    import os

    return a + os.getpid()


def with_renamed_clock(a):
    return a + clock.time()


def with_function_of_a_module(a):
    return a + colorsys.rgb_to_hls(1.0, 1.0, 1.0)[0]


def with_value_of_a_module(a):
    return a + len(os.environ)


def with_process(a):
    return a + os.getpid()


def with_drawn_numbers(a):
    return a + np.random.rand()  # noqa: NPY002


REFUSED = [
    (with_is, "`is`", "is_null"),
    (with_is_not, "`is not`", "is_not_null"),
    (with_in, "`in`", "is_in"),
    (with_not_in, "`not in`", "~value.is_in"),
    (with_and, "`and`", "&"),
    (with_or, "`or`", r"\|"),
    (with_not, "`not`", "~value"),
    (with_if, "`if`", "ib.when"),
    (with_choice, "if condition else", "ib.when"),
    (with_chain, "chained comparison", "between"),
    (with_now, "clock", "time column"),
    (with_today, "clock", "time column"),
    (with_time, "clock", "time column"),
    (with_renamed_clock, "clock, `clock.time`", "time column"),
    (with_random, "randomness", "drop it"),
    (with_drawn_numbers, "randomness, `np.random.rand`", "drop it"),
    (with_draw, "not written for expressions", "methods"),
    (with_mutable, "mutable global `MUTABLE`", "tuple"),
    (with_value_of_a_module, "mutable global `os.environ`", "tuple"),
    (with_process, "function `os.getpid`", "methods"),
    (with_nested, "mutable global `NESTED`", "tuple"),
    (with_open, "built-in `open`", "methods"),
    (with_while, "`while`", "write the expression out"),
    (with_import, "`import`", "top of the file"),
]


@pytest.mark.parametrize(
    ("function", "what", "mend"), REFUSED, ids=lambda f: getattr(f, "__name__", "")
)
def test_what_cannot_be_traced_is_refused_with_a_mend(function, what, mend):
    with pytest.raises(TracingError, match=what) as refused:
        traced(function, "a")
    line = function.__code__.co_firstlineno
    assert (
        f"test_tracing.py:{line + 1}" in str(refused.value) or "while" in what or "import" in what
    )
    import re

    assert re.search(mend, str(refused.value))


def test_all_faults_are_told_at_once():
    def bad(a, b):
        if a is None and b:
            return time.time()
        return 0

    with pytest.raises(TracingError) as refused:
        traced(bad, "a", "b")
    assert len(refused.value.facts["places"]) == 4


@pytest.mark.parametrize(
    "ask",
    [
        bool,
        len,
        int,
        float,
        list,
        round,
        lambda e: 1 in e,
        lambda e: [1, 2][e],
        lambda e: min(e, 3),
        lambda e: e**2,
        lambda e: 2**e,
        str,
        "{}".format,
        lambda e: f"{e}",
    ],
)
def test_asking_for_the_value_is_refused(ask):
    with pytest.raises(TracingError):
        ask(column("a"))


def test_nothing_returned_is_refused():
    def silent(a):
        a + 1

    with pytest.raises(TracingError, match="returned nothing"):
        traced(silent, "a")


def test_no_source_is_refused():
    namespace = {}
    exec("def hidden(a):\n    return a", namespace)
    with pytest.raises(TracingError, match="source"):
        traced(namespace["hidden"], "a")


def test_the_source_of_another_function_is_not_taken():
    import linecache

    text = "def another(a):\n    return a\n"
    linecache.cache["<string>"] = (len(text), None, text.splitlines(keepends=True), "<string>")
    try:
        namespace = {}
        exec("def hidden(a):\n    return a", namespace)
        with pytest.raises(TracingError, match="source"):
            traced(namespace["hidden"], "a")
    finally:
        del linecache.cache["<string>"]


def test_a_lambda_is_refused():
    with pytest.raises(TracingError, match="cannot be read"):
        traced(lambda a: a, "a")


def test_reversed_operands_keep_their_order():
    def share(a):
        return 1 - a

    node = traced(share, "a")
    assert node.op == "subtract"
    assert node.args[0].value == 1


def test_when_nests_from_the_last():
    e = when(column("a")).then(1).when(column("b")).then(2).otherwise(3)
    assert e.node.args[2].op == "when"
    assert e.node.args[2].args[2].value == 3


def test_a_column_may_be_called_as_a_built_in_is() -> None:
    def spread(min, max):  # noqa: A002 - as tables have it
        return max - min

    assert traced(spread, "min", "max").op == "subtract"
