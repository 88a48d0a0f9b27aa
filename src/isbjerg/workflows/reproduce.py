"""Run again what a run ran, and say whether the same bytes came out, or exactly what differs.

Data versions, decision time, seed and rungs are those recorded. Code is never checked out: the
project's files are compared with the recorded ones first, and when they differ nothing is run.
Nothing is recorded either: a reproduction is a question, not a run.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterator, Mapping
from typing import Literal

import msgspec

from isbjerg.canonical import content_hash, sha256
from isbjerg.data.versions import DataVersion
from isbjerg.errors import ArgumentError, StoreError
from isbjerg.storage.catalog.records import Run
from isbjerg.workflows.caching import NOTHING_KEPT
from isbjerg.workflows.changes import environment_changes
from isbjerg.workflows.climbing import choose_and_measure
from isbjerg.workflows.contracts import read_contract
from isbjerg.workflows.fitting_ladder import fit_rungs
from isbjerg.workflows.preparing import Prepared, prepare
from isbjerg.workflows.progress import Progress, Stages, silent
from isbjerg.workflows.project_files import Definitions
from isbjerg.workflows.provenance import environment_lock
from isbjerg.workflows.workspace import Workspace

Outcome = Literal["same", "differs", "not_run"]


class Difference(msgspec.Struct, frozen=True):
    """One thing that is not as it was: what kind, which, and how it was and is."""

    kind: Literal["code", "data", "contract", "environment", "machine", "model", "score"]
    subject: str
    was: str = ""
    found: str = ""

    def __str__(self) -> str:
        change = f": {self.was} -> {self.found}" if self.was or self.found else ""
        return f"{self.subject}{change}"


class ReproduceReport(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a run can be made again.

    Parameters
    ----------
    run : str
        The run.
    outcome : {"same", "differs", "not_run"}
        *same*: every rung's bundle and every number; *not_run*: the code or the data is not
        what it was, so it was not tried.
    models : dict of str to bool
        Of each rung, whether its bundle has the same bytes.
    numbers : int
        How many numbers were compared.
    differences : tuple of Difference
        What is not as it was; with *same* it may still name packages that changed nothing.
    mend : str
        What to do.
    seconds : float
        How long it took.
    """

    run: str
    outcome: Outcome
    models: dict[str, bool] = {}
    numbers: int = 0
    differences: tuple[Difference, ...] = ()
    mend: str = ""
    seconds: float = 0.0


def reproduce(
    workspace: Workspace, definitions: Definitions, name: str, progress: Progress = silent
) -> ReproduceReport:
    """Run a run again and compare.

    Parameters
    ----------
    workspace : Workspace
        Where it is recorded.
    definitions : Definitions
        The project as it is now.
    name : str
        The run, such as ``"r7"``.
    progress : Progress
        Whom to tell.

    Raises
    ------
    ArgumentError
        When the run never finished, or was recorded before runs recorded their bundles.
    StoreError
        When there is no such run.
    """
    workspace = workspace.within(definitions.frame.memory_bytes)
    run = workspace.catalog.run(name)
    if "bundles" not in run.report:
        raise ArgumentError(
            f"{name} has the status '{run.status}' and recorded no bundles: there is nothing to "
            "compare with.",
            mend="isbjerg runs, and take one that finished",
            code="ISB131",
        )
    stages = Stages(workspace.clock, progress)
    with stages.stage("look", "Comparing the code with the recorded one", 0.0):
        versions, lost = _versions(workspace, run)
        before = [*_code(workspace, run), *lost]
    if before:
        return ReproduceReport(
            run=name, outcome="not_run", differences=tuple(before), mend=_mend(run, before)
        )
    around = [*_contract(workspace, definitions, run), *_around(workspace, run)]
    try:
        with stages.stage("features", "Assembling features as they were known", 0.1):
            prepared = _prepare(workspace, definitions, run, versions)
    except StoreError as fault:
        gone = Difference("data", fault.message.splitlines()[0])
        return ReproduceReport(
            run=name, outcome="not_run", differences=(gone,), mend=fault.mend or _mend(run, [gone])
        )
    models, numbers, found = _again(workspace, definitions, run, prepared, stages)
    same = all(models.values()) and not found
    return ReproduceReport(
        run=name,
        outcome="same" if same else "differs",
        models=models,
        numbers=numbers,
        differences=(*found, *around),
        mend="" if same else _mend(run, around),
        seconds=sum(stages.seconds.values()),
    )


