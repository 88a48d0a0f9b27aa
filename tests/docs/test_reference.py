"""The reference pages say what the code does, and every verb is on them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from isbjerg.cli.verbs import VERBS

DOCS = Path(__file__).parents[2] / "docs"


def test_pages_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_is_documented(verb: str) -> None:
    text = (DOCS / "reference" / "cli.md").read_text(encoding="utf-8")
    assert f"\n## {verb}\n" in text
    assert VERBS[verb].example in text
