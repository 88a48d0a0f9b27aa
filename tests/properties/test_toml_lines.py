"""Every key that `tomllib` reads is found, in the line in which it was written."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.frame.faults import toml_text
from isbjerg.frame.lines import Path, find_lines

_tricky = st.sampled_from(["a = 1", "# x", "[t]", "}", "]", '"', "\\", "'", "x\ny", "=", "é"])
_values = st.recursive(
    st.integers(-9, 9) | st.booleans() | st.floats(-1, 1) | _tricky,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["k", "l", "m-n"]), inner, max_size=2)
    ),
    max_leaves=5,
)
_comments = st.sampled_from(["", " # a = 1", " # [x]", " # '''"])
_pairs = st.dictionaries(
    st.sampled_from(["a", "b", "'c.d'", '"e = f"', "g.h", "g.i"]), _values, max_size=4
)


@given(st.dictionaries(st.sampled_from(["", "t", "u.v", "'w]'"]), _pairs), _comments)
@settings(max_examples=200, deadline=None)
def test_every_key_has_the_line_it_was_written_in(
    tables: dict[str, dict[str, Any]], comment: str
) -> None:
    lines: list[str] = []
    written: dict[str, int] = {}
    for name in sorted(tables):
        if name:
            lines += ["", f"[{name}]{comment}"]
        for key, value in tables[name].items():
            lines.append(f"{key} = {toml_text(value)}{comment}")
            written[f"{name}|{key}"] = len(lines)
    text = "\n".join(lines)
    found = find_lines(text)
    assert set(found) == {*_paths(tomllib.loads(text))}
    for place, line in written.items():
        name, key = place.split("|")
        assert found[_parsed(name) + _parsed(key)] == line


def _parsed(dotted: str) -> Path:
    """Read a dotted key by asking `tomllib`."""
    path: Path = ()
    content = tomllib.loads(f"{dotted} = 1") if dotted else 1
    while isinstance(content, dict):
        ((name, content),) = content.items()
        path = (*path, name)
    return path


def _paths(content: Any, path: Path = ()) -> list[Path]:
    """List every key; members of plain lists count only when they are tables with keys."""
    if isinstance(content, dict):
        return [
            place
            for name, item in content.items()
            for place in [(*path, name), *_paths(item, (*path, name))]
        ]
    if isinstance(content, list):
        return [p for n, item in enumerate(content) for p in _paths(item, (*path, n))]
    return []
