"""The loop once: ingest, assemble, climb the ladder, judge, bundle, record.

Everything a run learns is committed in one transaction at its end; bundles are stored before
it, by content. A killed run leaves a record that says so, and blobs that a second run writes
again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import msgspec

from isbjerg.data.versions import DataVersion
from isbjerg.errors import DataError, StoreError
from isbjerg.evaluation.classes import ClassLine
from isbjerg.evaluation.ladder import Ladder
from isbjerg.features.learning import Learned
from isbjerg.findings import Finding
from isbjerg.release.gate import Verdict
from isbjerg.storage.catalog.records import (
    Finished,
    Run,
)
from isbjerg.workflows.assuming import check_assumed
from isbjerg.workflows.caching import Remembering, Reused
from isbjerg.workflows.climbing import Climbed, climb_ladder
from isbjerg.workflows.contracts import read_contract
from isbjerg.workflows.effects import Effect, chosen_bundle, effect, run_before
from isbjerg.workflows.ingest import IngestReport, ingest
from isbjerg.workflows.judging import live_feature_set
from isbjerg.workflows.looks import Looked, count_looks, worn
from isbjerg.workflows.preparing import (
    Prepared,
    feature_findings,
    merged,
    prepare,
    target_findings,
)
from isbjerg.workflows.progress import Progress, Stages, silent
from isbjerg.workflows.project_files import Definitions
from isbjerg.workflows.recording import PartSizes, Succession, close_record, open_record, sizes
from isbjerg.workflows.rivals import readable_set
from isbjerg.workflows.rung_findings import rung_findings
from isbjerg.workflows.standing_findings import Standing, standing_findings
from isbjerg.workflows.unacted import unacted
from isbjerg.workflows.unit_checking import check_tables
from isbjerg.workflows.units import UnitCounts
from isbjerg.workflows.unsaid_zones import unsaid_zones
from isbjerg.workflows.workspace import Workspace


class RunReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a run came to.

    Parameters
    ----------
    run : str
        Its id.
    as_of_us : int
        The time it stood at.
    ingest : IngestReport
        What became of the sources.
    counts : UnitCounts
        Which rows could be learnt from.
    parts : PartSizes
        How they were split.
    ladder : Ladder
        Each rung, compared on the validation part and measured on the test part.
    verdict : Verdict
        What the gate said about the rung chosen.
    model_version : int or None
        Registered when the gate passed it.
    notes : dict of str to tuple of str
        What the fits had to say, by rung.
    findings : tuple of Finding
        ``feature.blank`` for features that say nothing, ``frame.unacted`` for what frame.toml
        states and this version does not act on.
    stages : dict of str to float
        Seconds per stage.
    next_step : str
        What to do now.
    test : Looked, optional
        Which rows it measured on, and how many runs have looked at them.
    learned : tuple of Learned
        What features learnt of the training rows.
    reused : tuple of Reused
        What was taken from earlier runs, and what was computed.
    classes : tuple of ClassLine
        Of a multiclass target: each class apart, as the chosen rung answers.
    since : Effect, optional
        What became of the primary metric since the run before.
    """

    run: str
    as_of_us: int
    ingest: IngestReport
    counts: UnitCounts
    parts: PartSizes
    ladder: Ladder
    verdict: Verdict
    model_version: int | None
    notes: dict[str, tuple[str, ...]]
    findings: tuple[Finding, ...]
    stages: dict[str, float]
    next_step: str
    test: Looked | None = None
    learned: tuple[Learned, ...] = ()
    reused: tuple[Reused, ...] = ()
    classes: tuple[ClassLine, ...] = ()
    since: Effect | None = None


def run(
    workspace: Workspace,
    definitions: Definitions,
    *,
    as_of_us: int | None = None,
    note: str = "",
    fresh: bool = False,
    succession: Succession | None = None,
    ingested: IngestReport | None = None,
    progress: Progress = silent,
) -> RunReport:
    """Run the loop once.

    Parameters
    ----------
    workspace : Workspace
        Where to work.
    definitions : Definitions
        The project.
    as_of_us : int, optional
        Logical time: what became known later is not used. The clock's time when not given.
    note : str
        Why this run is made.
    fresh : bool, default=False
        Whether to compute everything, whatever earlier runs left.
    succession : Succession, optional
        The live model that this run is to succeed; recorded with it.
    ingested : IngestReport, optional
        What an ingest just made of the sources; they are read when it is not given.
    progress : Progress
        Whom to tell.

    Raises
    ------
    ProjectError, DataError, ModelError
        When the project or its data cannot be run; once its data is ingested, the run is
        recorded as failed.
    StoreError
        When another run is at work.
    """
    workspace = workspace.within(definitions.frame.memory_bytes)
    stages = Stages(workspace.clock, progress)
    at_us = workspace.clock() if as_of_us is None else as_of_us
    with workspace.catalog.lease("run", "isbjerg run"):
        workspace.catalog.mark_interrupted_runs()
        remembering = Remembering(workspace.cache, read=not fresh)
        with stages.stage("ingest", "Ingesting the sources", 0.0):
            ingested = ingested or ingest(workspace, definitions)
            _check_ingested(ingested)
            check_assumed(ingested.assumptions)
        versions = _versions(workspace, definitions)
        check_tables(definitions, versions)
        before = run_before(workspace, succession.run if succession else None)
        started = open_record(
            workspace, definitions, versions, at_us, note=note, succession=succession
        )
        with _ended_otherwise(workspace, started):
            with stages.stage("features", "Assembling features as they were known", 0.15):
                prepared = _prepare(
                    workspace, definitions, versions, at_us, remembering, before=before
                )
            standing = standing_findings(versions, ingested.tables)
            found = _contract_findings(definitions, standing, prepared)
            climbed = climb_ladder(
                workspace,
                definitions.frame,
                prepared,
                (found, standing),
                remembering,
                stages=stages,
            )
            with stages.stage("record", "Recording", 0.97):
                test = count_looks(workspace, started, prepared)
                since = _since(workspace, before, started, prepared, climbed)
                finished = close_record(
                    workspace,
                    started,
                    prepared,
                    climbed,
                    contract=found,
                    test=test,
                    since=since,
                    reused=remembering.counted(),
                    seconds=stages.seconds,
                )
            workspace.cache.trim()
    progress("Done", 1.0)
    told = (
        *(f for f in ingested.assumptions if f.outcome != "passed"),
        *_zones(definitions, versions),
        *feature_findings(prepared),
        *target_findings(prepared),
        *unacted(definitions.frame),
        *worn(test),
        *rung_findings(climbed.rungs, climbed.ladder),
    )
    report = _report(finished, ingested, prepared, climbed, told, as_of_us=at_us, stages=stages)
    return msgspec.structs.replace(
        report, test=test, learned=prepared.learned, reused=remembering.counted(), since=since
    )


