from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.unit.workflows.kit import SetClock
from tests.workflows import small_project

from isbjerg.cli.main import main
from isbjerg.errors import StoreError
from isbjerg.evaluation.comparison import Comparison
from isbjerg.project import Project
from isbjerg.workflows.changes import Change
from isbjerg.workflows.journal import PLATEAU_RUNS, Entry, plateau

NOW = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = small_project.write_project(tmp_path / "orders")
    return Project(folder, clock=SetClock(NOW), who="ada")


def once(project: Project, note: str = "", as_of: str = small_project.AS_OF) -> str:
    return project.run(as_of=as_of, note=note).run


def edit(project: Project, file: str, old: str, new: str) -> None:
    path = project.folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def found(changes: tuple[Change, ...]) -> dict[str, tuple[str, ...]]:
    return {change.kind: change.lines for change in changes}


def test_a_changed_feature_is_told_by_its_tree_and_compared_on_the_same_rows(
    project: Project,
) -> None:
    first = once(project)
    edit(project, "features.py", "return amount", "return amount * 2.0")
    second = once(project)
    report = project.compare(first, second)
    told = found(report.changes)
    assert told["features"] == ("~ size: amount -> multiply(amount, 2.0)",)
    assert told["code"] == ("~ features.py: +1 -1 lines",)
    assert [c.kind for c in report.changes if c.counts] == ["features"]
    assert report.not_compared == ""
    rows = project.run_details(second).run.report["test"]["rows"]
    assert all(line.paired is not None and line.paired.n == rows for line in report.metrics)


def test_scored_again_the_numbers_are_those_recorded(project: Project) -> None:
    first = once(project)
    edit(project, "features.py", "w.wind", "w.wind + 100.0")
    edit(project, "models.py", "w > 10.0", "w > 108.0")
    second = once(project)
    report = project.compare(first, second)
    for line in report.metrics:
        better = 1.0 if line.metric in {"average_precision", "roc_auc"} else -1.0
        assert line.paired is not None
        assert line.paired.difference == pytest.approx(
            better * ((line.after or 0.0) - (line.before or 0.0)), abs=1e-12
        )


def test_several_kinds_of_changes_are_counted(project: Project) -> None:
    once(project)
    edit(project, "models.py", "ib.linear()", "ib.linear(penalty=3.0)")
    edit(project, "frame.toml", "<= 0.24", "<= 0.25")
    orders = project.folder / "data" / "orders.parquet"
    table = pl.read_parquet(orders)
    table.with_columns(pl.col("amount") + 1.0).write_parquet(orders)
    second = once(project)
    entry = project.journal().entries[0]
    assert (entry.run, set(entry.kinds)) == (second, {"data", "rungs", "frame"})
    told = found(entry.changes)
    assert told["data"] == ("~ orders: orders@v1 -> orders@v2",)
    assert told["rungs"] == ("~ linear: no settings -> penalty=3.0",)
    assert told["frame"] == (
        '- guardrails = { brier = "<= 0.24" }',
        '+ guardrails = { brier = "<= 0.25" }',
    )


def test_another_measure_is_not_compared_and_says_why(project: Project) -> None:
    first = once(project)
    edit(project, "features.py", "> 30", "> 25")
    second = once(project)
    report = project.compare(first, second)
    assert "they measure different things" in report.not_compared
    assert all(line.paired is None for line in report.metrics)
    entry = project.journal().entries[0]
    assert (entry.effect, entry.why) == (None, "it measured something else")


def test_runs_of_other_times_are_compared_on_the_rows_that_neither_learnt_from(
    project: Project,
) -> None:
    first, second = once(project, as_of="2024-04-04"), once(project)
    report = project.compare(first, second)
    spans = [project.run_details(run).run.report["test"] for run in (first, second)]
    units = small_project.orders()
    times = units["placed"].dt.epoch("us")
    common = (times >= spans[1]["from_us"]) & (times <= spans[0]["until_us"])
    counted = {line.paired.n for line in report.metrics if line.paired is not None}
    assert counted == {int(common.sum())}
    assert 0 < int(common.sum()) < spans[1]["rows"]


def test_a_run_that_shares_no_test_rows_says_so(project: Project) -> None:
    first, second = once(project, as_of="2024-03-20"), once(project)
    assert "they share no test rows" in project.compare(first, second).not_compared


def test_compare_needs_two_runs_that_are_there(project: Project) -> None:
    first = once(project)
    with pytest.raises(StoreError) as it:
        project.compare(first, "r9")
    assert "isbjerg runs" in it.value.mend


def test_a_helper_file_counts_as_code(project: Project) -> None:
    (project.folder / "helper.py").write_text("LIMIT = 10.0\n")
    once(project)
    (project.folder / "helper.py").write_text("LIMIT = 11.0\n# why\n")
    second = once(project)
    entry = project.journal().entries[0]
    assert (entry.run, entry.kinds) == (second, ("code",))
    assert found(entry.changes)["code"] == ("~ helper.py: +2 -1 lines",)


