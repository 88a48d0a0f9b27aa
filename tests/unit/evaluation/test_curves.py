from __future__ import annotations

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import auc, average_precision_score, roc_auc_score

from isbjerg.evaluation.curves import POINTS_MAX, curves


@pytest.fixture
def answers() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    scores = rng.beta(1, 3, 5000)
    return (rng.random(5000) < scores).astype(float), scores


def test_curves_enclose_the_areas_that_scikit_learn_measures(answers) -> None:
    truth, scores = answers
    found = curves("binary", truth, scores)
    false, true = zip(*found.roc, strict=True)
    assert auc(false, true) == pytest.approx(roc_auc_score(truth, scores), abs=2e-3)
    recall, precision = zip(*found.precision_recall, strict=True)
    area = auc(recall, precision)
    assert area == pytest.approx(average_precision_score(truth, scores), abs=2e-2)
    assert len(found.roc) <= POINTS_MAX + 1


def test_calibration_is_that_of_scikit_learn(answers) -> None:
    truth, scores = answers
    true, said = calibration_curve(truth, scores, n_bins=10, strategy="quantile")
    bins = curves("binary", truth, scores).calibration
    assert [b.said for b in bins] == pytest.approx(said.tolist(), abs=1e-3)
    assert [b.true for b in bins] == pytest.approx(true.tolist(), abs=1e-2)
    assert sum(b.n for b in bins) == 5000


def test_residuals_are_counted_whole() -> None:
    truth = np.arange(1000.0)
    found = curves("regression", truth, truth - np.resize([-1.0, 1.0], 1000))
    assert sum(n for _, n in found.residuals) == 1000
    assert (found.residuals[0][1], found.residuals[-2][1]) == (500, 500)
    assert (found.residuals[0][0], found.residuals[-1][0]) == (-1.0, 1.0)


def test_one_class_has_no_roc_and_many_classes_no_curves() -> None:
    assert curves("binary", np.zeros(20), np.linspace(0, 1, 20)).roc == ()
    assert curves("multiclass", np.zeros(20), np.ones((20, 3)) / 3) is None
    assert curves("binary", np.zeros(0), np.zeros(0)) is None
