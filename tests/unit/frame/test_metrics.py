"""The table of metrics that can be named."""

from __future__ import annotations

import pytest
from sklearn.metrics import get_scorer

from isbjerg.frame.metrics import FAMILIES, METRICS, closest_metric, find_metric, metric_names

SCORERS = {
    "average_precision": "average_precision",
    "roc_auc": "roc_auc",
    "log_loss": "neg_log_loss",
    "brier": "neg_brier_score",
    "accuracy": "accuracy",
    "mae": "neg_mean_absolute_error",
    "rmse": "neg_root_mean_squared_error",
    "r2": "r2",
    "balanced_accuracy": "balanced_accuracy",
    "macro_f1": "f1_macro",
    "weighted_f1": "f1_weighted",
    "macro_roc_auc": "roc_auc_ovr",
}
OURS_ALONE = {"map", "mrr"}
"""Measures of ranked lists that scikit-learn does not score; more is better, as in TREC."""


@pytest.mark.parametrize("name", sorted(METRICS.keys() - OURS_ALONE))
def test_directions_agree_with_scikit_learn(name: str) -> None:
    # scikit-learn negates what is better when lower.
    assert get_scorer(SCORERS[name])._sign == (1 if METRICS[name].higher_is_better else -1)


def test_kinds_part_the_table() -> None:
    kinds = ("binary", "regression", "multiclass", "ranking")
    assert set(metric_names()) == {name for kind in kinds for name in metric_names(kind)}
    assert not {*metric_names("binary")} & {*metric_names("regression")}
    assert {*metric_names("binary")} & {*metric_names("multiclass")} == {"log_loss", "accuracy"}
    assert set(SCORERS) | OURS_ALONE == set(METRICS)
    assert all(family.higher_is_better for family in FAMILIES.values())


@pytest.mark.parametrize(
    "name", ["ndcg@10", "top_3_accuracy", "lift@100", "lift@2.5%", "precision@1", "precision@0.5%"]
)
def test_a_family_takes_a_number(name: str) -> None:
    found = find_metric(name)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    "name", ["ndcg@0", "ndcg@5%", "top_0_accuracy", "lift@", "lift@0%", "lift@-1", "ndcg@1e3", "K"]
)
def test_a_family_takes_no_other_number(name: str) -> None:
    assert find_metric(name) is None


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Brier-Score", "brier"),
        ("logloss", "log_loss"),
        ("R2", "r2"),
        ("rsme", "rmse"),
        ("f", None),
    ],
)
def test_the_closest_metric_is_what_was_meant(written: str, meant: str | None) -> None:
    assert closest_metric(written) == meant
