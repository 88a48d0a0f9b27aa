"""Import a project's Python files under their own names, and forget them again.

features.py says ``from sources import flights``, so while a project is read its folder comes
first on the path, and modules of the same names from elsewhere stand aside. Afterwards all is as
it was, so that two projects can be read in one process. Files are compiled from their text each
time: stored bytecode knows a file by the second in which it was changed, and would miss an edit.
"""

from __future__ import annotations

import importlib
import linecache
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import PathEntryFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType
from typing import Any

from isbjerg.errors import (
    DefinitionError,
    IsbjergError,
    MisuseError,
    TracingError,
    TypingError,
)
from isbjerg.features.definitions import collecting_faults

MODULES = ("sources", "features", "models", "assumptions")
"""The files in which definitions are looked for; they may import any other file beside them."""


def import_modules(folder: Path) -> list[ModuleType]:
    """Import those of a project's files that are there.

    Raises
    ------
    DefinitionError
        When a file cannot be imported, or several features cannot be traced.
    TracingError
        When one feature cannot be traced.
    """
    names = [n for n in MODULES if (folder / f"{n}.py").is_file()]
    with _importable(folder.resolve()), collecting_faults() as faults:
        modules = [_import(name, folder.resolve()) for name in names]
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise DefinitionError(
            f"{len(faults)} features cannot be traced.\n" + "\n".join(f.message for f in faults),
            mend="; ".join(dict.fromkeys(f.mend for f in faults if f.mend)),
            code=TracingError.code,
        )
    return modules


def _import(name: str, folder: Path) -> ModuleType:
    try:
        return importlib.import_module(name)
    except (TracingError, TypingError):
        raise
    except MisuseError as fault:  # a call in the file is wrong, not the command that read it
        file, line = _place(fault, folder) or (f"{name}.py", 1)
        raise DefinitionError(
            f"{file}:{line}: {fault.message}",
            mend=fault.mend or f"mend line {line} of {file}",
            code=fault.kind_code,
            **fault.facts,
        ) from fault
    except IsbjergError:
        raise
    except (Exception, SystemExit) as fault:
        file, line = _place(fault, folder) or (f"{name}.py", _nul_line(folder / f"{name}.py"))
        raise DefinitionError(
            f"{name}.py cannot be imported.\n{file}:{line}: {type(fault).__name__}: {fault}",
            mend=_mend(fault, file, line, folder),
            code="ISB215",
        ) from fault


def _mend(fault: BaseException, file: str, line: int, folder: Path) -> str:
    missing = fault.name if isinstance(fault, ModuleNotFoundError) else None
    if missing in MODULES:
        return f"write {missing}.py, which {file} imports"
    if missing and not (folder / missing).exists():
        return f"pip install {missing.partition('.')[0]}"
    return f"mend line {line} of {file}"


def _nul_line(file: Path) -> int:
    """Find the NUL byte that Python refuses without saying where it is."""
    head, nul, _ = file.read_bytes().partition(b"\0")
    return head.count(b"\n") + 1 if nul else 1


def _place(fault: BaseException, folder: Path) -> tuple[str, int] | None:
    """Find the last line of the project that was reached."""
    if isinstance(fault, SyntaxError) and fault.filename and fault.lineno:
        return Path(fault.filename).name, fault.lineno
    reached = traceback.extract_tb(fault.__traceback__)
    own = [f for f in reached if _is_own(Path(f.filename), folder)]
    return (Path(own[-1].filename).name, own[-1].lineno or 1) if own else None


class _FromText(SourceFileLoader):
    """Compiles a file from its text; never reads or writes bytecode."""

    def path_stats(self, path: Any) -> Any:
        """Say that nothing is known of the file's age, so that no bytecode fits it."""
        raise OSError(path)


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let plain names find the project's files, and forget the project afterwards."""
    before = set(sys.modules)
    aside = {name: sys.modules.pop(name) for name in _own_names(folder) & before}
    hook = _hook(folder)
    sys.path.insert(0, str(folder))
    sys.path_hooks.insert(0, hook)
    _forget_finders(folder)
    linecache.checkcache()
    try:
        yield
    finally:
        sys.path_hooks.remove(hook)
        sys.path.remove(str(folder))
        _forget_finders(folder)
        for name, module in list(sys.modules.items()):
            if (name not in before or name in aside) and _lies_in(module, folder):
                del sys.modules[name]
        sys.modules.update(aside)


def _own_names(folder: Path) -> set[str]:
    """List what can be imported from the folder, but for names of Python's own modules."""
    files = {f.stem for f in folder.glob("*.py")}
    packages = {f.parent.name for f in folder.glob("*/__init__.py")}
    return (files | packages | set(MODULES)) - sys.stdlib_module_names


def _hook(folder: Path) -> Callable[[str], PathEntryFinder]:
    def finder(path: str) -> PathEntryFinder:
        if not _is_own(Path(path), folder):
            raise ImportError(path)
        return FileFinder(path, (_FromText, SOURCE_SUFFIXES))

    return finder


def _forget_finders(folder: Path) -> None:
    importlib.invalidate_caches()
    for path in list(sys.path_importer_cache):
        if _is_own(Path(path), folder):
            del sys.path_importer_cache[path]


def _lies_in(module: ModuleType, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    return bool(file) and _is_own(Path(str(file)).resolve(), folder)


def _is_own(path: Path, folder: Path) -> bool:
    """Say whether a path is the project's own; an environment inside its folder is not."""
    if not path.is_relative_to(folder):
        return False
    parts = path.relative_to(folder).parts
    return "site-packages" not in parts and not any(p.startswith(".") for p in parts)
