"""Month by month: the rule, the first model left as it was, and what was answered."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl

from isbjerg.evaluation.metrics import Measured, measure
from isbjerg.examples.demo_events import AHEAD
from isbjerg.examples.demo_report import Month
from isbjerg.examples.demo_traffic import Traffic
from isbjerg.features.definitions import Feature
from isbjerg.statistics.bootstrap import time_blocks

METRIC = "average_precision"
LATE_MINUTES = 30
SEED = 20130601
SYSTEMS = ("rule", "frozen", "live")


def answered(flights: pl.DataFrame, traffic: Traffic) -> pl.DataFrame:
    """Join what was answered with the flights; the up-front columns and the outcome stay."""
    sent = pl.DataFrame(
        {
            "flight_id": [p.flight_id for p in traffic.predictions],
            "live": [p.score for p in traffic.predictions],
        },
        schema={"flight_id": pl.String, "live": pl.Float64},
    ).drop_nulls()
    return flights.join(sent, on="flight_id", maintain_order="left")


def by_rule(rule: Feature, flights: pl.DataFrame) -> pl.Series:
    """Score flights by the hand-coded rule, which asks for nothing but the hour."""
    hours = {hour: float(rule(hour)) for hour in range(24)}
    return flights["sched_dep_local"].dt.hour().replace_strict(hours, return_dtype=pl.Float64)


def months(flights: pl.DataFrame) -> tuple[Month, ...]:
    """Measure each month, and all of them together.

    Parameters
    ----------
    flights : DataFrame
        ``rule``, ``frozen``, ``live`` (scores, ``frozen`` may lack), ``arr_delay`` and the times.
    """
    known = flights.filter(pl.col("arr_delay").is_not_null()).with_columns(
        month=pl.col("sched_dep_local").dt.strftime("%Y-%m"),
        late=pl.col("arr_delay") > LATE_MINUTES,
        at_us=(pl.col("sched_dep_utc") - AHEAD).dt.epoch("us"),
    )
    parts = known.partition_by("month", as_dict=True, maintain_order=True)
    told = [_month(str(name), part) for (name,), part in parts.items()]
    return (*told, _month("all", known)) if len(told) > 1 else tuple(told)


def _month(name: str, flights: pl.DataFrame) -> Month:
    truth = flights["late"].cast(pl.Float64).to_numpy()
    blocks = time_blocks(flights["at_us"].to_numpy())
    found: Mapping[str, Measured] = {
        system: measure(
            METRIC, truth, flights[system].to_numpy(), blocks, np.random.default_rng(SEED)
        )
        for system in SYSTEMS
        if system in flights.columns
    }
    values = {system: one.value for system, one in found.items()}
    return Month(
        month=name,
        rule=values.get("rule"),
        frozen=values.get("frozen"),
        live=values.get("live"),
        n=flights.height,
        late=int(truth.sum()),
        intervals={
            system: (one.low, one.high)
            for system, one in found.items()
            if one.low is not None and one.high is not None
        },
    )
