"""The tree of errors is drawn, pickles, has unique codes, and each code has a page."""

from __future__ import annotations

import inspect
import pickle
import re
from pathlib import Path

import pytest

from isbjerg import errors

SOURCE = Path(errors.__file__).parent
PAGES = SOURCE / "cli" / "explanations"
CODE = re.compile(r"\bISB\d{3}\b")
BRANCH = re.compile(r"^(?P<rails>[ │]*)[├└]── (?P<name>\w+) +(?P<says>.+)$")
INDENT = 4

KINDS = [
    value
    for value in vars(errors).values()
    if inspect.isclass(value) and issubclass(value, errors.IsbjergError)
]


def drawn_parents() -> dict[str, str]:
    """Read the drawing at the top of errors.py: each kind and the kind it hangs from."""
    path = ["IsbjergError"]
    parents: dict[str, str] = {}
    for line in (errors.__doc__ or "").splitlines():
        found = BRANCH.match(line.removeprefix(" " * INDENT))
        if found:
            depth = len(found["rails"]) // INDENT + 1
            path[depth:] = [found["name"]]
            parents[found["name"]] = path[depth - 1]
    return parents


def mentioned_codes() -> dict[str, str]:
    """Find each code in the source and the first file that names it."""
    found: dict[str, str] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for code in CODE.findall(path.read_text(encoding="utf-8")):
            found.setdefault(code, str(path.relative_to(SOURCE)))
    return found


def test_tree_is_drawn_as_it_is() -> None:
    actual = {kind.__name__: kind.__bases__[0].__name__ for kind in KINDS}
    del actual["IsbjergError"]
    assert drawn_parents() == actual


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_kind_pickles_with_its_facts(kind: type[errors.IsbjergError]) -> None:
    fault = kind("Table 'loans' is empty.", code="ISB999", mend="isbjerg run", rows=0)
    again = pickle.loads(pickle.dumps(fault))
    assert type(again) is kind
    assert str(again) == str(fault)
    assert (again.kind_code, again.mend, again.facts) == ("ISB999", "isbjerg run", {"rows": 0})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_kind_is_documented(kind: type[errors.IsbjergError]) -> None:
    assert "__doc__" in vars(kind)
    assert kind.__doc__


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in KINDS]
    assert len(set(codes)) == len(codes)
    assert all(CODE.fullmatch(code) for code in codes)


def test_every_code_has_a_page() -> None:
    missing = {code: file for code, file in mentioned_codes().items() if not page(code).is_file()}
    assert not missing, f"write {PAGES.relative_to(SOURCE)}/CODE.md for {missing}"


def test_every_page_is_for_a_code_in_use() -> None:
    unused = {path.stem for path in PAGES.glob("*.md")} - set(mentioned_codes())
    assert not unused, f"no source file names {sorted(unused)}"


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.md")), ids=lambda path: path.stem)
def test_page_says_what_why_and_the_mend(path: Path) -> None:
    title, *paragraphs = path.read_text(encoding="utf-8").strip().split("\n\n")
    assert title.startswith(f"# {path.stem}: ")
    assert len(paragraphs) >= 3
    assert "```" in paragraphs[-1] or "\n    " in "\n" + paragraphs[-1], (
        "end with the mend to paste"
    )


def page(code: str) -> Path:
    return PAGES / f"{code}.md"
