"""Read what a project's files define: the frame, sources, features, rules, candidates, assumptions.

How the Python files are imported is told in :mod:`isbjerg.workflows.project_modules`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from isbjerg.errors import DefinitionError, FrameError, ProjectError
from isbjerg.features.assumptions import Assumption
from isbjerg.features.definitions import Feature
from isbjerg.features.knowledge import Decision
from isbjerg.features.sets import Known
from isbjerg.features.sources import Planned, Source
from isbjerg.frame.frame import Frame
from isbjerg.frame.reading import read_frame
from isbjerg.models.definitions import Candidate
from isbjerg.workflows.project_modules import import_modules

_T = TypeVar("_T")

CONSTANT = "constant"
"""Name of the lowest rung, which every ladder has."""

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
    planned: dict[str, Planned] = field(default_factory=dict)
    assumptions: tuple[Assumption, ...] = ()

    @property
    def decision(self) -> Decision:
        """The unit's source and the time of its decision."""
        at = self.frame.unit.at
        known = None if at is None else Known(at.column, at.offset_us)
        return Decision(self.sources[self.frame.unit.source], known)


def load_definitions(folder: Path) -> Definitions:
    """Read a project's files.

    Raises
    ------
    ProjectError
        When there is no frame.toml in `folder`.
    FrameError, DefinitionError
        When files are wrong; all faults of a file are told at once.
    """
    text = _frame_text(frame_file(folder))
    frame = read_frame(text)
    modules = import_modules(folder)
    _check_names(modules)
    return _bind(frame, text, modules)


def frame_file(folder: Path) -> Path:
    """Return where frame.toml of a project is.

    Raises
    ------
    ProjectError
        When there is none, so that `folder` is no project.
    """
    path = folder / "frame.toml"
    if not path.is_file():
        raise ProjectError(
            f"There is no frame.toml in '{folder.name or folder}', so it is no project.",
            mend="isbjerg new NAME --from table.csv --target COLUMN --time COLUMN",
            code="ISB202",
        )
    return path


def _check_names(modules: Sequence[ModuleType]) -> None:
    """Refuse two things of one name: the stored forms know features and rungs by it."""
    defined: list[Rung] = [*_found(modules, Feature), *_found(modules, Candidate)]
    tables: list[Source | Planned] = [*_found(modules, Source), *_found(modules, Planned)]
    assumed = list(_found(modules, Assumption))
    groups: tuple[Sequence[Rung | Source | Planned | Assumption], ...]
    groups = (defined, tables, assumed)
    for things in groups:
        first: dict[str, Rung | Source | Planned | Assumption] = {}
        for thing in things:
            if first.setdefault(thing.name, thing) is not thing:
                raise _name_taken(thing.name, "is the name of two definitions")
    if any(_is_rung(thing) and thing.name == CONSTANT for thing in defined):
        raise _name_taken(CONSTANT, "is the lowest rung of every ladder")


def _name_taken(name: str, why: str) -> DefinitionError:
    return DefinitionError(
        f"'{name}' {why}, so it cannot name another one.",
        mend=f"def {name}_2(...):",
        code="ISB218",
        name=name,
    )


def _frame_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as fault:
        line = fault.object.count(b"\n", 0, fault.start) + 1
        raise FrameError(
            f"frame.toml is not UTF-8: line {line} has the byte 0x{fault.object[fault.start]:02x}.",
            mend="iconv -f WINDOWS-1252 -t UTF-8 frame.toml > f.toml && mv f.toml frame.toml",
            line=line,
        ) from None


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
    planned = {p.name: p for p in _found(modules, Planned)}
    assumed = {a.name: a for a in _found(modules, Assumption)}
    return Definitions(
        frame, text, sources, target, tuple(unique.values()), planned, tuple(assumed.values())
    )


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
