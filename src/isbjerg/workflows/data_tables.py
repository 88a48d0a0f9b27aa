"""What tables the project has, and what is known of one of them: reading only."""

from __future__ import annotations

import msgspec

from isbjerg.data.distributions import Spread, spread
from isbjerg.data.manifest import INGESTED_AT, DataVersion
from isbjerg.data.versions import newest
from isbjerg.errors import ArgumentError, DefinitionError
from isbjerg.features.knowledge import Decision, known_rule
from isbjerg.features.sources import Planned, Source
from isbjerg.findings import Finding
from isbjerg.storage.tables import read_facts
from isbjerg.times import format_span
from isbjerg.workflows.assuming import hold_assumptions
from isbjerg.workflows.project_files import Definitions
from isbjerg.workflows.workspace import Workspace


class DataLine(msgspec.Struct, frozen=True, kw_only=True):
    """One table: what is known of it, and what its source declares."""

    table: str
    version: str | None
    versions: int
    rows: int
    at_us: int | None
    source: str | None
    owner: str | None
    licence: str | None
    refresh: str | None
    stale: bool


class DataList(msgspec.Struct, frozen=True, kw_only=True):
    """The tables of a project, and those it waits for."""

    tables: tuple[DataLine, ...]
    planned: tuple[Planned, ...]


class VersionLine(msgspec.Struct, frozen=True, kw_only=True):
    """One data version: when it came and what its read brought."""

    version: str
    at_us: int
    source: str
    rows: int
    new: int
    corrected: int
    vanished: int
    quarantined: int
    live: bool


class DataColumn(msgspec.Struct, frozen=True, kw_only=True):
    """One column of a table as it stands."""

    name: str
    type: str
    in_key: bool
    known: str | None
    """When it becomes known; ``None`` when nothing says so, and no feature may use it."""
    personal: str | None
    spread: Spread


class DataShow(msgspec.Struct, frozen=True, kw_only=True):
    """One table: its source, its versions, its columns, what its newest read found."""

    line: DataLine
    meaning: str | None
    versions: tuple[VersionLine, ...]
    columns: tuple[DataColumn, ...]
    findings: tuple[Finding, ...]
    assumptions: tuple[Finding, ...] = ()
    """Whether the project's assumptions about it hold."""


def list_data(workspace: Workspace, definitions: Definitions) -> DataList:
    """List the tables of a project."""
    return DataList(
        tables=tuple(_line(workspace, source) for source in definitions.sources.values()),
        planned=tuple(definitions.planned.values()),
    )


def show_data(workspace: Workspace, definitions: Definitions, table: str) -> DataShow:
    """Show one table, its versions newest first.

    Raises
    ------
    ArgumentError
        When there is no such source.
    """
    source = source_named(definitions, table)
    names = [v.id for v in workspace.catalog.data_versions(table)]
    versions = [workspace.catalog.data_version(name) for name in names]
    versions.sort(key=lambda v: -v.number)
    latest = versions[0] if versions else None
    return DataShow(
        line=_line(workspace, source),
        meaning=source.meaning,
        versions=tuple(_version_line(v) for v in versions),
        columns=_columns(workspace, source, latest, definitions.decision) if latest else (),
        findings=latest.findings if latest else (),
        assumptions=hold_assumptions(workspace, definitions, [table]) if latest else (),
    )


def source_named(definitions: Definitions, table: str) -> Source:
    """Return a source by its name.

    Raises
    ------
    ArgumentError
        When there is none, or it is only planned.
    """
    found = definitions.sources.get(table)
    if found is not None:
        return found
    planned = " It is planned, and not there yet." if table in definitions.planned else ""
    raise ArgumentError(
        f"There is no source '{table}'.{planned}\nFound: {sorted(definitions.sources)}",
        mend="isbjerg data list",
        code="ISB217",
    )


def _line(workspace: Workspace, source: Source) -> DataLine:
    latest = workspace.catalog.latest_data_version(source.name)
    refresh = source.refresh_us
    age_us = workspace.clock() - latest.at_us if latest else 0
    return DataLine(
        table=source.name,
        version=latest.id if latest else None,
        versions=latest.number if latest else 0,
        rows=latest.rows if latest else 0,
        at_us=latest.at_us if latest else None,
        source=latest.source if latest else None,
        owner=source.owner,
        licence=source.licence,
        refresh=format_span(refresh) if refresh else None,
        stale=bool(refresh and age_us > refresh),
    )


def _version_line(version: DataVersion) -> VersionLine:
    return VersionLine(
        version=version.id,
        at_us=version.at_us,
        source=version.source,
        rows=version.rows,
        new=version.new,
        corrected=version.corrected,
        vanished=version.vanished,
        quarantined=version.quarantined,
        live=version.live,
    )


def _columns(
    workspace: Workspace, source: Source, version: DataVersion, decision: Decision
) -> tuple[DataColumn, ...]:
    names = [*dict(version.schema), INGESTED_AT]
    rows = newest(read_facts(workspace.store, version, names, verify=False), list(version.key))
    return tuple(
        DataColumn(
            name=name,
            type=str(kind),
            in_key=name in version.key,
            known=_known(source, name, decision),
            personal=source.class_of(name),
            spread=spread(rows[name], hidden=source.hides(name)),
        )
        for name, kind in version.schema
    )


def _known(source: Source, column: str, decision: Decision) -> str | None:
    try:
        rule = known_rule(source, column, decision)
    except DefinitionError:
        return None
    if not rule.offset_us:
        return rule.column
    word = "before" if rule.offset_us < 0 else "after"
    return f"{format_span(abs(rule.offset_us))} {word} {rule.column}"
