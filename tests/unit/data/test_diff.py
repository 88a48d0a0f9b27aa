"""What lies between two states; expected numbers counted by hand."""

from __future__ import annotations

from math import log

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from isbjerg.data.diff import HIDDEN_VALUE, diff
from isbjerg.data.distributions import apart, psi, spread

OLD = pl.DataFrame(
    {
        "id": [1, 2, 3, 4],
        "who": ["ann", "bob", "cem", None],
        "x": [1, 2, None, 4],
        "gone": [1, 1, 1, 1],
    }
)
NOW = pl.DataFrame(
    {
        "id": [1, 2, 3, 5],
        "who": ["ann", "bea", "cem", "dan"],
        "x": [1.0, 2.0, 3.5, None],
        "city": ["Oslo", None, None, "Bergen"],
    }
)


def test_rows_and_columns_are_counted() -> None:
    found = diff(OLD, NOW, ["id"])
    assert (found.rows_before, found.rows_after) == (4, 4)
    # every shared row lost its `gone`, so all three are corrected; 5 is new
    assert (found.added, found.corrected, found.unchanged) == (1, 3, 0)
    assert found.columns_added == ("city",)
    assert found.columns_removed == ("gone",)
    assert found.columns_retyped == {"x": ("integer", "float")}
    columns = {c.name: c for c in found.columns}
    assert list(columns) == ["id", "who", "x"]
    assert (columns["who"].corrected, columns["x"].corrected) == (1, 1)
    assert (columns["x"].before.missing, columns["x"].arrived.missing) == (1, 1)
    (added,) = found.added_examples
    assert added.key == {"id": 5}
    assert added.values == {"who": "dan", "city": "Bergen"}
    second = found.corrected_examples[1]
    assert second.key == {"id": 2}
    assert second.values["who"] == ["bob", "bea"]


def test_hidden_values_are_nowhere() -> None:
    found = diff(OLD, NOW, ["id"], hides=lambda name: name in {"who", "id"})
    assert found.added_examples[0].key == {"id": HIDDEN_VALUE}
    text = repr(found)
    assert not any(name in text for name in ("ann", "bob", "bea", "cem", "dan"))
    assert "Bergen" in text


def test_equal_states_do_not_differ() -> None:
    found = diff(OLD, OLD, ["id"])
    assert (found.added, found.corrected, found.unchanged) == (0, 0, 4)
    assert all(c.distance is None for c in found.columns)


def test_a_spread_says_what_is_there() -> None:
    column = pl.Series([5, 1, 4, 2, 3, None])
    assert spread(column).quantiles == (1, 1, 2, 3, 4, 5, 5)
    assert spread(column).missing_share == pytest.approx(1 / 6)
    assert spread(column, hidden=True).quantiles is None
    texts = pl.Series(["b", "a", "b", "a", "c"])
    assert spread(texts).top == (("a", 2), ("b", 2), ("c", 1))
    assert spread(texts, hidden=True).top == ()
    assert spread(texts, hidden=True).distinct == 3
    assert spread(pl.Series([], dtype=pl.Float64)).missing_share is None


@settings(max_examples=60, deadline=None)
@given(
    a=st.lists(st.integers(-9, 9), min_size=4, max_size=40),
    b=st.lists(st.integers(-9, 9), min_size=4, max_size=40),
)
def test_the_distance_is_that_of_scipy(a: list[int], b: list[int]) -> None:
    found = apart(pl.Series(a), pl.Series(b))
    assert found is not None
    expected = ks_2samp(a, b, method="asymp").statistic
    assert found.value == pytest.approx(expected)


def test_psi_is_its_formula() -> None:
    # counts 30/10 and 10/30, each raised by a half, out of 41
    p, q = 30.5 / 41, 10.5 / 41
    expected = (q - p) * log(q / p) + (p - q) * log(p / q)
    assert psi({"a": 30, "b": 10}, {"a": 10, "b": 30}) == pytest.approx(expected)
    many = {str(n): 5 for n in range(100)}
    assert psi(many, many) == 0.0
    assert psi(many, {str(n): 5 for n in range(100, 200)}) > 0.25
