"""What a model version looked like on its test rows, day by day: kept with it, watched against.

The test rows are the newest the model was measured on and none that it learnt from, so they are
what its user was promised. Everything is counted by days, because days differ: what is usual can
only be told from how days differed when nothing was wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.evaluation.metrics import Measured
from isbjerg.monitoring.bins import Bins

REFERENCE_VERSION = 1

SCORE = "score"
"""Name of the model's answers among the counted columns; all others have a place and a colon."""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """One column, counted by days.

    Parameters
    ----------
    missing : tuple of int
        Missing values of each day.
    bins : Bins or None
        How its values are counted; ``None`` when they are not.
    counts : tuple of tuples of int
        Rows of each bin, for each day.
    """

    missing: tuple[int, ...]
    bins: Bins | None = None
    counts: tuple[tuple[int, ...], ...] = ()

    def by_day(self) -> NDArray[np.float64]:
        """Return the counts as an array of days by bins."""
        return np.asarray(self.counts, dtype=np.float64)


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """What a model version looked like on its test rows.

    Parameters
    ----------
    days : tuple of int
        The days, numbered since 1970, in order.
    rows : tuple of int
        Rows of each day.
    counted : dict of str to Counted
        By ``column:name``, ``slot:name``, ``feature:name``, and ``score``.
    metrics : dict of str to Measured
        As they were when it was registered; the primary one first.
    primary : str
        The metric that decides.
    constant : float or None
        What the constant answered.
    constant_metric : float or None
        Its primary metric.
    broken : dict of str to float
        Share of rows that broke a rule of the contract, by code and subject.
    delay_us : int
        95 of 100 outcomes are known so long after the decision.
    with_outcome : float
        Share of decided rows whose outcome was known.
    """

    days: tuple[int, ...]
    rows: tuple[int, ...]
    counted: dict[str, Counted]
    metrics: dict[str, Measured]
    primary: str
    constant: float | None
    constant_metric: float | None = None
    broken: dict[str, float] = {}
    delay_us: int = 0
    with_outcome: float = 1.0
    format_version: int = REFERENCE_VERSION

    @property
    def total(self) -> int:
        """How many rows it was counted on."""
        return sum(self.rows)


def read_reference(card: Mapping[str, Any]) -> Reference | None:
    """Read the reference from a model version's card; ``None`` when it was registered without."""
    kept = card.get("reference")
    if not isinstance(kept, dict) or kept.get("format_version") != REFERENCE_VERSION:
        return None
    return msgspec.convert(kept, Reference)


def count_by_day(
    column: pl.Series, places: NDArray[np.int64], days: int, bins: Bins | None
) -> Counted:
    """Count a column by the days that its rows belong to.

    Parameters
    ----------
    column : polars.Series
        Carriers, null where missing.
    places : numpy.ndarray of shape (n_rows,)
        Number of each row's day, from 0.
    days : int
        How many days there are.
    bins : Bins or None
        How values are counted.

    Examples
    --------
    >>> two_days = np.array([0, 0, 1])
    >>> found = count_by_day(
    ...     pl.Series([1.0, None, 9.0]), two_days, 2, Bins(kind="numbers", edges=(5.0,))
    ... )
    >>> found.missing, found.counts
    ((1, 0), ((1, 0), (0, 1)))
    """
    gone = column.is_null().to_numpy()
    missing = np.bincount(places[gone], minlength=days)
    counts: tuple[tuple[int, ...], ...] = ()
    if bins is not None:
        cells = places[~gone] * bins.count + bins.places(column.drop_nulls())
        table = np.bincount(cells, minlength=days * bins.count).reshape(days, bins.count)
        counts = tuple(tuple(int(c) for c in row) for row in table)
    return Counted(missing=tuple(int(m) for m in missing), bins=bins, counts=counts)
