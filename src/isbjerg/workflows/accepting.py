"""Accept a changed meaning that is meant: a person's word, kept with the version and in the audit."""

from __future__ import annotations

import msgspec

from isbjerg.data.versions import DataVersion, next_version
from isbjerg.errors import ArgumentError
from isbjerg.features.sources import Source
from isbjerg.findings import Finding
from isbjerg.workflows.ingest_table import TableIngest
from isbjerg.workflows.standing_findings import is_changed_meaning
from isbjerg.workflows.stored_facts import later_than
from isbjerg.workflows.workspace import Workspace


def accept_changes(
    workspace: Workspace, source: Source, done: TableIngest, *, why: str
) -> TableIngest:
    """Let the changed meanings of a table pass, from a version on that says who said so and why.

    The rows are as they were: what is corrected counts as known since it was read, so that
    decisions of before are still learnt from by what was known of them.

    Parameters
    ----------
    workspace : Workspace
        Where to work, its lease ``ingest`` held.
    source : Source
        Whose table.
    done : TableIngest
        What its ingest just did; what it found and wrote can be accepted with it.
    why : str
        Why the new meaning is right.

    Raises
    ------
    ArgumentError
        When no changed meaning stands, or no reason is given.
    """
    latest = workspace.catalog.latest_data_version(source.name)
    standing = [] if latest is None else [f for f in latest.findings if is_changed_meaning(f)]
    if latest is None or not standing or not why.strip():
        raise _nothing(source.name, done, why, standing=bool(standing))
    subjects = [f.subject for f in standing]
    version = _version(workspace, latest, why)
    workspace.catalog.record_act(  # before the version: killed between, it is said once more
        "accept-change",
        by=workspace.who,
        why=why,
        subject=version.id,
        payload={"of": latest.id, "changed": subjects},
    )
    workspace.catalog.record_data_version(version)
    accepted = tuple(f for f in version.findings if f.subject in subjects)
    others = tuple(f for f in done.findings if not is_changed_meaning(f))
    return msgspec.structs.replace(
        done, version=version.id, changed=True, findings=(*accepted, *others)
    )


def _version(workspace: Workspace, latest: DataVersion, why: str) -> DataVersion:
    """Build a version with the same rows, whose changed meanings are accepted."""
    findings = [
        _accepted(f, latest, why, workspace.who) if is_changed_meaning(f) else f
        for f in latest.findings
    ]
    return next_version(
        latest,
        table=latest.table,
        key=latest.key,
        parts=(),
        schema=dict(latest.schema),
        source=latest.source,
        at_us=later_than(latest, workspace.clock()),
        live=latest.live,
        fingerprint=latest.fingerprint,
        findings=findings,
        reading=latest.reading,
    )


def _accepted(found: Finding, latest: DataVersion, why: str, who: str) -> Finding:
    return msgspec.structs.replace(
        found,
        outcome="passed",
        severity="info",
        message=f"{found.message} Accepted after {latest.id} by {who}: {why}",
        mend="",
        evidence={**found.evidence, "accepted": {"by": who, "why": why}},
    )


def one_table_only(sources: list[str]) -> ArgumentError:
    """Say that a change is accepted for one table, which has to be named."""
    return ArgumentError(
        "A changed meaning is accepted for one table, by its name.",
        mend=f'isbjerg ingest {sources[0]} --accept-change "the source tells kilometres now"',
        code="ISB225",
        sources=sources,
    )


def _nothing(table: str, done: TableIngest, why: str, *, standing: bool) -> ArgumentError:
    unwritten = any(is_changed_meaning(f) for f in done.findings)
    if standing and not why.strip():
        message, mend = "A changed meaning is accepted for a reason, and none is given.", ""
    elif unwritten:
        message = f"The rows of '{table}' that mean something else were set aside by its contract."
        mend = f"let contracts/{table}.odcs.yaml allow them first, then accept the change"
    else:
        message, mend = f"No changed meaning of '{table}' stands.", f"isbjerg data show {table}"
    return ArgumentError(
        message,
        mend=mend or f'isbjerg ingest {table} --accept-change "the source tells kilometres now"',
        code="ISB225",
        table=table,
    )
