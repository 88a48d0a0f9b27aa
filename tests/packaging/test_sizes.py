"""The tail of size: what measurement says tells pleasant code from other code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FILE_LINES_MAX = 800
FUNCTION_LINES_MAX = 80


def sources() -> list[Path]:
    return sorted(
        path for folder in ("src", "tests", "benchmarks") for path in (ROOT / folder).rglob("*.py")
    )


def functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def lines_without_docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    if ast.get_docstring(function) is None:
        return lines
    docstring = function.body[0]
    return lines - ((docstring.end_lineno or docstring.lineno) - docstring.lineno + 1)


def test_docstring_does_not_count() -> None:
    tree = ast.parse('def f() -> int:\n    """One.\n\n    Two.\n    """\n    return 1\n')
    function = tree.body[0]
    assert isinstance(function, ast.FunctionDef)
    assert lines_without_docstring(function) == 2


def test_no_file_is_a_house() -> None:
    lengths = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in sources()}
    long = {str(path.relative_to(ROOT)): n for path, n in lengths.items() if n >= FILE_LINES_MAX}
    assert not long, f"{long}: look for the second idea in each."


def test_no_function_is_a_chapter() -> None:
    long = {
        f"{path.relative_to(ROOT)}:{function.lineno} {function.name}": n
        for path in sources()
        for function in functions(path)
        if (n := lines_without_docstring(function)) > FUNCTION_LINES_MAX
    }
    assert not long, f"{long}: name the steps."