def test_the_same_answers_are_an_effect_of_nothing(project: Project) -> None:
    once(project)
    once(project)
    entry = project.journal().entries[0]
    assert (entry.changes, entry.kinds) == ((), ())
    assert entry.effect is not None
    assert (entry.effect.difference, entry.effect.low, entry.effect.high) == (0.0, 0.0, 0.0)


def test_notes_stand_where_they_belong(project: Project) -> None:
    first = once(project, note="as it was")
    about = project.add_note("wind in knots", run=first)
    loose = project.add_note("holidays begin")
    entries = project.journal().entries
    assert [(e.run, e.notes) for e in entries] in (
        [(None, (loose,)), (first, (about,))],
        [(first, (about,)), (None, (loose,))],
    )
    assert (about.who, loose.run) == ("ada", None)
    with pytest.raises(StoreError):
        project.add_note("nowhere", run="r99")


def test_a_limit_keeps_the_newest_with_what_they_follow(project: Project) -> None:
    runs = [once(project) for _ in range(3)]
    (entry,) = project.journal(limit=1).entries
    assert (entry.run, entry.before) == (runs[2], runs[1])


def test_a_failed_run_is_told_and_not_followed(project: Project) -> None:
    first = once(project)
    edit(project, "models.py", "ib.linear()", "ib.linear(penalti=3.0)")
    with pytest.raises(Exception, match="penalti"):
        once(project)
    edit(project, "models.py", "penalti", "penalty")
    third = once(project)
    newest, failed, _ = project.journal().entries
    assert (newest.run, newest.before) == (third, first)
    assert (failed.status, failed.changes) == ("failed", ())


def compared(difference: float, *, better: bool = False) -> Comparison:
    return Comparison(
        metric="brier", name="a", against="b", difference=difference, low=difference - 0.01,
        high=difference + 0.01, better=better, n=100, blocks=20, sentence="",
    )  # fmt: skip


def test_a_plateau_is_so_many_changes_without_a_proven_gain() -> None:
    within = [
        Entry(at_us=n, run=f"r{n}", kinds=("features",), effect=compared(gain))
        for n, gain in enumerate(np.linspace(-0.004, 0.003, PLATEAU_RUNS))
    ]
    sentence = plateau(within)
    assert f"The last {PLATEAU_RUNS} changes" in sentence
    assert "0.003 (-0.007 to 0.013)" in sentence
    gained = Entry(at_us=0, run="r0", kinds=("data",), effect=compared(0.05, better=True))
    assert plateau([gained, *within]) == ""
    unchanged = Entry(at_us=0, run="r0", effect=compared(0.0))
    assert plateau([unchanged, *within[1:]]) == "", "a rerun is no change"


def test_uncommitted_code_is_told_beside_the_commit(project: Project) -> None:
    git = ["git", "-C", str(project.folder), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q"], check=True)
    first = once(project)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-qm", "one"], check=True)
    second = once(project)
    assert found(project.compare(first, second).changes) == {}, "no file says anything else"


def test_the_verbs_say_it(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    once(project)
    edit(project, "features.py", "return amount", "return amount * 2.0")
    edit(project, "models.py", "ib.linear()", "ib.linear(penalty=3.0)")
    once(project, note="twice the amount")
    at = ["-C", str(project.folder)]
    assert main([*at, "journal", "add", "[as] it is", "--run", "r2"]) == 0
    assert main([*at, "journal"]) == 0
    told = capsys.readouterr().out
    assert "twice the amount" in told
    assert "~ size: amount -> multiply(amount, 2.0)" in told
    assert "2 kinds of things changed at once (features, rungs)" in told
    assert "[as] it is" in told, "brackets are no markup"
    assert main([*at, "compare", "r1", "r2"]) == 0
    shown = capsys.readouterr().out
    assert "~ linear: no settings -> penalty=3.0" in shown
    assert "both scored on" in shown
    assert main([*at, "journal", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["entries"][0]["kinds"] == ["features", "rungs"]
    assert main([*at, "journal", "add"]) == 2


def test_rows_drawn_at_random_keep_their_part_and_are_compared(tmp_path: Path) -> None:
    folder = small_project.write_project(tmp_path / "orders")
    frame = folder / "frame.toml"
    text = frame.read_text(encoding="utf-8")
    frame.write_text(text.replace("[split]\n", '[split]\nhow = "random"\n'), encoding="utf-8")
    project = Project(folder, clock=SetClock(NOW), who="ada")
    first, second = once(project, as_of="2024-04-01"), once(project)
    report = project.compare(first, second)
    assert report.not_compared == ""
    tested = project.run_details(second).run.report["test"]
    assert {line.paired.n for line in report.metrics if line.paired} == {tested["rows"]}
    assert tested["looks"] == 2
