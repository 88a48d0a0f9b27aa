"""What each trap in the flights of 2013 does to the ranking of June, in bare Polars and LightGBM.

Trees learn January to April, stop by May and rank the flights of June (area under the ROC
curve). Nothing of isbjerg's assembly is used, so that these figures stand beside its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import lightgbm
import numpy as np
import polars as pl
from sklearn.metrics import roc_auc_score

from benchmarks.figures import Figure, against
from isbjerg.examples.flights_data import READING_DELAY, prepare

HOUR = timedelta(hours=1)
DAYS = ((5, 1), (6, 1), (6, 8), (7, 1))
MAY, JUNE, JUNE_8, JULY = (datetime(2013, m, d) for m, d in DAYS)  # noqa: DTZ001 - New York's clocks

SCHEDULE = ["minute", "weekday", "carrier", "origin", "dest", "distance_miles", "planned"]
CATEGORIES = ("weekday", "carrier", "origin", "dest")
READINGS = ["temp", "dewp", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"]
WINDOWS = [
    ("carrier", 7 * 24, "late"),
    ("carrier", 24, "late"),
    ("origin", 7 * 24, "late"),
    ("origin", 24, "late"),
    ("dest", 7 * 24, "late"),
    ("dest", 24, "late"),
    ("carrier", 3, "dep_delay"),
    ("origin", 2, "dep_delay"),
]
KNOWN = {"late": "landed_utc", "dep_delay": "departed_utc"}


def figures(*, quick: bool) -> Iterator[Figure]:
    """Yield the area for each set of features; the reference is the rate of late flights by hour."""
    flights = _prepared()
    past = [f"{by}_{value}_{hours}h" for by, hours, value in WINDOWS] + ["tail_delay"]
    at_departure = [f"{reading}_then" for reading in READINGS]
    sets = {
        "schedule": SCHEDULE,
        "month_and_day": [*SCHEDULE, "month", "day"],
        "weather_known": [*SCHEDULE, *READINGS],
        "weather_of_departure": [*SCHEDULE, *at_departure],
        "weather_and_history": [*SCHEDULE, *READINGS, *past],
        "departure_delay": [*SCHEDULE, "dep_delay"],
    }
    train, june = _between(flights, None, JUNE), _between(flights, JUNE, JULY)
    week = _between(flights, JUNE, JUNE_8)
    by_hour = train.group_by("hour").agg(score=pl.col("late").mean())
    rule = [_auc(part, _joined(part, by_hour)) for part in (june, week)]
    yield _figure("rule_by_hour", rule, rule[0], june, week)
    for name, features in list(sets.items())[: 2 if quick else None]:
        model = _fit(train, features)
        areas = [_auc(p, np.asarray(model.predict(_matrix(p, features)))) for p in (june, week)]
        yield _figure(name, areas, rule[0], june, week)


def _figure(
    name: str, areas: Sequence[float], rule: float, june: pl.DataFrame, week: pl.DataFrame
) -> Figure:
    return against(
        f"flights_traps.{name}",
        areas[0],
        rule,
        unit="AUC",
        conditions=(
            f"June 2013, {june.height:,} flights; 1-7 June alone, {week.height:,}: "
            f"{areas[1]:.3f}; reference: rate by hour; LightGBM {lightgbm.__version__}"
        ),
    )


def _prepared() -> pl.DataFrame:
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder))
        flights = pl.read_parquet(f"{folder}/flights.parquet")
        weather = pl.read_parquet(f"{folder}/weather.parquet")
    local = pl.col("sched_dep_local").dt
    flights = flights.with_row_index("row").with_columns(
        at=pl.col("sched_dep_utc") - 2 * HOUR,
        late=(pl.col("arr_delay") > 30).cast(pl.Float64),
        hour=local.hour(),
        minute=local.hour().cast(pl.Int64) * 60 + local.minute(),
        weekday=local.weekday(),
        month=local.month(),
        day=local.day(),
        planned=(pl.col("sched_arr_utc") - pl.col("sched_dep_utc")).dt.total_minutes(),
    )
    flights = _with_weather(flights, weather)
    for by, hours, value in WINDOWS:
        flights = _with_window(flights, by, hours, value)
    flights = _with_last_delay(flights)
    codes = [pl.col(c).rank("dense").cast(pl.Int64).alias(c) for c in ("carrier", "origin", "dest")]
    return flights.filter(pl.col("arr_delay").is_not_null()).with_columns(codes).sort("at", "row")


def _with_weather(flights: pl.DataFrame, weather: pl.DataFrame) -> pl.DataFrame:
    known = weather.with_columns(known=pl.col("hour_utc") + READING_DELAY).sort("known")
    of_departure = weather.rename({r: f"{r}_then" for r in READINGS})
    joined = flights.sort("at").join_asof(
        known.drop("hour_utc"),
        left_on="at",
        right_on="known",
        by="origin",
        allow_exact_matches=False,
        tolerance=6 * HOUR,
        check_sortedness=False,
    )
    return joined.with_columns(hour_utc=pl.col("sched_dep_utc").dt.truncate("1h")).join(
        of_departure.select("origin", "hour_utc", pl.selectors.ends_with("_then")),
        on=["origin", "hour_utc"],
        how="left",
    )


def _with_window(flights: pl.DataFrame, by: str, hours: int, value: str) -> pl.DataFrame:
    """Add a mean over what became known in the hours before, as a difference of running sums."""
    facts = (
        flights.select(by, t=KNOWN[value], v=pl.col(value).cast(pl.Float64))
        .drop_nulls()
        .sort("t")
        .with_columns(s=pl.col("v").cum_sum().over(by), n=pl.col("v").cum_count().over(by))
    )
    grid = flights.select("row", by, end=pl.col("at").dt.truncate("5m"))
    grid = grid.with_columns(start=pl.col("end") - hours * HOUR)
    end, start = (_sums(grid, facts, by, edge) for edge in ("end", "start"))
    mean = (pl.col("s") - pl.col("s_start")) / (pl.col("n") - pl.col("n_start"))
    both = end.join(start, on="row", suffix="_start").select(
        "row",
        pl.when(pl.col("n") > pl.col("n_start")).then(mean).alias(f"{by}_{value}_{hours}h"),
    )
    return flights.join(both, on="row", how="left")


def _sums(grid: pl.DataFrame, facts: pl.DataFrame, by: str, edge: str) -> pl.DataFrame:
    found = grid.sort(edge).join_asof(
        facts,
        left_on=edge,
        right_on="t",
        by=by,
        allow_exact_matches=False,
        check_sortedness=False,
    )
    return found.select("row", pl.col("s").fill_null(0.0), pl.col("n").fill_null(0).cast(pl.Int64))


def _with_last_delay(flights: pl.DataFrame) -> pl.DataFrame:
    landed = flights.select("tail_number", t="landed_utc", tail_delay="arr_delay")
    return flights.sort("at").join_asof(
        landed.drop_nulls().sort("t"),
        left_on="at",
        right_on="t",
        by="tail_number",
        allow_exact_matches=False,
        tolerance=12 * HOUR,
        check_sortedness=False,
    )


def _between(flights: pl.DataFrame, start: datetime | None, end: datetime) -> pl.DataFrame:
    local = pl.col("sched_dep_local")
    return flights.filter(local < end if start is None else (local >= start) & (local < end))


def _fit(train: pl.DataFrame, features: list[str]) -> lightgbm.Booster:
    learn, stop = _between(train, None, MAY), _between(train, MAY, JUNE)
    parameters = {
        "objective": "binary",
        "metric": "auc",
        "learning_rate": 0.05,
        "num_leaves": 31,
        "min_data_in_leaf": 100,
        "seed": 1,
        "deterministic": True,
        "num_threads": 2,
        "verbose": -1,
    }
    data = lightgbm.Dataset(
        _matrix(learn, features),
        learn["late"].to_numpy(),
        feature_name=features,
        categorical_feature=[f for f in features if f in CATEGORIES],
    )
    until = data.create_valid(_matrix(stop, features), stop["late"].to_numpy())
    return lightgbm.train(
        parameters,
        data,
        1_000,
        valid_sets=[until],
        callbacks=[lightgbm.early_stopping(50, verbose=False)],
    )


def _matrix(flights: pl.DataFrame, features: list[str]) -> np.ndarray:
    return flights.select(pl.col(features).cast(pl.Float64)).to_numpy()


def _joined(flights: pl.DataFrame, by_hour: pl.DataFrame) -> np.ndarray:
    joined = flights.join(by_hour, on="hour", how="left", maintain_order="left")
    return joined["score"].fill_null(0.0).to_numpy()


def _auc(flights: pl.DataFrame, scores: np.ndarray) -> float:
    return float(roc_auc_score(flights["late"].to_numpy(), scores))
