"""``data list``, ``show`` and ``diff`` on the project of loans."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from tests.unit.workflows.kit import (
    DAY,
    SOURCES,
    START,
    SetClock,
    loans,
    write_loans,
    write_project,
)

from isbjerg.cli.data_report import diff_pieces, list_pieces, show_pieces
from isbjerg.cli.main import main
from isbjerg.cli.output import render
from isbjerg.errors import ArgumentError, StoreError
from isbjerg.project import Project

DECLARED = (
    SOURCES.replace(
        '    key="id",',
        '    key="id",\n    owner="Credit",\n    refresh="1d",\n    personal={"person": "identifier"},',
    )
    + '\n\nscores = ib.planned("scores", owner="Risk", why="it says more")\n'
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = write_project(tmp_path / "loans", loans(), sources=DECLARED)
    return Project(folder, clock=SetClock(START + 60 * DAY))


def later(project: Project) -> None:
    """Ten loans; then the first is gone, the second is 5 dearer, and two more are there."""
    project.ingest()
    changed = loans(12, amount=[100.0, 205.0, *(100.0 * n for n in range(3, 13))])
    write_loans(project.folder, changed.filter(changed["id"] > 1))
    project.ingest()


def test_tables_are_listed_with_what_their_sources_declare(project: Project) -> None:
    (never,) = project.data_list().tables
    assert (never.version, never.rows) == (None, 0)
    later(project)
    found = project.data_list()
    (line,) = found.tables
    assert (line.version, line.versions, line.rows) == ("loans@v2", 2, 13)  # 12 and a correction
    assert (line.owner, line.licence, line.refresh, line.stale) == ("Credit", None, "1d", False)
    text = render(*list_pieces(found), width=120)
    assert "Credit" in text
    assert "scores" in text
    assert "it says more" in text


def test_one_table_is_shown(project: Project) -> None:
    later(project)
    found = project.data_show("loans")
    assert [v.version for v in found.versions] == ["loans@v2", "loans@v1"]
    assert [(v.new, v.corrected, v.vanished) for v in found.versions] == [(2, 1, 1), (10, 0, 0)]
    columns = {c.name: c for c in found.columns}
    assert columns["amount"].spread.quantiles is not None
    assert columns["amount"].spread.quantiles[-1] == 1200.0
    assert columns["unpaid"].known == "closed"
    assert columns["person"].personal == "identifier"
    text = render(*show_pieces(found), width=140)
    assert "ann" not in text  # who is an identifier is never shown
    assert "2 different" in text
    assert "1h before asked" in text


def test_two_versions_are_compared(project: Project) -> None:
    later(project)
    found = project.data_diff("loans")
    assert (found.before, found.after) == ("loans@v1", "loans@v2")
    rows = found.rows
    assert (rows.added, rows.corrected, rows.unchanged) == (2, 1, 9)
    assert found.vanished == 1
    assert found.vanished_examples == [{"id": "1"}]
    assert rows.corrected_examples[0].key == {"id": 2}
    assert rows.corrected_examples[0].values == {"amount": [200.0, 205.0]}
    text = render(*diff_pieces(found), width=140)
    assert "amount 200 -> 205" in text
    assert "ann" not in text
    assert "ann" not in msgspec.json.encode(found, enc_hook=str).decode()
    again = project.data_diff("loans", "v2", "loans@v1")
    assert again == found
    assert project.data_diff("loans", "1") == found


def test_columns_and_definitions_are_compared(project: Project) -> None:
    project.ingest()
    table = loans().drop("unpaid").with_columns(loans()["amount"].alias("debt"))
    write_loans(project.folder, table)
    (project.folder / "contracts" / "loans.odcs.yaml").unlink()
    (project.folder / "data" / "loans.parquet").rename(project.folder / "data" / "l.parquet")
    text = (project.folder / "sources.py").read_text()
    (project.folder / "sources.py").write_text(text.replace("data/loans.parquet", "data/l.parquet"))
    project.ingest()
    found = project.data_diff("loans")
    assert found.rows.columns_added == ("debt",)
    assert found.rows.columns_removed == ("unpaid",)
    assert found.definition == (("path", "data/loans.parquet", "data/l.parquet"),)
    assert [f.code for f in found.changed] == ["definition.changed"]
    assert "Changed definitions" in render(*diff_pieces(found), width=140)


def test_what_is_not_there_is_told(project: Project) -> None:
    with pytest.raises(ArgumentError, match="no version"):
        project.data_diff("loans")
    project.ingest()
    with pytest.raises(ArgumentError, match="only loans@v1"):
        project.data_diff("loans")
    with pytest.raises(StoreError, match="loans@v7"):
        project.data_diff("loans", "v7")
    with pytest.raises(ArgumentError, match="It is planned"):
        project.data_show("scores")


@pytest.mark.parametrize("words", [["list"], ["show", "loans"], ["diff", "loans", "v1", "v2"]])
def test_the_verb_says_it_in_text_and_json(
    project: Project, words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    later(project)
    capsys.readouterr()
    assert main(["-C", str(project.folder), "data", *words]) == 0
    assert "loans" in capsys.readouterr().out
    assert main(["-C", str(project.folder), "data", *words, "--json"]) == 0
    assert isinstance(msgspec.json.decode(capsys.readouterr().out), dict)


def test_the_verb_needs_a_table(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-C", str(project.folder), "data", "show"]) == 2
    assert "needs the name of a table" in capsys.readouterr().err
