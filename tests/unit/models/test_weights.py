from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.models.weights import CategoryTerm, LinearWeights, NumberTerm, sigmoid

weights = st.floats(-1e3, 1e3)
numbers = st.builds(NumberTerm, st.floats(-1e9, 1e9), st.floats(1e-6, 1e9), weights, weights)


@settings(max_examples=200, deadline=None)
@given(
    intercept=weights,
    terms=st.lists(numbers, max_size=6),
    codes=st.lists(weights, min_size=3, max_size=6),
    data=st.data(),
)
def test_one_row_and_many_are_the_same_bits(intercept, terms, codes, data):
    model = LinearWeights(intercept, (*terms, CategoryTerm(tuple(codes))))
    value = st.floats(allow_infinity=False) | st.just(math.nan)
    row = st.tuples(*[value] * len(terms), st.integers(0, len(codes) - 1).map(float))
    rows = data.draw(st.lists(row, min_size=1, max_size=8))
    many = model.sum_many(np.array(rows, dtype=np.float64))
    assert np.array([model.sum_one(r) for r in rows]).tobytes() == many.tobytes()
    assert np.isfinite(many).all()


@settings(max_examples=200, deadline=None)
@given(st.floats(-1e5, 1e5))
def test_a_probability_and_its_complement(total):
    assert 0.0 <= sigmoid(total) <= 1.0
    assert math.isclose(sigmoid(total) + sigmoid(-total), 1.0, abs_tol=1e-15)
