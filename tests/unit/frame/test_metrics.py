"""The table of metrics that can be named."""

from __future__ import annotations

import pytest
from sklearn.metrics import get_scorer

from isbjerg.frame.metrics import METRICS, closest_metric, metric_names

SCORERS = {
    "average_precision": "average_precision",
    "roc_auc": "roc_auc",
    "log_loss": "neg_log_loss",
    "brier": "neg_brier_score",
    "accuracy": "accuracy",
    "mae": "neg_mean_absolute_error",
    "rmse": "neg_root_mean_squared_error",
    "r2": "r2",
}


@pytest.mark.parametrize("name", METRICS)
def test_directions_agree_with_scikit_learn(name: str) -> None:
    # scikit-learn negates what is better when lower.
    assert get_scorer(SCORERS[name])._sign == (1 if METRICS[name].higher_is_better else -1)


def test_kinds_part_the_table() -> None:
    assert set(metric_names()) == {*metric_names("binary"), *metric_names("regression")}
    assert not {*metric_names("binary")} & {*metric_names("regression")}


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
