"""From features to numbers: what each feature becomes in a model's matrix.

A number, a truth value and a duration become a float; a text becomes the code of its place
in a vocabulary learnt on the training rows. Missing is NaN here, inside the matrix, and
nowhere else. Encoding one row and encoding a table give the same bits.

This module is what a prediction server runs, so it imports no table library: it only calls
methods of the columns that it is given.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from isbjerg.errors import ArgumentError, TypingError
from isbjerg.expressions.tree import Type

if TYPE_CHECKING:
    import polars as pl

CODE_MISSING = 0.0
"""Code of a null in a category."""

CODE_UNKNOWN = 1.0
"""Code of a text outside the vocabulary: rare in training, or never seen there."""

CODE_FIRST = 2
"""Code of the vocabulary's first text; the others follow."""

CATEGORIES_MAX = 254
"""Texts kept by default: with the two codes above they fit LightGBM's default bins."""

ROWS_MIN = 5
"""Training rows that a text needs by default to get a code of its own."""

_NUMERIC = frozenset({Type.BOOLEAN, Type.INTEGER, Type.FLOAT, Type.DURATION})
_PREFIX = "feature:"


class Encoding(msgspec.Struct, frozen=True, omit_defaults=True):
    """How one feature becomes one number.

    Parameters
    ----------
    name : str
        The feature.
    type : Type
        Its type.
    kind : {"numeric", "category"}
        As a float, or as the code of a text.
    vocabulary : tuple of str
        For a category: its texts, the most frequent first.
    """

    name: str
    type: Type
    kind: Literal["numeric", "category"]
    vocabulary: tuple[str, ...] = ()

    @property
    def codes(self) -> dict[str | None, float]:
        """Code of each text that has one, and of null."""
        known: dict[str | None, float] = {
            text: float(code) for code, text in enumerate(self.vocabulary, CODE_FIRST)
        }
        known[None] = CODE_MISSING
        return known


class Encoder(msgspec.Struct, frozen=True, omit_defaults=True):
    """How the features of a set become the columns of a matrix, one each, in order."""

    encodings: tuple[Encoding, ...] = ()

    @property
    def categories(self) -> tuple[int, ...]:
        """Positions of the features that are categories."""
        return tuple(i for i, e in enumerate(self.encodings) if e.kind == "category")

    def encode_many(self, columns: pl.DataFrame) -> NDArray[np.float64]:
        """Encode a table.

        Parameters
        ----------
        columns : polars.DataFrame
            The features by name (``hour`` or ``feature:hour``), as carriers.

        Returns
        -------
        numpy.ndarray of shape (n_rows, n_features)
            Row-major floats; NaN for missing numbers.

        Raises
        ------
        ArgumentError
            When a feature is not among the columns.
        """
        matrix = np.empty((columns.height, len(self.encodings)), dtype=np.float64)
        by_name = dict(zip(columns.columns, columns.iter_columns(), strict=True))
        for position, encoding in enumerate(self.encodings):
            matrix[:, position] = _encode_column(encoding, _column(by_name, encoding.name))
        return matrix

    def row_encoder(self) -> Callable[[Sequence[Any]], list[float]]:
        """Prepare the encoding of single rows.

        Returns
        -------
        callable
            Takes the features of one row, as carriers in order, and returns their numbers;
            whole numbers and truth values are left as they are, for they convert exactly as
            a table's do when they meet a float.

        Examples
        --------
        >>> encode = Encoder(
        ...     (
        ...         Encoding("hour", Type.INTEGER, "numeric"),
        ...         Encoding("carrier", Type.TEXT, "category", ("UA", "B6")),
        ...     )
        ... ).row_encoder()
        >>> encode((17, "B6")), encode((None, "ZZ")), encode((0, None))
        ([17, 3.0], [nan, 1.0], [0, 0.0])
        """
        tables = [(i, self.encodings[i].codes) for i in self.categories]
        missing = math.nan

        def encode(features: Sequence[Any]) -> list[float]:
            numbers = [missing if value is None else value for value in features]
            for position, codes in tables:
                numbers[position] = codes.get(features[position], CODE_UNKNOWN)
            return numbers

        return encode


def fit(
    columns: pl.DataFrame,
    types: Sequence[Type],
    *,
    categories_max: int = CATEGORIES_MAX,
    rows_min: int = ROWS_MIN,
) -> Encoder:
    """Learn an encoder from training rows.

    Parameters
    ----------
    columns : polars.DataFrame
        The features in order, as carriers; training rows only, or the evaluation is told
        what it should not know.
    types : sequence of Type
        Type of each column.
    categories_max : int, default=254
        Texts that get a code of their own, the most frequent first (equally frequent ones in
        code point order).
    rows_min : int, default=5
        Training rows that such a text needs; rarer ones share one code with texts never
        seen, so that a model learns what a rare text means.

    Returns
    -------
    Encoder
        JSON-able.

    Raises
    ------
    TypingError
        When a feature is an instant or a local time: a model that splits on the calendar
        learns the past by heart. Use ``.hour()``, ``.weekday()`` or a duration.

    Examples
    --------
    >>> import polars as pl
    >>> encoder = fit(pl.DataFrame({"carrier": ["UA", "B6", "UA"]}), [Type.TEXT], rows_min=2)
    >>> encoder.encodings[0].vocabulary
    ('UA',)
    """
    if len(types) != columns.width:
        raise ArgumentError.out_of_range(
            "types", "fit", f"hold {columns.width} types, one per column", len(types)
        )
    encodings = []
    for name, type_ in zip(columns.columns, types, strict=True):
        short = name.removeprefix(_PREFIX)
        if type_ in _NUMERIC:
            encodings.append(Encoding(short, type_, "numeric"))
        elif type_ is Type.TEXT:
            vocabulary = _vocabulary(columns[name], categories_max, rows_min)
            encodings.append(Encoding(short, type_, "category", vocabulary))
        else:
            raise _refuse_time(short, type_)
    return Encoder(tuple(encodings))


def _refuse_time(name: str, type_: Type) -> TypingError:
    return TypingError(
        f"Feature '{name}' is of type {type_.value}; a model takes numbers, truth values, texts "
        "and durations.",
        code="ISB401",
        mend=f"return {name}.hour(), {name}.weekday(), or a difference of two times",
        feature=name,
        type=type_.value,
    )


def _vocabulary(column: pl.Series, categories_max: int, rows_min: int) -> tuple[str, ...]:
    counts = column.drop_nulls().value_counts(name="rows")
    rows = zip(counts[column.name].to_list(), counts["rows"].to_list(), strict=True)
    ranked = sorted((-count, text) for text, count in rows if count >= rows_min)
    return tuple(text for _, text in ranked[:categories_max])


def _column(columns: Mapping[str, pl.Series], name: str) -> pl.Series:
    # An assembled table holds columns too, and a feature may be named like the one it is made of.
    for candidate in (_PREFIX + name, name):
        if candidate in columns:
            return columns[candidate]
    raise ArgumentError.out_of_range(
        "columns", "encode_many", f"hold the feature '{name}'", list(columns)
    )


def _encode_column(encoding: Encoding, column: pl.Series) -> NDArray[np.float64]:
    if encoding.kind == "numeric":
        numbers: NDArray[np.float64] = column.to_physical().cast(float).to_numpy()
        return numbers
    codes = encoding.codes
    coded: NDArray[np.float64] = column.replace_strict(
        list(codes), list(codes.values()), default=CODE_UNKNOWN
    ).to_numpy()
    return coded
