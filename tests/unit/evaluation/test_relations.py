"""What one column says alone: against scikit-learn, by simulation, and by hand."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import roc_auc_score

from isbjerg.evaluation.relations import Relation, delong, relations


def one(column: pl.Series, truth: np.ndarray, kind: str) -> Relation:
    return relations(pl.DataFrame([column.alias("c")]), truth, kind)[0]


def test_the_area_is_scikit_learns_and_its_error_is_seen_in_repeats() -> None:
    rng = np.random.default_rng(5)
    found = []
    for _ in range(400):
        truth = rng.random(150) < 0.4
        scores = np.round(rng.normal(size=150) + truth, 1)  # with ties
        area = delong(scores, truth)
        assert area is not None
        assert area[0] == pytest.approx(roc_auc_score(truth, scores))
        found.append(area)
    areas, errors = np.array(found).T
    assert errors.mean() == pytest.approx(areas.std(), rel=0.1)


def test_of_one_class_there_is_no_area() -> None:
    assert delong(np.arange(3.0), np.ones(3, bool)) is None
    assert one(pl.Series([1.0, 2.0] * 10), np.ones(20), "binary").value is None


@pytest.mark.parametrize("kind", ["binary", "regression", "multiclass"])
@pytest.mark.parametrize("groups", [3, 400])
def test_noise_is_seldom_said_to_say_something(kind: str, groups: int) -> None:
    """At a level of 95 % on both sides 2.5 % are expected; 100 repeats allow for 7."""
    rng = np.random.default_rng(11)
    wrong = 0
    nothing = 0.5 if kind == "binary" else 0.0
    for _ in range(100):
        truth = {
            "binary": 1.0 * (rng.random(600) < 0.3),
            "regression": rng.normal(size=600),
            "multiclass": 1.0 * rng.integers(0, 3, 600),
        }[kind]
        column = pl.Series([f"g{g}" for g in rng.integers(0, groups, 600)])
        found = one(column, truth, kind)
        assert found.low is not None
        wrong += found.low > nothing
    assert wrong <= 7


def test_a_text_for_each_row_says_nothing() -> None:
    truth = 1.0 * (np.random.default_rng(1).random(500) < 0.5)
    found = one(pl.Series([f"id{n}" for n in range(500)]), truth, "binary")
    assert found.value == pytest.approx(0.5)
    assert found.groups == ()


def test_the_explained_share_is_that_of_the_group_means() -> None:
    """Means -1 and 1 with a noise of variance 1: half of the variance is explained."""
    rng = np.random.default_rng(2)
    side = rng.integers(0, 2, 40_000)
    found = one(pl.Series(side), (2.0 * side - 1) + rng.normal(size=40_000), "regression")
    assert found.value == pytest.approx(0.5, abs=0.01)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.5 < found.high
    assert [(g.low, g.high) for g in found.groups] == [(0.0, 0.0), (1.0, 1.0)]


def test_information_is_mutual_information_over_entropy() -> None:
    """Of four equally likely classes a column tells which half: one bit of two."""
    kind = np.random.default_rng(3).integers(0, 4, 20_000)
    found = one(pl.Series(kind // 2), 1.0 * kind, "multiclass")
    assert found.value == pytest.approx(0.5, abs=0.005)


def test_a_bent_relation_counts_and_a_rank_does_not_see_it() -> None:
    x = np.random.default_rng(4).normal(size=5_000)
    found = one(pl.Series(x), x**2, "regression")
    assert found.value is not None
    assert found.value > 0.7
    assert found.rank is not None
    assert abs(found.rank) < 0.1


def test_being_missing_is_a_value() -> None:
    rng = np.random.default_rng(6)
    truth = 1.0 * (rng.random(2_000) < 0.5)
    column = pl.Series([None if t else 1.0 for t in truth], dtype=pl.Float64)
    found = one(column, truth, "binary")
    assert found.value == pytest.approx(1.0)
    assert [(g.label, g.mean) for g in found.groups] == [("", 0.0), ("missing", 1.0)]


def test_hidden_columns_have_a_number_and_no_picture() -> None:
    truth = np.tile([0.0, 1.0], 50)
    table = pl.DataFrame({"diagnosis": ["a", "b"] * 50})
    (found,) = relations(table, truth, "binary", hides=lambda _: True)
    assert found.value == pytest.approx(1.0)
    assert found.groups == ()
