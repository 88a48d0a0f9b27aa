"""How far a window's distribution lies from those of the days before.

Whole days differ: weather, holidays, backlogs. What a distance between two distributions means is
therefore not read from a table made for independent rows, nor from a convention such as "0.1", but
from how far windows as long as this one lay from the rest when nothing had changed.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isbjerg.errors import ArgumentError

Counts = NDArray[np.float64]

REPLICATES = 400
BLOCK_DAYS = 3
"""Weather lasts some days, so days are drawn in runs of up to so many."""

DAYS_MIN = 8
"""With fewer days before nothing is concluded."""


class Shift(NamedTuple):
    """How far a window lies off.

    Parameters
    ----------
    distance : float
        Largest difference of the cumulative shares (Kolmogorov-Smirnov on bins), in ``[0, 1]``.
    usual : float
        The distance that 1 in 100 unchanged windows exceeds.
    probability : float
        Of a distance as large as this one, when nothing has changed.
    """

    distance: float
    usual: float
    probability: float


def ks_distance(counts: Counts, other: Counts) -> NDArray[np.float64]:
    """Measure the largest difference of cumulative shares over ordered bins.

    Examples
    --------
    >>> float(ks_distance(np.array([10.0, 0.0]), np.array([5.0, 5.0])))
    0.5
    """
    shares = [
        c / np.maximum(c.sum(axis=-1, keepdims=True), 1.0)
        for c in (np.asarray(counts, np.float64), np.asarray(other, np.float64))
    ]
    difference = np.cumsum(shares[0] - shares[1], axis=-1)
    return np.asarray(np.abs(difference).max(axis=-1))


def variation_distance(counts: Counts, other: Counts) -> NDArray[np.float64]:
    """Measure half the sum of absolute differences of shares, for bins without an order.

    Examples
    --------
    >>> float(variation_distance(np.array([10.0, 0.0, 0.0]), np.array([5.0, 3.0, 2.0])))
    0.5
    """
    first, second = np.asarray(counts, np.float64), np.asarray(other, np.float64)
    p = first / np.maximum(first.sum(axis=-1, keepdims=True), 1.0)
    q = second / np.maximum(second.sum(axis=-1, keepdims=True), 1.0)
    return np.asarray(np.abs(p - q).sum(axis=-1) / 2.0)


def population_stability(counts: Counts, other: Counts) -> float:
    """Sum up the population stability index; only to be shown, its usual bounds mean nothing.

    Empty bins count as half a row, so that it is finite.

    Examples
    --------
    >>> round(population_stability(np.array([60.0, 40.0]), np.array([50.0, 50.0])), 4)
    0.0405
    """
    p = np.maximum(np.asarray(counts, np.float64), 0.5)
    q = np.maximum(np.asarray(other, np.float64), 0.5)
    p, q = p / p.sum(), q / q.sum()
    return float(((p - q) * np.log(p / q)).sum())


def judge_shift(
    window: Counts,
    days: Counts,
    *,
    window_days: int,
    rng: np.random.Generator,
    ordered: bool = True,
    replicates: int = REPLICATES,
) -> Shift | None:
    r"""Ask how probable it is that a window lies as far off as this one by chance.

    Parameters
    ----------
    window : numpy.ndarray of shape (n_bins,)
        Counts of the window.
    days : numpy.ndarray of shape (n_days, n_bins)
        Counts of each day before, in order.
    window_days : int
        Days in the window, at least 1.
    rng : numpy.random.Generator
        For the replicates.
    ordered : bool, default=True
        Whether the bins have an order; otherwise the distance is the total variation.
    replicates : int
        Pairs of a window and a time before that are drawn.

    Returns
    -------
    Shift or None
        ``None`` with fewer than `DAYS_MIN` days before, or an empty window.

    Notes
    -----
    Each replicate draws, in runs of up to `BLOCK_DAYS` consecutive days, a window of as many days
    and a time before of as many days as there are, and measures their distance. A distance is
    about as large as the shift behind it, and the shift of a sum of days is about normal; so the
    root mean square of the distances drawn is taken for the shift's standard deviation, and the
    distance seen is judged by Student's t, both tails, with as many degrees of freedom as there are
    independent runs less one. So a window can be rarer than any that was drawn, which a count of
    replicates cannot say: 24 days know nothing of 1 in 1,000. Where many directions share the
    noise the tail is shorter than that, and the judgement errs towards silence.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> days = rng.multinomial(200, [0.25] * 4, size=20).astype(float)
    >>> usual = judge_shift(days[0], days[1:], window_days=1, rng=rng)
    >>> usual.probability > 0.01
    True
    >>> judge_shift(np.array([0.0, 0, 0, 200]), days, window_days=1, rng=rng).probability < 1e-4
    True
    """
    if window_days < 1:
        raise ArgumentError.out_of_range("window_days", "judge_shift", "be at least 1", window_days)
    known = days[days.sum(axis=1) > 0]
    if len(known) < DAYS_MIN or window.sum() == 0:
        return None
    measure = ks_distance if ordered else variation_distance
    run = min(BLOCK_DAYS, window_days)
    drawn = _runs(len(known), window_days, run, replicates, rng)
    before = _runs(len(known), len(known), run, replicates, rng)
    usual = measure(known[drawn].sum(axis=1), known[before].sum(axis=1))
    distance = float(measure(window, known.sum(axis=0)))
    return Shift(
        distance=distance,
        usual=float(np.quantile(usual, 0.99)),
        probability=_tail(distance, usual, len(known) / run - 1),
    )


def _runs(
    count: int, wanted: int, run: int, replicates: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw runs of consecutive days, the last one followed by the first, cut to `wanted`."""
    starts = rng.integers(0, count, size=(replicates, math.ceil(wanted / run)))
    days = (starts[:, :, None] + np.arange(run)) % count
    return np.asarray(days.reshape(replicates, -1)[:, :wanted], dtype=np.int64)


def _tail(distance: float, usual: NDArray[np.float64], freedom: float) -> float:
    from scipy.special import stdtr  # noqa: PLC0415 - only a watch needs it

    spread = math.sqrt(float((usual**2).mean()) * (1 + 1 / (freedom + 1)))
    if spread == 0.0:
        return 0.0 if distance > 0.0 else 1.0
    return 2.0 * float(stdtr(max(freedom, 1.0), -distance / spread))
