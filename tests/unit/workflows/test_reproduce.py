from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import polars as pl
import pytest
from tests.unit.workflows.kit import SetClock
from tests.workflows import small_project

from isbjerg.cli.main import main
from isbjerg.errors import ArgumentError
from isbjerg.project import Project
from isbjerg.storage.catalog.catalog import Catalog

NOW = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = small_project.write_project(tmp_path / "orders")
    return Project(folder, clock=SetClock(NOW), who="ada")


def once(project: Project) -> str:
    return project.run(as_of=small_project.AS_OF).run


def add_line(path: Path) -> None:
    path.write_text(path.read_text(encoding="utf-8") + "\n# edited\n", encoding="utf-8")


def test_a_run_gives_the_same_bytes_again(project: Project) -> None:
    first = once(project)
    report = project.reproduce(first)
    assert (report.outcome, report.differences, report.mend) == ("same", (), "")
    assert report.models == dict.fromkeys(["constant", "windy", "linear", "trees"], True)
    assert report.numbers == len(project.run_details(first).metrics) > 0
    assert [line.run for line in project.runs()] == [first], "a reproduction is no run"


def test_it_stays_the_same_when_data_came_in_and_other_runs_went_between(
    project: Project,
) -> None:
    first = once(project)
    orders = project.folder / "data" / "orders.parquet"
    table = pl.read_parquet(orders)
    table.with_columns(pl.col("amount") * 3.0).write_parquet(orders)
    assert project.run_details(once(project)).run.data_versions["orders"] == "orders@v2"
    project.promote(1)
    assert project.reproduce(first).outcome == "same"


def test_other_code_is_not_run_and_named(project: Project) -> None:
    first = once(project)
    add_line(project.folder / "features.py")
    (project.folder / "helper.py").write_text("")
    report = project.reproduce(first)
    assert report.outcome == "not_run"
    assert [(d.kind, str(d)) for d in report.differences] == [
        ("code", "features.py is another file"),
        ("code", "helper.py: not there -> there"),
    ]
    assert "not under version control" in report.mend
    assert main(["-C", str(project.folder), "run", "--reproduce", first]) == 1


def test_the_mend_is_the_commit(project: Project) -> None:
    git = ["git", "-C", str(project.folder), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "one"]):
        subprocess.run([*git, *words], check=True)
    first = once(project)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    add_line(project.folder / "models.py")
    assert project.reproduce(first).mend == f"git checkout {head.stdout.strip()}"
    subprocess.run([*git, "checkout", "-q", "models.py"], check=True)
    assert project.reproduce(first).outcome == "same"


def test_erased_data_is_said_to_be_that(project: Project) -> None:
    first = once(project)
    (part,) = (project.store / "tables" / "weather").glob("*.parquet")
    part.unlink()
    report = project.reproduce(first)
    assert report.outcome == "not_run"
    (lost,) = report.differences
    assert (lost.kind, str(lost)) == (
        "data",
        "weather@v1: 1 of 1 parts are erased or not in the store",
    )


def rewrite(project: Project, run: str, **report: object) -> None:
    """Change what a run recorded, as another machine would have."""
    with closing(sqlite3.connect(project.store / "catalog.db")) as db, db:
        (payload,) = db.execute("SELECT payload FROM run_payloads WHERE run = ?", [run]).fetchone()
        facts = json.loads(payload)
        facts["report"].update(report)
        facts["parameters"]["cpus"] = 97
        db.execute(
            "UPDATE run_payloads SET payload = ? WHERE run = ?",
            [msgspec.json.encode(facts), run],
        )


def test_what_differs_is_named_exactly(project: Project) -> None:
    first = once(project)
    bundles = project.run_details(first).run.report["bundles"]
    rewrite(project, first, bundles={**bundles, "trees": "f" * 64})
    report = project.reproduce(first)
    assert report.outcome == "differs"
    assert [rung for rung, same in report.models.items() if not same] == ["trees"]
    told = {d.kind: str(d) for d in report.differences}
    assert told["model"].startswith("trees: ffffffffff -> ")
    assert told["machine"] == f"processors: 97 -> {os.cpu_count()}"


def test_a_run_that_never_finished_cannot_be_compared(project: Project) -> None:
    once(project)
    with Catalog.open(project.store / "catalog.db", SetClock(NOW)) as catalog:
        started = catalog.start_run(frame_hash="f", measure_hash="m")
        catalog.finish_run(started, status="failed")
    with pytest.raises(ArgumentError) as it:
        project.reproduce(started.id)
    assert "isbjerg runs" in it.value.mend


RUN = """
import json, sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from isbjerg.project import Project
project = Project(Path(sys.argv[1]), clock=lambda: 1714521600000000)
report = project.run(as_of=sys.argv[2])
print(json.dumps(project.run_details(report.run).run.report["bundles"]))
"""


@pytest.mark.slow
def test_bundles_are_the_same_in_any_process_folder_and_hash_seed(tmp_path: Path) -> None:
    found = []
    for number, seed in enumerate(("0", "4711")):
        folder = small_project.write_project(tmp_path / f"place{number}" / f"orders{number}")
        words = [sys.executable, "-c", RUN, str(folder), small_project.AS_OF]
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            words, env=environment, cwd=folder.parent, capture_output=True, text=True, check=True
        )
        found.append(json.loads(done.stdout))
    assert found[0] == found[1]
    assert set(found[0]) == {"constant", "windy", "linear", "trees"}
