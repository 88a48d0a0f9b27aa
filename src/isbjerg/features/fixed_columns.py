"""Fixed-point arithmetic over columns, the same as :mod:`isbjerg.features.fixed_point` of one.

A column of values becomes running sums, from which any stretch of it is summed exactly by one
subtraction; totals become a slot's values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from isbjerg.expressions.tree import Type
from isbjerg.features.fixed_point import SCALE
from isbjerg.features.moments import Whole
from isbjerg.features.sets import FIXED_POINT_BITS, FIXED_POINT_LIMIT, Slot


def amounts(values: pl.Series) -> pl.Series:
    """Write values as :func:`isbjerg.features.fixed_point.to_fixed` does.

    Examples
    --------
    >>> amounts(pl.Series([0.5, None, 2.0**62])).to_list() == [2**39, None, None]
    True
    """
    value = pl.first()
    limit = int(FIXED_POINT_LIMIT)
    if values.dtype == pl.Float64:
        small = pl.when(value.abs() < FIXED_POINT_LIMIT).then(value * SCALE)
        amount = small.round(0, mode="half_to_even").cast(pl.Int128)
    elif values.dtype.is_integer() or values.dtype in (pl.Boolean, pl.Duration):
        whole = value.cast(pl.Int64).cast(pl.Int128)
        scaled = whole * pl.lit(2**FIXED_POINT_BITS, pl.Int128)
        amount = pl.when((whole < limit) & (whole > -limit)).then(scaled)
    else:  # can only be counted
        amount = pl.when(value.is_not_null()).then(pl.lit(0, pl.Int128))
    return values.to_frame().select(amount).to_series()


@dataclass(frozen=True)
class Running:
    """Sum and number of the amounts before each place of an order, and at its end."""

    total: pl.Series
    count: pl.Series

    def at(self, places: Whole) -> Running:
        """Look the sums up at places."""
        return Running(self.total.gather(places), self.count.gather(places))

    def since(self, other: Running) -> Running:
        """Take away what another has."""
        return Running(self.total - other.total, self.count - other.count)


def running(amounts: pl.Series, order: Whole) -> Running:
    """Sum amounts up in an order; null adds nothing and is not counted.

    Examples
    --------
    >>> sums = running(pl.Series([4, None, 1], dtype=pl.Int128), np.array([2, 1, 0]))
    >>> sums.total.to_list(), sums.count.to_list()
    ([0, 1, 1, 5], [0, 1, 1, 2])
    """
    ordered = amounts.gather(order)
    total = ordered.fill_null(0).cum_sum() if ordered.null_count() else ordered.cum_sum()
    count = np.concatenate([[0], np.cumsum(ordered.is_not_null().to_numpy())])
    return Running(pl.concat([pl.zeros(1, total.dtype, eager=True), total]), pl.Series(count))


def aggregated(window: Running, slot: Slot) -> pl.Series:
    """Turn totals and counts into what :func:`isbjerg.features.fixed_point.from_fixed` does."""
    total, count = pl.col("total"), pl.col("count")
    if slot.aggregate == "count":
        value = count
    elif slot.aggregate == "sum" and slot.type is not Type.FLOAT:
        whole = total // pl.lit(2**FIXED_POINT_BITS, pl.Int128)
        value = whole.cast(pl.Int64, strict=False)
    elif slot.aggregate == "sum":
        value = total.cast(pl.Float64) / SCALE
    else:
        mean = total.cast(pl.Float64) / SCALE / count.cast(pl.Float64)
        value = pl.when(count > 0).then(mean)
    return pl.DataFrame({"total": window.total, "count": window.count}).select(value).to_series()
