"""What one column holds: how much is missing, how its values are spread, which are commonest.

Numbers and times are sorted once, and everything about them is read off the sorted column; texts
are counted once. So the cost is that of one sort or one count per column, and the memory one column.
Times are told as microseconds, durations too, as in every record; the column's type says which.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.data.distributions import LEVELS
from isbjerg.expressions.tree import Type

BINS = 20
"""So many bins a histogram has; whole numbers of no more values have one for each."""

TOP = 10
"""So many of the commonest texts are told."""

TEXTS_MAX = 20_000
"""So many of the commonest texts are looked at for their shape."""

_FAR = 4.0
"""A range so many times that of the middle 98 % is cut there: else one outlier hides all others."""

_ALMOST = 0.99
_ROWS_FEW = 20


class Bin(msgspec.Struct, frozen=True):
    """Values from `low` to `high`, and how many there are; the last bin holds its upper end."""

    low: float
    high: float
    rows: int


class ColumnProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What one column holds.

    Parameters
    ----------
    name, type : str
        Of the column.
    rows, missing : int
        Rows, and how many of them have no value.
    distinct : int
        How many different values there are.
    personal : str, optional
        Class of personal data, when its values may not be shown: then only counts are told.
    quantiles : tuple of float
        Values at 0, 5, 25, 50, 75, 95 and 100 % for numbers and times, else empty.
    mean, deviation : float, optional
        Of numbers; the deviation is that of a sample.
    bins : tuple of Bin
        Equally wide, for numbers and times; an outermost bin may reach further, to the outliers.
    top : tuple of (str, int)
        The commonest texts and how often they occur; of booleans both.
    missing_over_time : tuple of float or None
        Share missing in equal spans of the table's time; ``None`` where there are no rows.
    """

    name: str
    type: str
    rows: int
    missing: int
    distinct: int
    personal: str | None = None
    quantiles: tuple[float, ...] = ()
    mean: float | None = None
    deviation: float | None = None
    bins: tuple[Bin, ...] = ()
    top: tuple[tuple[str, int], ...] = ()
    missing_over_time: tuple[float | None, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no row has a value."""
        return self.missing == self.rows

    @property
    def is_constant(self) -> bool:
        """Whether all rows that have a value have the same."""
        return self.distinct == 1

    @property
    def is_identifier(self) -> bool:
        """Whether nearly every row has a value of its own, in a type that has no order to learn."""
        present = self.rows - self.missing
        named = self.type in (Type.TEXT, Type.INTEGER)
        return named and present >= _ROWS_FEW and self.distinct >= _ALMOST * present


class Counted(NamedTuple):
    """A column's profile and, of texts, how often the commonest occur: ``value`` and ``rows``."""

    profile: ColumnProfile
    texts: pl.DataFrame | None


def profile_column(column: pl.Series, kind: Type, *, personal: str | None = None) -> Counted:
    """Profile a column of carriers.

    Parameters
    ----------
    column : polars.Series
        The values.
    kind : Type
        Their type.
    personal : str, optional
        Its class of personal data, when its values may not be shown.

    Returns
    -------
    Counted
        Texts commonest first, equal counts by value.

    Examples
    --------
    >>> found = profile_column(pl.Series("n", [3, 1, None, 2]), Type.INTEGER).profile
    >>> found.missing, found.distinct, found.quantiles[3], found.mean
    (1, 3, 2, 2.0)
    >>> profile_column(pl.Series("t", ["a", "b", "a"]), Type.TEXT).profile.top
    (('a', 2), ('b', 1))
    """
    missing = column.null_count()
    if kind in (Type.TEXT, Type.BOOLEAN):
        return _counted(column, kind, missing, personal)
    present = column.drop_nulls() if missing else column
    values = present.to_physical().sort().to_numpy()
    bare = ColumnProfile(
        name=column.name,
        type=str(kind),
        rows=len(column),
        missing=missing,
        distinct=_distinct(values),
        personal=personal,
    )
    if personal is not None or not len(values):
        return Counted(bare, None)
    number = kind in (Type.INTEGER, Type.FLOAT)
    return Counted(
        msgspec.structs.replace(
            bare,
            quantiles=tuple(_number(values[_at(level, len(values))], kind) for level in LEVELS),
            mean=float(values.mean(dtype=np.float64)) if number else None,
            deviation=float(values.std(ddof=1)) if number and len(values) > 1 else None,
            bins=histogram(values, whole=kind is Type.INTEGER, distinct=bare.distinct),
        ),
        None,
    )


def histogram(
    values: NDArray[np.generic], *, whole: bool, distinct: int, bins: int = BINS
) -> tuple[Bin, ...]:
    """Count sorted values in equally wide bins.

    Parameters
    ----------
    values : numpy.ndarray of shape (n,)
        Sorted, at least one.
    whole : bool
        Whether they are whole numbers: few different ones have a bin for each.
    distinct : int
        How many different values there are.
    bins : int, default=20
        How many bins.

    Examples
    --------
    >>> [b.rows for b in histogram(np.array([0, 1, 1, 7]), whole=True, distinct=3)]
    [1, 2, 1]
    >>> wide = histogram(np.array([*range(100), 10_000.0]), whole=False, distinct=101)
    >>> wide[0].rows, wide[-1].rows, wide[-1].high
    (6, 6, 10000.0)
    """
    if whole and distinct <= bins:
        ends = np.flatnonzero(np.append(values[1:] != values[:-1], True))
        counts = np.diff(ends, prepend=-1)
        return tuple(
            Bin(float(values[e]), float(values[e]), int(n))
            for e, n in zip(ends, counts, strict=True)
        )
    low, high = float(values[0]), float(values[-1])
    inner = tuple(float(values[_at(level, len(values))]) for level in (0.01, 0.99))
    if 0.0 < inner[1] - inner[0] < (high - low) / _FAR:
        low, high = inner
    if low == high:
        return (Bin(low, high, len(values)),)
    edges = np.linspace(low, high, bins + 1)
    places = np.searchsorted(values, edges[1:-1], side="left")
    counts = np.diff(np.concatenate(([0], places, [len(values)])))
    edges[0], edges[-1] = float(values[0]), float(values[-1])
    return tuple(
        Bin(float(a), float(b), int(n))
        for a, b, n in zip(edges[:-1], edges[1:], counts, strict=True)
    )


def _counted(column: pl.Series, kind: Type, missing: int, personal: str | None) -> Counted:
    counted = column.alias("value").value_counts(name="rows")
    counted = counted.filter(pl.col("value").is_not_null()) if missing else counted
    # a name for each row would take long to sort, and nobody reads it
    texts = counted.top_k(TEXTS_MAX, by=["rows", "value"], reverse=[False, True])
    texts = texts.sort("rows", "value", descending=[True, False])
    words = texts.head(TOP).select(pl.col("value").cast(pl.String), "rows").rows()
    profile = ColumnProfile(
        name=column.name,
        type=str(kind),
        rows=len(column),
        missing=missing,
        distinct=counted.height,
        personal=personal,
        top=() if personal is not None else tuple(words),
    )
    return Counted(profile, texts if kind is Type.TEXT else None)


def _distinct(values: NDArray[np.generic]) -> int:
    return int(np.count_nonzero(values[1:] != values[:-1])) + 1 if len(values) else 0


def _at(level: float, size: int) -> int:
    """Find the place of the nearest value to a quantile, as polars' ``"nearest"`` does."""
    return int(np.floor(level * (size - 1) + 0.5))


def _number(value: np.generic, kind: Type) -> float:
    return float(value) if kind is Type.FLOAT else int(value)
