"""The average precision under weights per block, from rows counted once at each threshold.

A threshold is a score at which a positive is gained, or the lowest. How many rows of each block stand at it or
above is counted once; under weights per block the rows there are then a product of two small
matrices, instead of a sum along all rows for each replicate. Weights are whole numbers, so the
counts are exact in whatever order they are added.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from isbjerg.statistics.bootstrap import Blocks

BLOCKS_MAX = 128
"""With more blocks the product costs more than summing along the rows."""

COUNTS_MAX = 2**22
"""With more blocks times thresholds the counts take more memory than the rows."""

_AT_ONCE = 2**17
"""Numbers per buffer while replicates are worked out: they stay in a processor's cache."""

_ALONE_MAX = 2**17
"""Multiplications up to which OpenBLAS uses one thread (it takes more from twice as many on)."""

Floats = NDArray[np.float64]


def precision_of_counts(
    truth: Floats, scores: Floats, blocks: Blocks
) -> Callable[[Floats], Floats] | None:
    """Count the rows at each threshold, and return the average precision under given weights.

    Returns
    -------
    callable or None
        ``None`` with so many blocks or thresholds that counting them does not pay.

    Examples
    --------
    >>> truth, scores = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.9, 0.8, 0.7, 0.6])
    >>> average = precision_of_counts(truth, scores, Blocks(np.array([0, 0, 1, 1]), 2))
    >>> average(np.array([[1.0, 1.0], [0.0, 1.0]]))
    array([0.5, 0.5])
    """
    positive = truth == 1.0
    if blocks.count > BLOCKS_MAX or not positive.any():
        return None
    # The lowest score is one in any case: as many terms are summed as along the rows.
    thresholds = np.unique(np.append(scores[positive], scores.min()))
    if blocks.count * len(thresholds) > COUNTS_MAX:
        return None
    # The highest threshold that a row stands at or above; thresholds are counted from the highest.
    place = len(thresholds) - np.searchsorted(thresholds, scores, side="right")
    found = _counted(place[positive], blocks.ids[positive], blocks.count, len(thresholds))
    everyone = _counted(place, blocks.ids, blocks.count, len(thresholds))

    def average(weights: Floats) -> Floats:
        rows = min(len(weights), max(1, _AT_ONCE // len(thresholds)))
        values = np.empty(len(weights))
        # Arrays of this size are dear to allocate, so the same three are written again and again.
        hits, ranked, gained = (np.empty((rows, len(thresholds))) for _ in range(3))
        for start in range(0, len(weights), rows):
            part = weights[start : start + rows]
            until = len(part)
            _product(part, found, out=hits[:until])
            _product(part, everyone, out=ranked[:until])
            values[start : start + rows] = _average(hits[:until], ranked[:until], gained[:until])
        return values

    return average


def _product(weights: Floats, counts: Floats, *, out: Floats) -> None:
    """Multiply in pieces so small that BLAS starts no threads: on a busy machine they wait."""
    width = max(1, _ALONE_MAX // weights.size)
    for start in range(0, counts.shape[1], width):
        piece = slice(start, start + width)
        np.matmul(weights, counts[:, piece], out=out[:, piece])


def _counted(
    place: NDArray[np.intp], ids: NDArray[np.int64], blocks: int, thresholds: int
) -> Floats:
    """Count for each block the rows at each threshold or above it."""
    at = np.bincount(ids * thresholds + place, minlength=blocks * thresholds)
    return np.cumsum(at.reshape(blocks, thresholds), axis=1, dtype=np.float64)


def _average(hits: Floats, ranked: Floats, gained: Floats) -> Floats:
    """Weigh the precision at each threshold by the positives that it gains.

    Overwrites `ranked` and `gained`.
    """
    precision = np.divide(hits, np.maximum(ranked, 1.0, out=ranked), out=ranked)
    gained[:, 0] = hits[:, 0]
    np.subtract(hits[:, 1:], hits[:, :-1], out=gained[:, 1:])
    weighed = np.multiply(gained, precision, out=gained).sum(axis=1)
    total = hits[:, -1]
    with np.errstate(divide="ignore", invalid="ignore"):
        averages: Floats = np.where(total > 0.0, weighed / total, np.nan)
    return averages
