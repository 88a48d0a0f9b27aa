"""How often is a rescaled unit or an exchanged code told, and how often is drift mistaken for one?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import polars as pl

from benchmarks.figures import Figure, significant
from benchmarks.measuring import interleaved, median, wall
from isbjerg.data.definition_changes import definition_changes
from isbjerg.data.versions import new_facts
from isbjerg.examples.flights_package import package_folder, read_table

ROWS = 1_000
X = pl.col

EXCHANGES: dict[str, tuple[str, pl.Expr]] = {
    "km_to_miles": ("km", X("km") * 0.621371),
    "whole_miles": ("km", (X("km") * 0.621371).round()),
    "fahrenheit": ("celsius", (X("celsius") * 1.8 + 32).round(1)),
    "cents": ("euros", (X("euros") * 100).round()),
    "codes": ("carrier", X("carrier").replace({"UA": "1", "DL": "2", "AA": "3", "B6": "4"})),
}

MONTHS: dict[str, tuple[str, pl.Expr]] = {
    "distance_km": ("distance", (X("distance") * 1.609344).round(1)),
    "air_time_hours": ("air_time", X("air_time") / 60),
    "carrier_lower": ("carrier", X("carrier").str.to_lowercase()),
    "origin_numbers": ("origin", X("origin").replace({"EWR": "1", "JFK": "2", "LGA": "3"})),
}
"""What is done to a month of real flights."""


def figures(*, quick: bool) -> Iterator[Figure]:
    """Yield shares of changes told, of drifts mistaken, and what looking costs an ingest."""
    worlds = 20 if quick else 200
    for name, (column, exchange) in EXCHANGES.items():
        for where, first in (("known", 0), ("new", ROWS)):
            yield told(f"definitions.{name}.{where}", column, exchange, first, worlds)
    yield mistaken("definitions.growth_to_1.5", 1.5, worlds)
    yield mistaken("definitions.growth_to_5", 5.0, worlds)
    yield from flights()
    yield cost(100_000 if quick else 1_000_000)


def world(seed: int, first: int = 0, rows: int = ROWS) -> pl.DataFrame:
    """Draw trips: whole kilometres, a temperature, a price, a carrier."""
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "id": np.arange(first, first + rows),
            "km": np.round(rng.lognormal(6.5, 0.7, rows)),
            "celsius": np.round(rng.normal(12, 8, rows), 1),
            "euros": np.round(rng.gamma(2.0, 60.0, rows), 2),
            "carrier": rng.choice(["UA", "DL", "AA", "B6"], rows, p=[0.4, 0.3, 0.2, 0.1]),
        }
    )


def columns_told(before: pl.DataFrame, read: pl.DataFrame, key: str = "id") -> set[str]:
    """Name the columns that are called redefined."""
    found = definition_changes("t", before, new_facts(before, read, [key]), [key])
    return {f.subject.partition(".")[2] for f in found}


def told(name: str, column: str, exchange: pl.Expr, first: int, worlds: int) -> Figure:
    """Yield the share of worlds in which the exchange, and nothing else, was told."""
    hits = 0
    for seed in range(worlds):
        read = world(seed + (10_000 if first else 0), first).with_columns(exchange.alias(column))
        hits += columns_told(world(seed), read) == {column}
    return share(name, hits, worlds, f"{worlds} worlds of {ROWS:,} rows beside {ROWS:,}")


def mistaken(name: str, growth_max: float, worlds: int) -> Figure:
    """Yield the share of ordinary drifts that were called a changed definition."""
    alarms = 0
    for seed in range(worlds):
        rng = np.random.default_rng(seed)
        growth = float(np.exp(rng.uniform(-np.log(growth_max), np.log(growth_max))))
        mix = rng.dirichlet(np.full(5, 2.0))
        read = world(seed + 10_000, ROWS).with_columns(
            (X("km") * growth).round(),
            (X("celsius") + rng.normal(0, 6)).round(1),
            (X("euros") * growth).round(2),
            pl.Series("carrier", rng.choice(["UA", "DL", "AA", "B6", "WN"], ROWS, p=mix)),
        )
        alarms += len(columns_told(world(seed), read))
    return share(name, alarms, worlds * 4, f"{worlds} drifts, 4 columns; growth to {growth_max:g}x")


def flights() -> Iterator[Figure]:
    """Compare each month of the flights of 2013 with those before it."""
    table = read_table("flights", package_folder()).with_row_index("id").cast({"id": pl.Int64})
    months = [table.filter(X("month") == m).drop("year", "month") for m in range(1, 13)]
    compared = [(pl.concat(months[:m]), months[m]) for m in range(1, 12)]
    alarms = [columns_told(before, month) for before, month in compared]
    columns = months[0].width - 1
    yield share(
        "definitions.flights.mistaken",
        sum(len(a) for a in alarms),
        len(compared) * columns,
        f"11 months, each after those before it, {columns} columns",
    )
    for name, (column, exchange) in MONTHS.items():
        hits = [
            column in columns_told(before, month.with_columns(exchange.alias(column)))
            for before, month in compared
        ]
        conditions = "11 months, each read in another definition than those before it"
        yield share(f"definitions.flights.{name}", sum(hits), len(hits), conditions)


def share(name: str, hits: int, of: int, conditions: str) -> Figure:
    """Make a figure of a count among a count."""
    return Figure(
        name=name,
        value=significant(hits / of),
        unit="share",
        conditions=f"{hits} of {of}; {conditions}",
    )


def cost(rows: int) -> Figure:
    """Yield what looking costs beside the comparison that every ingest makes."""
    before = world(1, rows=rows)
    read = before.with_columns((X("km") * 0.621371).alias("km"))
    compare: Callable[[], object] = partial(new_facts, before, read, ["id"])
    changes = new_facts(before, read, ["id"])
    look = partial(definition_changes, "t", before, changes, ["id"])
    costs = interleaved({"look": wall(look), "compare": wall(compare)}, rounds=5)
    return Figure(
        name="definitions.cost",
        value=significant(median(costs["look"])),
        unit="s",
        reference=significant(median(costs["compare"])),
        ratio=significant(median(costs["look"]) / median(costs["compare"])),
        conditions=f"{rows:,} known rows, all corrected; reference: finding which rows differ",
    )
