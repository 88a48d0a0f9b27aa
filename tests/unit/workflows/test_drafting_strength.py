"""How well one column ranks the target, against scikit-learn and SciPy."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score

from isbjerg.workflows.drafting_strength import best_halves, strength


def test_two_values_are_ranked_as_scikit_learn_does() -> None:
    rng = np.random.default_rng(1)
    scores = rng.normal(size=300).round(1)  # with ties
    truth = (rng.random(300) < 0.3).astype(float)
    area = roc_auc_score(truth, scores)
    found = strength(pl.Series(scores), pl.Series(truth))
    assert found == pytest.approx(max(area, 1 - area), abs=1e-12)


def test_numbers_are_ranked_as_scipy_does() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(size=200)
    y = -x + rng.normal(size=200)
    expected = 0.5 + abs(spearmanr(x, y).statistic) / 2
    assert strength(pl.Series(x), pl.Series(y)) == pytest.approx(expected, abs=1e-12)


def test_a_value_that_is_missing_only_for_one_class_gives_it_away() -> None:
    values = pl.Series([None, 1.0, None, 2.0, None, 1.0])
    assert strength(values, pl.Series([1.0, 0.0, 1.0, 0.0, 1.0, 0.0])) == 1.0


def test_rows_without_a_target_do_not_count() -> None:
    goal = pl.Series([0.0, 1.0, None])
    assert strength(pl.Series([1, 2, -5]), goal) == 1.0


@pytest.mark.parametrize("values", [[1, 1, 1, 1], [None] * 4, [[1], [2], [3], [4]]])
def test_what_cannot_rank_gives_a_half(values: list[object]) -> None:
    assert strength(pl.Series(values), pl.Series([0.0, 1.0, 0.0, 1.0])) == 0.5


def test_halves_by_text() -> None:
    found = best_halves(pl.Series(["a", "b", "a", None]), pl.Series([1.0, 0.0, 1.0, 0.0]), "x")
    assert found is not None
    assert found.values == ("a",)
    assert (found.inside, found.outside, found.gain) == (1.0, 0.0, 1.0)


def test_a_column_that_does_not_part_gives_nothing() -> None:
    goal = pl.Series([1.0, 0.0])
    assert best_halves(pl.Series([True, True]), goal, "x") is None
    assert best_halves(pl.Series([None, None], dtype=pl.Float64), goal, "x") is None
