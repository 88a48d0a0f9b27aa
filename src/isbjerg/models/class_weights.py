"""The weights of a linear model of several classes, and the one order in which they are summed.

Each class has an intercept and a weight per term; the largest sum is the likeliest class. One row
and many rows add the same products in the same order, term by term, each for all classes at once,
so they give the same bits; the probabilities then come from :func:`softmax` alone.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from isbjerg.models.weights import STANDARD_LIMIT, standardise

Row = tuple[float, ...]
"""One weight per class."""


class NumberTerms(msgspec.Struct, frozen=True, tag="number"):
    """Weights of a standardised number, and of its absence."""

    mean: float
    deviation: float
    weights: Row
    missing: Row


class CategoryTerms(msgspec.Struct, frozen=True, tag="category"):
    """Weights of each code of a category: missing, unknown, then the vocabulary."""

    weights: tuple[Row, ...]


class ClassWeights(msgspec.Struct, frozen=True):
    """A linear model of several classes: their intercepts, and one term per feature."""

    intercepts: Row
    terms: tuple[NumberTerms | CategoryTerms, ...]


class ClassSums:
    """Sum the terms of a linear model of several classes.

    Parameters
    ----------
    weights : ClassWeights
        As they are stored.

    Examples
    --------
    >>> number = NumberTerms(10.0, 2.0, (0.5, -0.5), (3.0, 0.0))
    >>> sums = ClassSums(ClassWeights((1.0, 0.0), (number, CategoryTerms(((0.0, 1.0),) * 3))))
    >>> sums.one([14.0, 2.0]), sums.one([math.nan, 0.0])
    ([2.0, 0.0], [4.0, 1.0])
    """

    def __init__(self, weights: ClassWeights) -> None:
        self._intercepts = np.array(weights.intercepts)
        self._terms = [
            (term, np.array(term.weights), np.array(getattr(term, "missing", ())))
            for term in weights.terms
        ]

    def one(self, numbers: Sequence[float]) -> list[float]:
        """Sum the terms of one encoded row, for each class."""
        totals = self._intercepts.copy()
        for (term, weights, missing), number in zip(self._terms, numbers, strict=True):
            if isinstance(term, CategoryTerms):
                totals += weights[int(number)]
            elif number != number:  # noqa: PLR0124 - only NaN differs from itself
                totals += missing
            else:
                z = (number - term.mean) / term.deviation
                totals += min(max(z, -STANDARD_LIMIT), STANDARD_LIMIT) * weights
        return totals.tolist()  # type: ignore[no-any-return]

    def many(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum the terms of many encoded rows.

        Parameters
        ----------
        matrix : numpy.ndarray of shape (n_rows, n_features)
            Encoded rows.

        Returns
        -------
        numpy.ndarray of shape (n_rows, n_classes)
            The same bits as `one` of each row.
        """
        totals = np.tile(self._intercepts, (matrix.shape[0], 1))
        for position, (term, weights, missing) in enumerate(self._terms):
            column = matrix[:, position]
            if isinstance(term, CategoryTerms):
                totals += weights[column.astype(np.int64)]
                continue
            product = standardise(column, term.mean, term.deviation)[:, None] * weights
            totals += np.where(np.isnan(column)[:, None], missing, product)
        return totals


def softmax(totals: Sequence[float]) -> tuple[float, ...]:
    """Turn the sums of the classes into probabilities, without overflow.

    It uses `math` alone: NumPy's exponential may differ in the last bit between one number and
    many, and a sum of Python's floats between versions of Python, `math.fsum` does not.

    Examples
    --------
    >>> softmax([0.0, 0.0]), softmax([800.0, -800.0])
    ((0.5, 0.5), (1.0, 0.0))
    """
    largest = max(totals)
    powers = [math.exp(total - largest) for total in totals]
    whole = math.fsum(powers)
    return tuple(power / whole for power in powers)
