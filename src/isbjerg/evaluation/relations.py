r"""How much one column alone says about the target: one number that is comparable across columns.

Each column is cut into groups (few values or sixteenths of numbers, the commonest 5,000 texts, and
*missing* as a group of its own) and each row is predicted by what its group came to among the
*other* rows: five folds, so that a text that occurs once says nothing. Then

- of a binary target it is the area under the ROC curve, 0.5 for nothing, the mean of the folds';
- of a number the share of the variance explained, :math:`1 - \sum (y-\hat y)^2 / \sum (y-\bar y)^2`;
- of classes the share of the target's entropy that is gone: mutual information over entropy,
  :math:`1 - \sum \log \hat p(y) / \sum \log \bar p(y)`.

The intervals take rows as independent (DeLong's variance [1]_; the delta method for both ratios)
and are widened since folds share what they learnt from (Nadeau and Bengio [2]_); where rows of one
day hang together they are too narrow all the same. They compare columns; what a model is worth is
measured on test rows.

References
----------
.. [1] DeLong, E. R., DeLong, D. M., Clarke-Pearson, D. L. (1988). "Comparing the areas under two or
   more correlated receiver operating characteristic curves." Biometrics 44, 837-845.
.. [2] Nadeau, C., Bengio, Y. (2003). "Inference for the generalization error." Machine Learning
   52, 239-281.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import pairwise
from statistics import NormalDist
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

MEASURES = {"binary": "auc", "regression": "r2", "multiclass": "information"}
"""The number that is told for each kind of target."""

_FOLDS = 5
_GROUPS_OF_NUMBERS = 16
_TEXTS_MAX = 5_000
_SHOWN = 8
_PRIOR = 10.0
"""A group counts as if so many rows more of everybody's mean were in it."""

_Z = NormalDist().inv_cdf(0.975) * (1.0 + _FOLDS / (_FOLDS - 1)) ** 0.5
"""For 95 %, widened by Nadeau and Bengio's factor for test rows per training row, 1 / 4."""

_FEW = 20
"""Values with fewer rows are not shown: their means say nothing."""


class GroupMean(msgspec.Struct, frozen=True):
    """Rows that have a value of a column, or values in a range, and the target's mean there."""

    label: str
    low: float | None
    high: float | None
    rows: int
    mean: float


class Relation(msgspec.Struct, frozen=True, kw_only=True):
    """What one column alone says about the target.

    Parameters
    ----------
    column : str
        Its name.
    measure : {"auc", "r2", "information"}
        Which number.
    value, low, high : float
        The number and its 95 % interval; ``None`` where it is not defined.
    rows : int
        On so many rows.
    rank : float, optional
        Spearman's correlation with the target, of numbers with a binary or numeric target.
    groups : tuple of GroupMean
        The target's mean by value or range; empty for classes and hidden columns.
    """

    column: str
    measure: Literal["auc", "r2", "information"]
    value: float | None
    low: float | None
    high: float | None
    rows: int
    rank: float | None = None
    groups: tuple[GroupMean, ...] = ()


class _Cut(NamedTuple):
    """The group of each row, and of each group its label and range; the last one: missing."""

    codes: Whole
    labels: list[tuple[str, float | None, float | None]]


def relations(
    columns: pl.DataFrame,
    truth: Floats,
    kind: str,
    *,
    hides: Callable[[str], bool] = lambda _: False,
) -> list[Relation]:
    """Say of each column how much it says alone about the target, most first.

    Parameters
    ----------
    columns : polars.DataFrame
        Of the training rows, as they were known at the decision.
    truth : numpy.ndarray of shape (n_rows,)
        The target: 0 and 1, numbers, or positions of classes.
    kind : str
        ``binary``, ``regression`` or ``multiclass``.
    hides : callable
        Whether a column's values may not be shown.

    Examples
    --------
    >>> rng = np.random.default_rng(3)
    >>> x = rng.normal(size=4000)
    >>> table = pl.DataFrame({"x": x, "noise": rng.normal(size=4000)})
    >>> first, second = relations(table, 2 * x + rng.normal(size=4000), "regression")
    >>> first.column, 0.7 < first.value < 0.8, abs(second.value) < 0.02
    ('x', True, True)
    """
    measure = MEASURES[kind]
    folds = np.arange(len(truth)) % _FOLDS
    scored = _SCORES[measure]
    found = []
    for column in columns.iter_columns():
        cut = _cut(column)
        value, error = scored(cut, truth, folds) if len(truth) else (None, None)
        reach = None if value is None or error is None else _Z * error
        found.append(
            Relation(
                column=column.name,
                measure=measure,  # type: ignore[arg-type]
                value=value,
                low=None if value is None or reach is None else value - reach,
                high=None if value is None or reach is None else value + reach,
                rows=len(truth),
                rank=None if measure == "information" else _spearman(column, truth),
                groups=() if hides(column.name) or measure == "information" else _means(cut, truth),
            )
        )
    return sorted(found, key=lambda r: -(r.value if r.value is not None else -np.inf))


