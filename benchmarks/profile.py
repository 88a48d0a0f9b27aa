"""A profile of a million rows by forty columns, against Polars' own `describe`."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import polars as pl

from benchmarks.figures import Figure, against
from benchmarks.measuring import interleaved, median, spread, wall
from isbjerg.data.profile import profile_table
from isbjerg.evaluation.relations import relations

NUMBERS, WHOLE, TEXTS, NAMES = 20, 8, 8, 2
START_US = int(datetime(2013, 1, 1, tzinfo=UTC).timestamp()) * 10**6


def figures(*, quick: bool) -> Iterator[Figure]:
    """Yield the seconds of a profile, and of holding the same columns against a target."""
    rows = 100_000 if quick else 1_000_000
    df = draw(np.random.default_rng(20130101), rows)
    if profile_table(df, "big", ["id"], at="at").rows != df.height:
        raise AssertionError("The profile lost rows.")
    costs = interleaved(
        {
            "isbjerg": wall(lambda: profile_table(df, "big", ["id"], at="at")),
            "describe": wall(df.describe),
        },
        rounds=3 if quick else 5,
    )
    ours, bare = median(costs["isbjerg"]), median(costs["describe"])
    yield against(
        "profile.table",
        ours,
        bare,
        unit="s",
        conditions=(
            f"{rows:,} x {df.width}, of them {TEXTS + NAMES} texts; reference: polars' describe "
            f"(no distinct, no bins, no commonest); {pl.thread_pool_size()} threads; "
            f"{spread(costs['isbjerg'])}"
        ),
    )
    truth = (df["x0"].fill_null(0.0).to_numpy() > 1.0).astype(np.float64)
    columns = df.drop("id")
    held = interleaved(
        {"isbjerg": wall(lambda: relations(columns, truth, "binary"))}, rounds=2 if quick else 3
    )
    yield against(
        "profile.target",
        median(held["isbjerg"]),
        bare,
        unit="s",
        conditions=f"{rows:,} rows, {columns.width} columns, binary; reference: the same describe",
    )


def draw(rng: np.random.Generator, rows: int) -> pl.DataFrame:
    """Draw numbers with holes, whole numbers, texts of few and of many values, and times."""
    columns: dict[str, object] = {"id": np.arange(rows)}
    columns["at"] = pl.Series(START_US + np.sort(rng.integers(0, 10**13, rows))).cast(
        pl.Datetime("us", "UTC")
    )
    for i in range(NUMBERS):
        holes = rng.random(rows) < 0.02 * (i % 3)
        columns[f"x{i}"] = pl.Series(rng.normal(size=rows)).set(pl.Series(holes), None)
    for i in range(WHOLE):
        columns[f"n{i}"] = rng.poisson(3 * 10**i % 10_000, rows)
    for i in range(TEXTS):
        words = np.array([f"word {w}" for w in range(5 * 4**i % 3_000 + 3)])
        columns[f"t{i}"] = rng.choice(words, rows)
    for i in range(NAMES):
        columns[f"name{i}"] = [f"{v:x}" for v in rng.integers(0, 2**40, rows)]
    return pl.DataFrame(columns)
