"""A metric of one model: its value, and the interval that other days would have given.

A number without an interval invites decisions that the data do not carry, so there is no
way here to ask for one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from isbjerg.errors import ArgumentError
from isbjerg.evaluation.estimating import estimator
from isbjerg.evaluation.estimators import Floats
from isbjerg.frame.metrics import NamedMetric, find_metric, metric_names
from isbjerg.statistics.bootstrap import (
    BLOCKS_MIN,
    Blocks,
    blocks_of,
    draw_weights,
    percentile_interval,
)

REPLICATES = 500
LEVEL = 0.95


class Measured(msgspec.Struct, frozen=True, omit_defaults=True):
    """A metric of one model on some rows.

    Parameters
    ----------
    name : str
        The metric.
    value : float or None
        ``None`` when it is undefined there: no rows, or one class only.
    low, high : float or None
        Its 95 % interval; ``None`` when there are too few blocks for one.
    n : int
        Rows.
    blocks : int
        Blocks of rows that belong together.
    word : str
        What a block is, in the plural.
    """

    name: str
    value: float | None
    low: float | None
    high: float | None
    n: int
    blocks: int
    word: str = "blocks"

    def __str__(self) -> str:
        if self.value is None:
            return f"{self.name} undefined on {self.n:,} rows"
        if self.low is None or self.high is None:
            return f"{self.name} {self.value:.3f} (no interval: {self.blocks} {self.word})"
        return f"{self.name} {self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


def named(name: str) -> NamedMetric:
    """Look a metric up.

    Raises
    ------
    ArgumentError
        When there is none of that name.
    """
    found = find_metric(name)
    if found is None:
        rule = f"be one of {', '.join(metric_names())}"
        raise ArgumentError.out_of_range("name", "measure", rule, name)
    return found


def measure(
    name: str,
    truth: NDArray[Any],
    scores: NDArray[np.float64],
    blocks: Blocks | NDArray[Any],
    rng: np.random.Generator,
    *,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> Measured:
    """Measure one metric.

    Parameters
    ----------
    name : str
        A metric that `isbjerg.frame.metrics.find_metric` knows.
    truth : numpy.ndarray of shape (n_rows,)
        What came true; truth values or 0 and 1 for a binary target, positions of classes for
        a multiclass one. Rows without an outcome are left out by the caller.
    scores : numpy.ndarray of shape (n_rows,) or (n_rows, n_classes)
        What the model said.
    blocks : Blocks or numpy.ndarray of shape (n_rows,)
        Which rows belong together, such as the day of the decision.
    rng : numpy.random.Generator
        Where the replicates come from.
    replicates : int, default=500
        Bootstrap replicates.
    level : float, default=0.95
        Coverage aimed at.

    Returns
    -------
    Measured
        With a percentile interval over resampled blocks.

    Examples
    --------
    >>> truth = np.array([0, 0, 1, 1] * 10)
    >>> scores = np.array([0.1, 0.4, 0.35, 0.8] * 10)
    >>> found = measure("roc_auc", truth, scores, np.arange(40), np.random.default_rng(0))
    >>> found.value
    0.75
    """
    return measure_all([name], truth, scores, blocks, rng, replicates=replicates, level=level)[name]


def measure_all(
    names: Iterable[str],
    truth: NDArray[Any],
    scores: NDArray[np.float64],
    blocks: Blocks | NDArray[Any],
    rng: np.random.Generator,
    *,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> dict[str, Measured]:
    """Measure several metrics under the same replicates; see `measure`."""
    grouped = as_blocks(blocks)
    real, said = as_floats(truth, scores, grouped)
    weights = draw_weights(grouped, replicates, rng) if grouped.count >= BLOCKS_MIN else None
    return {
        name: _measure(named(name), real, said, grouped, weights, level=level)
        for name in dict.fromkeys(names)
    }


def as_blocks(blocks: Blocks | NDArray[Any]) -> Blocks:
    """Take blocks as they are, or number them."""
    return blocks if isinstance(blocks, Blocks) else blocks_of(blocks)


def as_floats(truth: NDArray[Any], scores: NDArray[Any], blocks: Blocks) -> tuple[Floats, Floats]:
    """Check that truth, scores and blocks are of the same rows and hold numbers.

    Raises
    ------
    ArgumentError
        When they are not: leave out rows without an outcome before measuring.
    """
    real = np.asarray(truth, dtype=np.float64)
    said = np.asarray(scores, dtype=np.float64)
    if not real.shape == said.shape[:1] == blocks.ids.shape or said.ndim not in {1, 2}:
        shapes = (real.shape, said.shape, blocks.ids.shape)
        raise ArgumentError.out_of_range(
            "truth", "measure", "have one value per score and block", shapes
        )
    if not (np.isfinite(real).all() and np.isfinite(said).all()):
        missing = int((~np.isfinite(real)).sum()), int((~np.isfinite(said)).sum())
        raise ArgumentError.out_of_range(
            "truth", "measure", "hold finite numbers, as scores do", f"{missing} missing"
        )
    return real, said


def value_or_none(value: float) -> float | None:
    """Say ``None`` for a number that is undefined."""
    return None if np.isnan(value) else float(value)


def _measure(
    metric: NamedMetric,
    truth: Floats,
    scores: Floats,
    blocks: Blocks,
    weights: Floats | None,
    *,
    level: float,
) -> Measured:
    replicate = estimator(metric.name, truth, scores, blocks)
    value = float(replicate(np.ones((1, blocks.count)))[0])
    known = weights is not None and not np.isnan(value)
    replicates = replicate(weights) if known and weights is not None else None
    return measured(metric.name, value, replicates, blocks, level=level)


def measured(
    name: str, value: float, replicates: Floats | None, blocks: Blocks, *, level: float = LEVEL
) -> Measured:
    """Give a value the interval that its replicates span.

    Examples
    --------
    >>> str(measured("brier", 0.2, np.linspace(0.1, 0.3, 41), Blocks(np.arange(50), 50)))
    'brier 0.200 (0.105 to 0.295)'
    """
    bounds = None if replicates is None else percentile_interval(replicates, level)
    return Measured(
        name=name,
        value=value_or_none(value),
        low=bounds.low if bounds else None,
        high=bounds.high if bounds else None,
        n=len(blocks.ids),
        blocks=blocks.count,
        word=blocks.word,
    )
