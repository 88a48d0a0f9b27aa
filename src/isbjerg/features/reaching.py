"""What a Python function reaches in its project: found in the source, without running any of it.

The function, the helpers, constants and imports that it names, and what those name, through all
files of the project, are cut out of their files. Their text is what is hashed, and exactly the
same statements are what is run (:mod:`isbjerg.features.deployment`): nothing else in the files
has an influence, and nothing else of them is executed by a server.
"""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from isbjerg.canonical import content_hash
from isbjerg.errors import TracingError
from isbjerg.features.purity import (
    REFUSED_NAMES,
    WORLD,
    altered,
    changed,
    kept_by_call,
    looks_outside,
    remembers,
)

Read = Callable[[str], str | None]
"""Gives the text of a module of the project; ``None`` for one that is not the project's."""

_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass
class Reached:
    """What a function reaches.

    Parameters
    ----------
    statements : dict of str to list of ast.stmt
        The statements of each module, in the order in which modules are to be run.
    taken : dict of str to dict
        For each module what it takes from others: own name to (module, name there).
    packages : set of str
        Packages outside of the project that it imports.
    """

    statements: dict[str, list[ast.stmt]] = field(default_factory=dict)
    taken: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    packages: set[str] = field(default_factory=set)

    @property
    def digest(self) -> str:
        """Hash of the text of all of it; comments and layout do not count."""
        text = {m: [ast.unparse(s) for s in body] for m, body in self.statements.items()}
        return content_hash([text, self.taken])


def reach(read: Read, module: str, name: str) -> Reached:
    r"""Cut out a function and all that it reaches.

    Parameters
    ----------
    read : callable
        Gives the text of the project's modules.
    module, name : str
        The function.

    Raises
    ------
    TracingError
        When something cannot be found in the source, or would give another answer another time:
        all places at once.

    Examples
    --------
    >>> text = "import re\nSHAPE = re.compile('N')\nOTHER = 1\ndef f(t): return SHAPE.match(t)"
    >>> found = reach({"features": text}.get, "features", "f")
    >>> [ast.unparse(s).splitlines()[0] for s in found.statements["features"]]
    ['import re', "SHAPE = re.compile('N')", 'def f(t):']
    """
    walker = _Walker(read)
    walker.visit(module, name, entry=True)
    if walker.faults:
        told = "\n".join(f"  {where}: {what}" for where, what in walker.faults)
        raise TracingError(
            f"'{name}' cannot be a Python feature, for {len(walker.faults)} reason(s).\n{told}",
            code="ISB111",
            mend="take what it needs as a parameter, and keep it to values, helpers and pure packages",
            function=name,
        )
    return walker.result()


class _File:
    """A module of the project: which statements define each name, or change what it stands for."""

    def __init__(self, text: str) -> None:
        self.body = ast.parse(text).body
        self.defines: dict[str, list[int]] = {}
        self.lazy = False  # annotations are not evaluated
        for place, statement in enumerate(self.body):
            for name in _defined(statement):
                self.defines.setdefault(name, []).append(place)
            if isinstance(statement, ast.ImportFrom) and statement.module == "__future__":
                self.lazy = self.lazy or any(a.name == "annotations" for a in statement.names)
        for place, statement in enumerate(self.body):
            for name in dict.fromkeys(altered(statement)):
                if name in self.defines and place not in self.defines[name]:
                    self.defines[name].append(place)


def _defined(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, _DEFINITIONS):
        yield statement.name
    elif isinstance(statement, ast.Import | ast.ImportFrom):
        for alias in statement.names:
            yield alias.asname or alias.name.split(".")[0]
    else:
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id
            elif node is not statement and isinstance(node, ast.stmt):
                yield from _defined(node)


