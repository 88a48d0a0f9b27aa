"""What a Python feature may not do: what would give another answer for the same row another time.

It may not look at the world or the clock, and may not remember the row before. That is a look at
the usual ways in the syntax tree, not a sandbox; what a file does once, while it is imported, is
no row's doing and is allowed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

WORLD = frozenset(
    [
        "asyncio",
        "ctypes",
        "datetime.now",
        "glob",
        "http",
        "importlib",
        "io",
        "multiprocessing",
        "os",
        "pathlib",
        "pickle",
        "random",
        "requests",
        "secrets",
        "shutil",
        "socket",
        "sqlite3",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "urllib",
        "uuid",
    ]
)
REFUSED_NAMES = frozenset(
    [
        "__import__",
        "compile",
        "eval",
        "exec",
        "globals",
        "hash",
        "id",
        "input",
        "locals",
        "open",
        "vars",
    ]
)
_NOT_RUN = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Import, ast.ImportFrom)
_CLOCKS = frozenset({"now", "today", "utcnow"})
_CHANGERS = frozenset(
    [
        "add",
        "append",
        "appendleft",
        "clear",
        "discard",
        "extend",
        "insert",
        "pop",
        "popitem",
        "popleft",
        "remove",
        "reverse",
        "setdefault",
        "sort",
        "update",
    ]
)
"""Methods by which Python's own containers are changed in place."""


def looks_outside(node: ast.AST) -> Iterator[str]:
    """Find clocks, memory of the module, and what is no plain function."""
    if isinstance(node, ast.Attribute) and node.attr in _CLOCKS:
        yield f"a clock, `{ast.unparse(node)}`  ->  take a time column as a parameter"
    elif isinstance(node, ast.Global | ast.Nonlocal):
        yield "`global`, which remembers the row before"
    elif isinstance(node, ast.AsyncFunctionDef | ast.Await | ast.Yield | ast.YieldFrom):
        yield "`async` or `yield`  ->  a plain function that returns a value"


def changed(node: ast.AST, own: set[str]) -> Iterator[str]:
    """Find what is put into a thing that is not the function's own, and so stays for the next row."""
    if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
        root = _root(node)
        if root is not None and root not in own:
            yield remembers(root)


def kept_by_call(node: ast.AST) -> str | None:
    """Name what a call changes in place: ``SEEN.add(x)``, ``next(NUMBERS)``."""
    if not isinstance(node, ast.Call):
        return None
    if isinstance(node.func, ast.Attribute) and node.func.attr in _CHANGERS:
        return _root(node.func)
    if isinstance(node.func, ast.Name) and node.func.id == "next" and node.args:
        return _root(node.args[0])
    return None


def remembers(name: str) -> str:
    """Say why a change of something is refused."""
    return f"a change of `{name}`, which remembers the row before"


def altered(statement: ast.stmt) -> Iterator[str]:
    """Name what a statement of a file changes in place: ``TABLE["a"] = 1``, ``TABLE.update(...)``.

    A call whose value is thrown away is there for its effect, on whatever it names.
    """
    if isinstance(statement, _NOT_RUN):
        return
    for node in ast.walk(statement):
        if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
            if (root := _root(node)) is not None:
                yield root
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            yield from (n.id for n in ast.walk(node) if isinstance(n, ast.Name))


def _root(node: ast.expr) -> str | None:
    """Name the thing of which this is an item or an attribute, however deep."""
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else None
