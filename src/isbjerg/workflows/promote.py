"""Make a model version live, or go back to the one before.

One transaction in the catalog closes the assignment that was, opens the new one, numbers the
serving plan and writes the audit entry. Before it the bundle is laid down and every window of
its features is filled; after it the plan is published and the workers are waited for. Whatever
is cut off in between, the catalog knows what is live, and `publish` says it again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from isbjerg.errors import ReleaseError
from isbjerg.models.bundle import from_files
from isbjerg.release.plan import Route, ServingPlan
from isbjerg.storage.catalog.records import Assignment, AuditEntry, ModelVersion
from isbjerg.storage.plans import Worker
from isbjerg.workflows.bundles import bundle_files, load_bundle
from isbjerg.workflows.feed import feed_set
from isbjerg.workflows.workspace import Workspace

LIVE = "live"
WAIT_S = 10.0
"""How long a release waits for the workers' word."""


class ReleasePlan(msgspec.Struct, frozen=True, kw_only=True):
    """What a promotion or a rollback would do."""

    act: str
    version: int
    rung: str
    run: str
    verdict: str
    before: int | None
    changes: bool
    steps: tuple[str, ...]


class Released(msgspec.Struct, frozen=True, kw_only=True):
    """What a promotion or a rollback did."""

    act: str
    version: int
    rung: str
    before: int | None
    epoch: int
    changed: bool
    facts_fed: int
    workers: int
    silent: tuple[str, ...]
    """Workers that did not take the plan, with their reason."""


def plan_promotion(workspace: Workspace, version: int | None = None) -> ReleasePlan:
    """Say what `promote` would do.

    Raises
    ------
    ReleaseError
        When there is no such version, or its verdict is not a pass.
    """
    model = _candidate(workspace, version)
    return _plan(workspace, "promote", model)


def promote(workspace: Workspace, version: int | None = None, why: str = "") -> Released:
    """Make a model version live; the newest when none is named.

    Raises
    ------
    ReleaseError
        When there is no such version, or its verdict is not a pass.
    StoreError
        When another release is at work.
    """
    with workspace.catalog.lease("release", "isbjerg promote"):
        return _release(workspace, "promote", _candidate(workspace, version), why)


def plan_rollback(workspace: Workspace, to: int | None = None) -> ReleasePlan:
    """Say what `rollback` would do.

    Raises
    ------
    ReleaseError
        When there is nothing to go back to.
    """
    return _plan(workspace, "rollback", _earlier(workspace, to))


def rollback(workspace: Workspace, to: int | None = None, why: str = "") -> Released:
    """Make a version live again that was live before.

    Parameters
    ----------
    workspace : Workspace
        Where to work.
    to : int, optional
        Which; the one before the live one when not given. Naming it makes the command safe to
        give again: when it is live already, nothing changes.
    why : str
        For the history.

    Raises
    ------
    ReleaseError
        When there is nothing to go back to.
    """
    with workspace.catalog.lease("release", "isbjerg rollback"):
        return _release(workspace, "rollback", _earlier(workspace, to), why)


def publish(workspace: Workspace) -> ServingPlan | None:
    """Write the newest plan of the catalog to where servers read it, with its bundles.

    Called at the start of a server and after each release: what a crash left unsaid is said,
    and facts that an ingest could not give to the online store any more are given to it.
    """
    newest = workspace.catalog.latest_plan()
    if newest is None:
        return None
    plan = ServingPlan(
        epoch=newest.epoch,
        at_us=newest.at_us,
        routes=msgspec.convert(newest.payload["routes"], tuple[Route, ...]),
    )
    for route in plan.routes:
        files = bundle_files(workspace, route.bundle)
        bundle = from_files(files, expected_hash=route.bundle)
        model = workspace.catalog.model_version(route.model_version)
        feed_set(workspace, bundle.feature_set, _asked_from(workspace, model))
        workspace.serving.put_bundle(route.bundle, files)
    workspace.serving.publish(plan)
    return plan


def live_version(workspace: Workspace) -> ModelVersion | None:
    """Return the model version that is live, or ``None``."""
    assigned = workspace.catalog.live(LIVE)
    return None if assigned is None else workspace.catalog.model_version(assigned.version)


def _candidate(workspace: Workspace, version: int | None) -> ModelVersion:
    versions = [m.number for m in workspace.catalog.model_versions()]
    if not versions:
        raise ReleaseError(
            "There is no model version: no run has passed the gate yet.",
            mend="isbjerg run",
            code="ISB501",
        )
    number = max(versions) if version is None else version
    if number not in versions:
        raise ReleaseError(
            f"There is no model version v{number}.\nFound: {', '.join(f'v{n}' for n in versions)}",
            mend=f"isbjerg promote v{max(versions)}",
            code="ISB501",
        )
    model = workspace.catalog.model_version(number)
    verdict = workspace.catalog.verdict(model.verdict)
    if not verdict.passed:
        raise ReleaseError(
            f"v{number} ({model.rung}) did not pass the gate: verdict {verdict.id[:12]}.",
            mend=f"isbjerg runs {model.run}",
            code="ISB502",
        )
    return model


