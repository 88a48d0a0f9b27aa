"""The weights of a linear model and the one order in which they are summed.

Floating-point sums depend on their order, so the order is part of the format: intercept
first, then the terms in the order of the features, each made by separate operations (a
difference, a quotient, a product). One row in plain Python and many rows in NumPy do the
same operations and so give the same bits.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

STANDARD_LIMIT = 1e6
"""Standardised values are held within this many deviations, so that a sum stays finite."""


class NumberTerm(msgspec.Struct, frozen=True, tag="number"):
    """Weight of a standardised number, and of its absence."""

    mean: float
    deviation: float
    weight: float
    missing: float


class CategoryTerm(msgspec.Struct, frozen=True, tag="category"):
    """Weight of each code of a category: missing, unknown, then the vocabulary."""

    weights: tuple[float, ...]


class LinearWeights(msgspec.Struct, frozen=True):
    """A linear model: an intercept and one term per feature."""

    intercept: float
    terms: tuple[NumberTerm | CategoryTerm, ...]

    def sum_one(self, numbers: Sequence[float]) -> float:
        """Sum the terms of one encoded row.

        Examples
        --------
        >>> weights = LinearWeights(
        ...     1.0, (NumberTerm(10.0, 2.0, 0.5, -3.0), CategoryTerm((0.0, 0.0, 7.0)))
        ... )
        >>> weights.sum_one([14.0, 2.0]), weights.sum_one([math.nan, 0.0])
        (9.0, -2.0)
        """
        total = self.intercept
        for term, number in zip(self.terms, numbers, strict=True):
            if type(term) is CategoryTerm:
                total += term.weights[int(number)]
            elif number != number:  # noqa: PLR0124 - only NaN differs from itself
                total += term.missing  # type: ignore[union-attr]
            else:
                z = (number - term.mean) / term.deviation  # type: ignore[union-attr]
                z = min(max(z, -STANDARD_LIMIT), STANDARD_LIMIT)
                total += z * term.weight  # type: ignore[union-attr]
        return total

    def sum_many(self, matrix: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum the terms of many encoded rows, term by term.

        Parameters
        ----------
        matrix : numpy.ndarray of shape (n_rows, n_features)
            Encoded rows.

        Returns
        -------
        numpy.ndarray of shape (n_rows,)
            The same bits as `sum_one` of each row.
        """
        total = np.full(matrix.shape[0], self.intercept)
        for position, term in enumerate(self.terms):
            column = matrix[:, position]
            if isinstance(term, CategoryTerm):
                total += np.asarray(term.weights)[column.astype(np.int64)]
                continue
            product = standardise(column, term.mean, term.deviation) * term.weight
            total += np.where(np.isnan(column), term.missing, product)
        return total


def standardise(column: NDArray[np.float64], mean: float, deviation: float) -> NDArray[np.float64]:
    """Count deviations from the mean, within `STANDARD_LIMIT`; NaN stays NaN."""
    with np.errstate(over="ignore"):
        return np.clip((column - mean) / deviation, -STANDARD_LIMIT, STANDARD_LIMIT)


def sigmoid(total: float) -> float:
    """Turn a logit into a probability, without overflow and with `math.exp` alone.

    NumPy's exponential may differ in the last bit between one number and many, so both ways
    of asking a model come here.

    Examples
    --------
    >>> sigmoid(0.0), sigmoid(-800.0), sigmoid(800.0)
    (0.5, 0.0, 1.0)
    """
    if total >= 0.0:
        return 1.0 / (1.0 + math.exp(-total))
    small = math.exp(total)
    return small / (1.0 + small)
