"""Retraining, as acts on a real store: what is learnt, what goes live, and what a repeat changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.workflows import small_project
from tests.workflows.killing import look

import isbjerg as ib
from isbjerg.cli.main import main
from isbjerg.errors import ReleaseError
from isbjerg.project import Project
from isbjerg.workflows import retrain as act
from isbjerg.workflows.retrain import RetrainReport

EARLY, LATER = "2024-03-30", small_project.AS_OF
AN_HOUR = "\n[freshness]\nretrain = '1h'\n"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project whose first model learnt until the end of March, and is live."""
    made = ib.Project(small_project.write_project(tmp_path / "p"))
    assert made.run(EARLY).model_version == 1
    made.promote(1)
    return made


def allow(project: Project, more: str) -> None:
    """Add lines to frame.toml."""
    frame = project.folder / "frame.toml"
    frame.write_text(frame.read_text(encoding="utf-8") + more, encoding="utf-8")


def ended(report: RetrainReport) -> tuple[str, str | None, int | None, int]:
    return report.ended, report.run, report.version, report.live


def test_nothing_new_is_skipped(project: Project) -> None:
    before = look(project.folder)
    report = project.retrain(EARLY)
    assert ended(report) == ("skipped", None, None, 1)
    assert "Nothing new came since r1" in report.why
    assert look(project.folder) == before


def test_only_the_live_rung_and_its_neighbours_are_fitted(project: Project) -> None:
    planned = project.plan_retrain(LATER)
    live = project.status().live
    assert live is not None
    names = ["windy", "linear", "trees"]
    place = names.index(live.rung)
    around = tuple(names[max(0, place - 1) : place + 2])
    assert planned.rungs == around
    report = project.retrain(LATER, promote=False)
    assert report.trained is not None
    assert [row.rung for row in report.trained.ladder.rows] == ["constant", *around]
    details = project.run_details("r2").run
    assert details.parent == "r1"
    assert details.note == f"retrain of v1 ({live.rung})"
    assert details.parameters["succession"]["version"] == 1


def test_outcomes_are_counted_by_when_they_became_known(project: Project) -> None:
    orders = small_project.orders()
    known = orders["delivered"].dt.strftime("%Y-%m-%d")  # both times are midnights
    expected = ((known >= EARLY) & (known < LATER)).sum()
    assert project.plan_retrain(LATER).news.outcomes == expected


def test_a_model_as_good_goes_live_when_the_live_one_is_too_old(project: Project) -> None:
    allow(project, AN_HOUR + "\n[release]\nmargin = 0.9\n")
    report = project.retrain(LATER)
    assert ended(report) == ("promoted", "r2", 2, 1), report.why
    assert report.comparison is not None
    assert report.comparison.against.startswith("v1")
    assert project.status().live.version == 2  # type: ignore[union-attr]
    assert [(a.act, a.subject) for a in project.history().acts] == [
        ("retrain", "r2"),
        ("promote", "v2"),
        ("promote", "v1"),
    ]


def test_without_a_margin_age_alone_promotes_nothing(project: Project) -> None:
    allow(project, AN_HOUR)
    report = project.retrain(LATER, rungs=["live"])
    assert report.comparison is not None
    assert not report.comparison.better, "the same rung on a few days more is no better"
    assert ended(report) == ("kept", "r2", 2, 1)
    assert "does not say how much worse is still as good" in report.why


def test_the_same_again_changes_nothing(project: Project) -> None:
    allow(project, AN_HOUR + "\n[release]\nmargin = 0.9\n")
    first = project.retrain(LATER)
    before = look(project.folder)
    again = project.retrain(LATER)
    assert ended(again) == ended(first)
    assert again.trained is None, "nothing was fitted twice"
    assert look(project.folder) == before


def test_what_was_rolled_back_since_is_not_promoted_again(project: Project) -> None:
    allow(project, AN_HOUR + "\n[release]\nmargin = 0.9\n")
    project.retrain(LATER)
    project.rollback()
    again = project.retrain(LATER)
    assert again.ended == "kept"
    assert "v1 was made live since" in again.why
    assert project.status().live.version == 1  # type: ignore[union-attr]


def test_cut_off_before_the_promotion_it_is_ended_by_the_next(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(project, AN_HOUR + "\n[release]\nmargin = 0.9\n")
    whole = act.promote
    monkeypatch.setattr(act, "promote", _cut)
    with pytest.raises(KeyboardInterrupt):
        project.retrain(LATER)
    monkeypatch.setattr(act, "promote", whole)
    report = project.retrain(LATER)
    assert ended(report) == ("promoted", "r2", 2, 1)
    assert report.trained is None


def _cut(*_: object) -> None:
    raise KeyboardInterrupt


def test_a_gate_that_says_no_keeps_the_live_model(project: Project) -> None:
    frame = project.folder / "frame.toml"
    text = frame.read_text(encoding="utf-8").replace("<= 0.24", "<= 0.001")
    frame.write_text(text, encoding="utf-8")
    words = ["-C", str(project.folder), "--quiet", "retrain", "--as-of", LATER]
    assert main(words) == 3
    assert project.status().live.version == 1  # type: ignore[union-attr]
    assert project.history().acts[0].why.startswith("refused:")


def test_another_strategy_only_registers(project: Project) -> None:
    allow(project, AN_HOUR + "\n[release]\nmargin = 0.9\nstrategy = 'canary'\n")
    report = project.retrain(LATER)
    assert (report.ended, report.next_step) == ("waiting", "isbjerg promote v2")
    assert project.retrain(LATER, promote=True).ended == "promoted"


def test_a_window_leaves_older_rows_out(project: Project) -> None:
    whole = project.retrain(LATER, promote=False).trained
    allow(project, "\n[freshness]\nwindow = '20d'\n")
    short = project.retrain(LATER, promote=False).trained
    assert whole is not None
    assert short is not None, "another frame is a reason to train"
    edge = datetime.fromisoformat(LATER).replace(tzinfo=UTC) - timedelta(days=20)
    older = int((small_project.orders()["placed"] < edge).sum())  # all delivered by then
    assert 0 < older == short.counts.older
    assert short.counts.usable == whole.counts.usable - older
    assert "are older than the window" in short.counts.say()


def test_without_a_live_model_there_is_nothing_to_retrain(tmp_path: Path) -> None:
    fresh = ib.Project(small_project.write_project(tmp_path / "fresh"))
    with pytest.raises(ReleaseError, match="Nothing is live") as told:
        fresh.retrain()
    assert told.value.kind_code == "ISB504"


def test_a_live_rung_that_is_gone_is_a_persons_business(project: Project) -> None:
    live = project.status().live
    assert live is not None
    models = project.folder / "models.py"
    renamed = models.read_text(encoding="utf-8").replace(f"def {live.rung}(", "def another(")
    models.write_text(renamed, encoding="utf-8")
    with pytest.raises(ReleaseError, match=r"not in models\.py any more") as told:
        project.retrain(LATER)
    assert told.value.kind_code == "ISB505"
