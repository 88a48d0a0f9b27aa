"""The hooks of a new project pass on that project, with the entries as they are written."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
import yaml

from isbjerg.examples.projects import template_files
from isbjerg.workflows.drafting import draft_project
from isbjerg.workflows.drafting_tooling import tooling_files, write_project


def flights(folder: Path) -> None:
    write_project(folder, {**template_files("flights"), **tooling_files(ignore="data/\n")})


def drafted(folder: Path) -> None:
    table = folder.parent / "loans.csv"
    days = pl.date_range(pl.date(2024, 1, 1), pl.date(2024, 4, 9), eager=True).cast(pl.String)
    pl.DataFrame(
        {
            "No.": range(100),
            "asked on": days,
            "amount": [float(n % 17) for n in range(100)],
            "paid?": ["yes" if n % 3 else "no" for n in range(100)],
        }
    ).write_csv(table)
    draft_project(folder, table, "paid?", "asked on", "loans")


@pytest.mark.parametrize("make", [flights, drafted])
def test_the_hooks_of_a_new_project_pass(tmp_path: Path, make) -> None:
    folder = tmp_path / "project"
    make(folder)
    files = sorted(path.name for path in folder.glob("*.py"))
    config = yaml.safe_load((folder / ".pre-commit-config.yaml").read_text())
    for hook in config["repos"][0]["hooks"]:
        tool, *words = shlex.split(hook["entry"])
        command = [sys.executable, *([] if tool == "python" else ["-m", tool]), *words, *files]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{hook['id']}: {done.stdout}{done.stderr}"
