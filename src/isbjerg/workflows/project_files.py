"""Read what a project's files define: the frame, sources, features, rules, candidates.

The three Python files are imported under their own names (features.py says ``from sources
import flights``) and forgotten again, so that two projects can be read in one process.
"""

from __future__ import annotations

import importlib
import linecache
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from isbjerg.errors import DefinitionError, IsbjergError, ProjectError, TracingError
from isbjerg.features.definitions import Feature, collecting_faults
from isbjerg.features.knowledge import Decision
from isbjerg.features.sets import Known
from isbjerg.features.sources import Source
from isbjerg.frame.frame import Frame
from isbjerg.frame.reading import read_frame
from isbjerg.models.definitions import Candidate

_T = TypeVar("_T")

MODULES = ("sources", "features", "models")

Rung = Feature | Candidate
"""What models.py can put on the ladder: a rule or a candidate."""


@dataclass(frozen=True)
class Definitions:
    """All that a project's files say, read and checked against each other."""

    frame: Frame
    frame_text: str
    sources: dict[str, Source]
    target: Feature
    rungs: tuple[Rung, ...]

    @property
    def decision(self) -> Decision:
        """The unit's source and the time of its decision."""
        at = self.frame.unit.at
        return Decision(self.sources[self.frame.unit.source], Known(at.column, at.offset_us))


def load_definitions(folder: Path) -> Definitions:
    """Read a project's files.

    Raises
    ------
    ProjectError
        When there is no frame.toml in `folder`.
    FrameError, DefinitionError
        When files are wrong; all faults of a file are told at once.
    """
    path = folder / "frame.toml"
    if not path.is_file():
        raise ProjectError(
            f"There is no frame.toml in '{folder.name or folder}', so it is no project.",
            mend="isbjerg new NAME --from table.csv --target COLUMN --time COLUMN",
            code="ISB202",
        )
    text = path.read_text(encoding="utf-8")
    frame = read_frame(text)
    modules = _import_modules(folder)
    return _bind(frame, text, modules)


def _bind(frame: Frame, text: str, modules: Sequence[ModuleType]) -> Definitions:
    sources = {s.name: s for s in _found(modules, Source)}
    features = {f.name: f for f in _found(modules, Feature)}
    faults: list[tuple[str, str]] = []
    if frame.unit.source not in sources:
        faults.append(_missing("[unit] source", frame.unit.source, "sources.py", sources))
    target = features.get(frame.target.feature)
    if target is None or target.kind != "target":
        targets = [f.name for f in features.values() if f.kind == "target"]
        faults.append(_missing("[target] feature", frame.target.feature, "features.py", targets))
    if faults or target is None:
        raise DefinitionError(
            "frame.toml names what the Python files do not define.\n"
            + "\n".join(f"  {message}" for message, _ in faults),
            mend=faults[0][1],
            code="ISB214",
        )
    rungs = [d for m in modules for d in vars(m).values() if _is_rung(d)]
    unique = {rung.name: rung for rung in rungs}
    return Definitions(frame, text, sources, target, tuple(unique.values()))


def _is_rung(value: object) -> bool:
    return isinstance(value, Candidate) or (isinstance(value, Feature) and value.kind == "rule")


def _missing(key: str, name: str, file: str, found: object) -> tuple[str, str]:
    names = sorted(found) if isinstance(found, dict | list) else []
    decorator = "@ib.source(key=..., known={...})" if file == "sources.py" else "@ib.target"
    return (
        f"{key} = '{name}', but {file} has: {', '.join(names) or 'none'}",
        f"write `{decorator}` above `def {name}(...)` in {file}",
    )


def _found(modules: Sequence[ModuleType], kind: type[_T]) -> Iterator[_T]:
    for module in modules:
        yield from (value for value in vars(module).values() if isinstance(value, kind))


def _import_modules(folder: Path) -> list[ModuleType]:
    names = [n for n in MODULES if (folder / f"{n}.py").is_file()]
    with _importable(folder), collecting_faults() as faults:
        modules = [_import(name) for name in names]
    if len(faults) == 1:
        raise faults[0]
    if faults:
        raise DefinitionError(
            f"{len(faults)} features cannot be traced.\n" + "\n".join(f.message for f in faults),
            mend="; ".join(dict.fromkeys(f.mend for f in faults if f.mend)),
            code=TracingError.code,
        )
    return modules


def _import(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except IsbjergError:
        raise
    except Exception as fault:
        frames = traceback.extract_tb(fault.__traceback__)
        own = [f for f in frames if "isbjerg" not in f.filename and "importlib" not in f.filename]
        line = getattr(fault, "lineno", None) or (own[-1].lineno if own else "?")
        file = Path(getattr(fault, "filename", None) or (own[-1].filename if own else name)).name
        raise DefinitionError(
            f"{name}.py cannot be imported.\n{file}:{line}: {type(fault).__name__}: {fault}",
            mend=f"mend line {line} of {file}",
            code="ISB215",
        ) from fault


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Let plain names find the project's files, and forget the project afterwards."""
    before = set(sys.modules)
    shadowed = {n: sys.modules.pop(n) for n in MODULES if n in sys.modules}
    writes_bytecode = sys.dont_write_bytecode
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(folder.resolve()))
    importlib.invalidate_caches()
    linecache.checkcache()
    try:
        yield
    finally:
        sys.path.remove(str(folder.resolve()))
        sys.dont_write_bytecode = writes_bytecode
        for name in set(sys.modules) - before | set(MODULES):
            module = sys.modules.get(name)
            if module is not None and _lies_in(module, folder):
                del sys.modules[name]
        sys.modules.update(shadowed)


def _lies_in(module: ModuleType, folder: Path) -> bool:
    file = getattr(module, "__file__", None)
    return bool(file) and Path(str(file)).resolve().is_relative_to(folder.resolve())