def _versions(workspace: Workspace, run: Run) -> tuple[dict[str, DataVersion], list[Difference]]:
    """Find the recorded data versions, and say which parts of them are not there any more."""
    versions, lost = {}, []
    for table, name in run.data_versions.items():
        versions[table] = version = workspace.catalog.data_version(name)
        gone = [p for p in version.parts if not workspace.store.part(table, p.hash).is_file()]
        if gone:
            told = f"{len(gone)} of {len(version.parts)} parts"
            lost.append(Difference("data", f"{name}: {told} are erased or not in the store"))
    return versions, lost


def _code(workspace: Workspace, run: Run) -> Iterator[Difference]:
    """Compare the project's files with those recorded, byte by byte."""
    recorded: Mapping[str, str] = run.parameters.get("files", {})
    folder = workspace.folder
    now = {path.name: path for path in (*folder.glob("*.py"), *folder.glob("*.toml"))}
    for name in sorted({*recorded, *now}):
        if name not in now:
            yield Difference("code", name, "there", "gone")
        elif name not in recorded:
            yield Difference("code", name, "not there", "there")
        elif sha256(now[name].read_bytes()) != recorded[name]:
            yield Difference("code", f"{name} is another file")


def _contract(workspace: Workspace, definitions: Definitions, run: Run) -> Iterator[Difference]:
    recorded = run.parameters.get("contract")
    now = content_hash(read_contract(workspace, definitions.frame.unit.source))
    if recorded is not None and recorded != now:
        yield Difference("contract", f"the contract of '{definitions.frame.unit.source}'")


def _around(workspace: Workspace, run: Run) -> Iterator[Difference]:
    """Compare packages and processors: they may change bytes, and mostly do not."""
    for line in environment_changes(workspace, run.environment, environment_lock()):
        yield Difference("environment", line[2:])
    recorded = run.parameters.get("cpus")
    if recorded is not None and recorded != os.cpu_count():
        yield Difference("machine", "processors", str(recorded), str(os.cpu_count()))


def _prepare(
    workspace: Workspace,
    definitions: Definitions,
    run: Run,
    versions: Mapping[str, DataVersion],
) -> Prepared:
    rungs = tuple(rung for rung in definitions.rungs if rung.name in run.feature_sets)
    contract = read_contract(workspace, definitions.frame.unit.source)
    narrowed = dataclasses.replace(definitions, rungs=rungs)
    return prepare(workspace, narrowed, contract, versions, run.as_of_us or 0)


def _again(
    workspace: Workspace,
    definitions: Definitions,
    run: Run,
    prepared: Prepared,
    stages: Stages,
) -> tuple[dict[str, bool], int, list[Difference]]:
    """Fit and measure again; say which bundles are the same, and what is not."""
    frame = definitions.frame
    rungs = fit_rungs(workspace, frame, prepared, NOTHING_KEPT, stages)
    with stages.stage("evaluate", "Measuring again", 0.8):
        ladder, _, _ = choose_and_measure(frame, prepared, rungs, NOTHING_KEPT)
    recorded: Mapping[str, str] = run.report["bundles"]
    made = {name: rung.bundle.hash if rung.bundle else "none" for name, rung in rungs.items()}
    models = {name: made[name] == was for name, was in recorded.items()}
    found = [
        Difference("model", name, recorded[name][:10], made[name][:10])
        for name, same in models.items()
        if not same
    ]
    if ladder.chosen != run.chosen:
        found.append(Difference("score", "the rung chosen", str(run.chosen), ladder.chosen))
    metrics = [m for m in workspace.catalog.metrics(run.id) if m.split == "test"]
    for row in metrics:
        now = ladder.row(row.rung).metrics[row.metric]
        if (now.value, now.low, now.high) != (row.value, row.low, row.high):
            subject = f"{row.metric} of {row.rung}"
            found.append(Difference("score", subject, f"{row.value!r}", f"{now.value!r}"))
    return models, len(metrics), found


def _mend(run: Run, found: list[Difference]) -> str:
    kinds = {difference.kind for difference in found}
    if "code" in kinds:
        if run.code.commit is None:
            return "bring the files back as they were: the run was not under version control"
        kept = f", then the kept difference {run.code.diff[:10]}" if run.code.diff else ""
        return f"git checkout {run.code.commit}{kept}"
    if "data" in kinds:
        return "copy the parts back from a backup of .isbjerg/tables, if they were not erased"
    if "contract" in kinds:
        return "git checkout the file in contracts/ as it was"
    if "environment" in kinds:
        return "install the packages as recorded: the lock is kept with the run"
    return ""
