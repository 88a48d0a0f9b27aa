"""The metrics of several classes against scikit-learn's, plain and weighted."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as theirs

from isbjerg.evaluation.class_estimators import places_of_truth
from isbjerg.evaluation.classes import class_lines
from isbjerg.evaluation.comparison import compare
from isbjerg.evaluation.estimating import estimator
from isbjerg.evaluation.metrics import measure, measure_all
from isbjerg.frame.metrics import METRICS
from isbjerg.statistics.bootstrap import blocks_of

CLASSES = 4


def _answers(metric):
    return lambda t, s, w: metric(t, s.argmax(axis=1), sample_weight=w)


THEIRS = {
    "log_loss": lambda t, s, w: theirs.log_loss(t, s, sample_weight=w, labels=range(CLASSES)),
    "accuracy": _answers(theirs.accuracy_score),
    "balanced_accuracy": _answers(theirs.balanced_accuracy_score),
    "macro_f1": lambda t, s, w: theirs.f1_score(
        t, s.argmax(axis=1), sample_weight=w, average="macro"
    ),
    "weighted_f1": lambda t, s, w: theirs.f1_score(
        t, s.argmax(axis=1), sample_weight=w, average="weighted"
    ),
    "macro_roc_auc": lambda t, s, w: theirs.roc_auc_score(t, s, sample_weight=w, multi_class="ovr"),
    "top_2_accuracy": lambda t, s, w: theirs.top_k_accuracy_score(t, s, k=2, sample_weight=w),
}


def sample(seed, rows=400):
    rng = np.random.default_rng(seed)
    truth = rng.choice(CLASSES, rows, p=[0.5, 0.3, 0.15, 0.05])
    scores = rng.dirichlet(np.ones(CLASSES), rows)
    scores[np.arange(rows), truth] += 0.2
    return truth, scores / scores.sum(axis=1, keepdims=True)


def test_every_metric_of_classes_is_held_against_theirs():
    named = {name for name, metric in METRICS.items() if "multiclass" in metric.kinds}
    assert set(THEIRS) == named | {"top_2_accuracy"}


@pytest.mark.parametrize("name", sorted(THEIRS))
@pytest.mark.parametrize("seed", range(3))
def test_it_is_what_scikit_learn_computes(name, seed):
    truth, scores = sample(seed)
    rng = np.random.default_rng(seed)
    blocks = blocks_of(rng.integers(0, 12, len(truth)))
    even = np.full(blocks.count, 1 / blocks.count)
    weights = rng.multinomial(blocks.count, even, 3).astype(float)
    ours = estimator(name, truth.astype(float), scores, blocks)(weights)
    for value, of_blocks in zip(ours, weights, strict=True):
        row_weights = of_blocks[blocks.ids]
        drawn = row_weights > 0  # scikit-learn counts a class of weight 0 as there
        expected = THEIRS[name](truth[drawn], scores[drawn], row_weights[drawn])
        assert value == pytest.approx(expected, rel=1e-9)


def test_an_unseen_class_is_a_miss_for_every_metric():
    truth, scores = sample(1)
    told, hidden = np.where(truth == 3, 0, truth), np.where(truth == 3, CLASSES, truth)
    scores[truth == 3] = [1.0, 0.0, 0.0, 0.0]
    rng, rows = np.random.default_rng(0), np.arange(len(truth))
    names = [name for name in THEIRS if name != "macro_roc_auc"]
    known = measure_all(names, told, scores, rows, rng)
    unseen = measure_all(names, hidden, scores, rows, rng)
    for name in names:
        worse = known[name].value - unseen[name].value
        assert worse != 0.0
        assert (worse > 0) == (name != "log_loss")
    missed = float((truth == 3).mean())
    assert known["accuracy"].value - unseen["accuracy"].value == pytest.approx(missed)


def test_top_1_is_accuracy_and_top_of_all_finds_every_class_that_was_seen():
    truth, scores = sample(2)
    scores = np.round(scores, 1)  # with many equally likely classes
    found = measure_all(
        ["accuracy", "top_1_accuracy", "top_4_accuracy"],
        truth,
        scores,
        np.arange(len(truth)),
        np.random.default_rng(0),
    )
    assert found["accuracy"].value == found["top_1_accuracy"].value
    assert found["top_4_accuracy"].value == 1.0
    assert (places_of_truth(truth, scores) == 0).tolist() == (
        scores.argmax(axis=1) == truth
    ).tolist()


def test_a_class_alone_has_no_roc_auc_and_no_rows_have_nothing():
    scores = np.full((30, 2), 0.5)
    rng = np.random.default_rng(0)
    alone = measure("macro_roc_auc", np.zeros(30), scores, np.arange(30), rng)
    assert (alone.value, alone.low) == (None, None)
    for name in THEIRS:
        none = measure(name, np.zeros(0), np.zeros((0, 2)), np.zeros(0), rng)
        assert none.value is None


def test_two_models_are_compared_on_the_same_rows_and_days():
    truth, scores = sample(3)
    other = np.full_like(scores, 1 / CLASSES)
    days = np.arange(len(truth)) // 10
    step = compare("log_loss", truth, scores, other, days, np.random.default_rng(0))
    assert step.better
    assert step.difference == pytest.approx(
        np.log(CLASSES) - theirs.log_loss(truth, scores, labels=range(CLASSES))
    )


def test_each_class_apart_is_what_scikit_learn_counts():
    truth, scores = sample(4)
    lines = class_lines(truth, scores, "abcd", truth[:100])
    precision, recall, _, rows = theirs.precision_recall_fscore_support(
        truth, scores.argmax(axis=1)
    )
    assert [line.rows for line in lines] == rows.tolist()
    assert [line.precision for line in lines] == pytest.approx(precision.tolist())
    assert [line.recall for line in lines] == pytest.approx(recall.tolist())
    assert all(line.recall_low < line.recall < line.recall_high for line in lines)
    assert [line.few for line in lines] == [rows < 20 for rows in rows.tolist()]
    assert sum(line.trained for line in lines) == 100
