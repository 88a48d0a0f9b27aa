"""How an error reads on a terminal."""

from __future__ import annotations

from isbjerg.cli.refusal import told
from isbjerg.errors import DataError


def test_sentences_are_wrapped_and_pasteable_lines_are_not() -> None:
    paste = "    " + " ".join(["word"] * 20)
    mend = "isbjerg ingest " + " ".join(["flights"] * 12)
    error = DataError("The table has no rows. " * 4 + "\n\n" + paste, mend=mend)
    assert told(error, width=40) == (
        "The table has no rows. The table has no\n"
        "rows. The table has no rows. The table\n"
        "has no rows.\n"
        "\n"
        f"{paste}\n"
        "\n"
        f"Mend: {mend}\n"
        "More: isbjerg explain ISB300"
    )


def test_a_missing_file_is_named() -> None:
    assert told(FileNotFoundError(2, "No such file or directory", "x.csv"), width=80) == (
        "'x.csv': No such file or directory.\n\nMend: ls -ld x.csv\nMore: isbjerg explain ISB641"
    )


def test_what_was_not_foreseen_says_how_to_report_it() -> None:
    lines = told(ZeroDivisionError("division by zero"), width=80).splitlines()
    assert lines == [
        "isbjerg met what it did not foresee: ZeroDivisionError: division by zero",
        "",
        "Mend: add --traceback to the command and report what it prints",
    ]
