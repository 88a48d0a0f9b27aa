"""Bring what the sources hold into data versions, through their contracts.

For each table: read, cast to carriers, check against the contract, set failing rows and
repeated keys aside, compare with what is known, write only what is new or corrected, and commit
the version in one transaction. A killed ingest leaves at most a part that no version names; the
next one sweeps it. Facts that were posted to the server join the same way.

A corrected row counts as known from now on: until now its old value was what decisions saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import polars as pl

from isbjerg.canonical import content_hash
from isbjerg.data.carriers import to_carriers
from isbjerg.data.checking import check
from isbjerg.data.reading import fingerprint, read
from isbjerg.data.versions import (
    Changes,
    DataVersion,
    as_facts,
    conform,
    merge_schema,
    new_facts,
    next_version,
    without_duplicates,
)
from isbjerg.errors import DefinitionError
from isbjerg.expressions.tree import Type
from isbjerg.features.knowledge import Decision
from isbjerg.features.sources import Source
from isbjerg.findings import Finding
from isbjerg.storage.online import PostedFact
from isbjerg.storage.tables import sweep, write_part, write_quarantine
from isbjerg.workflows.contracts import contract_of, contract_path
from isbjerg.workflows.feed import feed_table
from isbjerg.workflows.progress import Progress, silent
from isbjerg.workflows.project_files import Definitions
from isbjerg.workflows.stored_facts import current_rows, posted_frame
from isbjerg.workflows.workspace import Workspace


class TableIngest(msgspec.Struct, frozen=True, kw_only=True):
    """What an ingest did to one table."""

    table: str
    version: str
    changed: bool
    rows: int
    new: int = 0
    corrected: int = 0
    unchanged: int = 0
    vanished: int = 0
    quarantined: int = 0
    refused: bool = False
    """Whether a column was lost or changed its type, so that nothing was taken."""
    findings: tuple[Finding, ...] = ()


class IngestReport(msgspec.Struct, frozen=True):
    """What an ingest did."""

    tables: tuple[TableIngest, ...]

    @property
    def versions(self) -> dict[str, str]:
        """Data version of each table after it."""
        return {t.table: t.version for t in self.tables}


def ingest(
    workspace: Workspace,
    definitions: Definitions,
    *,
    tables: Sequence[str] | None = None,
    live: bool = False,
    progress: Progress = silent,
) -> IngestReport:
    """Ingest sources.

    Parameters
    ----------
    workspace : Workspace
        Where to work.
    definitions : Definitions
        The project's sources.
    tables : sequence of str, optional
        Only these sources.
    live : bool, default=False
        Whether new rows count as known only from now on, not from their declared times.
    progress : Progress
        Whom to tell.

    Raises
    ------
    DefinitionError
        When a table is named that is no source.
    SourceError
        When a source cannot be read or does not have its key.
    StoreError
        When another ingest is at work.
    """
    chosen = [_named(definitions, t) for t in (tables or definitions.sources)]
    done = []
    with workspace.catalog.lease("ingest", "isbjerg ingest"):
        for index, source in enumerate(chosen):
            progress(f"Ingesting {source.name}", index / len(chosen))
            done.append(_ingest_table(workspace, source, definitions.decision, live=live))
            feed_table(workspace, source.name)
    progress("Ingested", 1.0)
    return IngestReport(tuple(done))


def _named(definitions: Definitions, table: str) -> Source:
    if table not in definitions.sources:
        raise DefinitionError(
            f"There is no source '{table}'.\nFound: {sorted(definitions.sources)}",
            mend=f"isbjerg ingest {next(iter(definitions.sources))}",
            code="ISB217",
        )
    return definitions.sources[table]


def _ingest_table(
    workspace: Workspace, source: Source, decision: Decision, *, live: bool
) -> TableIngest:
    latest = workspace.catalog.latest_data_version(source.name)
    sweep(workspace.store, source.name, workspace.catalog.parts(source.name))
    latest = absorb_posted(workspace, source, latest)
    table = source.read()
    state = _state(workspace, source, table)
    if latest and state is not None and latest.fingerprint == state:
        return _unchanged(latest, latest.rows)
    frame, findings = to_carriers(
        read(table, workspace.folder), dict(latest.schema) if latest else {}
    )
    contract, drafted = contract_of(workspace, source, frame, decision)
    checked = check(contract, frame)
    findings = [*findings, *drafted, *checked.findings]
    if checked.blocked:
        return _refused(source, latest, findings)
    rows, repeated = without_duplicates(checked.passed, list(source.key))
    if repeated.height:
        findings.append(_repeated(source, repeated.height))
    current = current_rows(workspace, latest)
    schema = merge_schema(dict(latest.schema) if latest else {}, rows, current)
    incoming = conform(rows, schema)
    before = conform(current, schema) if latest else incoming.clear()
    changes = new_facts(before, incoming, list(source.key))
    if changes.vanished:
        findings.append(_vanished(source, changes.vanished))
    aside = pl.concat([checked.failed, repeated], how="diagonal_relaxed")
    if latest and not changes.any:
        return msgspec.structs.replace(
            _unchanged(latest, changes.unchanged),
            vanished=changes.vanished,
            quarantined=aside.height,
            findings=tuple(findings),
        )
    version = _write(workspace, source, latest, changes, schema, live=live)
    version = msgspec.structs.replace(
        version,
        source=_described(table),
        fingerprint=_state(workspace, source, table),
        quarantined=aside.height,
        findings=tuple(findings),
    )
    if aside.height:
        write_quarantine(workspace.store, source.name, version.id, aside)
    workspace.catalog.record_data_version(version)
    return TableIngest(
        table=source.name,
        version=version.id,
        changed=True,
        rows=version.rows,
        new=changes.new.height,
        corrected=changes.corrected.height,
        unchanged=changes.unchanged,
        vanished=changes.vanished,
        quarantined=aside.height,
        findings=tuple(findings),
    )


def _unchanged(latest: DataVersion, unchanged: int) -> TableIngest:
    return TableIngest(
        table=latest.table,
        version=latest.id,
        changed=False,
        rows=latest.rows,
        unchanged=unchanged,
    )


def _refused(
    source: Source, latest: DataVersion | None, findings: Sequence[Finding]
) -> TableIngest:
    return TableIngest(
        table=source.name,
        version=latest.id if latest else "",
        changed=False,
        rows=latest.rows if latest else 0,
        refused=True,
        findings=tuple(findings),
    )


def _write(
    workspace: Workspace,
    source: Source,
    latest: DataVersion | None,
    changes: Changes,
    schema: Mapping[str, Type],
    *,
    live: bool,
) -> DataVersion:
    """Write new and corrected rows as one part and build, not yet commit, its version."""
    now_us = workspace.clock()
    first_row = workspace.catalog.reserve_rows(source.name, changes.rows.height)
    facts = pl.concat(
        [
            as_facts(changes.new, first_row=first_row, ingested_us=now_us, live=live),
            as_facts(
                changes.corrected,
                first_row=first_row + changes.new.height,
                ingested_us=now_us,
                live=True,
            ),
        ]
    )
    return next_version(
        latest,
        table=source.name,
        key=source.key,
        part=write_part(workspace.store, source.name, facts),
        schema=schema,
        source=source.name,
        at_us=now_us,
        live=live,
        changes=changes,
    )


def _state(workspace: Workspace, source: Source, table: Any) -> str | None:
    """Name the state of the files, the contract and the key together."""
    files = fingerprint(table, workspace.folder)
    if files is None:
        return None
    path = contract_path(workspace, source.name)
    contract = path.read_text(encoding="utf-8") if path.is_file() else None
    return content_hash([files, contract, source.key])


def absorb_posted(
    workspace: Workspace, source: Source, latest: DataVersion | None
) -> DataVersion | None:
    """Bring facts that were posted to the server into a data version of their own.

    They keep their row numbers and the time at which they came in, so the online store, which
    has them already, takes none of them twice.
    """
    with workspace.online() as online:
        posted = online.posted(source.name)
        if not posted or latest is None:
            return latest
        schema = dict(latest.schema)
        version = _posted_version(workspace, source, latest, posted, schema)
        workspace.catalog.record_data_version(version)
        online.absorb((fact.row for fact in posted), version.id)
    return version


def _posted_version(
    workspace: Workspace,
    source: Source,
    latest: DataVersion,
    posted: Sequence[PostedFact],
    schema: Mapping[str, Type],
) -> DataVersion:
    now_us = workspace.clock()
    facts = posted_frame(posted, schema, now_us)
    return next_version(
        latest,
        table=source.name,
        key=source.key,
        part=write_part(workspace.store, source.name, facts),
        schema=schema,
        source="posted facts",
        at_us=now_us,
        live=True,
    )


def _described(table: Any) -> str:
    """Say how a table was read, for people."""
    path = getattr(table, "path", None)
    return str(path) if path else f"a {type(table).__module__.split('.')[0]} table"


def _repeated(source: Source, rows: int) -> Finding:
    key = ", ".join(source.key)
    return Finding(
        code="ingest.repeated_key",
        subject=source.name,
        severity="error",
        message=f"{rows:,} rows repeat a key ({key}); the first of each was kept, "
        "the others are in quarantine.",
        mend=f'add the column that tells them apart: key=["{key}", "..."]',
        evidence={"rows": rows, "key": list(source.key)},
    )


def _vanished(source: Source, rows: int) -> Finding:
    return Finding(
        code="ingest.vanished",
        subject=source.name,
        severity="warning",
        message=f"{rows:,} rows that were there before are no longer in the source. They are kept.",
        mend="look whether the source's query or files changed",
        evidence={"rows": rows},
    )
