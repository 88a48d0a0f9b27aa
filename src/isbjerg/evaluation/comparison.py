"""Two models on the same rows: whether one is better, and by how much.

The comparison is paired: each replicate draws the same days for both, so what is common to
both (a bad day for everyone) cancels. A difference counts only when its whole interval lies
above zero, and the answer is a sentence that an owner can read.
"""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from isbjerg.evaluation.estimating import estimator
from isbjerg.evaluation.estimators import Floats
from isbjerg.evaluation.metrics import (
    LEVEL,
    REPLICATES,
    as_blocks,
    as_floats,
    named,
    value_or_none,
)
from isbjerg.statistics.bootstrap import BLOCKS_MIN, Blocks, draw_weights, percentile_interval


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What separates two models on one metric.

    Parameters
    ----------
    metric : str
        The metric.
    name, against : str
        The model asked about, and the one it is compared with.
    difference : float or None
        How much better `name` is, positive whichever way the metric points; ``None`` when
        the metric is undefined on these rows.
    low, high : float or None
        The 95 % interval of the difference; ``None`` with too few blocks.
    better : bool
        Whether the whole interval lies above zero.
    n, blocks : int
        Rows and blocks compared on.
    sentence : str
        All of it, to be read.
    """

    metric: str
    name: str
    against: str
    difference: float | None
    low: float | None
    high: float | None
    better: bool
    n: int
    blocks: int
    sentence: str

    def not_worse(self, margin: float = 0.0) -> bool:
        """Whether the interval rules out being worse by more than `margin`.

        Without an interval nothing is ruled out.
        """
        return self.low is not None and self.low >= -margin


def compare(  # noqa: PLR0917 - two models on the same rows take this many
    metric: str,
    truth: NDArray[Any],
    scores: NDArray[np.float64],
    scores_against: NDArray[np.float64],
    blocks: Blocks | NDArray[Any],
    rng: np.random.Generator,
    *,
    names: tuple[str, str] = ("this model", "the other"),
    rows_word: str = "rows",
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> Comparison:
    """Compare two models on the same rows.

    Parameters
    ----------
    metric : str
        A metric that `isbjerg.frame.metrics.find_metric` knows.
    truth : numpy.ndarray of shape (n_rows,)
        What came true.
    scores, scores_against : numpy.ndarray of shape (n_rows,) or (n_rows, n_classes)
        What each model said.
    blocks : Blocks or numpy.ndarray of shape (n_rows,)
        Which rows belong together, such as the day of the decision.
    rng : numpy.random.Generator
        Where the replicates come from.
    names : (str, str)
        What the two are called.
    rows_word : str, default="rows"
        What a row is, in the plural.
    replicates : int, default=500
        Bootstrap replicates, the same for both models.
    level : float, default=0.95
        Coverage aimed at.

    Returns
    -------
    Comparison
        Positive differences are better ones.

    Examples
    --------
    The same scores twice are no step, whatever the metric:

    >>> truth, scores = np.array([0, 1] * 20), np.linspace(0, 1, 40)
    >>> same = compare("brier", truth, scores, scores, np.arange(40), np.random.default_rng(0))
    >>> same.better, same.not_worse()
    (False, True)
    """
    grouped = as_blocks(blocks)
    real, said = as_floats(truth, scores, grouped)
    _, other = as_floats(truth, scores_against, grouped)
    first = estimator(metric, real, said, grouped)
    second = estimator(metric, real, other, grouped)
    whole = np.ones((1, grouped.count))
    values = (float(first(whole)[0]), float(second(whole)[0]))
    drawn = None
    if not np.isnan(values).any() and grouped.count >= BLOCKS_MIN:
        weights = draw_weights(grouped, replicates, rng)
        drawn = (first(weights), second(weights))
    return compared(metric, values, drawn, grouped, names=names, rows_word=rows_word, level=level)


def compared(
    metric: str,
    values: tuple[float, float],
    replicates: tuple[Floats, Floats] | None,
    blocks: Blocks,
    *,
    names: tuple[str, str],
    rows_word: str = "rows",
    level: float = LEVEL,
) -> Comparison:
    """Compare two models by their values under the same replicates.

    Parameters
    ----------
    metric : str
        A metric of `isbjerg.frame.metrics.METRICS`.
    values : (float, float)
        On the rows as they are; NaN where undefined.
    replicates : (numpy.ndarray, numpy.ndarray) or None
        Of each model, drawn under the same weights; ``None`` with too few blocks.
    blocks : Blocks
        Which rows belong together.
    names, rows_word, level
        As for `compare`.

    Examples
    --------
    >>> both = np.array([0.2] * 40), np.array([0.3] * 40)
    >>> rows = Blocks(np.arange(50), 50)
    >>> found = compared("brier", (0.2, 0.3), both, rows, names=("new", "old"))
    >>> round(found.difference, 9), found.better
    (0.1, True)
    """
    sign = 1.0 if named(metric).higher_is_better else -1.0
    difference = value_or_none(sign * (values[0] - values[1]) + 0.0)  # no negative zero
    bounds = None
    if difference is not None and replicates is not None:
        bounds = percentile_interval(sign * (replicates[0] - replicates[1]) + 0.0, level)
    found = Comparison(
        metric=metric,
        name=names[0],
        against=names[1],
        difference=difference,
        low=bounds.low if bounds else None,
        high=bounds.high if bounds else None,
        better=bounds is not None and bounds.low > 0.0,
        n=len(blocks.ids),
        blocks=blocks.count,
        sentence="",
    )
    sentence = _sentence(found, rows_word, blocks.word, level)
    return msgspec.structs.replace(found, sentence=sentence)


def _sentence(found: Comparison, rows_word: str, block_word: str, level: float) -> str:
    metric = found.metric.replace("_", " ")
    where = f"{found.n:,} {rows_word}"
    if found.blocks != found.n:
        where += f" in {found.blocks:,} {block_word}"
    if found.difference is None:
        return f"{found.name} and {found.against} cannot be compared: {metric} is undefined on {where}."
    if found.low is None or found.high is None:
        return (
            f"{found.name} and {found.against} differ by {_short(found.difference)} {metric}, "
            f"but {where} are too few to tell that from chance."
        )
    if found.better:
        return (
            f"{found.name} beats {found.against} by {_short(found.difference)} {metric} "
            f"({100 * level:g} % interval {_short(found.low)} to {_short(found.high)}, {where})."
        )
    interval = f"{_short(found.low)} to {_short(found.high)}"
    bounds = f"{_short(found.difference)} ({interval}, {where})"
    if found.high < 0.0:
        return f"{found.name} is worse than {found.against} in {metric}: difference {bounds}."
    return (
        f"{found.name} is not better than {found.against} in {metric}: difference {bounds}; "
        "the step is not worth it."
    )


def _short(value: float) -> str:
    """Write three decimals, and no negative zero."""
    return f"{round(value, 3) + 0.0:.3f}"