def _cut(column: pl.Series) -> _Cut:
    if column.dtype in (pl.String, pl.Boolean):
        return _cut_texts(column.cast(pl.String))
    whole = column.to_physical()
    there = whole.is_not_null().to_numpy()
    values = whole.drop_nulls().cast(pl.Float64).to_numpy()
    places, labels = _cut_numbers(values)
    codes = np.full(len(column), len(labels), np.int64)
    codes[there] = places
    return _Cut(codes, [*labels, ("missing", None, None)])


def _cut_numbers(values: Floats) -> tuple[Whole, list[tuple[str, float | None, float | None]]]:
    if not len(values):
        return np.array([], np.int64), []
    ordered = pl.Series(values).sort().to_numpy()
    steps = np.flatnonzero(ordered[1:] != ordered[:-1])
    if len(steps) < _GROUPS_OF_NUMBERS:
        edges = ordered[steps]
    else:
        levels = np.arange(1, _GROUPS_OF_NUMBERS) / _GROUPS_OF_NUMBERS
        edges = np.unique(ordered[(levels * (len(ordered) - 1)).astype(np.int64)])
        edges = edges[edges < ordered[-1]]
    ends = np.searchsorted(ordered, edges, side="right")
    starts = np.concatenate(([0], ends, [len(ordered)]))
    labels: list[tuple[str, float | None, float | None]] = [
        ("", float(ordered[a]), float(ordered[b - 1])) for a, b in pairwise(starts)
    ]
    places = np.searchsorted(edges, values, side="left")
    return places.astype(np.int64), labels


def _cut_texts(column: pl.Series) -> _Cut:
    counted = column.drop_nulls().alias("value").value_counts(name="rows")
    names = counted.sort("rows", "value", descending=[True, False])["value"].head(_TEXTS_MAX)
    numbered = pl.DataFrame({"value": names}).with_row_index("code")
    joined = pl.DataFrame({"value": column}).join(
        numbered, on="value", how="left", maintain_order="left"
    )
    other = len(names)
    codes = joined.select(
        pl.when(pl.col("value").is_null())
        .then(other + 1)
        .otherwise(pl.col("code").cast(pl.Int64).fill_null(other))
    ).to_series()
    labels: list[tuple[str, float | None, float | None]] = [(n, None, None) for n in names]
    return _Cut(codes.to_numpy(), [*labels, ("other", None, None), ("missing", None, None)])


def _crossed(cut: _Cut, values: Floats, folds: Whole) -> Floats:
    """Predict each row by the mean of its group among the other folds."""
    size = len(cut.labels)
    where = folds * size + cut.codes
    sums = np.bincount(where, values, _FOLDS * size).reshape(_FOLDS, size)
    counts = np.bincount(where, minlength=_FOLDS * size).reshape(_FOLDS, size)
    other_sums, other_counts = sums.sum(0) - sums, counts.sum(0) - counts
    overall = other_sums.sum(1, keepdims=True) / np.maximum(other_counts.sum(1, keepdims=True), 1)
    means = (other_sums + _PRIOR * overall) / (other_counts + _PRIOR)
    return np.asarray(means.reshape(-1)[where], np.float64)


def _auc(cut: _Cut, truth: Floats, folds: Whole) -> tuple[float | None, float | None]:
    """Take the mean of the folds' areas: between folds scores are not comparable."""
    scores = _crossed(cut, truth, folds)
    found = [delong(scores[folds == f], truth[folds == f] == 1.0) for f in range(_FOLDS)]
    known = [one for one in found if one is not None]
    if not known:
        return None, None
    value = float(np.mean([v for v, _ in known]))
    return value, float(np.sqrt(np.sum([e**2 for _, e in known]))) / len(known)


