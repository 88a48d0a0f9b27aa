"""The benchmarks run and say what they promise to say; how fast is not asked here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
KEYS = {"name", "value", "unit", "reference", "ratio", "conditions"}


def run(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *words],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_each_benchmark_is_listed_with_its_question() -> None:
    lines = run().splitlines()
    files = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    housekeeping = {
        "large_project",
        "__init__",
        "__main__",
        "figures",
        "ledgers",
        "measuring",
        "registry",
    }
    assert {line.split()[0] for line in lines} == files - housekeeping
    assert all(len(line.split()) > 3 for line in lines)


def test_each_benchmark_is_on_the_page_of_benchmarks() -> None:
    page = (ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8")
    assert not [
        line.split()[0] for line in run().splitlines() if f"| `{line.split()[0]}` |" not in page
    ]


def test_figures_are_one_json_object_per_line() -> None:
    figures = [json.loads(line) for line in run("import_time", "--quick", "--json").splitlines()]
    assert figures
    for figure in figures:
        assert set(figure) == KEYS
        quotient = figure["value"] / figure["reference"]
        assert figure["ratio"] == pytest.approx(quotient, rel=1e-2, abs=1e-3)  # all are rounded
