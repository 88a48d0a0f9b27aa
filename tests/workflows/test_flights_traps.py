"""The traps of the flights example: the product refuses them, or shows them for what they are."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from isbjerg.errors import KnowledgeError
from isbjerg.examples.flights_data import known_before, tidy_tables, write_tables
from isbjerg.examples.flights_package import package_folder
from isbjerg.examples.projects import template_files
from isbjerg.project import Project
from isbjerg.workflows.drafting_tooling import write_project

pytestmark = pytest.mark.slow

AS_OF = "2013-04-01"


@pytest.fixture(scope="module")
def tables():
    known = known_before(tidy_tables(package_folder()), datetime(2013, 4, 1, tzinfo=UTC))
    # The hour a flight leaves in, as a careless join to the weather would want it.
    hour = pl.col("sched_dep_utc").dt.truncate("1h")
    return {**known, "flights": known["flights"].with_columns(sched_dep_hour_utc=hour)}


def project(folder: Path, tables, features: str, models: str) -> Project:
    files = template_files("flights")
    files["features.py"] += features
    kept = re.split(r"@ib\.candidate", files["models.py"], maxsplit=1)[0]
    files["models.py"] = kept + models
    write_project(folder, files)
    write_tables(tables, folder / "data")
    return Project(folder)


def test_the_delay_at_departure_is_refused(tmp_path, tables):
    made = project(
        tmp_path / "flights",
        tables,
        """

@ib.feature(unit="min")
def departed_late_by(dep_delay):
    return dep_delay
""",
        """
@ib.candidate(features=[f.hour, f.departed_late_by])
def too_good():
    return ib.boosted_trees()
""",
    )
    with pytest.raises(KnowledgeError) as refused:
        made.run(AS_OF)
    message = str(refused.value)
    assert refused.value.kind_code == "ISB310"
    assert "'dep_delay', which is not known when the decision is taken" in message
    assert "departed_utc, too late in 100.0% of the rows" in message
    assert "ib.past(flights" in message
    assert made.runs()[0].status == "failed"


def test_the_weather_of_the_departure_hour_is_not_there_and_it_says_so(tmp_path, tables):
    made = project(
        tmp_path / "flights",
        tables,
        """

@ib.feature(unit="mph")
def wind_at_departure(
    w=ib.newest(weather, on={"origin": "origin", "hour_utc": "sched_dep_hour_utc"}),
):
    return w.wind_speed
""",
        """
@ib.candidate(features=[f.hour, f.wind, f.wind_at_departure])
def with_weather():
    return ib.linear()
""",
    )
    report = made.run(AS_OF)
    told = {f.subject: f for f in report.findings if f.code == "feature.blank" and f.failed}
    assert set(told) == {"wind_at_departure"}
    assert "missing in every one" in told["wind_at_departure"].message


def test_month_and_day_do_not_help_on_later_days(tmp_path, tables):
    made = project(
        tmp_path / "flights",
        tables,
        """

@ib.feature
def month(sched_dep_local):
    return sched_dep_local.month()


@ib.feature
def day(sched_dep_local):
    return sched_dep_local.day()
""",
        """
SCHEDULE = [f.minute_of_day, f.weekday, f.airline, f.from_airport, f.to_airport, f.distance]


@ib.candidate(features=SCHEDULE)
def schedule():
    return ib.boosted_trees()


@ib.candidate(features=[*SCHEDULE, f.month, f.day])
def schedule_with_date():
    return ib.boosted_trees()
""",
    )
    report = made.run(AS_OF)
    dated = report.ladder.row("schedule_with_date")
    assert report.ladder.chosen != "schedule_with_date"
    assert not dated.step.better
    assert "schedule_with_date" in dated.sentence
