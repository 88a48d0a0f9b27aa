"""A drafted project: reviewed by the linter, run by its own tests, read by isbjerg."""

from __future__ import annotations

import random
import subprocess
import sys
import tomllib
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from isbjerg.errors import ArgumentError, ProjectError
from isbjerg.workflows.drafting import Drafted, draft_project
from isbjerg.workflows.drafting_goal import find_goal
from isbjerg.workflows.project_files import load_definitions

ROWS = 400


def customers() -> pl.DataFrame:
    """Draw customers: a charge drives churn, a refund gives it away."""
    draw = random.Random(7)
    start = datetime(2023, 1, 2, 9)
    charge = [draw.random() * 100 for _ in range(ROWS)]
    churned = [draw.random() < 0.1 + 0.006 * c for c in charge]
    return pl.DataFrame(
        {
            "customerID": [f"C{i:04d}" for i in range(ROWS)],
            "signed_up_at": [start + timedelta(hours=6 * i) for i in range(ROWS)],
            "Monthly charge (EUR)": charge,
            "plan": [draw.choice(["basic", "gold", "silver"]) for _ in range(ROWS)],
            "class": [draw.choice([True, False]) for _ in range(ROWS)],
            "first_seen": [start + timedelta(hours=6 * i - 50) for i in range(ROWS)],
            "closed_at": [start + timedelta(hours=6 * i + 500) for i in range(ROWS)],
            "refund": [40.0 * y + draw.random() for y in churned],
            "street": [f"street {draw.random()}" for _ in range(ROWS)],
            "month": [(start + timedelta(hours=6 * i)).month for i in range(ROWS)],
            "country": ["DK"] * ROWS,
            "tags": [["a"]] * ROWS,
            "churned": ["yes" if y else "no" for y in churned],
        }
    )


def draft(folder: Path, table: pl.DataFrame, target: str, time: str | None = None) -> Drafted:
    path = folder / "customers.parquet"
    table.write_parquet(path)
    return draft_project(folder / "project", path, target, time)


def codes(drafted: Drafted) -> dict[str, str]:
    return {f.subject.rpartition(".")[2]: f.code for f in drafted.findings}


def check(*command: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def accepted(folder: Path) -> list[str]:
    """Hold a project against the linter, the formatter, its own tests; list its rungs."""
    check("ruff", "check", "--no-cache", ".", folder=folder)
    check("ruff", "format", "--no-cache", "--check", ".", folder=folder)
    check("pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", ".", folder=folder)
    return [rung.name for rung in load_definitions(folder).rungs]


def test_every_column_is_used_or_left_out_with_a_reason(tmp_path: Path) -> None:
    drafted = draft(tmp_path, customers(), "churned", "signed_up_at")
    found = codes(drafted)
    assert found["refund"] == "draft.leak"
    assert found["closed_at"] == "draft.later"
    assert found["street"] == "draft.identifier"
    assert found["month"] == "draft.calendar"
    assert found["country"] == "draft.constant"
    assert found["tags"] == "draft.type"
    features = (drafted.folder / "features.py").read_text()
    used = {"monthly_charge_eur", "plan", "class_", "first_seen_hour", "first_seen_weekday"}
    assert all(f"def {name}(" in features for name in used)
    assert features.count("@ib.feature") == len(used)
    assert "# refund: alone it ranks the target with 1.000" in features


def test_a_draft_is_a_project(tmp_path: Path) -> None:
    folder = draft(tmp_path, customers(), "churned", "signed_up_at").folder
    assert accepted(folder) == ["by_monthly_charge_eur", "linear", "boosted"]
    definitions = load_definitions(folder)
    assert definitions.target.name == "churned_is_yes"
    assert definitions.decision.source.key == ("customerID",)
    table = definitions.decision.source.read()
    assert table.schema["signed_up_at"] == pl.Datetime("us", "UTC")
    assert "tags" not in table.columns


def test_without_a_time_rows_are_parted_at_random(tmp_path: Path) -> None:
    drafted = draft(tmp_path, customers().drop("customerID", "signed_up_at", "street"), "churned")
    accepted(drafted.folder)
    found = {f.code for f in drafted.findings}
    assert {"draft.time", "draft.key"} <= found
    definitions = load_definitions(drafted.folder)
    table = definitions.decision.source.read()
    assert definitions.decision.source.key == ("row_number",)
    assert table["row_number"].to_list() == list(range(ROWS))
    assert definitions.decision.at is None
    assert definitions.frame.split_how == "random"


def test_a_number_is_predicted_by_its_error(tmp_path: Path) -> None:
    table = customers().drop("refund")
    drafted = draft(tmp_path, table, "Monthly charge (EUR)", "signed_up_at")
    assert accepted(drafted.folder)[-2:] == ["linear", "boosted"]
    frame = tomllib.loads((drafted.folder / "frame.toml").read_text())
    assert frame["target"] == {"feature": "monthly_charge_eur_value", "kind": "regression"}
    assert frame["metric"]["primary"] == "mae"


def test_csv_is_read_as_it_will_be(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    table = (
        customers().drop("tags").with_columns(churned=(pl.col("churned") == "yes").cast(pl.Int8))
    )
    table.write_csv(path)
    text = path.read_text().replace("basic", "NA")
    path.write_text(text)
    drafted = draft_project(tmp_path / "project", path, "churned", "signed_up_at")
    accepted(drafted.folder)
    definitions = load_definitions(drafted.folder)
    assert definitions.target.name == "is_churned"
    assert definitions.decision.source.read()["plan"].null_count() > 0


def test_a_plain_csv_needs_no_polars(tmp_path: Path) -> None:
    path = tmp_path / "loans.csv"
    lines = [f"{i},2023-01-01T{i % 24:02d}:00:00Z,{i % 7},{i % 2}" for i in range(200)]
    path.write_text("loan_id,asked_at,years,bad\n" + "\n".join(lines) + "\n")
    folder = draft_project(tmp_path / "project", path, "bad", "asked_at").folder
    accepted(folder)
    sources = (folder / "sources.py").read_text()
    assert "return ib.csv(TABLE" in sources
    assert "polars" not in sources


@pytest.mark.parametrize("length", [3, 9, 10, 11, 12, 13, 40])
def test_a_value_that_the_table_did_not_have_is_no_outcome(tmp_path: Path, length: int) -> None:
    """Neither yes nor no, however long the target's name makes its line."""
    name = "churned_" * 5
    table = customers().rename({"churned": name[:length]}).drop("tags", "refund")
    folder = draft(tmp_path, table, name[:length], "signed_up_at").folder
    formatted = subprocess.run(
        [sys.executable, "-m", "ruff", "format", "--check", "features.py"], cwd=folder, check=False
    )
    assert formatted.returncode == 0
    target = load_definitions(folder).target
    assert [target(v) for v in ("yes", "no", "maybe", "", None)] == [True, False, None, None, None]


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        (["no", "yes", "no"], "yes"),
        ([True, False, True], True),
        ([0, 1, 1], 1),
        (["A", "B", "A"], "B"),  # the rarer one
    ],
)
def test_which_value_means_yes(values: list[object], positive: object) -> None:
    assert find_goal(pl.DataFrame({"y": values}), "y").positive == positive


