"""What is printed: pieces at 80 and 120 columns, for people, for pipes and for programs."""

from __future__ import annotations

import io
import json

import msgspec
import pytest

from isbjerg.cli.output import (
    Column,
    console,
    findings,
    key_values,
    next_step,
    render,
    say,
    show,
    show_json,
    table,
    to_review,
    verdict,
)
from isbjerg.findings import Finding

FOUND = [
    Finding(code="gate.baseline", subject="boosted", outcome="passed"),
    Finding(code="gate.load", subject="p99", outcome="not_run", message="No load test was run."),
    Finding(code="gate.live", subject="live", outcome="not_applicable"),
    Finding(
        code="gate.guardrail",
        subject="brier",
        severity="blocking",
        message="0.1512 is above 0.14 on 67,354 test rows.",
        mend="isbjerg runs",
    ),
]


def test_findings_put_failures_first_and_count_the_rest() -> None:
    assert render(findings("The gate", FOUND), width=100) == (
        "The gate\n"
        "  ✗ failed   brier: 0.1512 is above 0.14 on 67,354 test rows.  [gate.guardrail]  blocks\n"
        "             Mend: isbjerg runs\n"
        "  ? not run  p99: No load test was run.  [gate.load]\n"
        "  1 passed, 1 failed, 1 not run, 1 not applicable"
    )


def test_no_findings_is_not_all_passed() -> None:
    assert render(findings("The gate", [])) == "The gate\n  nothing was checked"


def test_brackets_in_data_are_not_markup() -> None:
    assert "[bold]x[/bold]" in render(table("t", ["a"], [["[bold]x[/bold]"]]))
    assert "[red]" in render(key_values("k", [("a", "[red]")]))
    assert "[red]" in render(findings("f", [Finding(code="c", subject="[red]")]))


def test_an_empty_table_says_so() -> None:
    assert render(table("Runs", ["run"], [])) == "Runs\n  none yet"


def test_nothing_is_an_en_dash() -> None:
    assert render(key_values("", [("since", None)])) == "  since  \N{EN DASH}"


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    long = "better by 0.1121 (0.1050 to 0.1190), over 31 days, on the same 67,354 rows"
    shown = render(
        table("Ladder", ["rung", Column("brier", "right"), "against"], [["rule", "0.1", long * 2]]),
        key_values("Live", [("model", "x" * 200)]),
        findings("Gate", FOUND),
        verdict("The gate says no.", [long * 3], passed=False),
        width=width,
    )
    assert max(map(len, shown.splitlines())) <= width
    assert "✗ The gate says no." in shown


def test_a_verdict_can_be_neither() -> None:
    assert "○ Nothing to judge" in render(verdict("Nothing to judge", [], passed=None))
    assert "✓ Passed" in render(verdict("Passed", [], passed=True))


def test_a_pipe_gets_wide_lines_without_colours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert console(io.StringIO()).width == 120
    monkeypatch.setenv("COLUMNS", "90")
    assert console(io.StringIO()).width == 90
    show(verdict("Passed", [], passed=True), next_step("isbjerg promote"))
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert out.endswith("Next: isbjerg promote\n")


def test_sentences_for_people_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    say("Reading [flights]")
    say("Never said", quiet=True)
    assert capsys.readouterr() == ("", "Reading [flights]\n")


class Run(msgspec.Struct):
    id: str
    note: str


def test_json_takes_structures(capsys: pytest.CaptureFixture[str]) -> None:
    show_json([Run("r1", "å")])
    out = capsys.readouterr().out
    assert json.loads(out) == [{"id": "r1", "note": "å"}]
    assert "å" in out


def test_a_mend_that_many_share_is_said_once() -> None:
    found = [
        Finding(code="draft.leak", subject=name, message="Left out.", mend="look") for name in "abc"
    ]
    text = render(to_review(found))
    assert text.count("Left out.") == 3
    assert text.count("Mend: look") == 1
    assert text.splitlines()[-1].strip() == "Mend: look"
