"""Say in a few numbers how the values of a column are spread, and how far two columns are apart.

Numbers and times are told by quantiles and compared by Kolmogorov-Smirnov's distance; texts and
booleans by their commonest values and compared by the population stability index (PSI).
"""

from __future__ import annotations

from math import log
from typing import Any, Literal

import msgspec
import polars as pl

from isbjerg.data.rescaling import distance

LEVELS = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
"""The quantiles that are told: both ends, the middle, and what lies between."""

_TOP = 5
_PSI_GROUPS = 20


class Spread(msgspec.Struct, frozen=True, kw_only=True):
    """How the values of a column are spread.

    Parameters
    ----------
    rows, missing : int
        Rows, and how many of them have no value.
    quantiles : tuple, optional
        Values at `LEVELS`, for numbers and times.
    distinct : int, optional
        How many different values there are, for texts and booleans.
    top : tuple of (value, rows)
        The commonest values, for texts and booleans that may be shown.
    """

    rows: int
    missing: int
    quantiles: tuple[Any, ...] | None = None
    distinct: int | None = None
    top: tuple[tuple[Any, int], ...] = ()

    @property
    def missing_share(self) -> float | None:
        """Share of rows without a value; ``None`` when there is no row."""
        return self.missing / self.rows if self.rows else None


class Distance(msgspec.Struct, frozen=True, kw_only=True):
    """How far two columns are apart.

    Parameters
    ----------
    measure : {"ks", "psi"}
        Kolmogorov-Smirnov's distance, 0 to 1; or the population stability index, from 0.
    value : float
        How far.
    before, after : int
        On so many values of each.
    """

    measure: Literal["ks", "psi"]
    value: float
    before: int
    after: int


def spread(column: pl.Series, *, hidden: bool = False) -> Spread:
    """Describe a column of carriers.

    Parameters
    ----------
    column : polars.Series
        Of any carrier type.
    hidden : bool, default=False
        Whether its values may not be shown: then only rows, missing and distinct are told.

    Examples
    --------
    >>> spread(pl.Series([3.0, 1.0, None, 2.0])).quantiles[3]
    2.0
    >>> spread(pl.Series(["a", "b", "a"])).top
    (('a', 2), ('b', 1))
    """
    rows, missing = len(column), column.null_count()
    present = column.drop_nulls()
    if _is_ordered(column.dtype):
        if hidden or not len(present):
            return Spread(rows=rows, missing=missing)
        levels = [present.quantile(level, "nearest") for level in LEVELS]
        return Spread(rows=rows, missing=missing, quantiles=tuple(levels))
    counted = _counted(present)
    top = () if hidden else tuple(list(counted.items())[:_TOP])
    return Spread(rows=rows, missing=missing, distinct=len(counted), top=top)


def apart(before: pl.Series, after: pl.Series) -> Distance | None:
    r"""Measure how far two columns of one type are apart.

    Returns
    -------
    Distance or None
        ``None`` when one of them has no value.

    Notes
    -----
    PSI is :math:`\sum (q - p) \ln (q / p)` over the 19 commonest values of both together and all
    others as one, each count raised by a half so that no share is 0. Below 0.1 is usually called
    stable, above 0.25 a shift.

    Examples
    --------
    >>> apart(pl.Series([1, 2, 3]), pl.Series([3, 4, 5])).value
    0.67
    >>> round(apart(pl.Series(["a"] * 10), pl.Series(["a"] * 5 + ["b"] * 5)).value, 2)
    1.38
    """
    old, new = before.drop_nulls(), after.drop_nulls()
    if not len(old) or not len(new):
        return None
    if _is_ordered(before.dtype):
        a, b = (s.to_physical().cast(pl.Float64).to_numpy() for s in (old, new))
        return Distance(measure="ks", value=distance(a, b), before=len(a), after=len(b))
    value = psi(_counted(old), _counted(new))
    return Distance(measure="psi", value=value, before=len(old), after=len(new))


def psi(before: dict[Any, int], after: dict[Any, int]) -> float:
    """Compute the population stability index of two counts; see `apart` for the formula.

    Examples
    --------
    >>> psi({"a": 3, "b": 1}, {"a": 3, "b": 1})
    0.0
    """
    both = {c: before.get(c, 0) + after.get(c, 0) for c in dict.fromkeys([*before, *after])}
    chosen = sorted(both, key=lambda c: -both[c])[: _PSI_GROUPS - 1]
    pairs = [(before.get(c, 0), after.get(c, 0)) for c in chosen]
    if len(both) > len(chosen):
        rest = (sum(before.values()), sum(after.values()))
        pairs.append((rest[0] - sum(p for p, _ in pairs), rest[1] - sum(q for _, q in pairs)))
    old, new = ([x + 0.5 for x in side] for side in zip(*pairs, strict=True))
    shares = [(p / sum(old), q / sum(new)) for p, q in zip(old, new, strict=True)]
    return float(sum((q - p) * log(q / p) for p, q in shares))


def _is_ordered(dtype: pl.DataType) -> bool:
    return dtype.is_numeric() or dtype.is_temporal()


def _counted(present: pl.Series) -> dict[Any, int]:
    """Count values, commonest first, equal counts by value."""
    counts = present.alias("value").value_counts(name="rows")
    ordered = counts.sort(["rows", "value"], descending=[True, False])
    return dict(ordered.iter_rows())
