"""From sightings to step functions: what a slot looks up, until it changes.

For each ``_on`` a slot's value changes only when a fact becomes visible, is superseded or
leaves the window. A *timeline* lists those changes, so that looking the value up at a grid
point ``g`` is one search for the last change strictly before ``g``.

- A window (``past``) counts a fact for ``visible < g <= leave``, where ``leave`` is the
  earlier of the next version's ``visible`` and ``position + span``. The fact is added at
  ``visible`` and taken away at ``leave``, in exact whole numbers (see
  :mod:`isbjerg.features.fixed_point`), so a running sum is exact at each change.
- The newest fact (``newest``) is the running maximum by (position, key, visible, row) over
  the facts in the order in which they become visible. A correction can only lower it by
  moving a fact back in time or to another ``_on``; those few ``_on`` are swept with a heap.

Timelines are sorted by ``change_at`` alone; of equal times in one ``_on`` the last row holds.
Sorting by whole numbers is several times faster than sorting by texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

import polars as pl

from isbjerg.features.fixed_point import SCALE
from isbjerg.features.sets import FIXED_POINT_BITS, FIXED_POINT_LIMIT

FOREVER = 2**63 - 1
"""When a fact leaves that nothing supersedes."""

SPAN_MAX_US = 2**61
"""A longer span is cut to this, some 73,000 years, to stay within 64 bits."""


def versions(sightings: pl.DataFrame) -> pl.DataFrame:
    """Say of each fact when the next version of it is visible, and where that one stands.

    Parameters
    ----------
    sightings : DataFrame
        From :func:`isbjerg.features.facts.sightings`.

    Returns
    -------
    DataFrame
        The sightings with ``until`` (microseconds, `FOREVER` for the last version; a version
        that is superseded as soon as it is visible is never used), ``next_on`` and
        ``next_position``.
    """
    if sightings["_key"].n_unique() == sightings.height:
        return sightings.with_columns(
            until=pl.lit(FOREVER, pl.Int64),
            next_on=pl.lit(None, sightings.schema["_on"]),
            next_position=pl.lit(None, pl.Int64),
        )
    by_key = sightings.sort("_key", "visible", "_row")
    last = pl.int_range(pl.len()) == pl.len() - 1
    more = pl.col("_key").eq_missing(pl.col("_key").shift(-1)) & ~last
    return by_key.with_columns(
        until=pl.when(more).then(pl.col("visible").shift(-1)).fill_null(FOREVER),
        next_on=pl.when(more).then(pl.col("_on").shift(-1)),
        next_position=pl.when(more).then(pl.col("position").shift(-1)),
    )


def window(versions: pl.DataFrame, values: pl.Series, span_us: int) -> pl.DataFrame:
    """List the changes of a window's exact sum and count.

    Parameters
    ----------
    versions : DataFrame
        From `versions`.
    values : Series
        The value of each fact of the source, found by ``place``.
    span_us : int
        How far back positions may lie.

    Returns
    -------
    DataFrame
        ``_on``, ``change_at`` (microseconds; the state holds after it), ``total`` (Int128, in
        units of ``2**-40``) and ``count``.

    Examples
    --------
    Two facts, of 2 and 3, each in a window of 10:

    >>> seen = pl.DataFrame(
    ...     {
    ...         "_on": ["x", "x"],
    ...         "_key": ["a", "b"],
    ...         "position": [100, 104],
    ...         "visible": [100, 104],
    ...         "_row": [1, 2],
    ...         "place": [0, 1],
    ...     }
    ... )
    >>> changes = window(versions(seen), pl.Series([2.0, 3.0]), 10)
    >>> [(at, total / 2**40, n) for _, at, total, n in changes.rows()]
    [(100, 2.0, 1), (104, 5.0, 2), (110, 3.0, 1), (114, 0.0, 0)]
    """
    span = min(span_us, SPAN_MAX_US)
    counted = (
        versions.select(
            "_on",
            "visible",
            leave=pl.min_horizontal("until", pl.col("position") + span),
            amount=_fixed(values)[versions["place"]],
        )
        .drop_nulls()
        .filter(pl.col("leave") > pl.col("visible"))
    )
    enter = counted.select("_on", change_at="visible", amount="amount", one=pl.lit(1, pl.Int64))
    leave = counted.select(
        "_on", change_at="leave", amount=0 - pl.col("amount"), one=pl.lit(-1, pl.Int64)
    )
    return (
        pl.concat([enter, leave])
        .sort("change_at")
        .select(
            "_on",
            "change_at",
            total=pl.col("amount").cum_sum().over("_on"),
            count=pl.col("one").cum_sum().over("_on"),
        )
    )


def _fixed(values: pl.Series) -> pl.Series:
    """Write values as :func:`isbjerg.features.fixed_point.to_fixed` does."""
    value = pl.col("value")
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
    return values.alias("value").to_frame().select(amount).to_series()


def newest(versions: pl.DataFrame) -> pl.DataFrame:
    """List the changes of which fact is the newest.

    Parameters
    ----------
    versions : DataFrame
        From `versions`.

    Returns
    -------
    DataFrame
        ``_on``, ``change_at`` (microseconds; the state holds after it), and ``position`` and
        ``place`` of the newest fact, both null when there is none.
    """
    ranked = (
        versions.filter(pl.col("_on").is_not_null())
        .sort("position", "_key", "visible", "_row")
        .with_columns(rank=pl.int_range(pl.len(), dtype=pl.Int64))
    )
    swept = ranked.filter(_lowers())["_on"].unique()
    if swept.is_empty():
        return _rising(ranked)
    corrected = pl.col("_on").is_in(swept.implode())
    falling = _sweep(ranked.filter(corrected)).join(
        ranked.select("rank", "position", "place"), on="rank", how="left"
    )
    both = [_rising(ranked.filter(~corrected)), falling.drop("rank")]
    return pl.concat(both, how="diagonal").sort("change_at")


def _rising(ranked: pl.DataFrame) -> pl.DataFrame:
    """Follow the newest fact where it only ever rises."""
    changes = ranked.select("_on", "position", "place", "rank", change_at="visible")
    if (ranked["visible"] == ranked["position"]).all():
        return changes.drop("rank")  # each is the newest when it becomes visible
    by_time = changes.sort("change_at", "rank")
    best = by_time.select("_on", "change_at", rank=pl.col("rank").cum_max().over("_on"))
    return best.join(
        changes.select("rank", "position", "place"), on="rank", how="left", maintain_order="left"
    ).drop("rank")


def _lowers() -> pl.Expr:
    """Tell facts whose next version may leave an older fact as the newest of their `_on`."""
    stays = (pl.col("next_on") == pl.col("_on")) & (pl.col("next_position") >= pl.col("position"))
    return (pl.col("until") != FOREVER) & ~stays.fill_null(value=False)


def _sweep(ranked: pl.DataFrame) -> pl.DataFrame:
    """Follow the newest fact through corrections that may lower it."""
    facts_of: dict[object, list[tuple[int, int, int]]] = {}
    for on, *fact in ranked.sort("visible").select("_on", "rank", "visible", "until").iter_rows():
        facts_of.setdefault(on, []).append((fact[0], fact[1], fact[2]))
    changes = [
        (on, at, rank) for on, facts in facts_of.items() for at, rank in _newest_over_time(facts)
    ]
    schema: dict[str, pl.DataType] = {
        "_on": ranked["_on"].dtype,
        "change_at": pl.Int64(),
        "rank": pl.Int64(),
    }
    return pl.DataFrame(changes, schema=schema, orient="row")


def _newest_over_time(facts: list[tuple[int, int, int]]) -> Iterator[tuple[int, int | None]]:
    """Yield each change of the largest rank among (rank, visible, until) in order of visible."""
    heap: list[tuple[int, int]] = []
    times = sorted({time for _, visible, until in facts for time in (visible, until)} - {FOREVER})
    coming = iter(facts)
    fact = next(coming, None)
    for time in times:
        while fact is not None and fact[1] <= time:
            heappush(heap, (-fact[0], fact[2]))
            fact = next(coming, None)
        while heap and heap[0][1] <= time:
            heappop(heap)
        yield time, -heap[0][0] if heap else None
