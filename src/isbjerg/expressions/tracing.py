"""From a Python function to a tree, refusing what a tree cannot hold.

A feature function is called once, with expressions as arguments, and what it returns is the
feature, for ever, on every engine. Code that looks at more than its arguments would be
frozen as it was at that call without a word. So before the call the function's syntax is
checked, and all that is found is told at once: ``is``, ``in``, ``and``, ``or``, ``not``,
``if``, clocks, randomness, mutable globals, and calls of functions that were not written for
expressions.
"""

from __future__ import annotations

import ast
import builtins
import inspect
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from types import FunctionType, ModuleType
from typing import Any

from isbjerg.errors import TracingError
from isbjerg.expressions.build import Expression, to_expression
from isbjerg.expressions.tree import Node

_CLOCKS = frozenset({"now", "today", "utcnow", "time", "time_ns", "monotonic", "perf_counter"})
_RANDOM_MODULES = frozenset({"random", "secrets", "uuid", "numpy.random"})
_PURE_MODULES = frozenset({"math", "operator", "functools", "itertools"})
_ALLOWED_BUILTINS = frozenset({"abs", "range", "len", "sum", "tuple", "zip", "enumerate"})
_IMMUTABLE = (bool, int, float, str, bytes, type(None), frozenset)
_REFUSED: dict[type[ast.AST], tuple[str, str]] = {
    ast.Is: ("`is`", "value.is_null() for `is None`, == for the rest"),
    ast.IsNot: ("`is not`", "value.is_not_null() for `is not None`, != for the rest"),
    ast.In: ("`in`", "value.is_in([...])"),
    ast.NotIn: ("`not in`", "~value.is_in([...])"),
    ast.And: ("`and`", "(a) & (b)"),
    ast.Or: ("`or`", "(a) | (b)"),
    ast.Not: ("`not`", "~value"),
    ast.If: ("`if`", "ib.when(condition).then(a).otherwise(b)"),
    ast.IfExp: ("`a if condition else b`", "ib.when(condition).then(a).otherwise(b)"),
    ast.Match: ("`match`", "ib.when(condition).then(a).otherwise(b)"),
    ast.While: ("`while`", "write the expression out"),
    ast.Try: ("`try`", "fill_null for missing values: no operation raises"),
    ast.With: ("`with`", "read data in sources.py, not in a feature"),
    ast.Global: ("`global`", "pass the value as a parameter"),
    ast.Nonlocal: ("`nonlocal`", "pass the value as a parameter"),
    ast.Await: ("`await`", "read data in sources.py, not in a feature"),
    ast.Yield: ("`yield`", "return one expression"),
    ast.Import: ("`import`", "import at the top of the file"),
    ast.ImportFrom: ("`import`", "import at the top of the file"),
}


def trace(
    function: Callable[..., Any], arguments: Mapping[str, object], *, allowed: tuple[type, ...] = ()
) -> Node:
    """Call `function` with expressions and keep the tree that it returns.

    Parameters
    ----------
    function : callable
        A feature function; its source must be readable.
    arguments : mapping of str to object
        What each parameter is: an `Expression`, or an object that yields expressions.
    allowed : tuple of type
        Further types that a global may have: definitions, which never change.

    Returns
    -------
    Node
        The untyped tree.

    Raises
    ------
    TracingError
        When the function holds what cannot be traced, each place with its line and what to
        write instead; or when it returns nothing.
    """
    faults = list(_faults(function, allowed, set()))
    if faults:
        raise TracingError(
            f"'{function.__name__}' holds what cannot be traced, in {len(faults)} place(s).\n"
            + "\n".join(f"  {where}: {what}  ->  {mend}" for where, what, mend in faults),
            mend=faults[0][2] if len(faults) == 1 else "what stands behind each arrow",
            function=function.__name__,
            places=[where for where, _, _ in faults],
        )
    result = function(**arguments)
    if result is None:
        raise TracingError(
            f"The feature '{function.__name__}' returned nothing.",
            mend="end it with `return`, followed by the expression",
        )
    if not isinstance(result, Expression) and not isinstance(result, bool | int | float | str):
        raise TracingError(
            f"The feature '{function.__name__}' returned a {type(result).__name__}, "
            "not an expression.",
            mend="name a column of it, such as w.wind_speed, or aggregate it: past[late].mean()",
        )
    return to_expression(result).node


def _faults(
    function: Callable[..., Any], allowed: tuple[type, ...], seen: set[object]
) -> Iterator[tuple[str, str, str]]:
    """Find each (place, what, mend) in a function and in the functions that it calls."""
    if function in seen:
        return
    seen.add(function)
    tree, first_line, file = _syntax(function)
    local_names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and _is_stored(n)}
    local_names |= {a.arg for a in ast.walk(tree) if isinstance(a, ast.arg)}
    local_names |= set(inspect.signature(function).parameters)  # a column may be called `min`
    for node, line in _lines(tree):
        where = f"{file}:{line + first_line - 1}"
        if type(node) in _REFUSED:
            what, mend = _REFUSED[type(node)]
            yield where, what, mend
        elif isinstance(node, ast.Compare) and len(node.ops) > 1:
            yield where, "a chained comparison", "value.between(low, high)"
        elif isinstance(node, ast.Attribute):
            if _root(node) not in local_names:
                yield from _attribute_faults(node, function, where, allowed, seen)
        elif isinstance(node, ast.Name) and node.id not in local_names:
            yield from _global_faults(node.id, function, where, allowed, seen)


