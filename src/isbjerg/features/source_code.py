"""The code behind a function, in a form that only changes when what it does may change.

Comments, layout, docstrings and decorators are left out. What the function names of its own
project goes with it: other functions, and constants beside them. Code of libraries does not, nor
does what is only reached through an object.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

_CONSTANTS = (str, int, float, bool, bytes, tuple, frozenset, type(None))


def code_of(function: Callable[..., Any]) -> str | None:
    """Write the code of a function and of what it calls beside itself.

    Returns
    -------
    str or None
        ``None`` when the text of the function is not to be had.

    Examples
    --------
    >>> def double(x):
    ...     # twice
    ...     return x * 2
    >>> code_of(double) is None or "return x * 2" in code_of(double)
    True
    """
    inner = inspect.unwrap(function)
    if not isinstance(inner, FunctionType):
        return None
    parts = list(_parts(inner, set()))
    return "\n".join(parts) if parts else None


def _parts(function: FunctionType, seen: set[str]) -> Iterator[str]:
    name = function.__qualname__
    if name in seen:
        return
    seen.add(name)
    tree = _tree(function)
    if tree is None:
        return
    yield ast.unparse(tree)
    folder = Path(function.__code__.co_filename).parent
    for used in sorted({n.id for n in ast.walk(tree) if isinstance(n, ast.Name)}):
        value = function.__globals__.get(used)
        if isinstance(value, FunctionType):
            if Path(value.__code__.co_filename).parent == folder:
                yield from _parts(value, seen)
        elif used in function.__globals__ and isinstance(value, _CONSTANTS):
            yield f"{used} = {value!r}"


def _tree(function: FunctionType) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, SyntaxError, TypeError):
        return None
    found = tree.body[0]
    if not isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    found.decorator_list = []
    if ast.get_docstring(found) is not None and len(found.body) > 1:
        del found.body[0]
    return found
