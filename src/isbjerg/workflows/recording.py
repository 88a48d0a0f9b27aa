"""The record of a run: what stands in it before anything is learnt, and what when it has ended.

Everything a run learns is committed in one transaction; bundles are stored before it, by content.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import msgspec

from isbjerg.canonical import content_hash
from isbjerg.data.versions import DataVersion
from isbjerg.evaluation.ladder import Ladder
from isbjerg.findings import Finding
from isbjerg.frame.hashes import frame_hash, measure_hash
from isbjerg.storage.catalog.records import (
    Code,
    Finished,
    MetricRow,
    ModelVersion,
    Run,
    VerdictRecord,
)
from isbjerg.workflows.bundles import store_bundle
from isbjerg.workflows.caching import Reused
from isbjerg.workflows.climbing import Climbed
from isbjerg.workflows.contracts import read_contract
from isbjerg.workflows.effects import Effect
from isbjerg.workflows.looks import Looked
from isbjerg.workflows.preparing import Prepared
from isbjerg.workflows.project_files import Definitions
from isbjerg.workflows.provenance import capture_code, environment_lock
from isbjerg.workflows.referencing import reference_of
from isbjerg.workflows.units import typed_target
from isbjerg.workflows.workspace import Workspace


class Succession(msgspec.Struct, frozen=True, kw_only=True):
    """The live model that a run is to succeed, kept in the run's parameters.

    Parameters
    ----------
    version : int
        The model version that was live when the run began.
    rung, run : str
        Its rung, and the run that made it.
    as_of_us : int
        The time up to which it has learnt.
    """

    version: int
    rung: str
    run: str
    as_of_us: int


class PartSizes(msgspec.Struct, frozen=True):
    """Rows of each part of the split, and those left out between them.

    `hash` names which rows are in which part, so that the record of a run tells its split.
    """

    train: int
    validation: int
    test: int
    purged: int
    how: str = "time"
    group: str | None = None
    hash: str = ""


def open_record(
    workspace: Workspace,
    definitions: Definitions,
    versions: Mapping[str, DataVersion],
    as_of_us: int,
    *,
    note: str,
    succession: Succession | None,
) -> Run:
    """Open the record of a run: frame, code, environment and data as they are now.

    Parameters
    ----------
    workspace, definitions
        Where it is kept, and the project.
    versions : mapping of str to DataVersion
        Of each source that has one.
    as_of_us : int
        What became known later is not used.
    note : str
        Why the run is made.
    succession : Succession or None
        The live model that it is to succeed.
    """
    frame = definitions.frame
    types = {name: dict(v.schema) for name, v in versions.items()}
    target = typed_target(definitions.target, definitions.decision, types, frame.target.kind)
    name = frame_hash(definitions.frame_text)
    measure = measure_hash(frame, target=target)
    workspace.catalog.record_frame(name, measure, {"text": definitions.frame_text})
    code = capture_code(workspace.folder, workspace.blobs)
    return workspace.catalog.start_run(
        frame_hash=name,
        measure_hash=measure,
        as_of_us=as_of_us,
        seed=frame.seed,
        note=note,
        code=Code(commit=code.commit, dirty=code.dirty, diff=code.diff),
        environment=workspace.blobs.put(environment_lock().encode()),
        data_versions={name: v.id for name, v in versions.items()},
        parent=succession.run if succession else None,
        parameters={
            "files": code.files,
            "contract": content_hash(read_contract(workspace, frame.unit.source)),
            "cpus": os.cpu_count(),
            **({"succession": msgspec.to_builtins(succession)} if succession else {}),
        },
    )


def close_record(
    workspace: Workspace,
    started: Run,
    prepared: Prepared,
    climbed: Climbed,
    *,
    contract: tuple[Finding, ...],
    test: Looked,
    since: Effect | None,
    reused: tuple[Reused, ...],
    seconds: Mapping[str, float],
) -> Finished:
    """Close the record with everything learnt, and register a model where the gate passed one.

    Parameters
    ----------
    workspace : Workspace
        Where it is kept.
    started : Run
        From `open_record`.
    prepared, climbed
        What was learnt from, and what came of it.
    contract : tuple of Finding
        What the contract found in the unit's table.
    test : Looked
        The test rows.
    since : Effect or None
        What became of the primary metric since the run before.
    reused : tuple of Reused
        What was taken from earlier runs.
    seconds : mapping of str to float
        Per stage.
    """
    for feature_set in (*prepared.sets.values(), *prepared.asked.values()):
        workspace.catalog.record_feature_set(feature_set)
    chosen = climbed.rungs[climbed.ladder.chosen]
    model, bundle = None, store_bundle(workspace, chosen.files) if chosen.bundle else None
    if climbed.verdict.passed and bundle is not None:
        reference = reference_of(prepared, climbed.ladder, climbed.rungs, contract)
        model = ModelVersion(
            name=workspace.folder.resolve().name,
            bundle=bundle,
            run=started.id,
            rung=chosen.name,
            card={"reference": msgspec.to_builtins(reference)},
        )
    ended = msgspec.structs.replace(
        started,
        chosen=chosen.name,
        feature_sets={name: s.hash for name, s in prepared.sets.items()},
        parameters={**started.parameters, "rungs": _parameters(prepared), **_learnt(prepared)},
        stages=dict(seconds),
        report={
            "ladder": msgspec.to_builtins(climbed.ladder),
            "counts": msgspec.to_builtins(prepared.counts),
            "parts": msgspec.to_builtins(sizes(prepared)),
            "test": msgspec.to_builtins(test),
            "curves": msgspec.to_builtins(climbed.curves),
            "since": msgspec.to_builtins(since),
            "bundles": {n: r.bundle.hash for n, r in climbed.rungs.items() if r.bundle},
            "reused": msgspec.to_builtins(reused),
            "classes": msgspec.to_builtins(climbed.classes),
            **_searches(climbed),
        },
    )
    verdict = VerdictRecord(
        run=started.id,
        rung=chosen.name,
        passed=climbed.verdict.passed,
        findings=msgspec.to_builtins(climbed.verdict.findings),
        payload={"hash": climbed.verdict.id, "sentence": climbed.verdict.sentence},
    )
    return workspace.catalog.finish_run(
        ended, metrics=_metric_rows(started.id, climbed.ladder), verdict=verdict, model=model
    )


def _parameters(prepared: Prepared) -> dict[str, Any]:
    specs = {name: getattr(rung, "spec", None) for name, rung in prepared.rungs.items()}
    return {name: spec.record() if spec else {} for name, spec in specs.items()}


def _searches(climbed: Climbed) -> dict[str, Any]:
    """Keep every fit of every search."""
    found = {n: r.searched for n, r in climbed.rungs.items() if r.searched is not None}
    return {"searches": msgspec.to_builtins(found)} if found else {}


def _learnt(prepared: Prepared) -> dict[str, Any]:
    """Keep what features learnt, and the sets as they were before; nothing when none learns."""
    if not prepared.learned:
        return {}
    return {
        "learnt": msgspec.to_builtins(prepared.learned),
        "asked_sets": {rung: asked.hash for rung, asked in prepared.asked.items()},
    }


def _metric_rows(run_id: str, ladder: Ladder) -> list[MetricRow]:
    return [
        MetricRow(
            run=run_id, rung=row.rung, split="test", metric=name,
            value=m.value, low=m.low, high=m.high, n=m.n,
        )
        for row in ladder.rows
        for name, m in row.metrics.items()
    ]  # fmt: skip


def sizes(prepared: Prepared) -> PartSizes:
    """Count the rows of each part, and those left out between them."""
    parts = prepared.parts
    counted = (len(parts.train), len(parts.validation), len(parts.test))
    return PartSizes(
        *counted,
        purged=prepared.units.height - sum(counted),
        how=prepared.frame.split_how,
        group=prepared.frame.split.group,
        hash=prepared.split,
    )