class _Walker:
    """Follows names from statement to statement and from file to file."""

    def __init__(self, read: Read) -> None:
        self.faults: list[tuple[str, str]] = []
        self._read = read
        self._files: dict[str, _File | None] = {}
        self._places: dict[str, set[int]] = {}
        self._taken: dict[str, dict[str, tuple[str, str]]] = {}
        self._packages: set[str] = set()
        self._entry: dict[tuple[str, int], ast.stmt] = {}

    def visit(self, module: str, name: str, *, entry: bool = False) -> None:
        file = self._file(module)
        if file is None or name not in file.defines:
            if name not in vars(builtins):
                self.faults.append((f"{module}.py", f"`{name}` is not defined at its top level"))
            return
        for place in file.defines[name]:
            if place in self._places.setdefault(module, set()):
                continue
            statement = file.body[place]
            if isinstance(statement, ast.ImportFrom) and statement.level:
                where = f"{module}.py:{statement.lineno}"
                self.faults.append((where, "a relative import  ->  from file import name"))
                continue
            if isinstance(statement, ast.ImportFrom) and self._is_own(statement):
                self._take(module, statement, name)
                continue
            self._places[module].add(place)
            if entry and isinstance(statement, ast.FunctionDef):
                if len(statement.decorator_list) > 1:
                    where = f"{module}.py:{statement.lineno}"
                    self.faults.append((where, "a second decorator  ->  call it in the body"))
                statement = _bare(statement)
                self._entry[module, place] = statement
            self._look_into(module, file, statement)

    def result(self) -> Reached:
        found = Reached(taken=self._taken, packages=self._packages)
        done: set[str] = set()

        def add(module: str, above: tuple[str, ...]) -> None:
            if module in done:
                return
            for other in sorted({m for m, _ in self._taken.get(module, {}).values()}):
                if other in above:
                    raise _circle((*above, other))
                add(other, (*above, other))
            done.add(module)
            file = self._files[module]
            body = [] if file is None else [*_futures(file), *self._cut(module, file)]
            found.statements[module] = body

        for module in sorted({*self._places, *self._taken}):
            add(module, (module,))
        return found

    def _cut(self, module: str, file: _File) -> Iterator[ast.stmt]:
        for place in sorted(self._places.get(module, ())):
            yield self._entry.get((module, place), file.body[place])

    def _file(self, module: str) -> _File | None:
        if module not in self._files:
            text = self._read(module)
            self._files[module] = None if text is None else _File(text)
        return self._files[module]

    def _is_own(self, statement: ast.ImportFrom) -> bool:
        return self._file(statement.module or "") is not None

    def _take(self, module: str, statement: ast.ImportFrom, name: str) -> None:
        for alias in statement.names:
            if (alias.asname or alias.name) == name and statement.module:
                self._taken.setdefault(module, {})[name] = (statement.module, alias.name)
                self.visit(statement.module, alias.name)

    def _look_into(self, module: str, file: _File, statement: ast.stmt) -> None:
        seen = list(_nodes(statement, lazy=file.lazy))
        own = {n.id for n in seen if isinstance(n, ast.Name) and not isinstance(n.ctx, ast.Load)}
        own |= {n.arg for n in seen if isinstance(n, ast.arg)}
        own |= {n.name for n in seen if isinstance(n, ast.ExceptHandler) and n.name}
        own |= {d for n in seen if isinstance(n, ast.stmt) for d in _inner(n, statement)}
        for node in seen:
            where = f"{module}.py:{getattr(node, 'lineno', statement.lineno)}"
            self.faults += [(where, what) for what in looks_outside(node)]
            if isinstance(statement, _DEFINITIONS):  # the file's own statements run but once
                self.faults += [(where, what) for what in changed(node, own)]
                if (kept := kept_by_call(node)) is not None and kept not in own:
                    self.faults += [(where, remembers(kept))] if self._is_thing(file, kept) else []
            if isinstance(node, ast.Import | ast.ImportFrom):
                self._import(where, node)
            elif isinstance(node, ast.Name) and (node.id in file.defines or node.id not in own):
                self._name(where, module, node.id)

    def _is_thing(self, file: _File, name: str) -> bool:
        """Say whether a name stands for something of the project, and not for a library."""
        places = [file.body[place] for place in file.defines.get(name, ())]
        return any(
            self._is_own(s) if isinstance(s, ast.ImportFrom) else not isinstance(s, ast.Import)
            for s in places
        )

    def _name(self, where: str, module: str, name: str) -> None:
        file = self._file(module)
        if name in REFUSED_NAMES and (file is None or name not in file.defines):
            self.faults.append((where, f"`{name}`, which need not give the same for the same row"))
        else:
            self.visit(module, name)

    def _import(self, where: str, node: ast.Import | ast.ImportFrom) -> None:
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [a.name for a in node.names] if isinstance(node, ast.Import) else []
        for name in names:
            root = name.split(".")[0]
            if self._file(root) is not None:
                self.faults.append((where, f"`import {name}`  ->  from {name} import ..."))
            elif root in WORLD:
                self.faults.append((where, f"`{root}`, which looks at the world or at the clock"))
            elif root == "isbjerg":
                self.faults.append((where, "isbjerg's own objects  ->  plain values and functions"))
            elif root not in sys.stdlib_module_names:
                self._packages.add(root)


def _inner(node: ast.stmt, statement: ast.stmt) -> Iterator[str]:
    """Name what is defined inside of a function: its own, unless the file has it too."""
    if node is not statement and isinstance(
        node, (*_DEFINITIONS.__args__, ast.Import, ast.ImportFrom)
    ):
        yield from _defined(node)


def _nodes(root: ast.AST, *, lazy: bool) -> Iterator[ast.AST]:
    """Walk a statement; where annotations are not evaluated, they reach nothing."""
    yield root
    for name, value in ast.iter_fields(root):
        if lazy and name in {"annotation", "returns"} and not isinstance(root, ast.AnnAssign):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _nodes(child, lazy=lazy)


def _bare(function: ast.FunctionDef) -> ast.FunctionDef:
    """Take off decorators and defaults: they say what isbjerg is to do with the function."""
    plain = ast.arguments(
        posonlyargs=[],
        args=[
            ast.arg(a.arg, lineno=a.lineno, col_offset=a.col_offset) for a in _arguments(function)
        ],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=[],
    )
    bare = ast.FunctionDef(function.name, plain, function.body, [], None)
    return ast.fix_missing_locations(ast.copy_location(bare, function))


def _arguments(function: ast.FunctionDef) -> list[ast.arg]:
    given = function.args
    return [*given.posonlyargs, *given.args, *given.kwonlyargs]


def _futures(file: _File) -> list[ast.stmt]:
    return [s for s in file.body if isinstance(s, ast.ImportFrom) and s.module == "__future__"]


def _circle(modules: tuple[str, ...]) -> TracingError:
    files = " imports ".join(f"{m}.py" for m in modules)
    return TracingError(
        f"A Python feature reaches files that import each other: {files}.",
        code="ISB111",
        mend="move what both need into a file of its own",
    )
