"""The arithmetic of the metrics of several classes, under a weight per row.

Truth is the position of each row's class, scores are a probability per class. A class that
training did not see has the position after the last: whatever is said of such a row is a miss.
The answer is the likeliest class, the first of several that are equally likely.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from isbjerg.evaluation.estimators import (
    PROBABILITY_FLOOR,
    Floats,
    Replicate,
    estimator,
    mean_of_rows,
)
from isbjerg.frame.metrics import cut_of
from isbjerg.statistics.bootstrap import Blocks

Positions = NDArray[np.int64]


def class_estimator(name: str, truth: Floats, scores: Floats, blocks: Blocks) -> Replicate:
    """Prepare a metric of several classes for replicates.

    Parameters
    ----------
    name : str
        A name of `isbjerg.frame.metrics` for a multiclass target.
    truth : numpy.ndarray of shape (n_rows,)
        Position of what came true; ``n_classes`` for a class that training did not see.
    scores : numpy.ndarray of shape (n_rows, n_classes)
        Probability of each class.
    blocks : Blocks
        Which rows belong together.

    Returns
    -------
    callable
        From weights per block to one value per replicate; NaN where it is undefined.
    """
    positions = truth.astype(np.int64)
    if name == "log_loss":
        return mean_of_rows(_surprise(positions, scores), blocks)
    if name.startswith("top_"):
        found = places_of_truth(positions, scores) < cut_of(name).amount
        return mean_of_rows(found.astype(np.float64), blocks)
    if name == "accuracy":
        right = (places_of_truth(positions, scores) == 0).astype(np.float64)
        return mean_of_rows(right, blocks)
    if name == "macro_roc_auc":
        return _mean_of_classes(positions, scores, blocks)
    return _counted(_COUNTED[name], positions, scores, blocks)


def places_of_truth(truth: Positions, scores: Floats) -> Positions:
    """Say how many classes were held likelier than the one that came true.

    Of equally likely ones the first counts as likelier; a class that training did not see comes
    after all others.

    Examples
    --------
    >>> places_of_truth(np.array([0, 1, 2]), np.array([[0.5, 0.5], [0.5, 0.5], [1.0, 0.0]]))
    array([0, 1, 2])
    """
    classes = scores.shape[1]
    held = np.minimum(truth, classes - 1)
    own = np.take_along_axis(scores, held[:, None], axis=1)
    before = np.arange(classes) < held[:, None]
    ahead = ((scores > own) | ((scores == own) & before)).sum(axis=1)
    places: Positions = np.where(truth < classes, ahead, classes)
    return places


def _surprise(truth: Positions, scores: Floats) -> Floats:
    classes = scores.shape[1]
    own = np.take_along_axis(scores, np.minimum(truth, classes - 1)[:, None], axis=1)[:, 0]
    said = np.where(truth < classes, own, 0.0)
    surprise: Floats = -np.log(np.clip(said, PROBABILITY_FLOOR, 1.0))
    return surprise


def _mean_of_classes(truth: Positions, scores: Floats, blocks: Blocks) -> Replicate:
    """Rank each class that came true against all others; take the mean of those defined."""
    present = [c for c in range(scores.shape[1]) if (truth == c).any()]
    each = [
        estimator("roc_auc", (truth == c).astype(np.float64), scores[:, c], blocks) for c in present
    ]

    def replicate(weights: Floats) -> Floats:
        values = np.array([one(weights) for one in each]).reshape(len(each), len(weights))
        defined = ~np.isnan(values)
        with np.errstate(invalid="ignore"):
            means: Floats = np.where(defined, values, 0.0).sum(axis=0) / defined.sum(axis=0)
        return means

    return replicate


Counted = Callable[[Floats, Floats, Floats], float]
"""From rows rightly said, rows that came true and rows said, of each class, to one value."""


def _counted(finish: Counted, truth: Positions, scores: Floats, blocks: Blocks) -> Replicate:
    """Count per block and class once; a replicate then weighs few counts."""
    size = scores.shape[1] + 1
    said = scores.argmax(axis=1)
    hit = truth == said
    tables = [
        _per_block(blocks.ids[rows], classes[rows], size)
        for rows, classes in ((hit, truth), (slice(None), truth), (slice(None), said))
    ]

    def replicate(weights: Floats) -> Floats:
        values = np.empty(len(weights))
        for i, of_blocks in enumerate(weights):
            right, true, told = (
                np.bincount(classes, of_blocks[ids] * counts, minlength=size).astype(np.float64)
                for ids, classes, counts in tables
            )
            values[i] = finish(right, true, told)
        return values

    return replicate


def _per_block(
    ids: Positions, classes: Positions, size: int
) -> tuple[Positions, Positions, Positions]:
    """Count rows by block and class: the block, the class and the count of each pair there is."""
    pairs, counts = np.unique(ids * size + classes, return_counts=True)
    return pairs // size, pairs % size, counts


def _macro_f1(right: Floats, true: Floats, said: Floats) -> float:
    there = true + said > 0.0
    return float((2.0 * right[there] / (true + said)[there]).mean()) if there.any() else np.nan


def _weighted_f1(right: Floats, true: Floats, said: Floats) -> float:
    there = true > 0.0
    f1 = 2.0 * right[there] / (true + said)[there]
    return float((f1 * true[there]).sum() / true.sum()) if there.any() else np.nan


def _balanced_accuracy(right: Floats, true: Floats, _said: Floats) -> float:
    there = true > 0.0
    return float((right[there] / true[there]).mean()) if there.any() else np.nan


_COUNTED: dict[str, Counted] = {
    "macro_f1": _macro_f1,
    "weighted_f1": _weighted_f1,
    "balanced_accuracy": _balanced_accuracy,
}
