from __future__ import annotations

import math

import msgspec
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.canonical import canonical_json
from isbjerg.errors import ArgumentError, TypingError
from isbjerg.expressions.tree import Type
from isbjerg.models.encoding import Encoder, fit


def test_a_vocabulary_is_ranked_by_rows_then_by_code_points():
    texts = ["b"] * 5 + ["é"] * 5 + ["a"] * 5 + ["many"] * 6 + ["rare"] * 4 + [None] * 9
    encoder = fit(pl.DataFrame({"x": texts}), [Type.TEXT])
    assert encoder.encodings[0].vocabulary == ("many", "a", "b", "é")


def test_a_cap_keeps_the_most_frequent():
    encoder = fit(pl.DataFrame({"x": ["a"] * 5 + ["b"] * 6}), [Type.TEXT], categories_max=1)
    assert encoder.encodings[0].vocabulary == ("b",)


def test_missing_and_unknown_have_codes_of_their_own():
    columns = pl.DataFrame({"x": ["a"] * 5 + ["rare", None]})
    encoder = fit(columns, [Type.TEXT])
    assert encoder.encode_many(columns)[:, 0].tolist() == [2, 2, 2, 2, 2, 1, 0]


@pytest.mark.parametrize("type_", [Type.INSTANT, Type.LOCAL])
def test_a_time_is_refused_with_what_to_take_instead(type_):
    with pytest.raises(TypingError, match="departs") as caught:
        fit(pl.DataFrame({"departs": [1]}), [type_])
    assert "departs.hour()" in caught.value.mend


def test_a_missing_column_is_named():
    encoder = fit(pl.DataFrame({"x": [1.0]}), [Type.FLOAT])
    with pytest.raises(ArgumentError, match="'x'"):
        encoder.encode_many(pl.DataFrame({"y": [1.0]}))


def test_a_feature_is_not_the_column_that_it_is_named_like():
    encoder = fit(pl.DataFrame({"feature:age": [10, 20]}), [Type.INTEGER])
    assembled = pl.DataFrame({"age": [5, 10], "feature:age": [10, 20]})
    assert encoder.encode_many(assembled).tolist() == [[10.0], [20.0]]


def test_as_many_types_as_columns():
    with pytest.raises(ArgumentError):
        fit(pl.DataFrame({"x": [1.0]}), [])


int64 = st.integers(-(2**63), 2**63 - 1)
ROWS = st.lists(
    st.tuples(
        st.none() | int64,
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.none() | st.booleans(),
        st.none() | st.sampled_from(["a", "b", "", "ü", "\x00"]),
        st.none() | int64,
    ),
    max_size=30,
)
SCHEMA = {
    "i": (pl.Int64, Type.INTEGER),
    "f": (pl.Float64, Type.FLOAT),
    "b": (pl.Boolean, Type.BOOLEAN),
    "t": (pl.String, Type.TEXT),
    "d": (pl.Duration("us"), Type.DURATION),
}


def table(rows):
    columns = zip(*rows, strict=True) if rows else [()] * 5
    return pl.DataFrame(
        [
            pl.Series(name, values, dtype=pl.Int64 if name == "d" else dtype).cast(dtype)
            for (name, (dtype, _)), values in zip(SCHEMA.items(), columns, strict=True)
        ]
    )


@settings(max_examples=150, deadline=None)
@given(seen=ROWS, asked=ROWS)
def test_one_row_and_many_are_the_same_bits(seen, asked):
    types = [t for _, t in SCHEMA.values()]
    encoder = fit(table(seen), types, rows_min=1)
    encode = encoder.row_encoder()
    single = np.array([encode(r) for r in asked], dtype=np.float64).reshape(len(asked), 5)
    many = encoder.encode_many(table(asked))
    assert np.array_equal(np.isnan(single), np.isnan(many))
    assert (single[~np.isnan(single)] == many[~np.isnan(many)]).all()


@settings(max_examples=50, deadline=None)
@given(seen=ROWS)
def test_an_encoder_is_stored_as_json(seen):
    encoder = fit(table(seen), [t for _, t in SCHEMA.values()], rows_min=1)
    assert msgspec.json.decode(canonical_json(encoder), type=Encoder) == encoder


def test_a_row_is_missing_as_nan():
    encode = fit(pl.DataFrame({"x": [1.0]}), [Type.FLOAT]).row_encoder()
    assert math.isnan(encode((None,))[0])
