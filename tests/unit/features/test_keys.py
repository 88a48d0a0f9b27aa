"""Texts of tuples: equal in Python and Polars, and in the order of the tuples."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.features.facts import key_text as key_text_of_columns
from isbjerg.features.facts import match_text as match_text_of_columns
from isbjerg.features.keys import key_text, match_text

COLUMNS = {
    "word": (pl.String, st.text(st.characters(codec="utf-8"), max_size=3) | st.text("\0\1a")),
    "whole": (pl.Int64, st.integers(-(2**63), 2**63 - 1)),
    "number": (pl.Float64, st.floats(allow_nan=False, allow_infinity=False)),
    "flag": (pl.Boolean, st.booleans()),
}
rows_of_some_columns = st.lists(
    st.sampled_from(sorted(COLUMNS)), min_size=1, max_size=4, unique=True
).flatmap(
    lambda names: st.tuples(
        st.just(names), st.lists(st.tuples(*(st.none() | COLUMNS[n][1] for n in names)))
    )
)


@given(rows_of_some_columns)
@settings(max_examples=200)
def test_columns_and_rows_have_the_same_text(drawn):
    names, rows = drawn
    table = pl.DataFrame(rows, schema={n: COLUMNS[n][0] for n in names}, orient="row")
    both = table.select(
        key=key_text_of_columns(table, names), match=match_text_of_columns(table, names)
    )
    assert both["key"].to_list() == [key_text(row) for row in rows]
    assert both["match"].to_list() == [match_text(row) for row in rows]


@given(rows_of_some_columns)
@settings(max_examples=200)
def test_texts_sort_and_differ_as_tuples_do(drawn):
    _, rows = drawn
    ordered = [tuple((v is not None, 0 if v is None else v) for v in row) for row in rows]
    for row, order in zip(rows, ordered, strict=True):
        for other, other_order in zip(rows, ordered, strict=True):
            assert (key_text(row) < key_text(other)) == (order < other_order)
            assert (key_text(row) == key_text(other)) == (order == other_order)


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (["a", "b"], "ta\0\0tb"),
        (["a\0", "b"], "ta\0\1\0\0tb"),
        ([-(2**63)], "i00000000000000000000"),
        ([0], "i09223372036854775808"),
        ([None, True], "-b1"),
    ],
)
def test_texts_by_hand(values, text):
    assert key_text(values) == text
