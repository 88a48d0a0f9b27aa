"""From contributions to step functions: what a slot's value is, until it changes.

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
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heappop, heappush

import polars as pl

from isbjerg.features.fixed_point import SCALE
from isbjerg.features.sets import FIXED_POINT_BITS, FIXED_POINT_LIMIT, Slot

FOREVER = 2**63 - 1
"""When a fact leaves that nothing supersedes."""

SPAN_MAX_US = 2**61
"""A longer span is cut to this, some 73,000 years, to stay within 64 bits."""


def build(contributions: pl.DataFrame, slot: Slot) -> pl.DataFrame:
    """List the changes of a slot's value.

    Parameters
    ----------
    contributions : DataFrame
        From :func:`isbjerg.features.facts.contributions`.
    slot : Slot
        What is looked up.

    Returns
    -------
    DataFrame
        Sorted by ``_on`` and ``change_at`` (microseconds; the state holds after it), one row
        for each pair. For ``past``: ``total`` (Int128, in units of ``2**-40``) and ``count``.
        For ``newest``: ``position`` and ``value`` of the newest fact, both null when there is
        none; ``max_age`` is applied when the value is read.

    Notes
    -----
    Sorting dominates: ``O(n log n)`` in the number of facts.

    Examples
    --------
    Two facts, of 2 and 3, each in a window of 10:

    >>> from isbjerg.expressions.tree import Node, Type
    >>> seen = pl.DataFrame(
    ...     {
    ...         "_on": ["x", "x"],
    ...         "_key": ["a", "b"],
    ...         "position": [100, 104],
    ...         "visible": [100, 104],
    ...         "_row": [1, 2],
    ...         "value": [2.0, 3.0],
    ...     }
    ... )
    >>> slot = Slot(
    ...     name="sum",
    ...     kind="past",
    ...     source="s",
    ...     on=(),
    ...     key=(),
    ...     known=(),
    ...     value=Node("column", value="x", type=Type.FLOAT),
    ...     type=Type.FLOAT,
    ...     aggregate="sum",
    ...     span_us=10,
    ... )
    >>> [(at, total / 2**40, n) for _, at, total, n in build(seen, slot).rows()]
    [(100, 2.0, 1), (104, 5.0, 2), (110, 3.0, 1), (114, 0.0, 0)]
    """
    versions = _versions(contributions)
    return _newest(versions) if slot.kind == "newest" else _window(versions, slot)


def _versions(contributions: pl.DataFrame) -> pl.DataFrame:
    """Say of each fact when the next version of it is visible, and where that one stands."""
    if not contributions["_key"].is_duplicated().any():
        return contributions.with_columns(
            pl.lit(FOREVER, pl.Int64).alias("until"),
            pl.lit(None, pl.String).alias("next_on"),
            pl.lit(None, pl.Int64).alias("next_position"),
        )
    # Of versions that become visible together only the last is ever used.
    last = contributions.sort("_key", "visible", "_row").filter(
        pl.struct("_key", "visible")
        .rle_id()
        .shift(-1)
        .ne_missing(pl.struct("_key", "visible").rle_id())
    )
    again = pl.col("_key") == pl.col("_key").shift(-1)
    return last.with_columns(
        pl.when(again).then(pl.col("visible").shift(-1)).fill_null(FOREVER).alias("until"),
        pl.when(again).then(pl.col("_on").shift(-1)).alias("next_on"),
        pl.when(again).then(pl.col("position").shift(-1)).alias("next_position"),
    )


def _window(versions: pl.DataFrame, slot: Slot) -> pl.DataFrame:
    span = min(slot.span_us or 0, SPAN_MAX_US)
    counted = (
        versions.select(
            "_on",
            "visible",
            pl.min_horizontal("until", pl.col("position") + span).alias("leave"),
            _to_fixed(versions.schema["value"]).alias("amount"),
        )
        .drop_nulls()
        .filter(pl.col("leave") > pl.col("visible"))
    )
    enter = counted.select("_on", change_at="visible", amount="amount", one=pl.lit(1, pl.Int64))
    leave = counted.select(
        "_on", change_at="leave", amount=0 - pl.col("amount"), one=pl.lit(-1, pl.Int64)
    )
    # Each amount is taken away again within its own `_on`, so one running sum over all of
    # them starts at zero for each.
    return (
        pl.concat([enter, leave])
        .sort("_on", "change_at")
        .select(
            "_on",
            "change_at",
            pl.col("amount").cum_sum().alias("total"),
            pl.col("one").cum_sum().alias("count"),
        )
        .filter(_last_of_each_change())
    )


def _to_fixed(dtype: pl.DataType) -> pl.Expr:
    """Write values as :func:`isbjerg.features.fixed_point.to_fixed` does."""
    value = pl.col("value")
    if dtype == pl.String:
        return pl.when(value.is_not_null()).then(pl.lit(0, pl.Int128))
    if dtype == pl.Float64:
        fits = value.abs() < FIXED_POINT_LIMIT
        scaled = pl.when(fits).then(value * SCALE)
        return scaled.round(0, mode="half_to_even").cast(pl.Int128)
    whole = value.cast(pl.Int128)
    fits = whole.abs() < int(FIXED_POINT_LIMIT)
    return pl.when(fits).then(whole * pl.lit(2**FIXED_POINT_BITS, pl.Int128))


def _newest(versions: pl.DataFrame) -> pl.DataFrame:
    # Sorted by `_on` first, a fact's place here is its rank within its `_on`, and larger than
    # any place of the `_on` before it: one running maximum over all of them is right for each.
    ranked = (
        versions.filter(pl.col("_on").is_not_null())
        .sort("_on", "position", "_key", "visible", "_row")
        .with_columns(pl.int_range(pl.len(), dtype=pl.Int64).alias("rank"))
    )
    swept = ranked.filter(_lowers())["_on"].unique().implode()
    rising = (
        ranked.filter(~pl.col("_on").is_in(swept))
        .sort("_on", "visible", "rank")
        .select("_on", pl.col("visible").alias("change_at"), pl.col("rank").cum_max())
        .filter(_last_of_each_change())
    )
    falling = _sweep(ranked.filter(pl.col("_on").is_in(swept)))
    both = pl.concat([rising, falling]).sort("_on", "change_at") if falling.height else rising
    place = both["rank"]
    return both.select(
        "_on",
        "change_at",
        ranked["position"].gather(place).alias("position"),
        ranked["value"].gather(place).alias("value"),
    )


def _lowers() -> pl.Expr:
    """Tell facts whose next version may leave an older fact as the newest of their `_on`."""
    stays = (pl.col("next_on") == pl.col("_on")) & (pl.col("next_position") >= pl.col("position"))
    return (pl.col("until") != FOREVER) & ~stays.fill_null(value=False)


def _sweep(ranked: pl.DataFrame) -> pl.DataFrame:
    """Follow the newest fact through corrections that may lower it."""
    changes: list[tuple[str, int, int | None]] = []
    facts = ranked.sort("_on", "visible").select("_on", "rank", "visible", "until")
    for (on,), of_one in facts.group_by(["_on"], maintain_order=True):
        steps = _newest_over_time(of_one.drop("_on").rows())
        changes.extend((str(on), at, rank) for at, rank in steps)
    schema = {"_on": pl.String, "change_at": pl.Int64, "rank": pl.Int64}
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


def _last_of_each_change() -> pl.Expr:
    """Keep the state after all that happens at one time."""
    ends = (pl.col("_on") != pl.col("_on").shift(-1)) | (
        pl.col("change_at") != pl.col("change_at").shift(-1)
    )
    return ends.fill_null(value=True)
