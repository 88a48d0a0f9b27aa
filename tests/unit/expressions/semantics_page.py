"""Read the tables of ``docs/internals/semantics.md``: signatures and examples."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from isbjerg.expressions.inference import infer
from isbjerg.expressions.tree import Node, Type, literal
from isbjerg.expressions.values import to_carrier
from isbjerg.times import parse_span

PAGE = Path(__file__).parents[3] / "docs" / "internals" / "semantics.md"

_ROW = re.compile(r"^\| `(\w+)` \| ([^|]+→[^|]+) \|", re.MULTILINE)
_EXAMPLE = re.compile(r"`((\w+)\(([^`]*)\) = ([^`]+))`")
_VALUE = re.compile(r'"(?:[^"\\]|\\.)*"|\[[^\]]*\]|[^,\s]+')
_LETTERS = {"T": list(Type), "O": [t for t in Type if t is not Type.BOOLEAN]}


class Example(NamedTuple):
    text: str
    op: str
    args: tuple[tuple[Any, Type], ...]
    parameter: Any
    result: tuple[Any, Type]

    @property
    def types(self) -> dict[str, Type]:
        return {f"x{i}": t for i, (_, t) in enumerate(self.args)}

    @property
    def row(self) -> list[Any]:
        return [v for v, _ in self.args]

    def over_columns(self) -> Node:
        columns = tuple(Node("column", value=n) for n in self.types)
        return infer(Node(self.op, columns, self.parameter), columns=self.types)

    def over_constants(self) -> Node:
        constants = tuple(literal(v, t) for v, t in self.args)
        return infer(Node(self.op, constants, self.parameter), columns={})


def value(text: str) -> tuple[Any, Type]:
    """Read one value of an example as its carrier and type."""
    if text.startswith("null:"):
        return None, Type(text.removeprefix("null:"))
    if text in {"true", "false"}:
        return text == "true", Type.BOOLEAN
    if text.startswith('"'):
        return json.loads(text), Type.TEXT
    if re.fullmatch(r"-?\d+", text):
        return int(text), Type.INTEGER
    if re.fullmatch(r"-?\d+(us|s|m|h)", text):
        sign = -1 if text.startswith("-") else 1
        return sign * parse_span(text.lstrip("-")), Type.DURATION
    if "T" in text:
        type_ = Type.INSTANT if datetime.fromisoformat(text).tzinfo else Type.LOCAL
        return to_carrier(text, type_), type_
    return float(text), Type.FLOAT


def examples() -> list[Example]:
    return [
        _example(m[1], m[2], m[3], m[4])
        for m in _EXAMPLE.finditer(PAGE.read_text("utf-8"))
        if m[2] != "operation"
    ]


def _example(text: str, op: str, inside: str, result: str) -> Example:
    given, _, parameter = inside.partition("; ")
    return Example(
        text,
        op,
        tuple(value(v) for v in _VALUE.findall(given)),
        json.loads(parameter) if parameter else None,
        value(result),
    )


def signatures() -> dict[str, dict[tuple[Type, ...], Type]]:
    """Read what each operation takes and gives."""
    return {
        m[1]: {t: r for line in m[2].split(";") for t, r in _signature(line)}
        for m in _ROW.finditer(PAGE.read_text("utf-8"))
    }


def _signature(line: str) -> Iterator[tuple[tuple[Type, ...], Type]]:
    takes, gives = (part.strip() for part in line.split("→"))
    words = takes.split(", ")
    letter = next((w for w in words if w in _LETTERS), "")
    for type_ in _LETTERS.get(letter, [Type.TEXT]):
        named = [type_ if w == letter else Type(w) for w in words]
        yield tuple(named), type_ if gives == letter else Type(gives)
