"""The bar: seen on a terminal, silent everywhere else."""

from __future__ import annotations

import io

import pytest

from isbjerg.cli.progress import bar


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_a_pipe_sees_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with bar() as progress:
        progress("Reading flights", 0.5)
    assert capsys.readouterr() == ("", "")


def test_a_terminal_sees_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    with bar() as progress:
        progress("Reading [flights]", None)
        progress("Fitting", 0.5)
        progress("Fitting", 7.0)
    assert "Fitting" in screen.getvalue()


def test_quiet_is_quiet_on_a_terminal_too(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr("sys.stderr", screen)
    with bar(quiet=True) as progress:
        progress("Reading flights", 0.5)
    assert screen.getvalue() == ""
