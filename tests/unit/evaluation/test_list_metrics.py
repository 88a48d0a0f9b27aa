"""Metrics of ranked lists against scikit-learn's and against all orders of equal scores."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, ndcg_score

from isbjerg.evaluation.comparison import compare
from isbjerg.evaluation.list_estimators import values_of_lists
from isbjerg.evaluation.metrics import measure
from isbjerg.frame.metrics import metric_names
from isbjerg.statistics.bootstrap import Blocks

NAMES = ("ndcg@2", "ndcg@9", "precision@1", "precision@3", "lift@2", "map", "mrr")

rows_of_a_list = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 2)), min_size=1, max_size=6
).filter(lambda rows: any(relevance for relevance, _ in rows))


def _arrays(rows):
    truth, scores = (np.array(c, dtype=float) for c in zip(*rows, strict=True))
    return truth, scores


def _value(name, truth, scores):
    return values_of_lists(name, truth, scores, np.zeros(len(truth), dtype=np.int64))[0][0]


def _in_one_order(name, relevance):
    """Work a metric out from its definition, for rows in one order, best first."""
    relevant = relevance > 0
    measure_, _, places = name.partition("@")
    first = relevant[: int(places or 0)]
    if measure_ == "precision":
        return first.mean()
    if measure_ == "lift":
        return first.mean() / relevant.mean()
    if measure_ == "mrr":
        return 1 / (np.flatnonzero(relevant)[0] + 1)
    if measure_ == "map":
        return np.mean([relevant[: i + 1].mean() for i in np.flatnonzero(relevant)])
    discounts = 1 / np.log2(np.arange(len(relevance)) + 2)
    discounts[int(places) :] = 0
    best = np.sort(relevance)[::-1]
    return (relevance * discounts).sum() / (best * discounts).sum()


def test_every_metric_of_lists_is_held():
    families = {name.split("@")[0] for name in metric_names("ranking")}
    assert families == {name.split("@")[0] for name in NAMES}


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=60, deadline=None)
@given(rows=rows_of_a_list)
def test_equal_scores_count_as_the_mean_of_all_their_orders(name, rows):
    truth, scores = _arrays(rows)
    orders = [
        sorted(order, key=lambda i: -scores[i])
        for order in itertools.permutations(range(len(rows)))
    ]
    expected = np.mean([_in_one_order(name, truth[order]) for order in orders])
    assert _value(name, truth, scores) == pytest.approx(expected)


@pytest.mark.parametrize("seed", range(5))
def test_they_are_what_scikit_learn_computes(seed):
    rng = np.random.default_rng(seed)
    truth, scores = rng.integers(0, 4, 30).astype(float), np.round(rng.random(30), 1)
    for k in (1, 5, 30):
        expected = ndcg_score([truth], [scores], k=k)
        assert _value(f"ndcg@{k}", truth, scores) == pytest.approx(expected)
    apart = rng.permutation(30).astype(float)  # its average precision takes equal scores otherwise
    expected = average_precision_score(truth > 0, apart)
    assert _value("map", truth, apart) == pytest.approx(expected)


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 2), st.integers(0, 3)), min_size=1, max_size=20
    ),
    lot=st.randoms(use_true_random=False),
)
def test_neither_the_order_of_rows_nor_other_lists_matter(rows, lot):
    again = list(rows)
    lot.shuffle(again)
    for name in NAMES:
        one, other = (
            sorted(
                values_of_lists(name, *_arrays([r[:2] for r in c]), np.array([r[2] for r in c]))[0]
            )
            for c in (rows, again)
        )
        assert one == pytest.approx(other)
        alone = [
            _value(name, *_arrays([r[:2] for r in rows if r[2] == of]))
            for of in range(4)
            if any(r[0] for r in rows if r[2] == of)
        ]
        assert one == pytest.approx(sorted(alone))


def _blocks(lists, per_block=1):
    return Blocks(lists // per_block, int(lists.max()) // per_block + 1, "lists", lists)


def test_a_list_without_a_relevant_row_is_left_out_of_the_mean():
    truth, scores = np.array([1.0, 0.0, 0.0, 0.0]), np.array([1.0, 2.0, 1.0, 2.0])
    lists = np.array([0, 0, 1, 1])
    found = measure("mrr", truth, scores, _blocks(lists), np.random.default_rng(0))
    assert found.value == 0.5
    none = measure("mrr", truth * 0, scores, _blocks(lists), np.random.default_rng(0))
    assert none.value is None


def test_the_same_for_everyone_lifts_nothing_and_a_better_order_is_seen():
    rng = np.random.default_rng(0)
    lists = np.repeat(np.arange(60), 7)
    truth = (rng.random(420) < 0.3).astype(float)
    flat, good = np.zeros(420), truth + rng.normal(0, 0.5, 420)
    blocks = _blocks(lists, per_block=2)
    assert measure("lift@3", truth, flat, blocks, rng).value == pytest.approx(1.0)
    step = compare("ndcg@3", truth, good, flat, blocks, rng)
    assert step.better
    assert (step.n, step.blocks) == (420, 30)
    back = compare("ndcg@3", truth, flat, good, blocks, rng)
    assert back.difference == pytest.approx(-step.difference)
