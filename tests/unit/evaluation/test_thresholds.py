from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import average_precision_score

from isbjerg.evaluation import thresholds
from isbjerg.evaluation.estimators import estimator
from isbjerg.evaluation.thresholds import precision_of_counts
from isbjerg.statistics.bootstrap import Blocks, draw_weights


def _drawn(rows: int, blocks: int, digits: int) -> tuple[np.ndarray, np.ndarray, Blocks]:
    rng = np.random.default_rng(rows + digits)
    truth = (rng.random(rows) < 0.3).astype(float)
    scores = np.round(rng.random(rows) * 0.7 + truth * 0.3, digits)  # one digit ties a lot
    return truth, scores, Blocks(rng.integers(0, blocks, rows), blocks)


@pytest.mark.parametrize("digits", [1, 6])
def test_each_replicate_is_scikit_learns_precision_under_its_weights(digits: int) -> None:
    truth, scores, blocks = _drawn(600, 12, digits)
    weights = draw_weights(blocks, 20, np.random.default_rng(digits))
    expected = [
        average_precision_score(truth, scores, sample_weight=w[blocks.ids]) for w in weights
    ]
    average = precision_of_counts(truth, scores, blocks)
    assert average is not None
    assert average(weights) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("digits", [1, 2, 9])
def test_it_is_bit_for_bit_what_sums_along_the_rows_give(
    digits: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Bundles and verdicts of one run made on many and on few blocks have to agree.
    truth, scores, blocks = _drawn(5_000, 31, digits)
    weights = draw_weights(blocks, 100, np.random.default_rng(0))
    counted = estimator("average_precision", truth, scores, blocks)(weights)
    monkeypatch.setattr(thresholds, "BLOCKS_MAX", 0)
    assert precision_of_counts(truth, scores, blocks) is None
    summed = estimator("average_precision", truth, scores, blocks)(weights)
    assert counted.tolist() == summed.tolist()


def test_a_replicate_without_positives_has_no_precision() -> None:
    blocks = Blocks(np.arange(4) // 2, 2)
    average = precision_of_counts(np.array([1.0, 0.0, 0.0, 0.0]), np.arange(4.0), blocks)
    assert average is not None
    found = average(np.array([[1.0, 1.0], [0.0, 2.0]]))
    assert found[0] == 0.25
    assert np.isnan(found[1])


def test_without_a_positive_there_is_nothing_to_count() -> None:
    blocks = Blocks(np.arange(4) // 2, 2)
    assert precision_of_counts(np.zeros(4), np.arange(4.0), blocks) is None
