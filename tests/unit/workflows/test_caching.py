from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.unit.workflows.kit import SetClock
from tests.workflows import small_project

from isbjerg.project import Project
from isbjerg.workflows.caching import name_of, read_columns, write_columns
from isbjerg.workflows.train import RunReport

NOW = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = small_project.write_project(tmp_path / "orders")
    return Project(folder, clock=SetClock(NOW), who="tester")


def once(project: Project, **options: bool) -> RunReport:
    return project.run(as_of=small_project.AS_OF, **options)


def made(report: RunReport) -> dict[str, set[str]]:
    """Names of what was computed, without the hashes that end the names of slots."""
    return {piece.kind: {name.split("#")[0] for name in piece.made} for piece in report.reused}


def bundles(project: Project, report: RunReport) -> dict[str, str]:
    found: dict[str, str] = project.run_details(report.run).run.report["bundles"]
    return found


def edit(project: Project, file: str, old: str, new: str) -> None:
    path = project.folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_an_unchanged_run_computes_nothing_and_says_the_same(project: Project) -> None:
    first, second = once(project), once(project)
    assert not any(piece.reused for piece in first.reused)
    assert not any(piece.made for piece in second.reused)
    assert second.ladder == first.ladder
    assert second.verdict == first.verdict
    assert bundles(project, second) == bundles(project, first)


def test_fresh_takes_nothing_and_says_the_same(project: Project) -> None:
    first, second = once(project), once(project, fresh=True)
    assert not any(piece.reused for piece in second.reused)
    assert (second.ladder, second.verdict) == (first.ladder, first.verdict)


def test_a_changed_feature_is_computed_again_with_what_depends_on_it_only(
    project: Project,
) -> None:
    once(project)
    edit(
        project,
        "features.py",
        "def size(amount):\n    return amount",
        "def size(amount):\n    return amount * 2.0 + 1.0",
    )
    report = once(project)
    assert made(report)["looked-up values"] == set()
    assert made(report)["features"] == {"size"}
    assert made(report)["rungs"] == {"linear", "trees"}
    fresh = once(project, fresh=True)
    assert (report.ladder, report.verdict) == (fresh.ladder, fresh.verdict)
    assert bundles(project, report) == bundles(project, fresh)


def test_a_changed_parameter_fits_its_rung_only(project: Project) -> None:
    once(project)
    edit(project, "models.py", "ib.linear()", "ib.linear(penalty=3.0)")
    report = once(project)
    assert made(report)["features"] == made(report)["looked-up values"] == set()
    assert made(report)["rungs"] == {"linear"}


FOLLOWS_FROM = {
    "seed": ("frame.toml", "[split]", "[run]\nseed = 7\n\n[split]"),
    "rows": ("frame.toml", "test       = 0.25", "test       = 0.2"),
    "metric": ("frame.toml", '"average_precision"', '"brier"'),
    "measured": ("frame.toml", 'brier = "<= 0.24"', 'brier = "<= 0.24", "lift@10%" = ">= 0.1"'),
    "contract": (
        "contracts/orders.odcs.yaml",
        "maximum: 350",
        "maximum: 900",
    ),
    "target": ("features.py", "minutes_late > 30", "minutes_late > 25"),
}


@pytest.mark.parametrize("what", FOLLOWS_FROM)
def test_what_a_result_follows_from_is_in_its_name(project: Project, what: str) -> None:
    """Whatever is changed: with the cache it comes to what comes without."""
    drawn = "num_leaves=4, bagging_fraction=0.5, bagging_freq=1"  # so that the seed has a say
    edit(project, "models.py", "num_leaves=4", drawn)
    once(project)
    edit(project, *FOLLOWS_FROM[what])
    report, fresh = once(project), once(project, fresh=True)
    assert bundles(project, report) == bundles(project, fresh)
    assert (report.ladder, report.verdict) == (fresh.ladder, fresh.verdict)


def test_new_facts_of_one_source_leave_the_others_alone(project: Project) -> None:
    once(project)
    weather = project.folder / "data" / "weather.parquet"
    table = pl.read_parquet(weather)
    more = table.tail(1).with_columns(pl.col("hour") + timedelta(hours=1), wind=pl.lit(30.0))
    pl.concat([table, more]).write_parquet(weather)
    report = once(project)
    looked_up = next(p for p in report.reused if p.kind == "looked-up values")
    assert len(looked_up.made) == 1
    assert "weather" in looked_up.made[0]
    assert len(looked_up.reused) >= 2
    assert made(report)["features"] == {"wind", "windy"}
    fresh = once(project, fresh=True)
    assert (report.ladder, report.verdict) == (fresh.ladder, fresh.verdict)


def test_the_time_of_a_run_does_not_matter_while_it_chooses_the_same_rows(
    project: Project,
) -> None:
    first = project.run(as_of="2024-06-01")
    later = project.run(as_of="2024-07-01")
    assert not any(piece.made for piece in later.reused)
    assert later.ladder == first.ladder
    earlier = project.run(as_of=small_project.AS_OF)
    assert not any(piece.reused for piece in earlier.reused)


def test_a_damaged_or_removed_cache_changes_nothing_but_the_time(project: Project) -> None:
    first = once(project)
    cache = project.store / "cache"
    entries = [p for p in cache.rglob("*") if p.is_file()]
    assert len(entries) > 10
    for number, path in enumerate(entries):
        whole = path.read_bytes()
        turned = whole[:-1] + bytes([whole[-1] ^ 1])
        path.write_bytes(whole[: len(whole) // 2] if number % 2 else turned)
    damaged = once(project)
    assert not any(piece.reused for piece in damaged.reused)
    shutil.rmtree(cache)
    removed = once(project)
    assert not any(piece.reused for piece in removed.reused)
    assert first.ladder == damaged.ladder == removed.ladder
    assert first.verdict == damaged.verdict == removed.verdict


def test_columns_come_back_as_they_were() -> None:
    table = pl.DataFrame(
        {
            "text": ["a", None, "ø"],
            "whole": [1, None, 2**62],
            "number": [0.1, None, -0.0],
            "truth": [True, False, None],
            "at": [NOW, None, NOW],
            "took": [timedelta(seconds=1), None, timedelta(0)],
        }
    )
    for name in table.columns:
        assert read_columns(write_columns(table.select(name))).equals(table.select(name))


def test_what_has_no_canonical_form_has_no_name() -> None:
    assert name_of(fits=object()) is None
    assert name_of(fits={"penalty": 1.0}) is not None
