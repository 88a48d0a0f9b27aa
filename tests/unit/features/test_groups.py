"""Groups number what units ask for, by any columns."""

from __future__ import annotations

import polars as pl
import pytest

from isbjerg.features import groups
from isbjerg.features.groups import NOWHERE, grouped

INSTANT = pl.Datetime("us", "UTC")


def pairs(found):
    """List which fact matches which unit."""
    return {
        (i, j)
        for i, fact in enumerate(found.facts.tolist())
        for j, unit in enumerate(found.units.tolist())
        if fact == unit != NOWHERE
    }


@pytest.mark.parametrize(
    ("theirs", "ours", "matching"),
    [
        pytest.param(["a", None, "b"], ["b", None, "c"], {(2, 0)}, id="texts"),
        pytest.param([7, None, 8], [8, None, 9], {(2, 0)}, id="whole numbers"),
        pytest.param([0.0, 1.5, None], [-0.0, 2.5, None], {(0, 0)}, id="zeros are one number"),
        pytest.param([True, None], [True, None], {(0, 0)}, id="booleans"),
        pytest.param([1, 0], [1.0, 0.0], set(), id="numbers of another kind"),
        pytest.param([1, 0], [True, False], set(), id="numbers and booleans"),
    ],
)
def test_equal_values_share_a_group(theirs, ours, matching):
    facts, units = pl.DataFrame({"f": theirs}), pl.DataFrame({"u": ours})
    assert pairs(grouped(facts, units, [("f", "u")])) == matching


def test_times_equal_their_microseconds():
    facts = pl.DataFrame({"at": [5, 6]}).with_columns(pl.col("at").cast(INSTANT))
    assert pairs(grouped(facts, pl.DataFrame({"us": [6]}), [("at", "us")])) == {(1, 0)}


def test_several_columns_must_all_be_equal():
    facts = pl.DataFrame({"a": ["x", "x", "x"], "n": [1, 2, None]})
    units = pl.DataFrame({"b": ["x", "y", "x"], "m": [2, 2, None]})
    assert pairs(grouped(facts, units, [("a", "b"), ("n", "m")])) == {(1, 0)}


def test_without_columns_everything_matches():
    found = grouped(pl.DataFrame({"f": [1, 2]}), pl.DataFrame({"u": [3]}), [])
    assert pairs(found) == {(0, 0), (1, 0)}


def test_many_texts_are_joined_not_put_in_a_dictionary(monkeypatch):
    facts, units = pl.DataFrame({"f": ["a", "b", None]}), pl.DataFrame({"u": ["b", "a", None]})
    by_dictionary = pairs(grouped(facts, units, [("f", "u")]))
    monkeypatch.setattr(groups, "_DICTIONARY_MAX", 1)
    assert pairs(grouped(facts, units, [("f", "u")])) == by_dictionary == {(0, 1), (1, 0)}


def test_rows_are_numbered_alike_in_every_stretch(monkeypatch):
    monkeypatch.setattr(groups, "_STRETCH_MIN", 2)
    facts = pl.DataFrame({"f": list("abcabcabc")})
    found = grouped(facts, pl.DataFrame({"u": ["c"]}), [("f", "u")])
    assert [i for i, _ in sorted(pairs(found))] == [2, 5, 8]
