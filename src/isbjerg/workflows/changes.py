"""What differs between two runs, from their records alone.

Changes are told by kind, so that a reader sees whether one thing was tried or several at once.
Features are compared by their trees as they were asked for: what a feature learnt of new rows is
a consequence of the rows, not a change of the feature.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from isbjerg.errors import StoreError
from isbjerg.expressions.build import describe
from isbjerg.features.sets import FeatureSet
from isbjerg.storage.catalog.records import Run
from isbjerg.workflows.workspace import Workspace

Kind = Literal["data", "features", "rungs", "frame", "code", "environment"]

DEFINITION_FILES = ("features.py", "models.py", "sources.py", "frame.toml")
"""Files whose meaning is compared as features, rungs, data and frame."""


class Change(msgspec.Struct, frozen=True):
    """What differs in one kind of thing.

    Parameters
    ----------
    kind : {"data", "features", "rungs", "frame", "code", "environment"}
        What kind.
    lines : tuple of str
        Each difference: ``+`` is there now, ``-`` was there, ``~`` is another.
    counts : bool
        Whether it counts as a thing that was changed; the text of a file whose meaning is
        compared under another kind does not.
    """

    kind: Kind
    lines: tuple[str, ...]
    counts: bool = True


def changes(workspace: Workspace, before: Run, after: Run) -> tuple[Change, ...]:
    """Find what differs between two runs.

    Parameters
    ----------
    workspace : Workspace
        Where frames, feature sets, files and locks are kept.
    before, after : Run
        The two; lines are told from the second's side.

    Returns
    -------
    tuple of Change
        Kinds without a difference are left out.
    """
    meaning = [
        Change("data", tuple(_data(before, after))),
        Change("features", tuple(_features(workspace, before, after))),
        Change("rungs", tuple(_rungs(before, after))),
        Change("frame", tuple(_frame(workspace, before, after))),
    ]
    told = [c for c in meaning if c.lines]
    unexplained = not any(c.kind in {"features", "rungs", "frame"} for c in told)
    files = tuple(_files(workspace, before, after))
    other = [line for line in files if line[2:].split(":")[0] not in DEFINITION_FILES]
    code = Change("code", files, counts=bool(other) or (bool(files) and unexplained))
    environment = Change("environment", tuple(_environment(workspace, before, after)))
    return tuple(c for c in (*told, code, environment) if c.lines)


def counted(found: tuple[Change, ...]) -> list[Kind]:
    """List the kinds of things that were changed.

    Examples
    --------
    >>> counted((Change("features", ("+ wind",)), Change("code", ("~ features.py",), counts=False)))
    ['features']
    """
    return [change.kind for change in found if change.counts]


def _data(before: Run, after: Run) -> Iterator[str]:
    yield from _named(before.data_versions, after.data_versions, lambda a, b: f"{a} -> {b}")


def _features(workspace: Workspace, before: Run, after: Run) -> Iterator[str]:
    """Compare the trees of all features, then which of them each rung takes."""
    old, new = _sets(workspace, before), _sets(workspace, after)
    yield from _named(_trees(old), _trees(new), lambda a, b: f"{a} -> {b}")
    for rung in [name for name in new if name in old]:
        took, takes = (dict.fromkeys(sets[rung].outputs) for sets in (old, new))
        moved = [f"+{n}" for n in takes if n not in took] + [
            f"-{n}" for n in took if n not in takes
        ]
        if moved:
            yield f"~ {rung} takes: {', '.join(moved)}"


def _sets(workspace: Workspace, run: Run) -> dict[str, FeatureSet]:
    asked = {**run.feature_sets, **run.parameters.get("asked_sets", {})}
    return {
        rung: msgspec.json.decode(workspace.catalog.feature_set(name), type=FeatureSet)
        for rung, name in asked.items()
    }


def _trees(sets: Mapping[str, FeatureSet]) -> dict[str, str]:
    return {step.name: describe(step.node) for made in sets.values() for step in made.steps}


def _rungs(before: Run, after: Run) -> Iterator[str]:
    old, new = (run.parameters.get("rungs", {}) for run in (before, after))
    yield from _named(
        {name: _settings(given) for name, given in old.items()},
        {name: _settings(given) for name, given in new.items()},
        lambda a, b: f"{a} -> {b}",
    )


def _settings(given: Any) -> str:
    if not isinstance(given, Mapping):
        return str(given)
    return ", ".join(f"{name}={value}" for name, value in sorted(given.items())) or "no settings"


def _named(
    old: Mapping[str, str], new: Mapping[str, str], differ: Callable[[str, str], str]
) -> Iterator[str]:
    for name in [*new, *(n for n in old if n not in new)]:
        if name not in old:
            yield f"+ {name}: {new[name]}"
        elif name not in new:
            yield f"- {name}: {old[name]}"
        elif old[name] != new[name]:
            yield f"~ {name}: {differ(old[name], new[name])}"


def _frame(workspace: Workspace, before: Run, after: Run) -> Iterator[str]:
    if before.frame_hash == after.frame_hash:
        return
    old, new = (_frame_text(workspace, run).splitlines() for run in (before, after))
    for line in difflib.unified_diff(old, new, n=0, lineterm=""):
        if line[:1] in "+-" and line[:3] not in {"+++", "---"} and line[1:].strip():
            yield f"{line[0]} {line[1:].strip()}"


def _frame_text(workspace: Workspace, run: Run) -> str:
    text = msgspec.json.decode(workspace.catalog.frame(run.frame_hash))["text"]
    return str(text)


def _files(workspace: Workspace, before: Run, after: Run) -> Iterator[str]:
    """Count the lines that differ in each file of the project, as a diff does."""
    old, new = (run.parameters.get("files", {}) for run in (before, after))
    for name in sorted({*old, *new}):
        if old.get(name) == new.get(name):
            continue
        was, now = (_text(workspace, files.get(name)) for files in (old, new))
        if was is None or now is None:
            yield f"~ {name}: one of its texts is not kept any more"
            continue
        moved = [*difflib.unified_diff(was.splitlines(), now.splitlines(), n=0)][2:]
        added, gone = (sum(line.startswith(sign) for line in moved) for sign in "+-")
        sign = "+" if name not in old else "-" if name not in new else "~"
        yield f"{sign} {name}: +{added} -{gone} lines"


def _text(workspace: Workspace, blob: str | None) -> str | None:
    """Read a kept file; empty for none, ``None`` when its bytes are gone."""
    if blob is None:
        return ""
    try:
        return workspace.blobs.get(blob).decode(errors="replace")
    except StoreError:
        return None


def _environment(workspace: Workspace, before: Run, after: Run) -> Iterator[str]:
    if before.environment == after.environment:
        return
    text = _text(workspace, after.environment)
    if text is None:
        yield "~ the record of the later one is not kept any more"
        return
    yield from environment_changes(workspace, before.environment, text)


def environment_changes(workspace: Workspace, before: str | None, now: str) -> Iterator[str]:
    """Compare a kept lock with another's text, package by package."""
    was = _text(workspace, before)
    if was is None:
        yield "~ the record of its environment is not kept any more"
        return
    yield from _named(_packages(was), _packages(now), lambda a, b: f"{a} -> {b}")


def _packages(lock: str) -> dict[str, str]:
    r"""Read a lock; its comments name the interpreter and the system.

    Examples
    --------
    >>> _packages("# python 3.11.7 cpython\npolars==1.2\n")
    {'python': '3.11.7 cpython', 'polars': '1.2'}
    """
    found = {}
    for line in lock.splitlines():
        name, _, rest = line.removeprefix("# ").partition(" " if line.startswith("#") else "==")
        found[name] = rest
    return found
