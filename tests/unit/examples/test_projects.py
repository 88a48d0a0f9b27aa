"""The flights project as a user gets it: linted, tested, read by isbjerg."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from isbjerg.errors import ArgumentError, ProjectError, SourceError
from isbjerg.examples.flights_package import package_folder
from isbjerg.examples.projects import draft_example, template_files
from isbjerg.features.knowledge import doubtful_columns, known_rule
from isbjerg.workflows.drafting_tooling import tooling_files, write_project
from isbjerg.workflows.project_files import load_definitions


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_project(tmp_path / "flights", {**template_files("flights"), **tooling_files()})
    return tmp_path / "flights"


def check(*command: str, folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command], cwd=folder, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_files_are_clean_and_their_tests_pass(folder: Path) -> None:
    check("ruff", "check", "--no-cache", ".", folder=folder)
    check("ruff", "format", "--no-cache", "--check", ".", folder=folder)
    check("pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider", ".", folder=folder)


def test_the_ladder_rises(folder: Path) -> None:
    definitions = load_definitions(folder)
    names = [rung.name for rung in definitions.rungs]
    assert names == ["late_by_hour", "linear", "trees_schedule", "trees_all"]
    assert definitions.target.name == "late"


def test_the_delay_on_departure_is_not_proven_known(folder: Path) -> None:
    decision = load_definitions(folder).decision
    assert known_rule(decision.source, "dep_delay", decision).column == "departed_utc"
    assert set(doubtful_columns(["origin", "dep_delay"], decision)) == {"dep_delay"}


def test_hooks_have_the_names_they_are_asked_for_by(folder: Path) -> None:
    hooks = yaml.safe_load((folder / ".pre-commit-config.yaml").read_text())["repos"][0]["hooks"]
    ids = [hook["id"] for hook in hooks]
    assert ids == ["ast", "format", "imports", "docstrings", "lint", "types"]
    assert all(hook["language"] == "system" for hook in hooks)


def test_an_unknown_example_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="flights"):
        draft_example(tmp_path / "x", "trains")


def test_an_example_with_its_data(tmp_path: Path) -> None:
    try:
        package_folder()
    except SourceError:
        pytest.skip("the extra `examples` is not installed")
    drafted = draft_example(tmp_path / "flights", full=False)
    assert all((drafted.folder / name).is_file() for name in drafted.files)
    assert drafted.findings[0].evidence["flights"] > 25_000
    with pytest.raises(ProjectError):
        draft_example(tmp_path / "flights")
