"""The block bootstrap: how much a number would vary had other days been seen.

Rows of one day share their weather and their backlog, so they are drawn together: a
replicate draws as many blocks as there are, with replacement, and what it drew is a weight
per block. Two models compared under the same weights are compared on the same days.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from isbjerg.errors import ArgumentError
from isbjerg.statistics.intervals import Interval
from isbjerg.times import DAY_US, HOUR_US

BLOCKS_MIN = 8
"""With fewer blocks no interval is formed: it would be far too narrow."""

BLOCKS_WANTED = 20

_SPANS = (("days", DAY_US), ("hours", HOUR_US))


class Blocks(msgspec.Struct, frozen=True):
    """Which rows belong together.

    Parameters
    ----------
    ids : numpy.ndarray of shape (n_rows,)
        Block of each row, 0 to ``count - 1``.
    count : int
        Number of blocks.
    word : str
        What a block is, in the plural, for sentences: ``days``.
    lists : numpy.ndarray of shape (n_rows,), optional
        For a ranking: which rows are ranked against each other. No list lies in two blocks.
    """

    ids: NDArray[np.int64]
    count: int
    word: str = "blocks"
    lists: NDArray[np.int64] | None = None


def blocks_of(ids: NDArray[Any], word: str = "blocks") -> Blocks:
    """Turn any labels of blocks into numbers from 0 on.

    Examples
    --------
    >>> blocks_of(np.array([7, 7, 3]), "days").ids
    array([1, 1, 0])
    """
    labels, numbers = np.unique(np.asarray(ids), return_inverse=True)
    return Blocks(numbers.reshape(-1).astype(np.int64), len(labels), word)


def time_blocks(at_us: NDArray[np.int64], *, blocks_wanted: int = BLOCKS_WANTED) -> Blocks:
    """Group rows by the day of their decision, or finer where there are too few days.

    Parameters
    ----------
    at_us : numpy.ndarray of shape (n_rows,)
        Decision times, microseconds since the epoch.
    blocks_wanted : int, default=20
        Take the coarsest of day, hour and row that gives so many blocks.

    Returns
    -------
    Blocks
        Its word tells which of the three was taken.

    Examples
    --------
    >>> days = time_blocks(np.arange(30) * DAY_US)
    >>> days.count, days.word
    (30, 'days')
    >>> time_blocks(np.arange(30)).word
    'rows'
    """
    for word, span_us in _SPANS:
        found = blocks_of(np.asarray(at_us) // span_us, word)
        if found.count >= blocks_wanted:
            return found
    return blocks_of(np.arange(len(at_us)), "rows")


def draw_weights(blocks: Blocks, replicates: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw how often each block is in each replicate.

    Parameters
    ----------
    blocks : Blocks
        What is drawn.
    replicates : int
        Number of replicates, at least 1.
    rng : numpy.random.Generator
        Where chance comes from.

    Returns
    -------
    numpy.ndarray of shape (replicates, count)
        Whole numbers; each row sums to ``count``.

    Examples
    --------
    >>> weights = draw_weights(blocks_of(np.arange(5)), 3, np.random.default_rng(1))
    >>> weights.sum(axis=1)
    array([5., 5., 5.])
    """
    if replicates < 1:
        raise ArgumentError.out_of_range("replicates", "draw_weights", "be at least 1", replicates)
    even = np.full(blocks.count, 1.0 / max(blocks.count, 1))
    return rng.multinomial(blocks.count, even, size=replicates).astype(np.float64)


def percentile_interval(replicates: NDArray[np.float64], level: float = 0.95) -> Interval | None:
    """Bound a number by the middle of its replicates.

    Parameters
    ----------
    replicates : numpy.ndarray
        Its values; NaN where a replicate could not be computed (one class drawn only).
    level : float, default=0.95
        Share of replicates inside, in ``(0, 1)``.

    Returns
    -------
    Interval or None
        ``None`` when more than a tenth of the replicates could not be computed.

    Examples
    --------
    >>> percentile_interval(np.arange(101.0), 0.9)
    Interval(low=5.0, high=95.0)
    """
    if not 0.0 < level < 1.0:
        raise ArgumentError.out_of_range("level", "percentile_interval", "lie in (0, 1)", level)
    usable = replicates[~np.isnan(replicates)]
    if len(usable) < 0.9 * len(replicates) or not len(usable):
        return None
    low, high = np.quantile(usable, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))
