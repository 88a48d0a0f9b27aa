"""The default encoding in front of an estimator that takes neither texts nor missing values.

A number is filled with the training median where it is missing, then standardised; if it was
missing in training, a column of its own says where. A category has one column per code that the
training rows have: missing, rare or unknown, and the texts of its vocabulary. What they do not have
gets no column, for no weight could be learnt for it. The result is rounded to single precision, in
which ONNX computes, *before* an estimator learns from it: so what it learns from is exactly what
its ONNX form is given.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from isbjerg.models.encoding import CODE_FIRST, Encoder, Encoding
from isbjerg.models.weights import standardise

DEVIATIONS_MAX = 100.0
"""A number farther from the mean is held there: single precision has seven digits, and one number
with a million deviations would use them all up in a sum."""

CATEGORIES_MAX = 50
"""Texts with a column of their own, by default: each is a column in memory while training."""


class NumberColumn(msgspec.Struct, frozen=True, tag="number"):
    """A standardised number, and whether its absence has a column."""

    fill: float
    mean: float
    deviation: float
    absence: bool


class CodeColumns(msgspec.Struct, frozen=True, tag="codes"):
    """One column for each of some codes of a category.

    Parameters
    ----------
    codes : tuple of int
        Those with a column, ascending.
    of : int
        How many codes there are; a row with one of the others has 0 in every column.
    """

    codes: tuple[int, ...]
    of: int


class Design(msgspec.Struct, frozen=True):
    """How encoded rows become the columns of an estimator."""

    terms: tuple[NumberColumn | CodeColumns, ...]

    @property
    def width(self) -> int:
        """Columns of the result."""
        return sum(
            len(t.codes) if isinstance(t, CodeColumns) else 1 + int(t.absence) for t in self.terms
        )

    def fits(self, encodings: Sequence[Encoding]) -> bool:
        """Say whether it can be applied to what these encodings make."""
        widths = [
            None if e.kind == "numeric" else CODE_FIRST + len(e.vocabulary) for e in encodings
        ]
        own = [t.of if isinstance(t, CodeColumns) else None for t in self.terms]
        flat = any(isinstance(t, NumberColumn) and not t.deviation > 0.0 for t in self.terms)
        known = all(
            all(0 <= code < t.of for code in t.codes)
            for t in self.terms
            if isinstance(t, CodeColumns)
        )
        return widths == own and known and not flat

    def apply(self, matrix: NDArray[np.float64]) -> NDArray[np.float32]:
        """Make the columns of many encoded rows, or of one.

        Parameters
        ----------
        matrix : numpy.ndarray of shape (n_rows, n_features)
            From `isbjerg.models.encoding.Encoder`.

        Returns
        -------
        numpy.ndarray of shape (n_rows, width)
            Finite numbers of single precision.

        Examples
        --------
        >>> design = Design((NumberColumn(3.0, 2.0, 0.5, True), CodeColumns((0, 2), 3)))
        >>> design.apply(np.array([[1.0, 2.0], [np.nan, 0.0]])).tolist()
        [[-2.0, 0.0, 0.0, 1.0], [2.0, 1.0, 1.0, 0.0]]
        """
        rows = len(matrix)
        made = np.zeros((rows, self.width), dtype=np.float32)
        place = 0
        for position, term in enumerate(self.terms):
            column = matrix[:, position]
            if isinstance(term, CodeColumns):
                codes = np.array(term.codes)
                made[:, place : place + len(codes)] = column[:, np.newaxis] == codes
                place += len(codes)
                continue
            missing = np.isnan(column)
            filled = np.where(missing, term.fill, column)
            scaled = standardise(filled, term.mean, term.deviation)
            made[:, place] = np.clip(scaled, -DEVIATIONS_MAX, DEVIATIONS_MAX)
            place += 1
            if term.absence:
                made[:, place] = missing
                place += 1
        return made


def fit(encoder: Encoder, matrix: NDArray[np.float64]) -> Design:
    """Learn a design from encoded training rows.

    Parameters
    ----------
    encoder : Encoder
        Says which features are categories.
    matrix : numpy.ndarray of shape (n_rows, n_features)
        What it made of the training rows.
    """
    terms: list[NumberColumn | CodeColumns] = []
    for position, encoding in enumerate(encoder.encodings):
        if encoding.kind == "category":
            seen = np.unique(matrix[:, position]).astype(int).tolist()
            terms.append(CodeColumns(tuple(seen), CODE_FIRST + len(encoding.vocabulary)))
        else:
            terms.append(_number(matrix[:, position]))
    return Design(tuple(terms))


def _number(column: NDArray[np.float64]) -> NumberColumn:
    missing = np.isnan(column)
    present = column[~missing]
    absence = bool(missing.any()) and present.size > 0
    if present.size == 0:
        return NumberColumn(0.0, 0.0, 1.0, absence)
    fill = float(np.median(present))
    with np.errstate(over="ignore", invalid="ignore"):
        mean, deviation = float(present.mean()), float(present.std())
    if not (np.isfinite(mean) and np.isfinite(deviation)):
        mean, deviation = fill, 1.0  # values near the largest float: no scale
    return NumberColumn(fill, mean, deviation if deviation > 0.0 else 1.0, absence)
