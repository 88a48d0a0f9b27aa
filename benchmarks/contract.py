"""A contract of twenty rules on a million rows, against bare queries that count the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import duckdb
import numpy as np
import polars as pl

from benchmarks.figures import Figure, against
from benchmarks.measuring import interleaved, median, spread, wall
from isbjerg.data.checking import check
from isbjerg.data.contract import Contract, Field
from isbjerg.expressions.tree import Type

NUMBERS = tuple(f"x{i}" for i in range(8))
TEXTS = ("region", "channel", "state")
STATES = ("open", "paid", "late", "lost")
RULES = 20


def figures(*, quick: bool) -> Iterator[Figure]:
    """Yield the seconds of a check of clean rows, and of rows of which a few are broken."""
    rows = 100_000 if quick else 1_000_000
    for name, broken in (("clean", 0), ("broken", rows // 1_000)):
        df = draw(np.random.default_rng(20130101), rows, broken)
        ours = check_of(df)
        for reference, query in (("polars", bare_polars(df)), ("duckdb", bare_duckdb(df))):
            if sum(query()) != ours():
                raise AssertionError(f"isbjerg and {reference} count differently.")
            costs = interleaved(
                {"isbjerg": wall(ours), "bare": wall(query)}, rounds=3 if quick else 7
            )
            yield against(
                f"contract.{name}.{reference}",
                median(costs["isbjerg"]),
                median(costs["bare"]),
                unit="s",
                conditions=(
                    f"{RULES} rules, {rows:,} rows, {broken:,} broken values; reference: one "
                    f"{reference} query that counts them, "
                    f"{pl.thread_pool_size()} threads; {spread(costs['isbjerg'])}"
                ),
            )


def draw(rng: np.random.Generator, rows: int, broken: int) -> pl.DataFrame:
    """Draw rows, and put values that break a rule into four of the columns."""
    columns = {
        "id": rng.permutation(rows),
        **{name: rng.uniform(0, 100, rows) for name in NUMBERS},
        **{name: rng.choice(STATES, rows) for name in TEXTS},
    }
    for name in NUMBERS[:2]:
        columns[name][rng.choice(rows, broken, replace=False)] = -1.0
    df = pl.DataFrame(columns)
    return df.with_columns(
        pl.when(pl.int_range(pl.len()) < broken).then(None).otherwise(pl.col(name)).alias(name)
        for name in (*NUMBERS[2:3], *TEXTS[:1])
    )


def contract() -> Contract:
    """Promise a key, 8 ranges, 8 columns that are never missing and 3 lists of values."""
    numbers = [
        Field(name=n, type=Type.FLOAT, minimum=0, maximum=100, required=i < 4)
        for i, n in enumerate(NUMBERS)
    ]
    texts = [Field(name=n, type=Type.TEXT, values=STATES, required=True) for n in TEXTS]
    identity = Field(name="id", type=Type.INTEGER, required=True)
    return Contract(table="loans", key=("id",), fields=(identity, *numbers, *texts))


def check_of(df: pl.DataFrame) -> Callable[[], int]:
    """Prepare the check; it gives the number of breaches found, so that it can be compared."""
    promise = contract()

    def ours() -> int:
        findings = check(promise, df).findings
        return sum(int(str(f.evidence["count"])) for f in findings if "count" in f.evidence)

    return ours


def bare_polars(df: pl.DataFrame) -> Callable[[], list[int]]:
    """Write the same rules as one Polars query."""
    rules = [pl.len() - pl.col("id").n_unique(), pl.col("id").null_count()]
    for number, name in enumerate(NUMBERS):
        rules.append(((pl.col(name) < 0) | (pl.col(name) > 100)).sum())
        if number < 4:
            rules.append(pl.col(name).null_count())
    for name in TEXTS:
        rules += [(~pl.col(name).is_in(STATES)).sum(), pl.col(name).null_count()]
    query = df.lazy().select(rule.alias(str(i)) for i, rule in enumerate(rules))
    return lambda: list(query.collect().row(0))


def bare_duckdb(df: pl.DataFrame) -> Callable[[], list[int]]:
    """Write the same rules as one query of DuckDB over a table of its own."""
    rules = ["count(*) - count(DISTINCT id)", "count(*) FILTER (id IS NULL)"]
    for number, name in enumerate(NUMBERS):
        rules.append(f"count(*) FILTER ({name} < 0 OR {name} > 100)")
        if number < 4:
            rules.append(f"count(*) FILTER ({name} IS NULL)")
    for name in TEXTS:
        listed = ", ".join(f"'{state}'" for state in STATES)
        rules.append(f"count(*) FILTER ({name} NOT IN ({listed}))")
        rules.append(f"count(*) FILTER ({name} IS NULL)")
    connection = duckdb.connect(config={"threads": pl.thread_pool_size()})
    connection.register("given", df.to_arrow())
    connection.execute("CREATE TABLE loans AS SELECT * FROM given")
    query = f"SELECT {', '.join(rules)} FROM loans"  # noqa: S608 (names of this file)
    return lambda: list(connection.execute(query).fetchall()[0])
