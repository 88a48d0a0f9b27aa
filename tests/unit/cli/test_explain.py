"""The pages of the codes, from the command line."""

from __future__ import annotations

import json

import pytest

from isbjerg.cli.explain import FOLDER, page, pages
from isbjerg.cli.main import main
from isbjerg.errors import ArgumentError


def test_the_list_holds_every_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[:6] for line in lines] == sorted(path.stem for path in FOLDER.glob("*.md"))
    assert "ISB201  frame.toml is wrong" in lines


def test_one_page_is_printed_as_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "isb201"]) == 0
    assert capsys.readouterr().out == page("ISB201").text + "\n"


def test_json_is_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "201", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["code"], shown["title"]) == ("ISB201", "frame.toml is wrong")
    assert main(["explain", "--json"]) == 0
    assert [item["code"] for item in json.loads(capsys.readouterr().out)] == [
        one.code for one in pages()
    ]


@pytest.mark.parametrize(
    ("asked", "mend"),
    [
        ("IBS201", "isbjerg explain ISB201"),
        ("999", "isbjerg explain"),
        ("../../pyproject", "isbjerg explain"),
    ],
)
def test_an_unknown_code_is_misuse(asked: str, mend: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        page(asked)
    assert caught.value.mend == mend
    assert main(["explain", asked]) == 2


def test_the_code_of_a_finding_is_told_apart_from_that_of_an_error() -> None:
    with pytest.raises(ArgumentError, match="is the code of a finding"):
        page("definition.changed")