def _syntax(function: Callable[..., Any]) -> tuple[ast.AST, int, str]:
    """Read the body of a function, its first line and its file.

    Python looks for source by file name and line, and a name such as ``<string>`` may be another
    text's by now: what is found must define this function.
    """
    try:
        lines, first = inspect.getsourcelines(function)
        definition: ast.AST = ast.parse(textwrap.dedent("".join(lines))).body[0]
    except (OSError, TypeError, SyntaxError, IndexError) as fault:
        raise _unreadable(function) from fault
    if isinstance(definition, ast.AsyncFunctionDef | ast.ClassDef):
        raise TracingError(
            f"A feature must be a plain function, not a {type(definition).__name__}.",
            mend="write it with `def`",
        )
    if not isinstance(definition, ast.FunctionDef) or definition.name != function.__name__:
        raise _unreadable(function)
    file = (inspect.getsourcefile(function) or "?").rsplit("/", 1)[-1]
    return ast.Module(body=definition.body, type_ignores=[]), first, file


def _unreadable(function: Callable[..., Any]) -> TracingError:
    return TracingError(
        f"The source of '{getattr(function, '__name__', function)}' cannot be read, "
        "so it cannot be checked before it is traced.",
        mend="define it with `def` in a file",
    )


def _lines(tree: ast.AST, line: int = 1) -> Iterator[tuple[ast.AST, int]]:
    for child in ast.iter_child_nodes(tree):
        here = getattr(child, "lineno", line)
        yield child, here
        yield from _lines(child, here)


def _is_stored(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def _root(node: ast.expr) -> str:
    """Return the first name of a dotted one; empty when it begins with something else."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _attribute_faults(
    node: ast.Attribute,
    function: Callable[..., Any],
    where: str,
    allowed: tuple[type, ...],
    seen: set[object],
) -> Iterator[tuple[str, str, str]]:
    """Judge what a dotted name stands for, whatever it was imported as."""
    holder, value = _resolve(node.value, function), _resolve(node, function)
    name = ast.unparse(node)
    if _is_clock(holder, node.attr):
        yield where, f"a clock, `{name}`", "take a time column as a parameter"
    elif not isinstance(holder, ModuleType) or value is None or isinstance(value, type):
        return
    elif holder.__name__ in _RANDOM_MODULES:
        if isinstance(node.value, ast.Attribute):  # a plain name was told already
            yield (
                where,
                f"randomness, `{name}`",
                "a feature gives the same value each time: drop it",
            )
    elif not isinstance(value, ModuleType) and holder.__name__ not in _PURE_MODULES:
        yield from _value_faults(value, name, where, allowed, seen)


def _resolve(node: ast.expr, function: Callable[..., Any]) -> Any:
    """Find what a dotted name stands for, as far as modules and classes go."""
    if isinstance(node, ast.Name):
        return _look_up(node.id, function)[0]
    if isinstance(node, ast.Attribute):
        holder = _resolve(node.value, function)
        if isinstance(holder, ModuleType | type):
            return getattr(holder, node.attr, None)
    return None


def _is_clock(holder: object, attribute: str) -> bool:
    """Tell whether an attribute of a module or class says what time it is."""
    keeps_time = holder is time or (isinstance(holder, type) and issubclass(holder, date))
    return keeps_time and attribute in _CLOCKS


def _global_faults(
    name: str,
    function: Callable[..., Any],
    where: str,
    allowed: tuple[type, ...],
    seen: set[object],
) -> Iterator[tuple[str, str, str]]:
    value, found = _look_up(name, function)
    if not found:
        if name not in _ALLOWED_BUILTINS and hasattr(builtins, name):
            yield where, f"the built-in `{name}`", "use the methods of the value"
    elif isinstance(value, ModuleType):
        if value.__name__ in _RANDOM_MODULES:
            yield (
                where,
                f"randomness, `{name}`",
                "a feature gives the same value each time: drop it",
            )
    else:
        yield from _value_faults(value, name, where, allowed, seen)


def _value_faults(
    value: object, name: str, where: str, allowed: tuple[type, ...], seen: set[object]
) -> Iterator[tuple[str, str, str]]:
    """Judge a global, or what hangs on a global module, by what it is."""
    if isinstance(value, FunctionType):
        if (value.__module__ or "").split(".")[0] != "isbjerg":
            yield from _faults(value, allowed, seen)
    elif callable(value) and not isinstance(value, (*allowed, type)):
        yield (
            where,
            f"the function `{name}`, which was not written for expressions",
            "use the methods of the value",
        )
    elif not _is_immutable(value, allowed):
        yield (
            where,
            f"the mutable global `{name}` (a {type(value).__name__})",
            f"write `{name}` as a tuple or a frozenset, or pass it as a parameter",
        )


def _look_up(name: str, function: Callable[..., Any]) -> tuple[Any, bool]:
    closed = inspect.getclosurevars(function)
    for scope in (closed.nonlocals, closed.globals):
        if name in scope:
            return scope[name], True
    return None, False


def _is_immutable(value: object, allowed: tuple[type, ...]) -> bool:
    if isinstance(value, tuple):
        return all(_is_immutable(v, allowed) for v in value)
    return isinstance(value, (*_IMMUTABLE, *allowed, type)) or (
        type(value).__module__ == "datetime"
    )
