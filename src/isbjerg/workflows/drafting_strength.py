"""How well one column alone ranks the target: enough to see a leak, and to write a first rule."""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.stats import rankdata

from isbjerg.errors import ArgumentError

_GROUPS_MAX = 50
_CUTS = 20
_TWO = 2


class Halves(msgspec.Struct, frozen=True, kw_only=True):
    """A first rule: two groups of rows by one column, and the target's mean in each.

    Parameters
    ----------
    column : str
        Which column.
    threshold : float or None
        Rows above it are the one group; ``None`` for a category or a boolean.
    values : tuple
        Categories of the one group, for texts; empty otherwise.
    inside, outside : float
        Mean of the target in the group and in the rest, missing values included there.
    gain : float
        Share of the target's variance between the two groups.
    """

    column: str
    threshold: float | None
    values: tuple[str, ...]
    inside: float
    outside: float
    gain: float


def strength(values: pl.Series, goal: pl.Series) -> float:
    """Measure how well `values` alone rank `goal`.

    For two-valued targets it is the area under the ROC curve, mirrored to be at least 0.5; for
    numbers the same scale, from Spearman's correlation. A text with few values is ranked by the
    target's mean of each. Whether a value is missing counts as a column of its own.

    Parameters
    ----------
    values : polars.Series
        Any type; one that cannot be ranked gives 0.5.
    goal : polars.Series
        Floats of the same length, null where the target is missing.

    Returns
    -------
    float
        In ``[0.5, 1.0]``.

    Examples
    --------
    >>> late = pl.Series([0.0, 0.0, 1.0, 1.0])
    >>> strength(pl.Series([3, 5, 40, 90]), late), strength(pl.Series(["a", "b", "a", "b"]), late)
    (1.0, 0.5)
    """
    if values.len() != goal.len():
        raise ArgumentError.out_of_range(
            "goal", "strength", "have a row for each value", goal.len()
        )
    known = goal.is_not_null()
    values, goal = values.filter(known), goal.filter(known)
    truth = goal.to_numpy().astype(np.float64)
    missing = _ranked(values.is_null().cast(pl.Float64).to_numpy(), truth)
    scores = _scores(values, goal)
    if scores is None:
        return missing
    present = np.isfinite(scores)
    return max(missing, _ranked(scores[present], truth[present]))


def _scores(values: pl.Series, goal: pl.Series) -> np.ndarray | None:
    if values.dtype in (pl.String, pl.Categorical, pl.Enum):
        if values.n_unique() > _GROUPS_MAX:
            return None
        means = pl.DataFrame({"v": values.cast(pl.String), "g": goal}).select(
            m=pl.when(pl.col("v").is_not_null()).then(pl.col("g").mean().over("v"))
        )
        return means["m"].fill_null(float("nan")).to_numpy()
    if values.dtype.is_temporal() or values.dtype.is_numeric() or values.dtype == pl.Boolean:
        numbers = values.to_physical().cast(pl.Float64)
        return numbers.fill_null(float("nan")).to_numpy()
    return None


def _ranked(scores: np.ndarray, truth: np.ndarray) -> float:
    """Turn Spearman's correlation, or for two values the Mann-Whitney statistic, into a share."""
    if truth.size == 0 or np.ptp(truth) == 0 or np.ptp(scores) == 0:
        return 0.5
    ranks = rankdata(scores)
    distinct = np.unique(truth[: min(truth.size, 10_000)])
    if distinct.size == _TWO and np.isin(truth, distinct).all():
        high = truth == distinct[1]
        n_high = int(high.sum())
        n_low = truth.size - n_high
        area = (ranks[high].sum() - n_high * (n_high + 1) / 2) / (n_high * n_low)
    else:
        area = 0.5 + np.corrcoef(ranks, rankdata(truth))[0, 1] / 2
    return float(max(area, 1.0 - area))


def best_halves(values: pl.Series, goal: pl.Series, name: str) -> Halves | None:
    """Part rows by one column so that the target's means differ most.

    Parameters
    ----------
    values : polars.Series
        A number, boolean or text column of the rows to learn from.
    goal : polars.Series
        The target as floats, without nulls.
    name : str
        Name of the column.

    Returns
    -------
    Halves or None
        ``None`` when the column does not part the rows.

    Examples
    --------
    >>> found = best_halves(pl.Series([1, 2, 8, 9]), pl.Series([0.0, 0.0, 1.0, 1.0]), "hour")
    >>> found.inside, found.outside, 2 <= found.threshold < 8
    (1.0, 0.0, True)
    """
    truth = goal.to_numpy()
    if values.dtype in (pl.String, pl.Categorical, pl.Enum):
        texts = values.cast(pl.String)
        means = pl.DataFrame({"v": texts, "g": goal}).group_by("v").agg(pl.col("g").mean())
        middle = float(goal.to_numpy().mean())
        chosen = means.drop_nulls().filter(pl.col("g") > middle)["v"].sort().to_list()
        inside = texts.is_in(chosen).fill_null(value=False).to_numpy()
        return _halves(inside, truth, name, None, tuple(chosen))
    if values.dtype == pl.Boolean:
        return _halves(values.fill_null(value=False).to_numpy(), truth, name, None, ())
    numbers = values.cast(pl.Float64)
    present = numbers.drop_nulls()
    if present.is_empty():
        return None
    places = np.quantile(present.to_numpy(), np.linspace(0.05, 0.95, _CUTS))
    cuts = sorted({float(f"{place:.3g}") for place in places})
    plain = numbers.to_numpy()  # a missing value is NaN there, and above no cut
    found = [_halves(plain > cut, truth, name, cut, ()) for cut in cuts]
    return max((f for f in found if f is not None), key=lambda f: f.gain, default=None)


def _halves(
    group: NDArray[np.bool_],
    truth: NDArray[np.float64],
    name: str,
    threshold: float | None,
    values: tuple[str, ...],
) -> Halves | None:
    if group.all() or not group.any():
        return None
    spread = float(truth.var())
    means = float(truth[group].mean()), float(truth[~group].mean())
    share = float(group.mean())
    gain = share * (1 - share) * (means[0] - means[1]) ** 2 / spread if spread else 0.0
    return Halves(
        column=name,
        threshold=threshold,
        values=values,
        inside=means[0],
        outside=means[1],
        gain=gain,
    )