def _unsaid(workspace: Workspace) -> ModelVersion | None:
    """Find what a rollback made live that was killed before it told the servers.

    The command given again ends that rollback; another would go back twice.
    """
    newest, told = workspace.catalog.latest_plan(), workspace.serving.read_plan()
    if newest is None or (told is not None and told.epoch >= newest.epoch):
        return None
    last = next((a for a in workspace.catalog.audit() if a.payload.get("role") == LIVE), None)
    return live_version(workspace) if last and last.act == "rollback" else None


def _earlier(workspace: Workspace, to: int | None) -> ModelVersion:
    """Find the version to go back to: the one named, or the one before the live one."""
    stack = _history(workspace.catalog.audit())
    if to is None and (unsaid := _unsaid(workspace)) is not None:
        return unsaid
    if to is not None and to in stack:
        return workspace.catalog.model_version(to)
    if to is not None or len(stack) < 2:  # noqa: PLR2004 - the live one and one before
        earlier = ", ".join(f"v{number}" for number in dict.fromkeys(stack)) or "nothing"
        raise ReleaseError(
            "Nothing was live before what is live now."
            if to is None
            else f"v{to} was not live before what is live now.\nWas live: {earlier}",
            mend="isbjerg history",
            code="ISB503",
        )
    return workspace.catalog.model_version(stack[-2])


def _history(acts: Sequence[AuditEntry]) -> list[int]:
    """Stack the versions that were live: a rollback takes those above its version off.

    Examples
    --------
    >>> def entry(number, act, version):
    ...     facts = {"role": "live", "version": version}
    ...     return AuditEntry(
    ...         id=number, at_us=0, who="", act=act, why="", subject="", payload=facts
    ...     )
    >>> _history(
    ...     [
    ...         entry(1, "promote", 1),
    ...         entry(2, "promote", 2),
    ...         entry(3, "promote", 3),
    ...         entry(4, "rollback", 2),
    ...     ]
    ... )
    [1, 2]
    """
    stack: list[int] = []
    for entry in sorted(acts, key=lambda a: a.id):
        if entry.payload.get("role") != LIVE:
            continue
        version = entry.payload["version"]
        if entry.act != "rollback":
            stack.append(version)
            continue
        stack.pop()
        while version in stack and stack[-1] != version:
            stack.pop()
    return stack


def _plan(workspace: Workspace, act: str, model: ModelVersion) -> ReleasePlan:
    before = workspace.catalog.live(LIVE)
    bundle, _ = load_bundle(workspace, model.bundle)
    workers = workspace.serving.live_workers()
    return ReleasePlan(
        act=act,
        version=model.number,
        rung=model.rung,
        run=model.run,
        verdict=model.verdict,
        before=before.version if before else None,
        changes=before is None or before.version != model.number,
        steps=(
            f"lay down bundle {model.bundle[:12]} ({bundle.kind})",
            f"fill {len(bundle.feature_set.slots)} looked-up value(s) in the online store",
            f"assign the role {LIVE} to v{model.number} and number the next serving plan",
            f"publish it and wait for {len(workers)} worker(s)",
        ),
    )


def _release(workspace: Workspace, act: str, model: ModelVersion, why: str) -> Released:
    before = workspace.catalog.live(LIVE)
    bundle, files = load_bundle(workspace, model.bundle)
    workspace.serving.put_bundle(model.bundle, files)
    fed = feed_set(workspace, bundle.feature_set, _asked_from(workspace, model))
    assigned = workspace.catalog.assign(
        LIVE, model.number, by=workspace.who, why=why, build_plan=_build_plan, act=act
    )
    publish(workspace)
    silent = workspace.serving.wait_for_epoch(assigned.plan.epoch, WAIT_S)
    return Released(
        act=act,
        version=model.number,
        rung=model.rung,
        before=before.version if before else None,
        epoch=assigned.plan.epoch,
        changed=assigned.changed,
        facts_fed=fed,
        workers=len(workspace.serving.live_workers()),
        silent=tuple(_told(worker) for worker in silent),
    )


def _asked_from(workspace: Workspace, model: ModelVersion) -> int:
    """Return the earliest time a model will be asked for: its run's, so a replay can begin there."""
    as_of_us = workspace.catalog.run(model.run).as_of_us
    now_us = workspace.clock()
    return now_us if as_of_us is None else min(as_of_us, now_us)


def _told(worker: Worker) -> str:
    return f"{worker.name}: {worker.fault or 'no answer'}"


def _build_plan(
    epoch: int,  # noqa: ARG001 - the catalog keeps it beside the payload
    assigned: Sequence[tuple[Assignment, ModelVersion]],
) -> dict[str, Any]:
    routes = [
        Route(role=a.role, model_version=m.number, bundle=m.bundle, rung=m.rung)
        for a, m in assigned
    ]
    return {"routes": msgspec.to_builtins(routes)}
