from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from tests.unit.workflows.kit import SetClock
from tests.workflows import small_project

from isbjerg.findings import Finding
from isbjerg.project import Project
from isbjerg.workflows.train import RunReport

NOW = datetime(2024, 5, 1, tzinfo=UTC)


def project(folder: Path, **more: int) -> Project:
    made = small_project.write_project(folder / "orders", **more)
    return Project(made, clock=SetClock(NOW), who="tester")


def live_check(report: RunReport) -> Finding:
    (found,) = [f for f in report.verdict.findings if f.code == "gate.not_worse_than_live"]
    return found


def test_orders_of_one_day_are_drawn_together(tmp_path: Path) -> None:
    # 2,400 orders fill 40 days; the last quarter of them are the test rows, so no more than
    # 11 days and too few for intervals by day: hours are taken, not rows.
    report = project(tmp_path, count=2400).run(as_of=small_project.AS_OF)
    (step,) = [r.step for r in report.ladder.rows if r.rung == "linear"]
    assert step is not None
    assert step.blocks < step.n
    assert step.sentence.count(" hours") == 1


def test_a_live_model_of_another_target_is_not_compared(tmp_path: Path) -> None:
    made = project(tmp_path)
    made.run(as_of=small_project.AS_OF)
    made.promote(1)
    features = made.folder / "features.py"
    text = features.read_text(encoding="utf-8")
    assert "> 30" in text
    features.write_text(text.replace("> 30", "> 25"), encoding="utf-8")
    found = live_check(made.run(as_of=small_project.AS_OF))
    assert found.outcome == "not_applicable"
    assert found.message == "v1 (linear), which is live, has another target."


def test_a_column_that_knows_the_outcome_stops_at_the_gate(tmp_path: Path) -> None:
    made = project(tmp_path)
    orders = made.folder / "data" / "orders.parquet"
    told = small_project.orders().with_columns(complained=pl.col("minutes_late") > 30)
    told.write_parquet(orders)
    sources = made.folder / "sources.py"
    known = '"amount": ib.ahead("1h"),'
    text = sources.read_text(encoding="utf-8")
    sources.write_text(text.replace(known, known + ' "complained": ib.ahead("1h"),'))
    with (made.folder / "features.py").open("a", encoding="utf-8") as features:
        features.write("\n\n@ib.feature\ndef complaint(complained):\n    return complained\n")
    (made.folder / "models.py").write_text(
        "import isbjerg as ib\nimport features as f\n\n"
        "@ib.candidate(features=[f.complaint])\ndef linear():\n    return ib.linear()\n"
    )
    report = made.run(as_of=small_project.AS_OF)
    (found,) = [f for f in report.verdict.findings if f.code == "gate.leakage"]
    assert (found.outcome, found.blocks, report.model_version) == ("failed", True, None)
    assert "complaint" in found.message
