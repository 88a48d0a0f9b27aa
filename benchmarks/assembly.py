"""Feature assembly as known at each decision, against bare Polars ``join_asof``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import polars as pl

from benchmarks.figures import Figure, against
from benchmarks.measuring import interleaved, median, spread, wall
from isbjerg.expressions.tree import Node, Type
from isbjerg.features.assembly import assemble
from isbjerg.features.sets import FeatureSet, Known, Slot, Step
from isbjerg.times import DAY_US, SECOND_US

VALUES = tuple(f"v{i}" for i in range(10))
SPAN_US = 7 * DAY_US
YEAR_US = 365 * DAY_US
INSTANT = pl.Datetime("us", "UTC")

SIZES = ((10_000, 100_000), (100_000, 1_000_000), (1_000_000, 10_000_000))
"""Decisions and facts; the first is for a quick look."""

Bare = Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]


def figures(*, quick: bool) -> Iterator[Figure]:
    """Yield the seconds of ten lookups, and of one window, each beside the bare join."""
    for n_units, n_facts in SIZES[:1] if quick else SIZES[1:]:
        yield from measured(n_units, n_facts, rounds=3 if quick else 5)


def measured(n_units: int, n_facts: int, *, rounds: int) -> Iterator[Figure]:
    """Yield the figures of one size."""
    rng = np.random.default_rng(20130101)
    facts, units = draw_facts(rng, n_facts), draw_units(rng, n_units)
    for name, slots, bare in contests():
        ours = partial(assemble, units, "at", set_of(slots), {"facts": facts})
        theirs = partial(bare, units, facts)
        check_equal(ours(), theirs())
        works = {"isbjerg": wall(ours), "bare": wall(theirs)}
        costs = interleaved(works, rounds=rounds)
        yield against(
            f"assembly.{name}.{n_facts // 1_000_000 or 0.1:g}M",
            median(costs["isbjerg"]),
            median(costs["bare"]),
            unit="s",
            conditions=(
                f"{n_units:,} units, {n_facts:,} facts, 5,000 entities, {pl.thread_pool_size()} "
                f"threads; reference: join_asof, no corrections; {spread(costs['isbjerg'])}"
            ),
        )


def contests() -> Iterator[tuple[str, list[Slot], Bare]]:
    """Yield what is computed, as slots and the bare way."""
    yield "newest1", [newest("v0")], partial(bare_newest, names=("v0",))
    yield "newest10", [newest(name) for name in VALUES], partial(bare_newest, names=VALUES)
    yield "past_mean", [past_mean("v0")], bare_past_mean


def draw_facts(rng: np.random.Generator, rows: int) -> pl.DataFrame:
    """Draw facts at moments that are all different, so that every method agrees on the newest."""
    moments = np.sort(rng.choice(YEAR_US // SECOND_US, size=rows, replace=False)) * SECOND_US
    columns = {
        "fact": np.arange(rows),
        "entity": [f"e{number}" for number in rng.integers(0, 5_000, rows)],
        "at": moments,
        # Whole numbers, so that sums are exact whichever way they are made.
        **{name: rng.integers(-1_000, 1_000, rows).astype(float) for name in VALUES},
        "_row": np.arange(rows),
    }
    live = pl.lit(None, dtype=INSTANT).alias("_live_at")
    return pl.DataFrame(columns).with_columns(pl.col("at").cast(INSTANT), live)


def draw_units(rng: np.random.Generator, rows: int) -> pl.DataFrame:
    """Draw decisions, in no order of time."""
    return pl.DataFrame(
        {
            "entity": [f"e{number}" for number in rng.integers(0, 5_000, rows)],
            "at": rng.integers(0, YEAR_US, rows),
        }
    ).with_columns(pl.col("at").cast(INSTANT))


def newest(column: str) -> Slot:
    """Look up the newest value of a column."""
    return Slot(
        name=column,
        kind="newest",
        source="facts",
        on=(("entity", "entity"),),
        key=("fact",),
        known=(Known("at"),),
        value=Node("column", value=column, type=Type.FLOAT),
        type=Type.FLOAT,
    )


def past_mean(column: str) -> Slot:
    """Average a column over seven days."""
    return Slot(
        name=column,
        kind="past",
        aggregate="mean",
        span_us=SPAN_US,
        source="facts",
        on=(("entity", "entity"),),
        key=("fact",),
        known=(Known("at"),),
        value=Node("column", value=column, type=Type.FLOAT),
        type=Type.FLOAT,
    )


def set_of(slots: list[Slot]) -> FeatureSet:
    """Make a feature set whose features are the slots as they are."""
    names = tuple(slot.name for slot in slots)
    return FeatureSet(
        columns=(("entity", Type.TEXT),),
        slots=tuple(slots),
        steps=tuple(Step(name, Node("slot", value=name, type=Type.FLOAT)) for name in names),
        outputs=names,
    )


def bare_newest(units: pl.DataFrame, facts: pl.DataFrame, names: tuple[str, ...]) -> pl.DataFrame:
    """Join the last fact strictly before each decision, all columns at once."""
    return in_order(units, lambda asked: join_before(asked, facts.select("entity", "at", *names)))


def bare_past_mean(units: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Average a window as the difference of two running sums, found by two joins."""
    running = facts.select(
        "entity",
        "at",
        total=pl.col("v0").cum_sum().over("entity"),
        count=pl.int_range(1, pl.len() + 1).over("entity"),
    )

    def window(asked: pl.DataFrame) -> pl.DataFrame:
        until = join_before(asked, running)
        start = pl.col("at") - pl.duration(microseconds=SPAN_US)
        since = join_before(asked.with_columns(start), running)
        total = until["total"].fill_null(0.0) - since["total"].fill_null(0.0)
        count = until["count"].fill_null(0) - since["count"].fill_null(0)
        mean = pl.when(count > 0).then(total / count)
        return until.with_columns(mean.alias("v0"))

    return in_order(units, window)


def join_before(asked: pl.DataFrame, facts: pl.DataFrame) -> pl.DataFrame:
    """Join by entity and time; both sides are sorted by time already."""
    return asked.join_asof(
        facts, on="at", by="entity", allow_exact_matches=False, check_sortedness=False
    )


def in_order(units: pl.DataFrame, ask: Callable[[pl.DataFrame], pl.DataFrame]) -> pl.DataFrame:
    """Sort the units by time, ask, and put the answers back in the units' order."""
    return ask(units.with_row_index("unit").sort("at")).sort("unit")


def check_equal(assembled: pl.DataFrame, bare: pl.DataFrame) -> None:
    """A benchmark of two methods that disagree measures nothing."""
    names = [column for column in assembled.columns if column.startswith("feature:")]
    for name in names:
        if not assembled[name].equals(bare[name.removeprefix("feature:")], check_names=False):
            raise AssertionError(f"{name} differs between isbjerg and bare Polars.")
