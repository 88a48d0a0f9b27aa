"""The arithmetic of the metrics, under a weight per row.

A metric is data (`isbjerg.frame.metrics`) plus one of two arithmetics. Means (loss, error)
need only sums per block, so a thousand replicates are one matrix product. Rankings (average
precision, ROC AUC) are sorted once and summed along the order in each replicate. Rows with
equal scores are one threshold, as in scikit-learn.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from isbjerg.evaluation.pairs import BLOCKS_MAX, area_of_pairs
from isbjerg.evaluation.thresholds import precision_of_counts
from isbjerg.statistics.bootstrap import Blocks

Floats = NDArray[np.float64]
Replicate = Callable[[Floats], Floats]
"""Takes block weights of shape (n_replicates, n_blocks), returns one value per replicate."""

PROBABILITY_FLOOR = 1e-15
"""Log loss holds probabilities this far from 0 and 1: one sure mistake is not infinite."""


def estimator(name: str, truth: Floats, scores: Floats, blocks: Blocks) -> Replicate:
    """Prepare a metric for replicates.

    Parameters
    ----------
    name : str
        A name of `isbjerg.frame.metrics.METRICS`.
    truth, scores : numpy.ndarray of shape (n_rows,)
        What came true (0 and 1 for a binary target) and what was said.
    blocks : Blocks
        Which rows belong together.

    Returns
    -------
    callable
        From weights per block to one value per replicate; NaN where it is undefined.

    Notes
    -----
    No vector product goes through BLAS: at this size it starts threads, and on a busy machine
    waiting for them costs thirty times the work.
    """
    if name == "roc_auc" and blocks.count <= BLOCKS_MAX:
        return area_of_pairs(truth, scores, blocks)
    if name == "average_precision" and (counted := precision_of_counts(truth, scores, blocks)):
        return counted
    if name in _RANKINGS:
        return _ranking(_RANKINGS[name], truth, scores, blocks)
    terms, finish = _MEANS[name]
    return _mean(np.stack(terms(truth, scores)), finish, blocks)


def mean_of_rows(values: Floats, blocks: Blocks) -> Replicate:
    """Prepare the mean of a value per row for replicates."""
    return _mean(values[None, :], _over_rows, blocks)


def _mean(rows: Floats, finish: Callable[..., Floats], blocks: Blocks) -> Replicate:
    """Sum each term per block once; a replicate is then a weighted sum of few numbers."""
    every = np.vstack([np.ones(rows.shape[1]), rows])
    sums = np.stack([np.bincount(blocks.ids, term, minlength=blocks.count) for term in every])

    def replicate(weights: Floats) -> Floats:
        totals = sums @ weights.T
        with np.errstate(divide="ignore", invalid="ignore"):
            return finish(*totals)

    return replicate


def _ranking(
    finish: Callable[[Floats, Floats, Floats], float], truth: Floats, scores: Floats, blocks: Blocks
) -> Replicate:
    order = np.argsort(-scores, kind="stable")
    ranked_truth, ranked_ids = truth[order], blocks.ids[order]
    ranked_scores = scores[order]
    changes = ranked_scores[1:] != ranked_scores[:-1]
    ends = np.append(np.flatnonzero(changes), len(scores) - 1)[: len(scores)]
    # only thresholds that gain a positive count; the last one carries the totals
    gains = np.diff(np.cumsum(ranked_truth)[ends], prepend=0.0) > 0.0
    gains[len(gains) - 1 :] = True
    starts, ends = (ends + 1 - np.diff(ends, prepend=-1))[gains], ends[gains]
    positive = np.flatnonzero(ranked_truth == 1.0)
    found = np.searchsorted(positive, ends, side="right")
    positive_ids = ranked_ids[positive]

    after = ends + 1

    def replicate(weights: Floats) -> Floats:
        values = np.empty(len(weights))
        # Position n holds the sum of the first n. Arrays of this size are dear to allocate
        # (fresh pages each time), so each replicate writes into the same ones.
        everyone, hits = np.zeros(len(scores) + 1), np.zeros(len(positive_ids) + 1)
        positives, before, until = (np.empty(len(ends)) for _ in range(3))
        for i, of_blocks in enumerate(weights):
            _cumulate(of_blocks, ranked_ids, everyone)
            _cumulate(of_blocks, positive_ids, hits)
            np.take(hits, found, out=positives, mode="clip")
            np.take(everyone, starts, out=before, mode="clip")
            np.take(everyone, after, out=until, mode="clip")
            values[i] = finish(positives, before, until)
        return values

    return replicate


def _cumulate(of_blocks: Floats, ids: NDArray[np.int64], sums: Floats) -> None:
    """Sum the weights of rows from the start, in place, behind the leading 0."""
    np.take(of_blocks, ids, out=sums[1:], mode="clip")
    np.cumsum(sums[1:], out=sums[1:])


def _average_precision(positives: Floats, _before: Floats, everyone: Floats) -> float:
    """Weigh the precision at each threshold by the positives that it gains."""
    if not len(positives) or positives[-1] == 0.0:
        return np.nan
    precision = positives / np.maximum(everyone, 1.0)
    gained = np.diff(positives, prepend=0.0)
    return float((gained * precision).sum() / positives[-1])


def _roc_auc(positives: Floats, before: Floats, everyone: Floats) -> float:
    """Count the pairs in which a positive outranks a negative, equal scores as half of one."""
    if not len(positives):
        return np.nan
    gained = np.diff(positives, prepend=0.0)
    above = before - (positives - gained)  # negatives ranked strictly higher
    within = everyone - positives - above
    total, negatives = positives[-1], everyone[-1] - positives[-1]
    if total == 0.0 or negatives == 0.0:
        return np.nan
    lost = (gained * (above + within / 2.0)).sum()
    return float(1.0 - lost / (total * negatives))


_RANKINGS: dict[str, Callable[[Floats, Floats, Floats], float]] = {
    "average_precision": _average_precision,
    "roc_auc": _roc_auc,
}


def _log_loss(truth: Floats, scores: Floats) -> list[Floats]:
    held = np.clip(scores, PROBABILITY_FLOOR, 1.0 - PROBABILITY_FLOOR)
    return [-np.where(truth == 1.0, np.log(held), np.log1p(-held))]


def _squares(truth: Floats, scores: Floats) -> list[Floats]:
    return [(truth - scores) ** 2]


def _over_rows(rows: Floats, total: Floats) -> Floats:
    return total / rows


def _root_over_rows(rows: Floats, total: Floats) -> Floats:
    return np.sqrt(total / rows)


def _explained(rows: Floats, residual: Floats, truth: Floats, truth_square: Floats) -> Floats:
    spread = truth_square - truth * truth / rows
    return np.where(spread > 0.0, 1.0 - residual / spread, np.nan)


def _explained_terms(truth: Floats, scores: Floats) -> list[Floats]:
    centred = truth - truth.mean() if len(truth) else truth  # keeps the squares small
    return [(truth - scores) ** 2, centred, centred**2]


_MEANS: dict[str, tuple[Callable[[Floats, Floats], list[Floats]], Callable[..., Floats]]] = {
    "log_loss": (_log_loss, _over_rows),
    "brier": (_squares, _over_rows),
    "accuracy": (lambda t, s: [((s >= 0.5) == (t == 1.0)).astype(np.float64)], _over_rows),  # noqa: PLR2004
    "mae": (lambda t, s: [np.abs(t - s)], _over_rows),
    "rmse": (_squares, _root_over_rows),
    "r2": (_explained_terms, _explained),
}
