"""Curves of a model's answers, binned small enough to be kept with a run.

A page about a run is drawn from its record alone, so what the figures need is worked out while
the answers are at hand: bins and steps, never rows.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

BINS = 10
POINTS_MAX = 60


class Bin(msgspec.Struct, frozen=True):
    """Rows with neighbouring answers: what was said and what came true, on average."""

    said: float
    true: float
    n: int


class Curves(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the figures of one rung are drawn from.

    Parameters
    ----------
    kind : {"binary", "regression"}
        What was predicted.
    calibration : tuple of Bin
        Ten bins of equally many rows, by what was said.
    roc : tuple of (float, float)
        False and true positive rate, from (0, 0) to (1, 1).
    precision_recall : tuple of (float, float)
        Recall and precision.
    residuals : tuple of (float, int)
        Where each bin of truth minus answer begins, and its rows; the last has none.
    """

    kind: Literal["binary", "regression"]
    calibration: tuple[Bin, ...] = ()
    roc: tuple[tuple[float, float], ...] = ()
    precision_recall: tuple[tuple[float, float], ...] = ()
    residuals: tuple[tuple[float, int], ...] = ()


def curves(kind: str, truth: NDArray[Any], scores: NDArray[np.float64]) -> Curves | None:
    """Work out the curves of a rung; ``None`` for a kind of target that has none here.

    Parameters
    ----------
    kind : str
        Kind of the target.
    truth, scores : numpy.ndarray of shape (n_rows,)
        What came true, and what was said.

    Examples
    --------
    >>> truth, scores = np.array([0, 0, 1, 1] * 5), np.array([0.1, 0.4, 0.35, 0.8] * 5)
    >>> found = curves("binary", truth, scores)
    >>> found.roc
    ((0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0))
    >>> found.calibration[-1]
    Bin(said=0.8, true=1.0, n=2)
    """
    if not len(truth) or scores.ndim != 1:
        return None
    real = np.asarray(truth, dtype=np.float64)
    if kind == "regression":
        return Curves(
            kind="regression", calibration=_bins(real, scores), residuals=_histogram(real - scores)
        )
    if kind != "binary":
        return None
    roc, precision_recall = _steps(real, scores)
    return Curves(
        kind="binary", calibration=_bins(real, scores), roc=roc, precision_recall=precision_recall
    )


def _bins(truth: NDArray[np.float64], scores: NDArray[np.float64]) -> tuple[Bin, ...]:
    order = np.argsort(scores, kind="stable")
    pieces = [piece for piece in np.array_split(order, BINS) if len(piece)]
    return tuple(
        Bin(_short(scores[piece].mean()), _short(truth[piece].mean()), len(piece))
        for piece in pieces
    )


Steps = tuple[tuple[float, float], ...]


def _steps(truth: NDArray[np.float64], scores: NDArray[np.float64]) -> tuple[Steps, Steps]:
    """Follow the thresholds from the highest answer down; equal answers are one threshold."""
    order = np.argsort(-scores, kind="stable")
    ranked, said = truth[order], scores[order]
    ends = np.append(np.flatnonzero(said[1:] != said[:-1]), len(said) - 1)
    hits = np.cumsum(ranked)[ends]
    misses = ends + 1 - hits
    if hits[-1] == 0 or misses[-1] == 0:
        return (), ()
    kept = _places(len(ends))
    recall, false = hits[kept] / hits[-1], misses[kept] / misses[-1]
    precision = hits[kept] / (hits[kept] + misses[kept])
    roc = [(0.0, 0.0), *((_short(f), _short(r)) for f, r in zip(false, recall, strict=True))]
    return tuple(roc), tuple((_short(r), _short(p)) for r, p in zip(recall, precision, strict=True))


def _places(n: int) -> NDArray[np.int64]:
    """Choose which of `n` thresholds to keep: even ones, and more among the highest answers."""
    even = np.linspace(0, n - 1, POINTS_MAX // 2)
    head = np.geomspace(1, n, POINTS_MAX // 2) - 1
    both = np.arange(n) if n <= POINTS_MAX else np.concatenate([even, head])
    return np.unique(both.round().astype(np.int64))


def _histogram(values: NDArray[np.float64]) -> tuple[tuple[float, int], ...]:
    """Count the middle 99 % in even bins, so that a few far ones do not hide the rest."""
    low, high = np.quantile(values, [0.005, 0.995])
    inside = np.clip(values, low, high)
    counts, edges = np.histogram(inside, bins=2 * BINS)
    ends = [(_short(edge), int(n)) for edge, n in zip(edges[:-1], counts, strict=True)]
    return (*ends, (_short(edges[-1]), 0))


def _short(value: float) -> float:
    """Keep six significant digits: a figure shows three."""
    return float(f"{value:.6g}")
