"""Bring what one source holds into a data version, through its contract.

Read, cast to carriers, check against the contract, set failing rows and repeated keys aside,
compare with what is known, write only what is new or corrected, and commit the version in one
transaction. Facts that were posted to the server join first.

A corrected row counts as known from now on: until now its old value was what decisions saw.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, NamedTuple

import msgspec
import polars as pl

from isbjerg.canonical import content_hash
from isbjerg.data.carriers import schema_of, to_carriers
from isbjerg.data.checking import BROKEN, check
from isbjerg.data.definition_changes import definition_changes
from isbjerg.data.reading import fingerprint
from isbjerg.data.sql_connecting import asked
from isbjerg.data.sql_tables import SqlTable
from isbjerg.data.versions import (
    Changes,
    DataVersion,
    as_facts,
    conform,
    new_facts,
    next_version,
    without_duplicates,
)
from isbjerg.errors import SourceError
from isbjerg.expressions.tree import Type
from isbjerg.features.knowledge import Decision
from isbjerg.features.sources import Source
from isbjerg.findings import Finding
from isbjerg.storage.tables import sweep, write_parts, write_quarantine
from isbjerg.times import format_instant, format_span
from isbjerg.workflows.absorbing import absorb_posted
from isbjerg.workflows.comparing import Compared, compare_with_known
from isbjerg.workflows.contracts import contract_of, contract_path
from isbjerg.workflows.future_rows import told_of_future
from isbjerg.workflows.redefining import as_first_told, redefinition, still_standing
from isbjerg.workflows.source_reading import take
from isbjerg.workflows.stored_facts import later_than
from isbjerg.workflows.unsaid_zones import check_zones, unsaid_zones
from isbjerg.workflows.workspace import Workspace

_SHOWN = 5
"""So many keys stand in a finding."""


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
    incremental: bool = False
    """Whether only what is new since the last watermark was asked for."""
    read: bool = True
    """Whether the source was read; it is not when nobody touched its files or its contract."""
    findings: tuple[Finding, ...] = ()
    """What this read found."""


class _Sifted(NamedTuple):
    """Rows of a read that may go on, and those set aside."""

    rows: pl.DataFrame
    aside: pl.DataFrame
    findings: list[Finding]
    blocked: bool


def ingest_table(
    workspace: Workspace, source: Source, decision: Decision, *, live: bool, full: bool = False
) -> TableIngest:
    """Ingest one source.

    Parameters
    ----------
    workspace : Workspace
        Where to work, its lease ``ingest`` held.
    source : Source
        What to read.
    decision : Decision
        For the drafted contract: what ``ahead`` counts back from.
    live : bool
        Whether new rows count as known only from now on.
    full : bool, default=False
        Whether to read everything, also what is known to be read already.

    Raises
    ------
    SourceError
        When the source cannot be read.
    """
    latest = workspace.catalog.latest_data_version(source.name)
    sweep(workspace.store, source.name, workspace.catalog.parts(source.name))
    absorbed = absorb_posted(workspace, source, latest)
    done = _ingest_read(workspace, source, decision, absorbed.latest, live=live, full=full)
    stands = workspace.catalog.latest_data_version(source.name)
    standing = [
        *_stale(workspace, source, stands, done),
        *(unsaid_zones(source, dict(stands.schema), decision) if stands else ()),
    ]
    return msgspec.structs.replace(
        done,
        quarantined=done.quarantined + absorbed.aside,
        findings=(*absorbed.findings, *done.findings, *standing),
    )


def _ingest_read(
    workspace: Workspace,
    source: Source,
    decision: Decision,
    latest: DataVersion | None,
    *,
    live: bool,
    full: bool,
) -> TableIngest:
    """Ingest what the source holds now."""
    table = source.read()
    files = fingerprint(table, workspace.folder)  # before the read: a later change is seen again
    if latest and files and not full and latest.fingerprint == _state(workspace, source, files):
        return TableIngest(
            table=source.name,
            version=latest.id,
            changed=False,
            rows=latest.rows,
            unchanged=latest.rows,
            read=False,
        )
    taken = take(
        source,
        table,
        latest,
        root=workspace.folder,
        clock=workspace.clock,
        rules=_state(workspace, source),
        full=full,
        shelf=workspace.shelf,
    )
    _check_key(source, taken.frame, latest)
    shelf = workspace.shelf.of(int(taken.frame.estimated_size()))
    frame, became = to_carriers(taken.frame, dict(latest.schema) if latest else {}, shelf)
    check_zones(source, {} if latest else schema_of(frame), decision)
    if latest and taken.partial and not frame.height:
        return msgspec.structs.replace(_as_before(source, latest, became), incremental=True)
    sifted = _sift(workspace, source, frame, decision, partial=taken.partial)
    findings = [*became, *sifted.findings]
    if sifted.blocked:
        return _as_before(source, latest, findings, refused=True)
    compared = compare_with_known(workspace, source, latest, sifted.rows, sifted.aside)
    if taken.partial:
        compared = compared.without_vanished()
    findings += told_of_future(source, compared.changes.new, decision, workspace.clock())
    redefined = redefinition(source.name, latest, taken.reading, compared.changes)
    findings += redefined
    meanings = _changed_meanings(source, frame, compared, aside=sifted.aside.height)
    if latest:
        meanings = as_first_told(workspace, source, latest, frame, meanings)
    findings += meanings
    if compared.gone is not None and compared.gone.height:
        findings.append(_vanished(source, compared.gone))
    if latest and not compared.changes.any and not redefined:
        before = _as_before(source, latest, findings, compared.changes)
        before = msgspec.structs.replace(before, incremental=taken.partial)
        return _keep_aside(workspace, before, sifted.aside)
    version = _write(workspace, source, latest, compared.changes, compared.schema, live=live)
    version = msgspec.structs.replace(
        version,
        source=_described(table),
        fingerprint=_state(workspace, source, files) if files else None,
        quarantined=sifted.aside.height,
        findings=_with_standing(latest, findings, partial=taken.partial),
        reading=msgspec.structs.replace(taken.reading, rules=_state(workspace, source)),
    )
    done = TableIngest(
        table=source.name,
        version=version.id,
        changed=True,
        rows=version.rows,
        new=compared.changes.new.height,
        corrected=compared.changes.corrected.height,
        unchanged=compared.changes.unchanged,
        vanished=compared.changes.vanished,
        incremental=taken.partial,
        findings=tuple(findings),
    )
    done = _keep_aside(workspace, done, sifted.aside)
    workspace.catalog.record_data_version(version)
    return done


def _with_standing(
    latest: DataVersion | None, found: Sequence[Finding], *, partial: bool
) -> tuple[Finding, ...]:
    """Keep what the version before says and this read does not take back."""
    recorded = latest.findings if latest else ()
    return (*found, *still_standing(recorded, found, partial=partial))


def _check_key(source: Source, frame: pl.DataFrame, latest: DataVersion | None) -> None:
    """Refuse a first read without its key; of a later one the contract says what is missing."""
    missing = [name for name in source.key if name not in frame.columns]
    if not missing or latest:
        return
    close = [c for name in missing for c in get_close_matches(name, frame.columns, n=1)]
    raise SourceError(
        f"'{source.name}' has no column {missing}, which its key names.\nFound: {frame.columns}",
        code="ISB342",
        mend=f"key={[*(close or frame.columns[:1])]} of {source.name} in sources.py",
        missing=missing,
    )


def _changed_meanings(
    source: Source, frame: pl.DataFrame, compared: Compared, *, aside: int
) -> list[Finding]:
    """Look for another unit or other codes, also in rows that the contract set aside for it."""
    if compared.before is None:
        return []
    before, changes, key = compared.before, compared.changes, list(source.key)
    if aside:
        before = conform(before, compared.schema)
        read, _ = without_duplicates(frame, key)
        changes = new_facts(before, conform(read, compared.schema), key)
    return definition_changes(source.name, before, changes, key, hides=source.hides)


def _sift(
    workspace: Workspace,
    source: Source,
    frame: pl.DataFrame,
    decision: Decision,
    *,
    partial: bool,
) -> _Sifted:
    contract, drafted = contract_of(workspace, source, frame, decision)
    if partial:  # how many rows the table has cannot be seen from what is new in it
        contract = msgspec.structs.replace(contract, rows_minimum=None)
    shelf = workspace.shelf.of(int(frame.estimated_size()))
    checked = check(contract, frame, shelf)
    findings = [*drafted, *checked.findings]
    if checked.blocked:
        return _Sifted(checked.passed, checked.failed, findings, blocked=True)
    rows, repeated = without_duplicates(checked.passed, list(source.key), shelf)
    if repeated.height:
        findings.append(_repeated(source, repeated.height))
        repeated = repeated.with_columns(pl.lit(f"key:{', '.join(source.key)}").alias(BROKEN))
    aside = pl.concat([checked.failed, repeated], how="diagonal_relaxed")
    return _Sifted(rows, aside, findings, blocked=False)


def _as_before(
    source: Source,
    latest: DataVersion | None,
    findings: Sequence[Finding],
    changes: Changes | None = None,
    *,
    refused: bool = False,
) -> TableIngest:
    """Say that a read left no new version."""
    return TableIngest(
        table=source.name,
        version=latest.id if latest else "",
        changed=False,
        rows=latest.rows if latest else 0,
        unchanged=changes.unchanged if changes else 0,
        vanished=changes.vanished if changes else 0,
        refused=refused,
        findings=tuple(findings),
    )


def _keep_aside(workspace: Workspace, done: TableIngest, aside: pl.DataFrame) -> TableIngest:
    """Write rows that were set aside beside the version that stands without them."""
    if aside.height:
        write_quarantine(workspace.store, done.table, done.version, aside)
    return msgspec.structs.replace(done, quarantined=aside.height)


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
    now_us = later_than(latest, workspace.clock())
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
    part_bytes = workspace.shelf.table_bytes_max
    write = changes.any or latest is None
    return next_version(
        latest,
        table=source.name,
        key=source.key,
        parts=write_parts(workspace.store, source.name, facts, part_bytes) if write else (),
        schema=schema,
        source=source.name,
        at_us=now_us,
        live=live,
        changes=changes,
    )


def _state(workspace: Workspace, source: Source, files: str = "") -> str:
    """Name the state of the files, the contract and the key together."""
    path = contract_path(workspace, source.name)
    contract = path.read_bytes().decode(errors="replace") if path.is_file() else None
    return content_hash([files, contract, source.key])


def _described(table: Any) -> str:
    """Say how a table was read, for people."""
    if isinstance(table, SqlTable):
        return asked(table)
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


def _vanished(source: Source, gone: pl.DataFrame) -> Finding:
    rows, hidden = gone.height, any(source.hides(name) for name in gone.columns)
    first = gone.head(_SHOWN).select(pl.all().cast(pl.String)).to_dicts()
    return Finding(
        code="ingest.vanished",
        subject=source.name,
        severity="warning",
        message=f"{rows:,} rows that were there before are no longer in the source. They are kept.",
        mend="look whether the source's query or files changed",
        evidence={"rows": rows} | ({} if hidden else {"examples": first}),
    )


def _stale(
    workspace: Workspace, source: Source, latest: DataVersion | None, done: TableIngest
) -> list[Finding]:
    """Say that nothing new has come for longer than the source's declared refresh."""
    if source.refresh_us is None or latest is None or done.changed:
        return []
    age_us = workspace.clock() - latest.at_us
    if age_us <= source.refresh_us:
        return []
    declared = format_span(source.refresh_us)
    return [
        Finding(
            code="source.stale",
            subject=source.name,
            severity="warning",
            message=f"Nothing new has come since {format_instant(latest.at_us)}; the source "
            f'declares refresh="{declared}".',
            mend=f"ask {source.owner or 'its owner'}, or declare how often it really changes",
            evidence={"age_us": age_us, "refresh_us": source.refresh_us},
        )
    ]