def delong(scores: Floats, positive: NDArray[np.bool_]) -> tuple[float, float] | None:
    """Compute the area under the ROC curve and its standard error.

    Parameters
    ----------
    scores : numpy.ndarray of shape (n,)
        Higher for what is more likely; equal ones count a half.
    positive : numpy.ndarray of bool, shape (n,)
        What came true.

    Returns
    -------
    tuple of (float, float) or None
        ``None`` when there is one class only.

    References
    ----------
    .. [1] DeLong, E. R., DeLong, D. M., Clarke-Pearson, D. L. (1988). "Comparing the areas under
       two or more correlated receiver operating characteristic curves." Biometrics 44, 837-845.

    Examples
    --------
    Two of the three negatives lie below both positives, one between them: (3 + 2) / 6.

    >>> area, error = delong(np.array([1.0, 2, 3, 4, 5]), np.array([0, 0, 1, 0, 1], bool))
    >>> round(area, 4), round(error, 4)
    (0.8333, 0.2357)
    """
    levels, codes = np.unique(scores, return_inverse=True)
    ups = np.bincount(codes, 1.0 * positive, len(levels))
    downs = np.bincount(codes, 1.0 - positive, len(levels))
    up, down = ups.sum(), downs.sum()
    if not up or not down:
        return None
    below = (np.cumsum(downs) - downs / 2) / down  # of negatives, for each positive
    above = (np.cumsum(ups[::-1])[::-1] - ups / 2) / up  # of positives, for each negative
    area = float((ups * below).sum() / up)
    spread = _variance(below, ups) / up + _variance(above, downs) / down
    return area, float(np.sqrt(spread))


def _variance(values: Floats, weights: NDArray[Any]) -> float:
    """Compute the sample variance of values that occur so often."""
    size = weights.sum()
    if size <= 1:
        return 0.0
    mean = (values * weights).sum() / size
    return float((weights * (values - mean) ** 2).sum() / (size - 1))


def _explained(cut: _Cut, truth: Floats, folds: Whole) -> tuple[float | None, float | None]:
    errors = (truth - _crossed(cut, truth, folds)) ** 2
    return _one_minus(errors, (truth - truth.mean()) ** 2)


def _information(cut: _Cut, truth: Floats, folds: Whole) -> tuple[float | None, float | None]:
    said, everybody = np.zeros(len(truth)), np.zeros(len(truth))
    alone = _Cut(np.zeros(len(truth), np.int64), [("", None, None)])
    for one in np.unique(truth):
        rows = truth == one
        said[rows] = _crossed(cut, rows.astype(np.float64), folds)[rows]
        everybody[rows] = _crossed(alone, rows.astype(np.float64), folds)[rows]
    tiny = 1e-12
    return _one_minus(-np.log(np.maximum(said, tiny)), -np.log(np.maximum(everybody, tiny)))


def _one_minus(part: Floats, whole: Floats) -> tuple[float | None, float | None]:
    """Compute ``1 - sum(part) / sum(whole)`` and its error by the delta method."""
    base = whole.mean()
    if not base > 0.0:
        return None, None
    ratio = part.mean() / base
    error = np.std((part - ratio * whole) / base) / np.sqrt(len(part))
    return float(1.0 - ratio), float(error)


_SCORES: Mapping[str, Callable[[_Cut, Floats, Whole], tuple[float | None, float | None]]] = {
    "auc": _auc,
    "r2": _explained,
    "information": _information,
}


def _spearman(column: pl.Series, truth: Floats) -> float | None:
    if column.dtype in (pl.String, pl.Boolean):
        return None
    there = column.is_not_null().to_numpy()
    if there.sum() < _FOLDS:
        return None
    pairs = pl.DataFrame({"x": column.to_physical(), "y": truth})
    pairs = pairs if there.all() else pairs.filter(there)
    y = pl.col("y")
    ranked = y if pairs["y"].is_in([0.0, 1.0]).all() else y.rank()  # of two values it is no other
    found = pairs.select(pl.corr(pl.col("x").rank(), ranked)).item()
    return None if found is None or np.isnan(found) else float(found)


def _means(cut: _Cut, truth: Floats) -> tuple[GroupMean, ...]:
    counts = np.bincount(cut.codes, minlength=len(cut.labels))
    sums = np.bincount(cut.codes, truth, len(cut.labels))
    shown = [int(i) for i in np.flatnonzero(counts >= min(_FEW, len(truth)))]
    if len(shown) <= 1:
        return ()
    if cut.labels[0][1] is None:  # texts: the commonest, and those without a value
        commonest = sorted(shown, key=lambda i: -counts[i])[:_SHOWN]
        shown = [i for i in shown if i in commonest]
    return tuple(
        GroupMean(*cut.labels[i], int(counts[i]), float(sums[i] / counts[i])) for i in shown
    )
