"""Every metric against scikit-learn's, plain and weighted."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as theirs

from isbjerg.errors import ArgumentError
from isbjerg.evaluation.estimators import estimator
from isbjerg.evaluation.metrics import measure, measure_all
from isbjerg.frame.metrics import METRICS
from isbjerg.statistics.bootstrap import blocks_of

THEIRS = {
    "average_precision": theirs.average_precision_score,
    "roc_auc": theirs.roc_auc_score,
    "log_loss": theirs.log_loss,
    "brier": theirs.brier_score_loss,
    "accuracy": lambda t, s, sample_weight: theirs.accuracy_score(
        t, s >= 0.5, sample_weight=sample_weight
    ),
    "mae": theirs.mean_absolute_error,
    "rmse": theirs.root_mean_squared_error,
    "r2": theirs.r2_score,
}


def sample(name, seed, n=400):
    rng = np.random.default_rng(seed)
    scores = np.round(rng.random(n), 1 + seed % 3)  # with many equal scores
    if "binary" in METRICS[name].kinds:
        return (rng.random(n) < scores).astype(float), scores
    return scores + rng.normal(100, 1, n), scores + 100


@pytest.mark.parametrize("name", sorted(THEIRS))
@pytest.mark.parametrize("seed", range(4))
def test_it_is_what_scikit_learn_computes(name, seed):
    truth, scores = sample(name, seed)
    rng = np.random.default_rng(seed)
    blocks = blocks_of(rng.integers(0, 12, len(truth)))
    weights = rng.multinomial(blocks.count, np.full(blocks.count, 1 / blocks.count), 3).astype(
        float
    )
    ours = estimator(name, truth, scores, blocks)(weights)
    for value, of_blocks in zip(ours, weights, strict=True):
        expected = THEIRS[name](truth, scores, sample_weight=of_blocks[blocks.ids])
        assert value == pytest.approx(expected, rel=1e-9)


def test_every_named_metric_can_be_measured():
    numbers = {"binary", "regression"}
    assert set(THEIRS) == {name for name, metric in METRICS.items() if numbers & {*metric.kinds}}


def test_the_interval_holds_the_value_and_names_its_blocks():
    truth, scores = sample("roc_auc", 0)
    found = measure("roc_auc", truth, scores, np.arange(400) // 10, np.random.default_rng(0))
    assert found.low < found.value < found.high
    assert (found.n, found.blocks) == (400, 40)


def test_one_class_is_undefined_not_an_error():
    zeros, scores = np.zeros(50), np.linspace(0, 1, 50)
    found = measure_all(
        ["roc_auc", "average_precision", "brier"],
        zeros,
        scores,
        np.arange(50),
        np.random.default_rng(0),
    )
    assert found["roc_auc"].value is None
    assert found["average_precision"].value is None
    assert found["roc_auc"].low is None
    assert found["brier"].value == pytest.approx(np.mean(scores**2))


def test_no_rows_are_undefined():
    none = np.array([])
    for name in THEIRS:
        assert measure(name, none, none, none, np.random.default_rng(0)).value is None


def test_few_blocks_give_a_value_without_an_interval():
    truth, scores = sample("brier", 1)
    found = measure("brier", truth, scores, np.arange(400) // 100, np.random.default_rng(0))
    assert found.value is not None
    assert found.low is None
    assert "no interval" in str(found)


def test_a_sure_mistake_does_not_make_log_loss_infinite():
    found = measure("log_loss", [1, 0], np.array([0.0, 0.0]), [0, 1], np.random.default_rng(0))
    assert found.value == pytest.approx(-np.log(1e-15) / 2)


@pytest.mark.parametrize(
    ("truth", "scores"), [([1, np.nan], [0.1, 0.2]), ([1, 0], [0.1, np.inf]), ([1], [0.1, 0.2])]
)
def test_rows_without_an_outcome_are_the_callers_to_leave_out(truth, scores):
    with pytest.raises(ArgumentError):
        measure("brier", truth, np.array(scores), [0, 1], np.random.default_rng(0))


def test_an_unknown_metric_is_refused_with_the_known_ones():
    with pytest.raises(ArgumentError, match="average_precision"):
        measure("accuracies", [1], np.array([0.5]), [0], np.random.default_rng(0))
