"""Profiles of data versions; numbers about the target are held to the training rows of a run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import polars as pl
import pytest
from tests.unit.workflows.kit import SetClock
from tests.workflows import small_project

from isbjerg import Project
from isbjerg.cli.main import main
from isbjerg.data import shelf
from isbjerg.data.shelf import Shelf
from isbjerg.errors import ArgumentError
from isbjerg.reports.profile_page import Profiled
from isbjerg.workflows import profiling


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    return small_project.write_project(tmp_path / "orders")


@pytest.fixture
def project(orders: Path) -> Project:
    project = Project(orders, clock=SetClock("2024-05-01"))
    project.ingest()
    return project


def only(project: Project, **how: str) -> Profiled:
    (one,) = project.profile("orders", **how).tables
    return one


def test_a_table_is_told_with_its_time_and_when_columns_are_known(project: Project) -> None:
    found = only(project)
    table = small_project.orders()
    assert (found.version, found.profile.rows, found.profile.key) == (
        "orders@v1",
        600,
        ("order_id",),
    )
    time = found.profile.time
    assert time is not None
    assert (time.column, time.unit, time.rhythm) == ("placed", "day", "day")
    wait = (table["delivered"] - table["placed"]).dt.total_microseconds()
    (late,) = time.late
    assert late.columns == ("minutes_late", "delivered")
    assert late.longest_us == wait.max()


def test_the_target_is_looked_at_on_training_rows_alone(project: Project) -> None:
    """As of a run's time they are as many as the run had; later outcomes change no number."""
    report = project.run(small_project.AS_OF)
    found = only(project, as_of=small_project.AS_OF).target
    assert found is not None
    assert found.rows == report.parts.train
    table = small_project.orders().sort("placed")
    train = table.head(found.rows)
    assert found.mean == pytest.approx((train["minutes_late"] > 30).mean())
    groups = {r.column: {g.label: g for g in r.groups} for r in found.relations}
    west = train.filter(pl.col("shop") == "west")
    assert groups["shop"]["west"].rows == west.height
    assert groups["shop"]["west"].mean == pytest.approx((west["minutes_late"] > 30).mean())
    said = {r.column: r.value for r in found.relations}
    assert said["shop"] is not None
    assert said["customer"] is not None
    assert said["shop"] > 0.6 > said["customer"]


def test_columns_that_are_known_too_late_are_named_and_not_looked_at(project: Project) -> None:
    found = only(project).target
    assert found is not None
    why = {a.column: a.why for a in found.aside}
    assert why == {
        "order_id": "it is the key",
        "minutes_late": "the target is made from it",
        "delivered": "known at delivered: after the decision in every row",
    }
    assert {r.column for r in found.relations} == {"placed", "customer", "shop", "city", "amount"}


def test_a_column_that_knows_the_target_is_a_suspect(orders: Path) -> None:
    table = small_project.orders()
    leak = table.with_columns(code=pl.col("minutes_late") > 30)
    leak.write_parquet(orders / "data" / "orders.parquet")
    sources = (orders / "sources.py").read_text(encoding="utf-8")
    told = sources.replace('"amount":', '"code": ib.ahead("1h"),\n        "amount":')
    (orders / "sources.py").write_text(told, encoding="utf-8")
    project = Project(orders, clock=SetClock("2024-05-01"))
    project.ingest()
    (suspect,) = only(project).target.findings  # type: ignore[union-attr]
    assert (suspect.code, suspect.subject) == ("leakage.single_feature", "orders.code")


def test_what_was_worked_out_is_kept_and_asked_again_when_a_promise_changes(
    orders: Path, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def counted(make: Callable[..., object]) -> Callable[..., object]:
        def called(*args: object, **named: object) -> object:
            calls.append(make.__name__)
            return make(*args, **named)

        return called

    for name in ("profile_table", "relate"):
        monkeypatch.setattr(profiling, name, counted(getattr(profiling, name)))
    first = only(project)
    assert only(project) == first
    assert sorted(calls) == ["profile_table", "relate"]
    text = (orders / "sources.py").read_text(encoding="utf-8")
    hidden = text.replace(
        '    key="order_id",', '    key="order_id", personal={"shop": "personal"},'
    )
    (orders / "sources.py").write_text(hidden, encoding="utf-8")
    again = only(project)
    shop = next(c for c in again.profile.columns if c.name == "shop")
    assert (shop.top, shop.personal, shop.distinct) == ((), "personal", 4)
    assert "north" not in json.dumps(msgspec.to_builtins(again), default=str)
    assert len(calls) == 4


def test_an_older_version_can_be_looked_at(orders: Path, project: Project) -> None:
    more = pl.concat(
        [
            small_project.orders(),
            small_project.orders(1).with_columns(pl.lit(9_999, pl.Int64).alias("order_id")),
        ]
    )
    more.write_parquet(orders / "data" / "orders.parquet")
    project._clock.now_us += 1  # type: ignore[attr-defined]
    project.ingest()
    assert only(project).profile.rows == 601
    assert only(project, version="orders@v1").profile.rows == 600
    assert only(project, version="v1").profile.rows == 600
    with pytest.raises(ArgumentError, match="no version of 'orders'"):
        project.profile("orders", version="weather@v1")


def test_tables_that_do_not_fit_into_memory_have_the_same_profile(
    orders: Path, project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Shelf, "table_bytes_max", 0)
    monkeypatch.setattr(shelf, "_SMALL_BYTES", 0)
    mapped = Project(small_project.write_project(tmp_path / "mapped"), clock=project._clock)
    mapped.ingest()
    there = only(mapped)
    monkeypatch.undo()
    assert only(project) == there


def test_corrections_count_once(orders: Path, project: Project) -> None:
    table = small_project.orders()
    changed = table.with_columns(amount=np.where(table["order_id"] <= 10, 1.0, table["amount"]))
    changed.write_parquet(orders / "data" / "orders.parquet")
    project._clock.now_us += 1  # type: ignore[attr-defined]
    project.ingest()
    found = only(project)
    assert (found.profile.rows, found.rows_ever) == (600, 610)
    amount = next(c for c in found.profile.columns if c.name == "amount")
    assert amount.quantiles[0] == min(1.0, table["amount"].min())  # type: ignore[type-var]


def test_nothing_read_yet_says_what_to_do(orders: Path) -> None:
    with pytest.raises(ArgumentError, match="nothing to profile") as caught:
        Project(orders).profile()
    assert caught.value.mend == "isbjerg ingest"


def test_the_verb_speaks_text_json_and_pages(
    project: Project, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    there = ["-C", str(project.folder)]
    assert main([*there, "profile"]) == 0
    text = capsys.readouterr().out
    assert "What each column alone says about late" in text
    assert "weather@v1" in text
    assert main([*there, "profile", "orders", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["tables"][0]["profile"]["format_version"] == 1
    page = tmp_path / "orders.html"
    assert main([*there, "profile", "orders", "--html", str(page)]) == 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
