"""A column that means something else: told until it is brought back, and then let be."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.workflows import small_project

from isbjerg.cli.main import main
from isbjerg.errors import ArgumentError
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


def test_a_changed_meaning_of_a_looked_up_table_stops_the_gate_until_it_is_accepted(
    tmp_path: Path,
) -> None:
    project = Project(small_project.write_project(tmp_path / "p"))
    assert project.run(as_of=small_project.AS_OF).verdict.passed
    weather = tmp_path / "p" / "data" / "weather.parquet"
    pl.read_parquet(weather).with_columns(pl.col("wind") * 3.6).write_parquet(weather)
    contract = tmp_path / "p" / "contracts" / "weather.odcs.yaml"
    contract.write_text(contract.read_text().replace("maximum:", "maximum: 1000 #"))
    stopped = project.run(as_of=small_project.AS_OF)
    assert not stopped.verdict.passed
    assert "'wind' is told in another unit" in stopped.verdict.sentence
    assert not project.run(as_of=small_project.AS_OF).verdict.passed  # it stands

    (done,) = project.ingest(["weather"], accept_change="metres a second are gone").tables
    assert done.version == "weather@v3"
    assert project.run(as_of=small_project.AS_OF).verdict.passed
    act = next(a for a in project.history().acts if a.act == "accept-change")
    assert (act.subject, act.why) == ("weather@v3", "metres a second are gone")
    with pytest.raises(ArgumentError, match="No changed meaning of 'weather' stands"):
        project.ingest(["weather"], accept_change="again")
