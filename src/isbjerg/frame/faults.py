"""Faults found while reading a frame, and the one error that tells them all."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

import msgspec

from isbjerg.errors import FrameError
from isbjerg.frame.lines import Path, find_lines


class Fault(msgspec.Struct, frozen=True):
    """One thing wrong with a frame: the line, what was found there, what to write instead.

    `mend` is TOML that can be pasted at `line`, or a short order when nothing can be.
    """

    line: int
    message: str
    mend: str


class Faults:
    """A growing list of faults of one text, which knows the line of each key."""

    def __init__(self, text: str) -> None:
        self.found: list[Fault] = []
        self.line_after_last = text.rstrip().count("\n") + 2 if text.strip() else 1
        self._lines = find_lines(text)
        self._paths: set[Path] = set()

    def add(self, path: Path, message: str, mend: str) -> None:
        """Note a fault at the key `path`, or at the table around it when there is no such key."""
        self._paths.add(path)
        self.add_at(self._line_of(path), message, mend)

    def has(self, path: Path) -> bool:
        """Tell whether a fault was noted at this key."""
        return path in self._paths

    def add_at(self, line: int, message: str, mend: str) -> None:
        """Note a fault at a line."""
        self.found.append(Fault(line, message, mend))

    def _line_of(self, path: Path) -> int:
        for size in range(len(path), 0, -1):
            line = self._lines.get(path[:size])
            if line is not None:
                return line
        return 1


def frame_error(faults: Sequence[Fault]) -> FrameError:
    """Build the error that tells every fault, in the order of their lines.

    Examples
    --------
    >>> print(frame_error([Fault(3, "`kind` is missing.", 'kind = "binary"')]).message)
    frame.toml has 1 fault.
    <BLANKLINE>
    Line 3: `kind` is missing.
        kind = "binary"
    """
    ordered = sorted(faults, key=lambda fault: fault.line)
    parts = [f"frame.toml has {len(ordered)} fault{'s' if len(ordered) > 1 else ''}."]
    parts += [f"Line {f.line}: {f.message}\n{_indented(f.mend)}" for f in ordered]
    return FrameError("\n\n".join(parts), faults=ordered)


def toml_text(value: Any) -> str:
    """Write a value that TOML gave as TOML again, on one line.

    Examples
    --------
    >>> toml_text({"by": ["origin", True], "share": 0.5})
    '{ by = ["origin", true], share = 0.5 }'
    """
    match value:
        case dict():
            inner = ", ".join(f"{key} = {toml_text(item)}" for key, item in value.items())
            return f"{{ {inner} }}" if inner else "{}"
        case list():
            return f"[{', '.join(toml_text(item) for item in value)}]"
        case dt.date() | dt.time():
            return value.isoformat()
        case float():
            return repr(value)
        case _:
            return json.dumps(value, ensure_ascii=False)


def toml_key(name: str) -> str:
    """Write a key as TOML takes it: in quotes when it holds more than letters and digits.

    Examples
    --------
    >>> toml_key("brier"), toml_key("ndcg@10")
    ('brier', '"ndcg@10"')
    """
    bare = name.replace("-", "").replace("_", "")
    return name if bare.isascii() and bare.isalnum() else json.dumps(name)


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.splitlines())
