"""From somebody's table to a served model, unattended: only what a user would type.

What each table gave stands in ``docs/start/real-tables.md``; write it anew with
``ISBJERG_TABLES=docs/start/real-tables.md pytest tests/workflows/test_real_tables.py``.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.workflows.real_tables import TABLES, RealTable
from tests.workflows.server_kit import Server

import isbjerg as ib
from isbjerg.cli.main import main
from isbjerg.workflows.project_files import Definitions, load_definitions
from isbjerg.workflows.train import RunReport

DONE = 0
_NEVER_SEEN = 10**6


def say(folder: Path, *words: str) -> int:
    return main(["-C", str(folder), *words])


def served(folder: Path) -> Server:
    words = [sys.executable, "-m", "isbjerg", "-C", str(folder), "serve", "--port", "0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    line = process.stdout.readline()
    assert "http://" in line, process.communicate()[1]
    host, _, port = line.split("http://")[1].split()[0].rpartition(":")
    server = Server(process, host, int(port))
    server.health()
    return server


def ask(folder: Path, key: str) -> dict[str, Any]:
    """Ask as `isbjerg serve` proposes, about a row that nobody has seen; return the answer."""
    proposed = ib.Project(folder).example_request("127.0.0.1", 80)
    assert proposed is not None
    request = json.loads(shlex.split(proposed)[-1])
    server = served(folder)
    try:
        known = request["inputs"][key]
        request["inputs"][key] = _NEVER_SEEN if isinstance(known, int) else "never seen"
        status, answer = server.ask("/predict", request)
        assert status == 200, answer
        return {**answer, "key": request["inputs"][key]}
    finally:
        code, said = server.stop()
        assert code == DONE, said


def outcome(folder: Path, definitions: Definitions) -> tuple[str, Any]:
    """Take a value of the target's column that a row of the table has."""
    table = definitions.decision.source.read()
    if not isinstance(table, pl.DataFrame):
        table = ib.read(table, folder)
    (column,) = definitions.target.columns
    return column, table[column].drop_nulls()[0]


def settled(folder: Path, key: str, value: object, column: str, truth: object) -> None:
    path = folder / "outcomes.csv"
    pl.DataFrame({key: [value], column: [truth]}).write_csv(path)
    assert say(folder, "settle", str(path)) == DONE


@pytest.mark.slow
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_becomes_a_served_model(
    table: RealTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = time.process_time()
    monkeypatch.chdir(tmp_path)
    Path(table.file).write_bytes(table.content())
    words = ("--from", table.file, "--target", table.target, *table.options)
    assert main(["new", "project", *words]) == DONE
    folder = tmp_path / "project"
    definitions = load_definitions(folder)
    assert definitions.frame.target.kind == table.kind
    assert (definitions.decision.at is None) == ("--time" not in table.options)
    (key,) = definitions.decision.source.key

    report = ib.Project(folder).run()
    assert report.verdict.passed, report.verdict.sentence
    assert report.ladder.chosen != "constant"
    assert say(folder, "promote") == DONE
    answer = ask(folder, key)
    settled(folder, key, answer["key"], *outcome(folder, definitions))
    assert say(folder, "trace", answer["id"]) == DONE
    traced = ib.Project(folder).trace(answer["id"])
    assert [f.outcome for f in traced.replays] == ["passed"] * 3
    assert traced.outcome is not None
    assert ib.Project(folder).status().outcomes == 1
    _note(table, report, time.process_time() - started)


def _note(table: RealTable, report: RunReport, seconds: float) -> None:
    """Add a row to the page, when it is asked for."""
    page = os.environ.get("ISBJERG_TABLES")
    if page is None:
        return
    ladder, path = report.ladder, Path(page)
    rungs = [ladder.row("constant").metrics[ladder.primary]]
    rungs.append(ladder.row(ladder.chosen).metrics[ladder.primary])
    low, high = rungs[1].low, rungs[1].high
    cells = [
        f"`{table.file}`",
        table.kind,
        "yes" if "--time" in table.options else "no",
        f"{report.counts.rows:,}",
        ladder.primary,
        f"{rungs[0].value:.3g}",
        f"{rungs[1].value:.3g} ({low:.3g} to {high:.3g})",
        ladder.chosen,
        f"{seconds:.1f}",
    ]
    row = f"| {' | '.join(cells)} |\n"
    kept = [line for line in path.read_text().splitlines(keepends=True) if cells[0] not in line]
    path.write_text("".join([*kept, row]))
