from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import msgspec
import polars as pl
from tests.unit.workflows.kit import DAY, FRAME, SetClock, loans, opened, us, write_project

from isbjerg.storage.catalog.records import Run
from isbjerg.workflows import looks
from isbjerg.workflows.train import RunReport, run

ROWS = 600
START = datetime(2020, 1, 1, tzinfo=UTC)
DAYS = [START + n * DAY for n in range(ROWS)]
NOW = DAYS[-1] + 30 * DAY
SPLIT = "\n[split]\nvalidation = 0.25\ntest = 0.25\n"


def turned_loans() -> pl.DataFrame:
    """Make loans whose large ones are lost, until the last quarter: there the small ones are."""
    large = [n % 2 == 0 for n in range(ROWS)]
    late = [n >= ROWS * 3 // 4 for n in range(ROWS)]
    lost = [
        (big != turned) and n % 7 != 0
        for n, (big, turned) in enumerate(zip(large, late, strict=True))
    ]
    return loans(
        ROWS,
        amount=[900.0 if big else 100.0 for big in large],
        unpaid=[50.0 if gone else 0.0 for gone in lost],
        asked=DAYS,
        closed=[day + DAY / 2 for day in DAYS],
    )


def once(folder: Path, *, now: datetime = NOW) -> RunReport:
    with opened(folder, SetClock(now)) as (workspace, definitions):
        return run(workspace, definitions)


def test_the_rung_is_chosen_on_validation_rows_and_judged_on_test_rows(tmp_path: Path) -> None:
    folder = write_project(tmp_path, turned_loans(), frame=FRAME + SPLIT)
    report = once(folder)
    assert (report.ladder.chosen, report.ladder.chosen_on) == ("large", "validation")
    row = report.ladder.row("large")
    # By hand: 0.9 and 0.1 are right in validation but for each seventh row, and wrong in test.
    assert row.choosing["brier"].value < 0.15
    assert row.metrics["brier"].value > 0.6
    assert row.step.n == report.parts.validation * 2 // 3
    assert row.metrics["brier"].n == report.parts.test
    (asked,) = [f for f in report.verdict.findings if f.code == "gate.beats_baseline"]
    assert (asked.outcome, report.model_version) == ("failed", None)


def test_each_look_at_the_same_test_rows_is_counted(tmp_path: Path) -> None:
    folder = write_project(tmp_path, turned_loans(), frame=FRAME + SPLIT)
    assert [once(folder).test.looks for _ in range(3)] == [1, 2, 3]
    (folder / "frame.toml").write_text(FRAME + SPLIT.replace("0.25", "0.2"))
    assert once(folder).test.looks == 1, "another split measures something else"


def test_rows_that_nobody_has_looked_at_start_again(tmp_path: Path) -> None:
    folder = write_project(tmp_path, turned_loans(), frame=FRAME + SPLIT)
    with opened(folder, SetClock(NOW)) as (workspace, definitions):
        early, late = us(DAYS[200]), us(DAYS[599])
        seen = [run(workspace, definitions, as_of_us=at).test for at in (early, late, late)]
    assert [rows.looks for rows in seen] == [1, 1, 2]
    assert seen[0].until_us < seen[1].from_us


def test_a_run_without_recorded_test_rows_counts_as_a_look(tmp_path: Path) -> None:
    folder = write_project(tmp_path, turned_loans(), frame=FRAME + SPLIT)
    report = once(folder)
    with opened(folder, SetClock(NOW)) as (workspace, _):
        measure = workspace.catalog.run(report.run).measure_hash
        old = workspace.catalog.start_run(frame_hash="f", measure_hash=measure)
        workspace.catalog.finish_run(old)
    assert once(folder).test.looks == 3


def test_worn_test_rows_are_warned_of() -> None:
    rows = looks.Looked(rows=50, from_us=0, until_us=us(datetime(2024, 3, 1, tzinfo=UTC)))
    assert looks.worn(rows) == ()
    (found,) = looks.worn(msgspec.structs.replace(rows, looks=looks.MANY))
    assert (found.code, found.severity) == ("test.worn", "warning")
    assert "2024-03-01" in found.mend


def test_a_record_without_test_rows_can_be_read() -> None:
    assert looks.rows_looked_at(Run(id="r1", number=1, started_us=0)) is None
