"""The pages of the codes: what happened, why isbjerg refuses, and the mend."""

from __future__ import annotations

import re
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from isbjerg.errors import ArgumentError

_LETTERS_AS_DIGITS = str.maketrans("OIL", "011")
FOLDER = Path(__file__).with_name("explanations")


class Page(NamedTuple):
    """One page: its code, its title without the code, its text as Markdown."""

    code: str
    title: str
    text: str


def pages() -> list[Page]:
    """Read every page, in the order of the codes."""
    return [_read(path) for path in sorted(FOLDER.glob("ISB*.md"))]


def page(code: str) -> Page:
    """Read the page of a code, written in any way that leaves no doubt.

    Raises
    ------
    ArgumentError
        When there is no such page: the mend names the closest code.

    Examples
    --------
    >>> page("201").title, page("isb2o1").code
    ('frame.toml is wrong', 'ISB201')
    """
    wanted = _spelt_out(code)
    path = FOLDER / f"{wanted}.md"
    # The name is looked up among those there are: nothing of it reaches the file system.
    known = sorted(other.stem for other in FOLDER.glob("ISB*.md"))
    if wanted in known:
        return _read(path)
    if re.fullmatch(r"\s*[a-z]+(\.[a-z_]+)+\s*", code):
        raise ArgumentError(
            f"{code.strip()!r} is the code of a finding about data or a model, not of an error.\n"
            "Only errors have pages; a finding says what is wrong, and its mend, where it is told.",
            mend="isbjerg status",
            code_asked=code,
        )
    close = get_close_matches(wanted, known, n=1, cutoff=0.8)
    raise ArgumentError(
        f"No page explains {code!r}. Found pages from {known[0]} to {known[-1]}.",
        mend=f"isbjerg explain {close[0]}" if close else "isbjerg explain",
        code_asked=code,
    )


def _spelt_out(code: str) -> str:
    plain = code.strip().upper()
    number = re.fullmatch(r"(?:ISB)?[-\s]?([\dOIL]{3})", plain)
    return f"ISB{number[1].translate(_LETTERS_AS_DIGITS)}" if number else plain


def _read(path: Path) -> Page:
    text = path.read_text(encoding="utf-8").strip()
    heading = text.splitlines()[0].removeprefix("# ")
    return Page(path.stem, heading.removeprefix(f"{path.stem}: "), text)