def test_what_cannot_be_predicted_is_said(tmp_path: Path) -> None:
    table = customers()
    with pytest.raises(ArgumentError, match="more values than classes have"):
        draft(tmp_path, table, "customerID")
    with pytest.raises(ArgumentError, match="--target churned"):
        draft(tmp_path, table, "churn")
    with pytest.raises(ArgumentError, match="dates or times"):
        draft(tmp_path, table, "churned", "plan")
    few = table.select("customerID", "signed_up_at", "country", "churned")
    with pytest.raises(ArgumentError, match="No column"):
        draft(tmp_path, few.drop("signed_up_at"), "churned")


def test_nothing_is_written_over(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "features.py").write_text("# mine\n")
    with pytest.raises(ProjectError, match=r"features\.py"):
        draft(tmp_path, customers(), "churned", "signed_up_at")
    assert [p.name for p in folder.iterdir()] == ["features.py"]
    (folder / "features.py").rename(folder / "notes.md")
    draft(tmp_path, customers(), "churned", "signed_up_at")
    assert (folder / "notes.md").read_text() == "# mine\n"


def test_the_rule_is_written_from_early_rows_only(tmp_path: Path) -> None:
    # In the last 40 % of the rows the column says the opposite; the rule must not know.
    n = 500
    early = [i < 300 for i in range(n)]
    x = [i % 2 for i in range(n)]
    y = [(a if e else 1 - a) for a, e in zip(x, early, strict=True)]
    noise = [(i * 7919) % 10 for i in range(n)]
    y = [1 - b if k == 0 else b for b, k in zip(y, noise, strict=True)]
    table = pl.DataFrame({"x": x, "y": y})
    folder = draft(tmp_path, table, "y").folder
    rule = next(r for r in load_definitions(folder).rungs if r.name == "by_x")
    assert rule(1) > rule(0)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["a", "b", "c"] * 9, "multiclass"),
        ([0, 1, 2, 3] * 9, "multiclass"),
        (list(range(40)), "regression"),
        ([0.0, 1.0, 2.0] * 9, "regression"),
        ([0, 1] * 9, "binary"),
        ([True, False] * 9, "binary"),
    ],
)
def test_the_kind_is_guessed_from_the_values(values: list[object], kind: str) -> None:
    assert find_goal(pl.DataFrame({"y": values}), "y").kind == kind


