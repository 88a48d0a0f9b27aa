"""Train the live rung and its neighbours again, and let the better model go live.

Ingest what is new; when outcomes have become known since the last run, fit those rungs again on
what is known now, put the chosen one before the same gate, compare it with the live bundle on the
same recent rows, register it. Whether it then goes live is decided by
:mod:`isbjerg.release.succession`, from the verdict as it is stored. So the command given again as
of the same time makes no second model: it ends what the first one left undone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Literal

import msgspec

from isbjerg.errors import ReleaseError
from isbjerg.evaluation.comparison import Comparison
from isbjerg.release.succession import Decided, decide, retrain_every_us, rungs_beside
from isbjerg.storage.catalog.records import Run, VerdictRecord
from isbjerg.times import format_instant
from isbjerg.workflows.ingest import IngestReport, ingest
from isbjerg.workflows.news import News, news_since
from isbjerg.workflows.progress import Progress, Stages, silent
from isbjerg.workflows.project_files import Definitions
from isbjerg.workflows.promote import LIVE, Released, live_version, promote
from isbjerg.workflows.recording import Succession
from isbjerg.workflows.train import RunReport, run
from isbjerg.workflows.workspace import Workspace

NEIGHBOURS = ("-1", "live", "+1")
"""The rungs that are fitted again unless others are named."""

Ended = Literal["promoted", "waiting", "kept", "refused", "skipped"]
"""What became of the live model: replaced; to be replaced, by a person; kept by decision; kept by
the gate; nothing was new."""


class RetrainPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What `retrain` would do with what is ingested now."""

    as_of_us: int
    live: int
    live_rung: str
    age_us: int
    rungs: tuple[str, ...]
    news: News
    promotes: bool


class RetrainReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a retraining came to.

    Parameters
    ----------
    ended : {"promoted", "waiting", "kept", "refused", "skipped"}
        What became of the live model.
    why : str
        Why, to be read.
    as_of_us : int
        The time it stood at.
    live, live_rung : int, str
        The model version that was live when it began.
    rungs : tuple of str
        What was fitted, the constant aside.
    news : News
        What had come since the run before.
    run : str or None
        The run that was made, now or by the same command before; ``None`` when skipped.
    version : int or None
        The model version it registered.
    comparison : Comparison or None
        The new model against the live one, on the same rows.
    trained : RunReport or None
        The run in full; ``None`` when it was made before.
    released : Released or None
        How it went live.
    seconds : dict of str to float
        Seconds per stage.
    next_step : str
        What to do now.
    """

    ended: Ended
    why: str
    as_of_us: int
    live: int
    live_rung: str
    rungs: tuple[str, ...]
    news: News
    run: str | None = None
    version: int | None = None
    comparison: Comparison | None = None
    trained: RunReport | None = None
    released: Released | None = None
    seconds: dict[str, float] = {}
    next_step: str = ""


def plan_retrain(
    workspace: Workspace,
    definitions: Definitions,
    *,
    as_of_us: int | None = None,
    rungs: Sequence[str] = NEIGHBOURS,
    promotes: bool | None = None,
) -> RetrainPlan:
    """Say what `retrain` would do with what is ingested now; it would ingest first.

    Raises
    ------
    ReleaseError, ArgumentError
        As `retrain` does.
    """
    at_us = workspace.clock() if as_of_us is None else as_of_us
    live = _live(workspace)
    return RetrainPlan(
        as_of_us=at_us,
        live=live.version,
        live_rung=live.rung,
        age_us=max(0, at_us - live.as_of_us),
        rungs=_chosen(definitions, live, rungs),
        news=news_since(workspace, definitions, at_us),
        promotes=_promotes(definitions, asked=promotes),
    )


def retrain(
    workspace: Workspace,
    definitions: Definitions,
    *,
    as_of_us: int | None = None,
    rungs: Sequence[str] = NEIGHBOURS,
    promotes: bool | None = None,
    note: str = "",
    progress: Progress = silent,
) -> RetrainReport:
    """Train the live rung and its neighbours again, if anything new can be learnt.

    Parameters
    ----------
    workspace : Workspace
        Where to work.
    definitions : Definitions
        The project.
    as_of_us : int, optional
        Logical time: what became known later is not used. The clock's time when not given.
    rungs : sequence of str
        ``live``, ``-1`` and ``+1`` for the rungs around the live one, or names.
    promotes : bool, optional
        Whether a model that earned it goes live; when not given, the frame says so by
        ``strategy = "direct"``.
    note : str
        Why; kept with the run.
    progress : Progress
        Whom to tell.

    Raises
    ------
    ReleaseError
        When nothing is live, or its rung is no longer on the ladder.
    ArgumentError
        When a rung is named that is not on the ladder.
    DataError, ModelError, StoreError
        As a run does.
    """
    at_us = workspace.clock() if as_of_us is None else as_of_us
    stages = Stages(workspace.clock, progress)
    with workspace.catalog.lease("retrain", "isbjerg retrain"):
        live = _live(workspace)
        chosen = _chosen(definitions, live, rungs)
        with stages.stage("ingest", "Ingesting what is new", 0.0):
            ingested = ingest(workspace, definitions)
            news = news_since(workspace, definitions, at_us)
        made = _made_before(workspace, news, at_us)
        if made is not None:
            live = msgspec.convert(made.parameters["succession"], Succession)
        report = RetrainReport(
            ended="skipped",
            why=news.say(),
            as_of_us=at_us,
            live=live.version,
            live_rung=live.rung,
            rungs=chosen,
            news=news,
            seconds=stages.seconds,
        )
        if made is None and news.nothing and not _refused(ingested):
            return report
        trained = None
        if made is None:
            narrowed = dataclasses.replace(
                definitions, rungs=tuple(r for r in definitions.rungs if r.name in chosen)
            )
            trained = run(
                workspace,
                narrowed,
                as_of_us=at_us,
                note=note or f"retrain of v{live.version} ({live.rung})",
                succession=live,
                ingested=ingested,
                progress=progress,
            )
            stages.seconds.update({f"run {k}": v for k, v in trained.stages.items()})
        run_id = trained.run if trained else made.id if made else ""
        with stages.stage("release", "Deciding what is live", 0.98):
            return _conclude(
                workspace,
                definitions,
                msgspec.structs.replace(report, run=run_id, trained=trained),
                live,
                promotes=_promotes(definitions, asked=promotes),
            )


def _live(workspace: Workspace) -> Succession:
    model = live_version(workspace)
    if model is None:
        raise ReleaseError(
            "Nothing is live, so there is nothing to train again.",
            mend="isbjerg run && isbjerg promote",
            code="ISB504",
        )
    made = workspace.catalog.run(model.run)
    return Succession(
        version=model.number,
        rung=model.rung,
        run=model.run,
        as_of_us=made.started_us if made.as_of_us is None else made.as_of_us,
    )


def _chosen(definitions: Definitions, live: Succession, wanted: Sequence[str]) -> tuple[str, ...]:
    ladder = [rung.name for rung in definitions.rungs]
    if live.rung not in ladder:
        raise ReleaseError(
            f"v{live.version} is live, but its rung '{live.rung}' is not in models.py any more.\n"
            f"Found: {', '.join(ladder) or 'no rung'}",
            mend="isbjerg run",
            code="ISB505",
        )
    return rungs_beside(ladder, live.rung, wanted)


def _promotes(definitions: Definitions, *, asked: bool | None) -> bool:
    return definitions.frame.release.strategy == "direct" if asked is None else asked


def _refused(ingested: IngestReport) -> bool:
    """Say whether a contract refuses a table: then the run says it, in its own words."""
    return any(table.refused for table in ingested.tables)


def _made_before(workspace: Workspace, news: News, at_us: int) -> Run | None:
    """Find the run that this very command made before it was cut off, or was given again."""
    if not news.nothing or news.run is None:
        return None
    last = workspace.catalog.run(news.run)
    return last if last.as_of_us == at_us and "succession" in last.parameters else None


def _conclude(
    workspace: Workspace,
    definitions: Definitions,
    report: RetrainReport,
    live: Succession,
    *,
    promotes: bool,
) -> RetrainReport:
    """Decide from the stored verdict what is live from now on, act, and leave it in the audit."""
    made = workspace.catalog.run(report.run or "")
    verdict = workspace.catalog.verdict(made.verdict or "")
    model = next((m for m in workspace.catalog.model_versions() if m.run == made.id), None)
    found = _comparison(verdict)
    number = model.number if model else None
    report = msgspec.structs.replace(report, version=number, comparison=found)
    if number is None or not verdict.passed:
        ended = msgspec.structs.replace(
            report,
            ended="refused",
            why=str(verdict.payload.get("sentence", "")),
            next_step=f"isbjerg runs {made.id}",
        )
        _record(workspace, ended)
        return ended
    decided = decide(
        found,
        age_us=max(0, report.as_of_us - live.as_of_us),
        every_us=retrain_every_us(definitions.frame.retrain),
        margin=definitions.frame.release.margin,
    )
    ended = _act(workspace, report, number, decided, promotes=promotes)
    _record(workspace, ended)
    return ended


def _act(
    workspace: Workspace,
    report: RetrainReport,
    number: int,
    decided: Decided,
    *,
    promotes: bool,
) -> RetrainReport:
    command = f"isbjerg promote v{number}"
    kept = msgspec.structs.replace(report, ended="kept", why=decided.why)
    if not decided.replaces:
        return kept
    if not promotes:
        return msgspec.structs.replace(kept, ended="waiting", next_step=command)
    now = live_version(workspace)
    tried = {assigned.version for assigned in workspace.catalog.assignments(LIVE)}
    superseded = now is not None and now.number not in (report.live, number)
    if (number in tried or superseded) and now is not None and now.number != number:
        why = f"{decided.why} But v{now.number} was made live since, and that stands."
        return msgspec.structs.replace(kept, why=why, next_step=command)
    released = promote(workspace, number, f"{decided.choice}: {decided.why}")
    return msgspec.structs.replace(
        report,
        ended="promoted",
        why=decided.why,
        released=released,
        next_step="" if released.workers else "isbjerg serve",
    )


def _comparison(verdict: VerdictRecord) -> Comparison | None:
    """Read from a verdict how the candidate stands beside the live model."""
    for found in verdict.findings:
        if found["code"] == "gate.not_worse_than_live" and "comparison" in found["evidence"]:
            return msgspec.convert(found["evidence"]["comparison"], Comparison)
    return None


def _record(workspace: Workspace, report: RetrainReport) -> None:
    """Leave what was decided in the audit trail, once."""
    subject = report.run or ""
    if any(e.act == "retrain" and e.subject == subject for e in workspace.catalog.audit()):
        return
    workspace.catalog.record_act(
        "retrain",
        by=workspace.who,
        why=f"{report.ended}: {report.why}",
        subject=subject,
        payload={
            "as_of": format_instant(report.as_of_us),
            "live": report.live,
            "version": report.version,
            "ended": report.ended,
        },
    )
