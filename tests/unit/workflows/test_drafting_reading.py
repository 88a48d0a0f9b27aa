"""Tables as people have them: semicolons, old encodings, days first, decimal commas."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from isbjerg.errors import ArgumentError, FrameError, SourceError
from isbjerg.workflows.drafting import draft_project
from isbjerg.workflows.drafting_names import identifiers
from isbjerg.workflows.drafting_reading import look
from isbjerg.workflows.drafting_times import time_format
from isbjerg.workflows.project_files import load_definitions

ROWS = 300


def danish(folder: Path) -> Path:
    """Write a table as a Danish spreadsheet does."""
    path = folder / "salg.csv"
    lines = ["Kunde Nr.;Måned løn;dato;solgt"]
    for i in range(ROWS):
        day = datetime(2022, 1 + i % 12, 1 + i % 28)
        sold = "ja" if i * 7919 % 11 < 4 else "nej"
        lines.append(f"K{i:03};{i}.000,{i % 10};{day:%d.%m.%Y};{sold}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_danish_spreadsheet_is_drafted_and_read_alike(tmp_path: Path) -> None:
    drafted = draft_project(tmp_path / "salg", danish(tmp_path), "solgt", "dato")
    codes = {f.code for f in drafted.findings}
    assert {"draft.decimal_comma", "draft.time_format", "draft.renamed"} <= codes
    definitions = load_definitions(drafted.folder)
    table = definitions.decision.source.read()
    assert table["maaned_loen"].to_list()[:3] == [0.0, 1000.1, 2000.2]
    assert table.schema["dato"] == pl.Datetime("us", "UTC")
    assert definitions.target.name == "solgt_is_ja"


@pytest.mark.parametrize(
    ("texts", "form"),
    [
        (["31.12.2023", "01.02.2024"], "%d.%m.%Y"),
        (["31/12/2023 08:30", None], "%d/%m/%Y %H:%M"),
        (["12/31/2023", "01/02/2024"], "%m/%d/%Y"),
        (["12/31/2023", "31/12/2023"], None),
        (["yesterday"], None),
        (["2023/12/31", "2024/01/02"], "%Y/%m/%d"),
        (["Jan 1 2000", "Dec 31 2009"], "%b %d %Y"),
        (["1949-01", "1949-12"], "%Y-%m"),
        ([19580329, 19581231], "%Y%m%d"),
        ([1700, 2008], "%Y"),
        ([3, 5], None),
    ],
)
def test_the_one_format_that_all_texts_fit(texts: list[str | None], form: str | None) -> None:
    assert time_format(pl.Series(texts)) == form


def test_days_and_months_are_not_guessed() -> None:
    with pytest.raises(ArgumentError, match="day first or with the month first"):
        time_format(pl.Series("when", ["01/02/2024", "03/04/2024"]))


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("løn,y\n1,2\n".encode("latin-1"), "iconv -f WINDOWS-1252 -t UTF-8"),
        ("a,y\n1,2\n".encode("utf-16"), "iconv -f UTF-16 -t UTF-8"),
        (b"a,y\n", "no row"),
        (b"", "not even a header"),
        (b"a,y\n1,2\n1,2,3\n", "Line 3 of 'table.csv' has 3 values, its header names 2"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=says):
        look(path)


def test_a_slip_in_the_name_is_met_with_a_name_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "churn.csv").write_text("a\n1\n")
    with pytest.raises(SourceError, match=r"--from .*churn\.csv"):
        look(tmp_path / "chrun.csv")
    with pytest.raises(SourceError, match="There is a folder"):
        look(tmp_path)


def test_letters_outside_ascii_are_written_by_others() -> None:
    named = identifiers(["Måned løn (kr)", "Årsag", "Größe", "日本"])
    assert list(named.values()) == ["maaned_loen_kr", "aarsag", "groesse", "column"]


def test_a_file_in_the_order_of_its_target_is_parted_at_random(tmp_path: Path) -> None:
    path = tmp_path / "wine.csv"
    pl.DataFrame(
        {"x": [i * 7 % 13 for i in range(300)], "y": [i // 100 for i in range(300)]}
    ).write_csv(path)
    drafted = draft_project(tmp_path / "wine", path, "y")
    assert "draft.classes" in {f.code for f in drafted.findings}
    assert load_definitions(drafted.folder).frame.split_how == "random"


def test_a_frame_that_is_not_utf8_names_its_line(tmp_path: Path) -> None:
    folder = draft_project(tmp_path / "salg", danish(tmp_path), "solgt", "dato").folder
    frame = folder / "frame.toml"
    frame.write_bytes("# Løn\n".encode("latin-1") + frame.read_bytes())
    with pytest.raises(FrameError, match="line 1 has the byte 0xf8"):
        load_definitions(folder)