@contextmanager
def _ended_otherwise(workspace: Workspace, started: Run) -> Iterator[None]:
    """Record how a run ended that did not come to its end."""
    try:
        yield
    except BaseException as fault:
        stopped = isinstance(fault, KeyboardInterrupt | SystemExit)
        with suppress(StoreError):  # it was recorded just before the interruption
            workspace.catalog.finish_run(started, status="interrupted" if stopped else "failed")
        raise


def _prepare(
    workspace: Workspace,
    definitions: Definitions,
    versions: Mapping[str, DataVersion],
    as_of_us: int,
    remembering: Remembering,
    *,
    before: Run | None,
) -> Prepared:
    contract = read_contract(workspace, definitions.frame.unit.source)
    beside = [live_feature_set(workspace, definitions.decision, versions)]
    earlier = None if before is None else chosen_bundle(workspace, before)
    if earlier is not None:
        beside.append(readable_set(workspace, earlier, definitions.decision, versions))
    return prepare(
        workspace,
        definitions,
        contract,
        versions,
        as_of_us,
        beside=merged([made for made in beside if made is not None]),
        remembering=remembering,
    )


def _contract_findings(
    definitions: Definitions,
    standing: Standing,
    prepared: Prepared,
) -> tuple[Finding, ...]:
    """Join what stands of the unit's table with what was found in the units."""
    table = standing[definitions.frame.unit.source]
    told = {(f.code, f.subject) for f in table}
    return (*table, *(f for f in prepared.findings if (f.code, f.subject) not in told))


def _zones(definitions: Definitions, versions: Mapping[str, DataVersion]) -> list[Finding]:
    """Tell at each run, whether anything was read or not, which times name no zone."""
    return [
        found
        for name, version in versions.items()
        for found in unsaid_zones(
            definitions.sources[name], dict(version.schema), definitions.decision
        )
    ]


def _check_ingested(ingested: IngestReport) -> None:
    """Stop before learning from a table that its contract refuses as a whole."""
    refused = [t for t in ingested.tables if t.refused]
    if not refused:
        return
    told = [f"  {f.subject}: {f.message}" for t in refused for f in t.findings if f.blocks]
    raise DataError(
        f"The contract refuses {', '.join(t.table for t in refused)}.\n" + "\n".join(told),
        mend=next((f.mend for t in refused for f in t.findings if f.blocks), ""),
        code="ISB330",
    )


def _versions(workspace: Workspace, definitions: Definitions) -> dict[str, DataVersion]:
    found = {name: workspace.catalog.latest_data_version(name) for name in definitions.sources}
    return {name: version for name, version in found.items() if version is not None}


def _since(
    workspace: Workspace, before: Run | None, started: Run, prepared: Prepared, climbed: Climbed
) -> Effect | None:
    """Say what became of the primary metric since the run before."""
    if before is None:
        return None
    return effect(
        workspace,
        before,
        started.measure_hash,
        prepared,
        climbed.ladder,
        rungs=climbed.rungs,
        test=climbed.test,
        samples=climbed.samples,
    )


def _report(
    finished: Finished,
    ingested: IngestReport,
    prepared: Prepared,
    climbed: Climbed,
    findings: tuple[Finding, ...],
    *,
    as_of_us: int,
    stages: Stages,
) -> RunReport:
    number = finished.model.number if finished.model else None
    failed = [f for f in climbed.verdict.findings if f.failed and f.mend]
    step = f"isbjerg promote v{number}" if number else (failed[0].mend if failed else "")
    return RunReport(
        run=finished.run.id,
        as_of_us=as_of_us,
        ingest=ingested,
        counts=prepared.counts,
        parts=sizes(prepared),
        ladder=climbed.ladder,
        verdict=climbed.verdict,
        model_version=number,
        notes={name: rung.notes for name, rung in climbed.rungs.items() if rung.notes},
        findings=findings,
        stages=stages.seconds,
        next_step=step,
        classes=climbed.classes,
    )
