"""What happened to the flights, in the order in which it became known.

Every feature of the example looks at facts as they stood at the last full quarter of an hour,
so time goes by in steps of fifteen minutes. The decisions of a step and what became known during it
may be sent together: none of these facts can change an answer before the next step.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import polars as pl

from isbjerg.examples.flights_data import READING_DELAY, Tables

AHEAD = timedelta(hours=2)
"""How long before departure a decision is taken; frame.toml says the same."""

GRID = timedelta(minutes=15)
"""A step: the refresh grid of the example's features."""

UP_FRONT = (
    "flight_id",
    "sched_dep_utc",
    "sched_dep_local",
    "sched_arr_utc",
    "carrier",
    "flight_number",
    "tail_number",
    "origin",
    "dest",
    "distance_miles",
)
"""Columns of a flight that are known two hours ahead: all that a request may carry."""

_INSTANT = "%Y-%m-%dT%H:%M:%SZ"
_LOCAL = "%Y-%m-%dT%H:%M:%S"
_TABLES = ("flights", "weather")


class Decision(msgspec.Struct, frozen=True):
    """A request: which flight, at which instant (ISO 8601), its columns as JSON."""

    flight_id: str
    at: str
    inputs: bytes


class Told(msgspec.Struct, frozen=True):
    """Rows of one table that became known during a step, as JSON; the last of them at `at`."""

    table: str
    at: str
    rows: tuple[bytes, ...]


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """A quarter of an hour: the decisions taken in it, and what became known during them."""

    at: datetime
    decisions: tuple[Decision, ...]
    facts: tuple[Told, ...]


def steps(
    tables: Tables, since: datetime, until: datetime, *, decide_from: datetime | None = None
) -> Iterator[Step]:
    """List the steps of a while in which something happened.

    Parameters
    ----------
    tables : dict of str to polars.DataFrame
        The whole year, as `tidy_tables` gives it.
    since, until : datetime
        Decisions taken and facts known in ``[since, until)``, full quarters both.
    decide_from : datetime, optional
        No decision before it.
    """
    flights = tables["flights"]
    events = pl.concat(
        [
            _decisions(flights, max(since, decide_from or since), until),
            _departures(flights, since, until),
            _landings(flights, since, until),
            _readings(tables["weather"], since, until),
        ]
    ).sort("at", "order", "name")
    stepped = events.group_by(pl.col("at").dt.truncate(GRID).alias("step"), maintain_order=True)
    listed = stepped.agg("at", "order", "name", "body")
    for row in listed.iter_rows():
        yield _step(*row)


def _step(
    at: datetime, times: list[datetime], orders: list[int], names: list[str], bodies: list[str]
) -> Step:
    decisions: list[Decision] = []
    facts: dict[str, list[bytes]] = {}
    known: dict[str, datetime] = {}
    for when, order, name, body in zip(times, orders, names, bodies, strict=True):
        if not order:
            decisions.append(Decision(name, when.isoformat(), body.encode()))
        else:
            facts.setdefault(name, []).append(body.encode())
            known[name] = when
    told = tuple(Told(n, known[n].isoformat(), tuple(rows)) for n, rows in facts.items())
    return Step(at=at, decisions=tuple(decisions), facts=told)


def outcomes(
    flights: pl.DataFrame, since: datetime, until: datetime, *, decide_from: datetime
) -> pl.DataFrame:
    """List what came true in ``[since, until)`` of the flights that were judged."""
    arrived = _within(pl.col("landed_utc"), since, until)
    asked = pl.col("sched_dep_utc") - AHEAD >= decide_from
    return flights.filter(arrived & asked).select(
        "flight_id", "dep_delay", "departed_utc", "arr_delay", "landed_utc"
    )


def _decisions(flights: pl.DataFrame, since: datetime, until: datetime) -> pl.DataFrame:
    chosen = flights.filter(_within(pl.col("sched_dep_utc") - AHEAD, since, until))
    at = chosen["sched_dep_utc"] - AHEAD
    return _events(chosen.select(UP_FRONT), at, chosen["flight_id"], order=0)


def _departures(flights: pl.DataFrame, since: datetime, until: datetime) -> pl.DataFrame:
    """Tell of a flight when it leaves, without its landing."""
    left = flights.filter(_within(pl.col("departed_utc"), since, until))
    in_the_air = left.with_columns(
        arr_delay=pl.lit(None, dtype=pl.Int64),
        landed_utc=pl.lit(None, dtype=pl.Datetime("us", "UTC")),
    )
    return _facts(in_the_air, left["departed_utc"], 0)


def _landings(flights: pl.DataFrame, since: datetime, until: datetime) -> pl.DataFrame:
    """Tell of it again when it has landed."""
    landed = flights.filter(_within(pl.col("landed_utc"), since, until))
    return _facts(landed, landed["landed_utc"], 0)


def _readings(weather: pl.DataFrame, since: datetime, until: datetime) -> pl.DataFrame:
    known = weather["hour_utc"] + READING_DELAY
    there = known.is_between(since, until, closed="left")
    return _facts(weather.filter(there), known.filter(there), 1)


def _facts(rows: pl.DataFrame, at: pl.Series, table: int) -> pl.DataFrame:
    name = pl.repeat(_TABLES[table], rows.height, dtype=pl.String, eager=True)
    return _events(rows, at, name, order=1 + table)


def _within(time: pl.Expr, since: datetime, until: datetime) -> pl.Expr:
    return time.is_between(since, until, closed="left")


def _events(rows: pl.DataFrame, at: pl.Series, name: pl.Series, *, order: int) -> pl.DataFrame:
    zoned = [c for c, t in rows.schema.items() if isinstance(t, pl.Datetime) and t.time_zone]
    plain = [c for c, t in rows.schema.items() if isinstance(t, pl.Datetime) and not t.time_zone]
    written = rows.with_columns(
        pl.col(zoned).dt.strftime(_INSTANT), pl.col(plain).dt.strftime(_LOCAL)
    )
    return pl.DataFrame(
        {
            "at": at.dt.convert_time_zone(str(UTC)),
            "order": pl.repeat(order, rows.height, dtype=pl.Int8, eager=True),
            "name": name,
            "body": written.select(
                pl.struct(pl.all()).struct.json_encode().alias("body")
            ).to_series(),
        }
    )
