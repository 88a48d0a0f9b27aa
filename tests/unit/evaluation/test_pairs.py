from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from isbjerg.evaluation.pairs import area_of_pairs
from isbjerg.statistics.bootstrap import Blocks, draw_weights


@pytest.mark.parametrize("digits", [1, 6])
def test_each_replicate_is_scikit_learns_area_under_its_weights(digits: int) -> None:
    rng = np.random.default_rng(digits)
    truth = (rng.random(600) < 0.3).astype(float)
    scores = np.round(rng.random(600) * 0.7 + truth * 0.3, digits)  # one digit ties a lot
    blocks = Blocks(rng.integers(0, 12, 600), 12)
    weights = draw_weights(blocks, 20, rng)
    expected = [roc_auc_score(truth, scores, sample_weight=w[blocks.ids]) for w in weights]
    assert area_of_pairs(truth, scores, blocks)(weights) == pytest.approx(expected, abs=1e-12)


def test_one_class_has_no_area() -> None:
    blocks = Blocks(np.arange(4) // 2, 2)
    truth = np.array([1.0, 1.0, 0.0, 0.0])
    area = area_of_pairs(truth, np.arange(4.0), blocks)(np.array([[1.0, 1.0], [2.0, 0.0]]))
    assert area[0] == 0.0
    assert np.isnan(area[1])
