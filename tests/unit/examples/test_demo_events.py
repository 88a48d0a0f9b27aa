"""The order of a replay: a decision comes after all that was known before it, and nothing else."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime

import polars as pl
import pytest

from isbjerg.examples.demo_events import UP_FRONT, Moment, moments, outcomes
from isbjerg.examples.flights_data import Tables

START = datetime(2013, 6, 1, tzinfo=UTC)
FIRST = datetime(2013, 6, 1, 4, tzinfo=UTC)
LAST = datetime(2013, 6, 2, 4, tzinfo=UTC)


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2013, 6, 1, hour, minute, tzinfo=UTC)


FLIGHTS = [
    # name, planned, left, landed: the second never leaves
    ("a", at(10), at(10, 3), at(12, 0)),
    ("b", at(10), None, None),
    ("c", at(12, 2), at(12, 2), at(14, 0)),
    ("d", at(12, 4), at(12, 30), at(15, 0)),
]


@pytest.fixture
def tables() -> Tables:
    instant = pl.Datetime("us", "UTC")
    names, planned, left, landed = zip(*FLIGHTS, strict=True)
    flights = pl.DataFrame(
        {
            "flight_id": names,
            "sched_dep_utc": pl.Series(planned, dtype=instant),
            "sched_dep_local": pl.Series([t.replace(tzinfo=None) for t in planned]),
            "sched_arr_utc": pl.Series(planned, dtype=instant),
            "carrier": "XX",
            "flight_number": 1,
            "tail_number": "N1",
            "origin": "JFK",
            "dest": "LAX",
            "distance_miles": 2475,
            "dep_delay": [3, None, 0, 26],
            "arr_delay": [0, None, 40, 50],
            "departed_utc": pl.Series(left, dtype=instant),
            "landed_utc": pl.Series(landed, dtype=instant),
        }
    )
    weather = pl.DataFrame(
        {
            "origin": "JFK",
            "hour_utc": pl.Series([at(8), at(9)], dtype=instant),
            "temp": [60.0, 61.0],
        }
    )
    return {"flights": flights, "weather": weather}


def listed(tables: Tables) -> list[Moment]:
    return list(moments(tables, START, FIRST, LAST))


def test_each_flight_is_judged_once_two_hours_ahead(tables: Tables) -> None:
    decided = {row["flight_id"]: m.at for m in listed(tables) for row in m.decisions}
    assert decided == {"a": at(8), "b": at(8), "c": at(10, 2), "d": at(10, 4)}


def test_a_request_holds_nothing_but_the_timetable(tables: Tables) -> None:
    rows = [row for m in listed(tables) for row in m.decisions]
    assert all(tuple(row) == UP_FRONT for row in rows)
    assert rows[0]["sched_dep_utc"] == "2013-06-01T10:00:00Z"
    assert rows[0]["sched_dep_local"] == "2013-06-01T10:00:00"


def test_a_fact_is_told_after_it_was_known_and_before_the_next_decision(tables: Tables) -> None:
    known = {
        "a": {at(10, 3), at(12, 2)},  # 12:00 and 12:02 are told together: no decision lies between
        "c": {at(12, 2), at(14)},
        "d": {at(12, 30), at(15)},
    }
    told: dict[str, set[datetime]] = {}
    for moment in listed(tables):
        for row in moment.facts.get("flights", ()):
            told.setdefault(row["flight_id"], set()).add(moment.facts_at)
    assert told == known


def test_order(tables: Tables) -> None:
    found = listed(tables)
    for earlier, later in itertools.pairwise(found):
        assert earlier.at <= earlier.facts_at <= later.at
        assert not (earlier.facts and later.decisions) or earlier.facts_at < later.at


def test_a_flight_in_the_air_has_no_landing(tables: Tables) -> None:
    rows = [r for m in listed(tables) for r in m.facts.get("flights", ()) if r["flight_id"] == "a"]
    assert [r["arr_delay"] for r in rows] == [None, 0]
    assert [r["landed_utc"] for r in rows] == [None, "2013-06-01T12:00:00Z"]
    assert [r["dep_delay"] for r in rows] == [3, 3]


def test_a_reading_is_told_when_its_hour_is_over(tables: Tables) -> None:
    told = [(m.facts_at, r["hour_utc"]) for m in listed(tables) for r in m.facts.get("weather", ())]
    assert told == [(at(9), "2013-06-01T08:00:00Z"), (at(10), "2013-06-01T09:00:00Z")]


def test_outcomes_are_of_the_flights_judged(tables: Tables) -> None:
    assert outcomes(tables["flights"], FIRST, at(11))["flight_id"].to_list() == ["a", "b"]
