"""Finding keys in TOML text, where it is easy to be fooled."""

from __future__ import annotations

import pytest

from isbjerg.frame.lines import find_lines


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ('# a = 1\nb = "a = 2"\na = 3', ("a",), 3),
        ("x = '''\na = 1\n'''\na = 2", ("a",), 4),
        ('x = """\na = \\"""1\n""""\na = 2', ("a",), 4),
        ("x = [\n 1, # ]\n 2,\n]\na = 2", ("a",), 5),
        ("t = { b = 1, a = { c = 2 } }", ("t", "a", "c"), 1),
        ("\n[t]\n'a.b' = 1", ("t", "a.b"), 3),
        ("\n[t]\na.b = 1", ("t", "a", "b"), 3),
        ("\n[ t . u ]\na = 1", ("t", "u", "a"), 3),
        ("[[t]]\na = 1\n[[t]]\na = 2\n[t.u]\nb = 1", ("t", 1, "a"), 4),
        ("[[t]]\na = 1\n[[t]]\na = 2\n[t.u]\nb = 1", ("t", 1, "u", "b"), 6),
        ('"\\u0061" = 1', ("a",), 1),
        ('"a\\"]" = 1\nb = 2', ("b",), 2),
        ("a = 2013-05-01 00:00:00 # b = 1\nb = 2", ("b",), 2),
        ("a = [{ b = '}' }, { b = 1 }]\nc = 1", ("c",), 2),
        ("a.b = 1\r\na.c = 2\r\n", ("a", "c"), 2),
    ],
)
def test_a_key_is_found_where_it_stands(text: str, path: tuple[str | int, ...], line: int) -> None:
    assert find_lines(text)[path] == line


def test_what_only_looks_like_a_key_is_not_one() -> None:
    text = "# a = 1\nb = 'a = 2'\nc = '''\nd = 1'''\n"
    assert set(find_lines(text)) == {("b",), ("c",)}
