"""The ROC AUC under weights per block, from pairs counted once.

The area is the share of pairs of a positive and a negative that are ranked rightly. A pair's
weight is the product of its blocks' weights, so the pairs of every two blocks are counted once,
and a replicate is a sum over blocks instead of over rows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from isbjerg.statistics.bootstrap import Blocks

BLOCKS_MAX = 128
"""With more blocks, counting the pairs of each two costs more than it saves."""

Floats = NDArray[np.float64]


def area_of_pairs(truth: Floats, scores: Floats, blocks: Blocks) -> Callable[[Floats], Floats]:
    """Count the pairs of blocks, and return the area under given weights.

    Examples
    --------
    >>> truth, scores = np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.1, 0.2, 0.3, 0.3])
    >>> area = area_of_pairs(truth, scores, Blocks(np.array([0, 0, 1, 1]), 2))
    >>> area(np.array([[1.0, 1.0], [0.0, 1.0]]))
    array([0.625, 0.5  ])
    """
    positive = truth == 1.0
    rising = np.argsort(scores[positive])  # neighbours are looked for near each other: in cache
    said, ids, size = scores[positive][rising], blocks.ids[positive][rising], blocks.count
    against, against_ids = scores[~positive], blocks.ids[~positive]
    pairs = np.zeros((size, size))
    for block in range(size):
        theirs = np.sort(against[against_ids == block])
        below = np.searchsorted(theirs, said, side="left")
        until = np.searchsorted(theirs, said, side="right")
        pairs[:, block] = np.bincount(ids, (below + until) / 2.0, minlength=size)
    counts = [np.bincount(of, minlength=size).astype(np.float64) for of in (ids, against_ids)]

    def area(weights: Floats) -> Floats:
        ranked = (np.einsum("ri,ij->rj", weights, pairs) * weights).sum(axis=1)
        positives, negatives = ((weights * count).sum(axis=1) for count in counts)
        whole = positives * negatives
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Floats = np.where(whole > 0.0, ranked / whole, np.nan)
        return found

    return area
