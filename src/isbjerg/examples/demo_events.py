"""What happened in the week of the demonstration, in the order in which it became known.

A decision sees only what was known before it. So the week is a list of moments: first the
decisions of the moment, then, before the next moment, what has become known since: flights
that left, flights that landed, hours of weather that were over.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import msgspec
import polars as pl

from isbjerg.examples.flights_data import READING_DELAY, Tables

AHEAD = timedelta(hours=2)
"""How long before departure a decision is taken; frame.toml says the same."""

GRID = timedelta(minutes=5)
"""Facts are sent at least this often: the refresh grid of the example's features."""

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

JsonRow = dict[str, Any]


class Moment(msgspec.Struct, frozen=True, kw_only=True):
    """Decisions taken at one time, and what became known between it and the next moment.

    Parameters
    ----------
    at : datetime
        When the decisions are taken.
    decisions : tuple of dict
        Up-front columns of the flights to be judged.
    facts : dict of str to tuple of dict
        Rows by table, known at `at` or after it.
    facts_at : datetime
        When the last of them became known; before the next moment.
    """

    at: datetime
    decisions: tuple[JsonRow, ...]
    facts: dict[str, tuple[JsonRow, ...]]
    facts_at: datetime


def moments(tables: Tables, start: datetime, first: datetime, last: datetime) -> Iterator[Moment]:
    """List the moments of a replay.

    Parameters
    ----------
    tables : dict of str to polars.DataFrame
        The whole year, as `tidy_tables` gives it.
    start : datetime
        What became known before it is in the project already.
    first, last : datetime
        Flights planned to leave in ``[first, last)`` are judged.
    """
    events = pl.concat(
        [
            _decisions(tables["flights"], first, last),
            *_flight_facts(tables["flights"], start, last - AHEAD),
            _weather_facts(tables["weather"], start, last - AHEAD),
        ]
    ).sort("at", "kind", "order")
    rows = (row for row in events.iter_rows(named=True))
    for _, group in groupby(rows, key=_moment_key()):
        yield _moment(list(group))


class _moment_key:  # noqa: N801 - a function that remembers
    """Number the moments: a new one starts at each time with decisions and at each grid point."""

    def __init__(self) -> None:
        self._number = 0
        self._decided: datetime | None = None
        self._grid: int | None = None

    def __call__(self, row: JsonRow) -> int:
        at, decides = row["at"], row["kind"] == 0
        grid = int(at.timestamp() // GRID.total_seconds())
        if grid != self._grid or (decides and at != self._decided):
            self._number += 1
        self._grid = grid
        self._decided = at if decides else self._decided
        return self._number


def _moment(rows: list[JsonRow]) -> Moment:
    decode = msgspec.json.decode
    facts: dict[str, list[JsonRow]] = {}
    for row in rows:
        if row["kind"]:
            facts.setdefault(row["table"], []).append(decode(row["body"]))
    return Moment(
        at=rows[0]["at"],
        decisions=tuple(decode(row["body"]) for row in rows if not row["kind"]),
        facts={table: tuple(known) for table, known in facts.items()},
        facts_at=rows[-1]["at"],
    )


def _decisions(flights: pl.DataFrame, first: datetime, last: datetime) -> pl.DataFrame:
    chosen = flights.filter(pl.col("sched_dep_utc").is_between(first, last, closed="left"))
    return _events(chosen.select(UP_FRONT), chosen["sched_dep_utc"] - AHEAD, "flights", kind=0)


def _flight_facts(flights: pl.DataFrame, start: datetime, end: datetime) -> Iterator[pl.DataFrame]:
    """Tell a flight when it leaves, without its landing, and again when it has landed."""
    left = flights.filter(pl.col("departed_utc").is_between(start, end, closed="left"))
    in_the_air = left.with_columns(
        arr_delay=pl.lit(None, dtype=pl.Int64),
        landed_utc=pl.lit(None, dtype=pl.Datetime("us", "UTC")),
    )
    yield _events(in_the_air, left["departed_utc"], "flights", kind=1)
    landed = flights.filter(pl.col("landed_utc").is_between(start, end, closed="left"))
    yield _events(landed, landed["landed_utc"], "flights", kind=2)


def _weather_facts(weather: pl.DataFrame, start: datetime, end: datetime) -> pl.DataFrame:
    known = pl.col("hour_utc") + READING_DELAY
    readings = weather.filter(known.is_between(start, end, closed="left"))
    return _events(readings, readings["hour_utc"] + READING_DELAY, "weather", kind=3)


def _events(rows: pl.DataFrame, at: pl.Series, table: str, *, kind: int) -> pl.DataFrame:
    zoned = [c for c, t in rows.schema.items() if isinstance(t, pl.Datetime) and t.time_zone]
    plain = [c for c, t in rows.schema.items() if isinstance(t, pl.Datetime) and not t.time_zone]
    written = rows.with_columns(
        pl.col(zoned).dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
        pl.col(plain).dt.strftime("%Y-%m-%dT%H:%M:%S"),
    )
    encode = msgspec.json.encode
    return pl.DataFrame(
        {
            "at": at,
            "kind": pl.repeat(kind, rows.height, dtype=pl.Int8, eager=True),
            "order": pl.int_range(rows.height, eager=True),
            "table": pl.repeat(table, rows.height, dtype=pl.String, eager=True),
            "body": pl.Series(
                [encode(row).decode() for row in written.iter_rows(named=True)], dtype=pl.String
            ),
        }
    )


def outcomes(flights: pl.DataFrame, first: datetime, last: datetime) -> pl.DataFrame:
    """List what came true of the flights planned to leave in ``[first, last)``."""
    chosen = flights.filter(pl.col("sched_dep_utc").is_between(first, last, closed="left"))
    return chosen.select(
        "flight_id",
        "dep_delay",
        "departed_utc",
        "arr_delay",
        "landed_utc",
    )
