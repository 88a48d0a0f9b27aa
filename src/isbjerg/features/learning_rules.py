"""How each thing is learnt: from the values of training rows to what goes into the tree.

The same rows in another order give the same bits: sums are exactly rounded (`math.fsum`),
quantiles are values of the rows, ties in frequency are broken by code point.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import ceil, fsum, sqrt
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.features.learnt_values import Learnt, Table

_CHUNK = 65_536
_HUGE, _SHIFT = 2.0**400, 640
"""Squares of larger values, or their sum, may overflow: such columns are scaled down by `_SHIFT` bits."""

Floats = NDArray[np.float64]


def exact_sum(values: Floats) -> float:
    """Add floats below `_HUGE` up, rounded once.

    Examples
    --------
    >>> exact_sum(np.array([1e16, 1.0, -1e16])), exact_sum(np.array([]))
    (1.0, 0.0)
    """
    return fsum(_floats(values))


def _floats(values: Floats) -> Iterator[float]:
    for start in range(0, len(values), _CHUNK):
        yield from values[start : start + _CHUNK].tolist()


def _scaled(values: Floats) -> tuple[Floats, int]:
    """Make huge values smaller by a power of two, so that no sum of them or their squares overflows."""
    shift = _SHIFT if np.abs(values).max() >= _HUGE else 0
    return (np.ldexp(values, -shift), shift) if shift else (values, 0)


def mean_of(values: Floats) -> float | None:
    """Take the mean; ``None`` without values or when it is not finite."""
    if not len(values):
        return None
    small, shift = _scaled(values)
    return _finite(exact_sum(small) / len(small), shift)


def std_of(values: Floats) -> float | None:
    """Take the standard deviation, divided by the number of values.

    Examples
    --------
    >>> std_of(np.array([2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]))
    2.0
    """
    if not len(values):
        return None
    small, shift = _scaled(values)
    centre = exact_sum(small) / len(small)
    return _finite(sqrt(exact_sum((small - centre) ** 2) / len(small)), shift)


def _finite(value: float, shift: int) -> float | None:
    result = float(np.ldexp(value, shift))
    return result if np.isfinite(result) else None


def quantile_of(ordered: Floats, q: Fraction) -> float | None:
    """Take the smallest of sorted values that at least a share `q` do not exceed.

    Examples
    --------
    >>> quantile_of(np.array([1.0, 2.0, 3.0, 4.0]), Fraction(1, 2))
    2.0
    """
    if not len(ordered):
        return None
    return float(ordered[max(0, ceil(q * len(ordered)) - 1)]) + 0.0


def edges_of(ordered: Floats, count: int) -> tuple[float, ...]:
    """Take the different inner quantiles that part sorted values into `count` buckets."""
    edges = (quantile_of(ordered, Fraction(k, count)) for k in range(1, count))
    return tuple(sorted({edge for edge in edges if edge is not None}))


def kept(values: pl.Series, most: int, rows_min: int = 1) -> dict[Any, int]:
    """Count the most frequent values, equally frequent ones in their own order."""
    counts = values.drop_nulls().value_counts(name="rows")
    pairs = zip(counts[values.name].to_list(), counts["rows"].to_list(), strict=True)
    ranked = sorted((-rows, value) for value, rows in pairs if rows >= rows_min)
    return {value: -rows for rows, value in ranked[:most]}


def learn_plain(values: pl.Series, parameters: dict[str, Any]) -> Learnt:
    """Learn what needs no target."""
    what = parameters["what"]
    if what == "vocabulary":
        return tuple(kept(values, parameters["most"], parameters["rows_min"]))
    if what == "frequency":
        rows = len(values) - values.null_count()
        counts = kept(values, parameters["most"])
        return Table({value: count / rows for value, count in counts.items()}, 0.0)
    numbers = values.drop_nulls().to_numpy().astype(np.float64)
    if what == "mean":
        return mean_of(numbers)
    if what == "std":
        return std_of(numbers)
    ordered = np.sort(numbers)
    if what == "bucket":
        return edges_of(ordered, parameters["count"])
    return quantile_of(ordered, Fraction(repr(parameters["q"])))


def learn_target_mean(
    values: pl.Series, parameters: dict[str, Any], truth: Floats, folds: NDArray[np.int64]
) -> tuple[Table, pl.Series]:
    """Learn the target's mean by category, and for each training row without its own fold.

    Returns
    -------
    Table
        Learnt from all rows: what validation, test and serving get.
    Series
        What each training row gets, learnt from the rows of the other folds.
    """
    rows = pl.DataFrame({"key": values, "truth": truth, "fold": folds})
    cells = _cells(rows, whole=bool((truth == np.floor(truth)).all()))
    totals = cells.group_by("key").agg(
        pl.col("rows").sum().alias("all_rows"), pl.col("sum").alias("sums")
    )
    exact = [fsum(sums) for sums in totals["sums"].to_list()]
    totals = totals.with_columns(pl.Series("all_sum", exact, pl.Float64))
    prior = mean_of(truth) or 0.0
    smoothing = parameters["smoothing"]

    def drawn(total: pl.Expr, count: pl.Expr) -> pl.Expr:
        mean: pl.Expr = (total + smoothing * prior) / (count + smoothing)
        return mean

    means = totals.with_columns(drawn(pl.col("all_sum"), pl.col("all_rows")).alias("mean"))
    floats = dict(zip(means["key"].to_list(), means["mean"].to_list(), strict=True))
    counts = kept(values, parameters["most"])
    table = Table({k: floats[k] for k in counts}, prior, floats.get(None, prior))
    without = pl.col("all_sum") - pl.col("sum"), pl.col("all_rows") - pl.col("rows")
    crossed = (
        rows.join(cells, on=["key", "fold"], how="left", nulls_equal=True, maintain_order="left")
        .join(totals, on="key", how="left", nulls_equal=True, maintain_order="left")
        .select(pl.when(without[1] > 0).then(drawn(*without)).otherwise(prior))
        .to_series()
    )
    if len(counts) < len(totals) - (None in floats):
        few = values.is_in(list(counts)) | values.is_null()
        crossed = crossed.zip_with(
            few.fill_null(value=True), pl.repeat(prior, len(values), eager=True)
        )
    return table, crossed


def _cells(rows: pl.DataFrame, *, whole: bool) -> pl.DataFrame:
    """Count and add up per category and fold; sums of whole numbers are exact in any order."""
    groups = rows.group_by("key", "fold")
    if whole:
        return groups.agg(pl.len().cast(pl.Int64).alias("rows"), pl.col("truth").sum().alias("sum"))
    cells = groups.agg(pl.len().cast(pl.Int64).alias("rows"), pl.col("truth"))
    sums = pl.Series("sum", [fsum(t) for t in cells["truth"].to_list()], pl.Float64)
    return cells.drop("truth").with_columns(sums)
