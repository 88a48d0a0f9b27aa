"""Rows as LightGBM wants them for ranking: list after list, with relevance in a few levels.

A level's gain is the relevance that its training rows have in the mean, so what is learnt is what
`ndcg@k` measures. Up to `LEVELS_MAX` different values are levels of their own; of more, hundreds of
minutes for example, each level takes an equal part of the rows.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isbjerg.models.batches import EncodedRows

LEVELS_MAX = 31
"""LightGBM's own bound on labels."""

Floats = NDArray[np.float64]


class Rows(NamedTuple):
    """Encoded rows, their truth, and the sizes of the lists in the order of the rows."""

    matrix: Floats | EncodedRows
    truth: Floats
    sizes: NDArray[np.int64] | None = None


class Levels(NamedTuple):
    """The least relevance of each level, ascending, and what a row of it gains."""

    least: Floats
    gains: tuple[float, ...]


def levels_of(relevance: Floats) -> Levels:
    """Put the training rows' relevance into levels.

    Examples
    --------
    >>> levels_of(np.array([0.0, 3.0, 1.0, 0.0])).gains
    (0.0, 1.0, 3.0)
    >>> len(levels_of(np.arange(1000.0)).gains)
    31
    """
    values = np.unique(relevance)
    if len(values) > LEVELS_MAX:
        parts = np.linspace(0.0, 1.0, LEVELS_MAX + 1)[:-1]
        values = np.unique(np.quantile(relevance, parts, method="inverted_cdf"))
    labels = _labels(relevance, values)
    sums = np.bincount(labels, relevance, minlength=len(values))
    counts = np.bincount(labels, minlength=len(values))
    return Levels(values, tuple((sums / np.maximum(counts, 1)).tolist()))


def by_list(matrix: Floats, relevance: Floats, lists: NDArray[np.int64], levels: Levels) -> Rows:
    """Sort rows list after list, in their own order within each, and write their levels.

    Examples
    --------
    >>> matrix, relevance = np.array([[1.0], [2.0], [3.0]]), np.array([0.0, 5.0, 1.0])
    >>> rows = by_list(matrix, relevance, np.array([4, 2, 4]), levels_of(relevance))
    >>> rows.matrix.ravel(), rows.truth, rows.sizes
    (array([2., 1., 3.]), array([2., 0., 1.]), array([1, 2]))
    """
    order = np.argsort(lists, kind="stable")
    _, sizes = np.unique(lists, return_counts=True)
    labels = _labels(relevance[order], levels.least).astype(np.float64)
    return Rows(matrix[order], labels, sizes)


def _labels(relevance: Floats, least: Floats) -> NDArray[np.int64]:
    labels = np.searchsorted(least, relevance, side="right") - 1
    return np.maximum(labels, 0).astype(np.int64)
