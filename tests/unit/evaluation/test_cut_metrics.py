"""The best of a list: against counting by hand, and against choosing among equals by lot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.evaluation.estimating import estimator
from isbjerg.evaluation.metrics import measure
from isbjerg.statistics.bootstrap import blocks_of


def _value(name, truth, scores, weights=None):
    rows = len(truth)
    blocks = blocks_of(np.arange(rows))
    given_weights = np.ones(rows) if weights is None else np.asarray(weights, dtype=float)
    found = estimator(name, np.asarray(truth, float), np.asarray(scores, float), blocks)
    return found(given_weights[None, :])[0]


# Ten people, four of whom buy; the best four scores hold three of them.
TRUTH = [1, 1, 0, 1, 0, 0, 1, 0, 0, 0]
SCORES = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("precision@4", 3 / 4),
        ("precision@40%", 3 / 4),
        ("precision@1", 1.0),
        ("precision@10", 4 / 10),
        ("precision@99", 4 / 10),  # there are ten only
        ("lift@4", (3 / 4) / (4 / 10)),
        ("lift@40%", (3 / 4) / (4 / 10)),
        ("lift@10", 1.0),
        ("lift@25%", (2.0 + 0 * 0.5) / 2.5 / 0.4),  # half of the third
    ],
)
def test_counted_by_hand(name, expected):
    assert _value(name, TRUTH, SCORES) == pytest.approx(expected)


def test_equal_scores_share_the_places_as_a_lot_would_in_the_mean():
    truth, scores = np.array([1, 0, 0, 1, 0, 1]), np.array([0.9, 0.5, 0.5, 0.5, 0.5, 0.1])
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(20_000):
        order = rng.permutation(6)
        best = order[np.argsort(-scores[order], kind="stable")][:3]
        drawn.append(truth[best].mean())
    # 1 of the first place, 2 of the 4 places of which one is positive: (1 + 2 / 4) / 3
    assert _value("precision@3", truth, scores) == pytest.approx(0.5)
    assert np.mean(drawn) == pytest.approx(0.5, abs=0.005)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=1, max_size=30),
    st.integers(1, 12),
    st.randoms(use_true_random=False),
)
def test_the_order_of_the_rows_does_not_matter(rows, places, lot):
    again = list(rows)
    lot.shuffle(again)
    one, other = ([list(c) for c in zip(*r, strict=True)] for r in (rows, again))
    name = f"precision@{places}"
    assert _value(name, *one) == pytest.approx(_value(name, *other))


def test_a_row_drawn_twice_takes_two_places():
    assert _value("precision@4", TRUTH, SCORES, [2, 0, 2] + [1] * 7) == pytest.approx(2 / 4)


def test_without_a_positive_there_is_no_lift():
    assert np.isnan(_value("lift@2", [0, 0, 0], [0.1, 0.2, 0.3]))
    found = measure("lift@5%", [0.0], np.array([1.0]), [0], np.random.default_rng(0))
    assert found.value is None


def test_no_rows_have_no_best():
    none = np.array([])
    assert measure("precision@3", none, none, none, np.random.default_rng(0)).value is None
