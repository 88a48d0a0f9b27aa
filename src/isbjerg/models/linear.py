"""The linear rung: logistic, multinomial or ridge regression, stored as plain numbers.

Numbers are standardised with the training rows' mean and deviation and have a weight for
being missing; each code of a category has a weight of its own. scikit-learn finds the
weights; what is stored and served is only these.
"""

from __future__ import annotations

import warnings
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from isbjerg.errors import ArgumentError
from isbjerg.models.class_weights import CategoryTerms, ClassWeights, NumberTerms
from isbjerg.models.encoding import CODE_FIRST, Encoder
from isbjerg.models.fitted import Class, Fitted, TargetKind, truth_as_floats
from isbjerg.models.weights import CategoryTerm, LinearWeights, NumberTerm, standardise

ITERATIONS_MAX = 1_000


class _Scale(msgspec.Struct, frozen=True):
    """Mean and deviation of one feature's present training values."""

    mean: float = 0.0
    deviation: float = 1.0


def fit(
    columns: pl.DataFrame,
    truth: NDArray[Any],
    target_kind: TargetKind,
    *,
    encoder: Encoder,
    penalty: float = 1.0,
    classes: tuple[Class, ...] = (),
) -> Fitted:
    """Learn a linear model.

    Parameters
    ----------
    columns : polars.DataFrame
        Features of the training rows.
    truth : numpy.ndarray of shape (n_rows,)
        Truth values, numbers, or positions of classes.
    target_kind : {"binary", "regression", "multiclass", "ranking"}
        Logistic regression, of two classes or several, or ridge regression.
    encoder : Encoder
        Learnt on the same rows.
    penalty : float, default=1.0
        Weight of the squared coefficients, above 0: more shrinks more.
    classes : tuple, optional
        Of a multiclass target.

    Returns
    -------
    Fitted
        Parameters are `isbjerg.models.weights.LinearWeights`, or
        `isbjerg.models.class_weights.ClassWeights` of several classes; no files. A note tells when
        the search for the weights did not converge.

    Raises
    ------
    ArgumentError
        When `penalty` is not above 0.
    """
    if not penalty > 0:
        raise ArgumentError.out_of_range("penalty", "linear", "be above 0", penalty)
    numbers = truth_as_floats(truth, target_kind)
    matrix = encoder.encode_many(columns)
    scales = [_scale(encoder, matrix, i) for i in range(matrix.shape[1])]
    design = _design(encoder, matrix, scales)
    if target_kind in {"binary", "multiclass"}:
        model = LogisticRegression(C=1.0 / penalty, max_iter=ITERATIONS_MAX)
    else:
        model = Ridge(alpha=penalty, solver="sparse_cg", tol=1e-10)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(design, numbers)
    weights: LinearWeights | ClassWeights
    if target_kind == "multiclass":
        weights = _class_weights(encoder, scales, model.coef_, model.intercept_)
    else:
        intercept = float(np.ravel(model.intercept_)[0])
        weights = _weights(encoder, scales, np.ravel(model.coef_), intercept)
    return Fitted(
        kind="linear",
        target_kind=target_kind,
        classes=classes,
        encoder=encoder,
        parameters=msgspec.to_builtins(weights),
        notes=_notes(caught),
    )


def _notes(caught: list[warnings.WarningMessage]) -> tuple[str, ...]:
    if any(issubclass(w.category, ConvergenceWarning) for w in caught):
        return (f"The linear fit did not converge in {ITERATIONS_MAX} iterations.",)
    return ()


def _scale(encoder: Encoder, matrix: NDArray[np.float64], position: int) -> _Scale:
    if encoder.encodings[position].kind == "category":
        return _Scale()
    column = matrix[:, position]
    present = column[~np.isnan(column)]
    if present.size == 0:
        return _Scale()
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = float(present.mean()), float(present.std())
    if not (np.isfinite(mean) and np.isfinite(deviation)):
        return _Scale(float(np.median(present)))  # values near the largest float: no scale
    return _Scale(mean, deviation if deviation > 0.0 else 1.0)


def _widths(encoder: Encoder) -> list[int]:
    """Columns that each feature takes: value and missing, or one per code."""
    return [2 if e.kind == "numeric" else CODE_FIRST + len(e.vocabulary) for e in encoder.encodings]


def _design(encoder: Encoder, matrix: NDArray[np.float64], scales: list[_Scale]) -> csr_matrix:
    """Write each feature as exactly one entry per row: its value, its absence, or its code."""
    rows, features = matrix.shape
    starts = np.concatenate([[0], np.cumsum(_widths(encoder))])
    places = np.empty((rows, features), dtype=np.int64)
    entries = np.ones((rows, features), dtype=np.float64)
    for i, encoding in enumerate(encoder.encodings):
        column = matrix[:, i]
        if encoding.kind == "category":
            places[:, i] = starts[i] + column.astype(np.int64)
            continue
        missing = np.isnan(column)
        places[:, i] = starts[i] + missing
        value = standardise(column, scales[i].mean, scales[i].deviation)
        entries[:, i] = np.where(missing, 1.0, value)
    pointers = np.arange(0, rows * features + 1, features) if features else np.zeros(rows + 1)
    shape = (rows, max(int(starts[-1]), 1))
    return csr_matrix((entries.ravel(), places.ravel(), pointers.astype(np.int64)), shape=shape)


def _weights(
    encoder: Encoder, scales: list[_Scale], found: NDArray[np.float64], intercept: float
) -> LinearWeights:
    terms: list[NumberTerm | CategoryTerm] = []
    start = 0
    for encoding, scale, width in zip(encoder.encodings, scales, _widths(encoder), strict=True):
        own = [float(w) for w in found[start : start + width]]
        if encoding.kind == "numeric":
            terms.append(NumberTerm(scale.mean, scale.deviation, own[0], own[1]))
        else:
            terms.append(CategoryTerm(tuple(own)))
        start += width
    return LinearWeights(intercept, tuple(terms))


def _class_weights(
    encoder: Encoder,
    scales: list[_Scale],
    found: NDArray[np.float64],
    intercepts: NDArray[np.float64],
) -> ClassWeights:
    if len(found) == 1:  # of two classes scikit-learn keeps the weights of the second only
        found, intercepts = (np.vstack([np.zeros_like(a), a]) for a in (found, intercepts))
    columns = [tuple(column) for column in found.T.tolist()]
    terms: list[NumberTerms | CategoryTerms] = []
    start = 0
    for encoding, scale, width in zip(encoder.encodings, scales, _widths(encoder), strict=True):
        own = columns[start : start + width]
        if encoding.kind == "numeric":
            terms.append(NumberTerms(scale.mean, scale.deviation, own[0], own[1]))
        else:
            terms.append(CategoryTerms(tuple(own)))
        start += width
    return ClassWeights(tuple(np.ravel(intercepts).tolist()), tuple(terms))
