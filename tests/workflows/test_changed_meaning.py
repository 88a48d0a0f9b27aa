"""A column that means something else: told until it is brought back, and then let be."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.workflows import small_project

from isbjerg.cli.main import main
from isbjerg.project import Project
from isbjerg.workflows.drafting import draft_project

pytestmark = pytest.mark.slow


def test_a_changed_meaning_stands_until_it_is_brought_back(tmp_path: Path) -> None:
    dear = pl.col("amount") + pl.col("minutes_late") > 90
    known = ("order_id", "placed", "shop", "city", "amount")
    orders = small_project.orders(400).select(*known, dear.alias("dear"))
    table, folder = tmp_path / "orders.csv", tmp_path / "p"
    orders.write_csv(table)
    draft_project(folder, table, "dear", "placed")
    project = Project(folder)
    first = project.run()
    assert first.verdict.passed

    orders.with_columns(pl.col("shop").str.to_uppercase()).write_csv(table)
    assert main(["-C", str(folder), "ingest", "--quiet"]) == 1
    assert main(["-C", str(folder), "ingest", "--quiet"]) == 0  # nothing new is wrong
    changed = project.run()  # it reads the same again, and the meaning is another all the same
    assert not changed.verdict.passed
    assert "'shop' has other codes" in changed.verdict.sentence
    assert changed.counts.usable == first.counts.usable  # the outcomes are known as they were

    orders.write_csv(table)
    assert main(["-C", str(folder), "ingest", "--quiet"]) == 0
    assert project.run().verdict.passed