@pytest.mark.parametrize(
    ("values", "kind", "mend"),
    [
        (["a", "b", "c"] * 9, "regression", "--kind multiclass"),
        (["a", "b", "c"] * 9, "binary", "--kind multiclass"),
        ([0.5, 1.5, 2.5] * 9, "multiclass", "--kind regression"),
        ([0, 1] * 9, "ranking", "--kind binary"),
    ],
)
def test_a_kind_that_does_not_fit_is_refused(values: list[object], kind: str, mend: str) -> None:
    with pytest.raises(ArgumentError) as refused:
        find_goal(pl.DataFrame({"y": values}), "y", kind)
    assert refused.value.mend == mend


@pytest.mark.parametrize("values", [[None, None], [3, 3, 3], ["a", None]])
def test_what_never_differs_cannot_be_learnt(values: list[object]) -> None:
    with pytest.raises(ArgumentError, match="never differs"):
        find_goal(pl.DataFrame({"y": values}), "y")


def test_numbers_may_be_told_to_be_quantities() -> None:
    grades = pl.DataFrame({"y": [1, 2, 3] * 9})
    assert find_goal(grades, "y").whole == 3
    assert find_goal(grades, "y", "multiclass").whole == 0
    assert find_goal(grades, "y", "regression").kind == "regression"


def messy() -> pl.DataFrame:
    """What a table of somebody has: names, blanks, copies, numbers and days as text."""
    n = 200
    wins = [i * 7919 % 11 < 5 for i in range(n)]
    return pl.DataFrame(
        {
            "y": ["won" if w else "lost" for w in wins],
            "result code": ["W" if w else "L" for w in wins],
            "min": [i * 31 % 17 for i in range(n)],
            "linear": [i * 37 % 19 for i in range(n)],
            "ib": [i * 41 % 23 for i in range(n)],
            "2nd.place": ["y" if i * 13 % 7 < 3 else "n" for i in range(n)],
            "empty": [None] * n,
            "same": ["x"] * n,
            "unclear": [f"{1 + i % 9},{i * 997 % 900 + 100}" for i in range(n)],
            "dollars": [f"{1 + i % 9},{i * 997 % 900 + 100}.50" for i in range(n)],
            "share": [f"{i % 100}.5 %" for i in range(n)],
            "since": [f"{1 + i % 28:02}.{1 + i % 12:02}.2020" for i in range(n)],
        }
    )


def test_a_messy_table_is_read_as_a_person_would_or_it_is_said(tmp_path: Path) -> None:
    path = tmp_path / "games.csv"
    messy().write_csv(path)
    drafted = draft_project(tmp_path / "games", path, "y")
    said = {f.subject.partition(".")[2] or f.code: f.code for f in drafted.findings}
    assert said["result_code"] == "draft.leak"
    assert said["empty"] == said["same"] == "draft.constant"
    assert said["unclear"] == "draft.number"
    assert said["since"] == "draft.time_text"
    assert {"draft.thousands", "draft.percent", "draft.renamed"} <= set(said.values())
    definitions = load_definitions(drafted.folder)
    table = definitions.decision.source.read()
    assert table["dollars"][:2].to_list() == [1100.5, 2197.5]
    assert table["share"][:2].to_list() == [0.5, 1.5]
    assert accepted(drafted.folder)[-2:] == ["linear", "boosted"]
    assert {"min", "ib_", "column_2nd_place"} <= set(table.columns)


def test_a_name_that_stands_twice_is_told(tmp_path: Path) -> None:
    path = tmp_path / "twice.csv"
    path.write_text("a,a,y\n" + "".join(f"{i % 7},{i % 5},{i % 2}\n" for i in range(300)))
    drafted = draft_project(tmp_path / "twice", path, "y")
    assert "draft.repeated_name" in {f.code for f in drafted.findings}
    accepted(drafted.folder)


def test_a_key_that_does_not_tell_rows_apart_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "games.csv"
    messy().write_csv(path)
    with pytest.raises(ArgumentError, match="has 17 different values"):
        draft_project(tmp_path / "a", path, "y", key="min")
    with pytest.raises(ArgumentError, match=r"200 row\(s\) have none"):
        draft_project(tmp_path / "b", path, "y", key="empty")


def test_json_lines_are_drafted(tmp_path: Path) -> None:
    path = tmp_path / "games.jsonl"
    messy().write_ndjson(path)
    folder = draft_project(tmp_path / "games", path, "y").folder
    assert "ib.jsonl(TABLE)" in (folder / "sources.py").read_text()
    accepted(folder)


def test_where_only_the_time_is_known_its_clock_is_the_feature(tmp_path: Path) -> None:
    table = pl.DataFrame(
        {
            "day": [20200101 + i // 28 * 100 + i % 28 for i in range(300)],
            "level": [i * 0.5 for i in range(300)],
        }
    )
    path = tmp_path / "level.csv"
    table.write_csv(path)
    folder = draft_project(tmp_path / "level", path, "level", "day").folder
    assert "day_weekday" in (folder / "features.py").read_text()
    accepted(folder)
