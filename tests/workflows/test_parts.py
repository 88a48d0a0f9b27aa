"""A project whose tables lie in many parts and on the shelf gives what it gives in memory.

Sizes are what decides between the two, so here they are made tiny instead of the tables large.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.workflows import small_project

import isbjerg as ib
from isbjerg.data import shelf
from isbjerg.features import desk
from isbjerg.storage import tables
from isbjerg.times import system_clock
from isbjerg.workflows.workspace import open_workspace

pytestmark = pytest.mark.slow

UP_FRONT = ("order_id", "placed", "customer", "shop", "city", "amount")


def make(folder: Path) -> ib.Project:
    project = ib.Project(small_project.write_project(folder, count=560))
    assert project.run(as_of=small_project.AS_OF).model_version == 1
    small_project.orders().write_parquet(folder / "data" / "orders.parquet")
    project.ingest()
    return project


def parts_of(project: ib.Project, version: str) -> int:
    with open_workspace(project.folder, system_clock) as workspace:
        return len(workspace.catalog.data_version(version).parts)


def bundle_of(project: ib.Project) -> str:
    with open_workspace(project.folder, system_clock) as workspace:
        return workspace.catalog.model_version(1).bundle


def answers(project: ib.Project) -> pl.DataFrame:
    """Promote, which feeds the online store, and answer forty orders that came later."""
    project.promote(1)
    asked = project.folder / "asked.parquet"
    small_project.orders().tail(40).select(UP_FRONT).write_parquet(asked)
    project.predict(asked, project.folder / "answers.parquet", replay=True)
    return pl.read_parquet(project.folder / "answers.parquet")


def test_many_parts_are_the_table_that_they_came_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = make(tmp_path / "whole" / "p")
    assert parts_of(whole, "orders@v1") == 1
    with monkeypatch.context() as tiny:
        tiny.setattr(shelf, "_SMALL_BYTES", 0)
        tiny.setattr(shelf, "_TABLE_SHARE", 2**62)
        tiny.setattr(tables, "_ROW_GROUP", 100)
        tiny.setattr(desk, "_STRETCH", 64)
        parted = make(tmp_path / "parted" / "p")
        assert parts_of(parted, "orders@v1") == 6
        assert parts_of(parted, "orders@v2") == 7
        assert bundle_of(parted) == bundle_of(whole)
        assert parted.reproduce("r1").outcome == "same"
        found = answers(parted)
    wanted = answers(whole)
    assert found.drop("prediction_id").equals(wanted.drop("prediction_id"))
    for prediction in found["prediction_id"].head(3):
        assert parted.trace(prediction).holds
