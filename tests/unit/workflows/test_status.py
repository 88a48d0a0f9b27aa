from __future__ import annotations

import getpass
from pathlib import Path

import pytest
from tests.unit.workflows.kit import DAY, START, SetClock, loans, opened, us, write_project

from isbjerg.errors import ProjectError, StoreError
from isbjerg.project import Project
from isbjerg.times import parse_instant
from isbjerg.workflows.progress import Stages
from isbjerg.workflows.workspace import open_workspace

NOW = START + 60 * DAY


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(write_project(tmp_path / "loans", loans()), clock=SetClock(NOW), who="me")


def test_a_new_project_has_nothing_and_is_told_to_run(project: Project) -> None:
    found = project.status()
    assert found.objective == "Know which loans will not be paid back."
    assert (found.live, found.newest, found.runs, found.predictions, found.outcomes) == (
        None, None, 0, 0, 0,
    )  # fmt: skip
    assert [(t.table, t.version, t.rows) for t in found.tables] == [("loans", None, 0)]
    assert found.next_step == "isbjerg run"


def test_tables_show_their_newest_version(project: Project) -> None:
    project.ingest()
    (table,) = project.status().tables
    assert (table.version, table.rows, table.at_us) == ("loans@v1", 10, us(NOW))


def test_a_model_that_was_never_live_is_the_next_step(project: Project) -> None:
    with opened(project.folder, SetClock(NOW)) as (workspace, _):
        from isbjerg.storage.catalog.records import (
            ModelVersion,
            VerdictRecord,
        )

        for _ in range(2):
            run = workspace.catalog.start_run(frame_hash="f", measure_hash="m")
            workspace.catalog.finish_run(
                run,
                verdict=VerdictRecord(run=run.id, rung="large", passed=True),
                model=ModelVersion(name="loans", bundle="0" * 64, run=run.id, rung="large"),
            )
        steps = [project.status().next_step]
        for version in (2, 1):
            workspace.catalog.assign(
                "live", version, by="me", why="", build_plan=lambda *_: {"routes": []}
            )
            steps.append(project.status().next_step)
    assert steps == ["isbjerg promote v2", "isbjerg serve", "isbjerg serve"]


def test_runs_of_another_measure_are_not_comparable(project: Project) -> None:
    with opened(project.folder, SetClock(NOW)) as (workspace, _):
        for measure in ("a", "b", "b"):
            workspace.catalog.start_run(frame_hash="f", measure_hash=measure)
    lines = project.runs()
    assert [(line.run, line.comparable) for line in lines] == [
        ("r3", True), ("r2", True), ("r1", False),
    ]  # fmt: skip
    assert [(line.passed, line.metric, line.seconds) for line in lines] == [(None, None, None)] * 3
    assert len(project.runs(limit=1)) == 1
    with pytest.raises(StoreError):
        project.run_details("r9")


@pytest.mark.parametrize(
    "say",
    [
        lambda p: p.runs(), lambda p: p.history(), lambda p: p.status(), lambda p: p.rollback(),
        lambda p: p.trace("x"), lambda p: p.publish(), lambda p: p.promote(),
        lambda p: p.run_details("r1"), lambda p: p.ingest(), lambda p: p.settle("x.csv"),
    ],
)  # fmt: skip
def test_no_verb_makes_a_store_where_there_is_no_project(tmp_path: Path, say) -> None:
    with pytest.raises(ProjectError) as it:
        say(Project(tmp_path))
    assert it.value.kind_code == "ISB202"
    assert list(tmp_path.iterdir()) == []


def test_publishing_before_anything_was_released_says_nothing(project: Project) -> None:
    assert project.publish() is None
    assert project.store == project.folder / ".isbjerg"


def test_a_logical_time_is_a_date_in_utc(project: Project) -> None:
    assert parse_instant("2024-03-01") == us(NOW)


def test_acts_are_done_in_the_users_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getpass, "getuser", lambda: "ann")
    with open_workspace(tmp_path, SetClock(NOW)) as workspace:
        assert workspace.who == "ann"

    def nobody() -> str:
        raise KeyError

    monkeypatch.setattr(getpass, "getuser", nobody)
    with open_workspace(tmp_path, SetClock(NOW)) as workspace:
        assert workspace.who == "unknown"


def test_a_stage_entered_again_adds_up_and_a_failing_one_is_timed() -> None:
    ticks = iter([0, 1_000_000, 5_000_000, 5_500_000])
    told = []
    stages = Stages(lambda: next(ticks), lambda what, share=None: told.append((what, share)))
    with stages.stage("fit", "Fitting a", 0.1):
        pass
    with pytest.raises(ValueError, match="x"), stages.stage("fit", "Fitting b"):
        raise ValueError("x")
    assert stages.seconds == {"fit": 1.5}
    assert told == [("Fitting a", 0.1), ("Fitting b", None)]
