"""How the values of a column are counted: the same way when a model was tested and while it is live."""

from __future__ import annotations

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

NUMBERS_BINS = 16
TEXTS_BINS = 12

VALUES_MAX = 500
"""A column with more values than this names things; how often each comes says nothing."""


class Bins(msgspec.Struct, frozen=True, kw_only=True):
    """The bins of one column.

    Parameters
    ----------
    kind : {"numbers", "values"}
        Whether they have an order.
    edges : tuple of float
        Of numbers: inner edges, growing; a value on an edge lies above it.
    values : tuple of str, bool or int
        Of values: those counted apart; the last bin holds all others.
    """

    kind: str
    edges: tuple[float, ...] = ()
    values: tuple[str | bool | int, ...] = ()

    @property
    def count(self) -> int:
        """Number of bins."""
        return 1 + (len(self.edges) if self.kind == "numbers" else len(self.values))

    def places(self, column: pl.Series) -> NDArray[np.int64]:
        """Say in which bin each value of a column without missing values falls.

        Examples
        --------
        >>> Bins(kind="numbers", edges=(1.0, 2.0)).places(pl.Series([0.5, 1.0, 5.0])).tolist()
        [0, 1, 2]
        >>> Bins(kind="values", values=("a", "b")).places(pl.Series(["b", "z"])).tolist()
        [1, 2]
        """
        if self.kind == "numbers":
            numbers = column.cast(pl.Float64).to_numpy()
            return np.asarray(np.searchsorted(np.array(self.edges), numbers, side="right"))
        places = np.full(len(column), len(self.values), dtype=np.int64)
        for place, value in enumerate(self.values):
            places[(column == value).to_numpy()] = place
        return places


def bins_of(column: pl.Series) -> Bins | None:
    """Choose the bins of a column from its values.

    Parameters
    ----------
    column : polars.Series
        Carriers; missing ones are left out.

    Returns
    -------
    Bins or None
        Numbers are counted between quantiles, other values singly while they are not too many;
        ``None`` for times, for one value only, and for names that hardly repeat.

    Examples
    --------
    >>> bins_of(pl.Series([1, 2, 3, 4])).edges
    (2.0, 3.0, 4.0)
    >>> bins_of(pl.Series(["b", "a", "a"])).values
    ('a', 'b')
    """
    there = column.drop_nulls()
    if there.dtype.is_temporal() or there.min() == there.max():  # one value, or none, has no shape
        return None
    if there.dtype.is_numeric():
        numbers = there.cast(pl.Float64).to_numpy()
        inner = np.linspace(0, 1, NUMBERS_BINS + 1)[1:-1]
        edges = np.unique(np.quantile(numbers, inner, method="inverted_cdf"))
        edges = edges[edges > numbers.min()]
        return Bins(kind="numbers", edges=tuple(float(e) for e in edges)) if len(edges) else None
    counts = there.value_counts(sort=False).rows()
    if len(counts) > VALUES_MAX:
        return None
    often = sorted(counts, key=lambda found: (-found[1], str(found[0])))[:TEXTS_BINS]
    return Bins(kind="values", values=tuple(value for value, _ in often))
