"""The order of a replay: a decision comes after all that was known before it, and nothing else."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime

import polars as pl
import pytest

from isbjerg.examples.demo_events import GRID, UP_FRONT, Step, outcomes, steps
from isbjerg.examples.flights_data import Tables

START = datetime(2013, 6, 1, tzinfo=UTC)
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


def listed(tables: Tables) -> list[Step]:
    return list(steps(tables, START, LAST))


def rows(found: Step, table: str) -> list[dict[str, object]]:
    return [json.loads(r) for told in found.facts if told.table == table for r in told.rows]


def known(found: Step, table: str) -> list[str]:
    return [told.at for told in found.facts if told.table == table]


def test_each_flight_is_judged_once_two_hours_ahead(tables: Tables) -> None:
    decided = {d.flight_id: d.at for step in listed(tables) for d in step.decisions}
    assert decided == {
        "a": at(8).isoformat(),
        "b": at(8).isoformat(),
        "c": at(10, 2).isoformat(),
        "d": at(10, 4).isoformat(),
    }


def test_no_decision_is_taken_before_the_first(tables: Tables) -> None:
    found = list(steps(tables, START, LAST, decide_from=at(10, 3)))
    assert [d.flight_id for step in found for d in step.decisions] == ["d"]


def test_a_request_holds_nothing_but_the_timetable(tables: Tables) -> None:
    asked = [json.loads(d.inputs) for step in listed(tables) for d in step.decisions]
    assert all(tuple(row) == UP_FRONT for row in asked)
    assert asked[0]["sched_dep_utc"] == "2013-06-01T10:00:00Z"
    assert asked[0]["sched_dep_local"] == "2013-06-01T10:00:00"


def test_a_fact_is_told_in_the_step_in_which_it_became_known(tables: Tables) -> None:
    told: dict[object, list[datetime]] = {}
    for step in listed(tables):
        for row in rows(step, "flights"):
            told.setdefault(row["flight_id"], []).append(step.at)
    assert told == {
        "a": [at(10), at(12)],
        "c": [at(12), at(14)],
        "d": [at(12, 30), at(15)],
    }


def test_steps_are_in_order_and_facts_lie_within_theirs(tables: Tables) -> None:
    found = listed(tables)
    assert all(earlier.at < later.at for earlier, later in itertools.pairwise(found))
    for step in found:
        times = [datetime.fromisoformat(d.at) for d in step.decisions]
        times += [datetime.fromisoformat(told.at) for told in step.facts]
        assert all(step.at <= time < step.at + GRID for time in times)


def test_a_table_is_told_at_the_time_of_its_last_row(tables: Tables) -> None:
    (noon,) = [step for step in listed(tables) if step.at == at(12)]
    assert known(noon, "flights") == [at(12, 2).isoformat()]  # 12:00 and 12:02 together


def test_a_flight_in_the_air_has_no_landing(tables: Tables) -> None:
    told = [r for s in listed(tables) for r in rows(s, "flights") if r["flight_id"] == "a"]
    assert [r["arr_delay"] for r in told] == [None, 0]
    assert [r["landed_utc"] for r in told] == [None, "2013-06-01T12:00:00Z"]
    assert [r["dep_delay"] for r in told] == [3, 3]


def test_a_reading_is_told_when_its_hour_is_over(tables: Tables) -> None:
    told = [(s.at, r["hour_utc"]) for s in listed(tables) for r in rows(s, "weather")]
    assert told == [(at(9), "2013-06-01T08:00:00Z"), (at(10), "2013-06-01T09:00:00Z")]


def test_outcomes_are_of_the_flights_that_reached_their_gate(tables: Tables) -> None:
    found = outcomes(tables["flights"], START, at(14, 30), decide_from=START)
    assert found["flight_id"].to_list() == ["a", "c"]
    later = outcomes(tables["flights"], START, at(14, 30), decide_from=at(10, 2))
    assert later["flight_id"].to_list() == ["c"]
