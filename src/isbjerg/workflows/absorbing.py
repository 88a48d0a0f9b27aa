"""Bring facts that were posted to a server, or settled, into a data version of their own.

They keep their row numbers and the time at which they came in, so the online store, which has
them already, takes none of them twice. What breaks the contract as it stands now, or no longer
fits its column's type, is set aside and counted, as rows of the source's files are. Windows
that have seen it keep it: what was answered then stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from isbjerg.canonical import canonical_json
from isbjerg.data.checking import BROKEN
from isbjerg.data.row_checking import RowsChecked, check_rows, promise_of
from isbjerg.data.versions import LIVE_AT, ROW, DataVersion, next_version
from isbjerg.expressions.polars import polars_type
from isbjerg.expressions.tree import Type
from isbjerg.features.sources import Source
from isbjerg.findings import Finding
from isbjerg.storage.online import POSTED_ROW_FIRST, PostedFact
from isbjerg.storage.tables import read_facts, write_part, write_quarantine
from isbjerg.workflows.contracts import contract_path, read_contract
from isbjerg.workflows.stored_facts import later_than, posted_frame
from isbjerg.workflows.workspace import Workspace

BODY = "_body"
"""Column of quarantined rows: the fact as it was posted, as JSON."""


class Absorbed(NamedTuple):
    """The newest data version after it, how many facts were set aside, and why."""

    latest: DataVersion | None
    aside: int
    findings: tuple[Finding, ...]


def absorb_posted(workspace: Workspace, source: Source, latest: DataVersion | None) -> Absorbed:
    """Take in what was posted since the newest data version.

    Killed at any point it is done again: the version is recorded and what is set aside is
    written before the facts are marked. The version says of the source's files what the one
    before said, since they were not read for it.
    """
    with workspace.online() as online:
        posted = online.posted(source.name)
        if not posted or latest is None:
            return Absorbed(latest, 0, ())
        held = _rows_held(workspace, latest)
        open_ = [fact for fact in posted if fact.row not in held]
        checked = _judge(workspace, source, latest, open_)
        lacking = [fact for place, fact in enumerate(open_) if place not in checked.broken]
        if lacking:
            latest = workspace.catalog.record_data_version(
                _posted_version(workspace, source, latest, lacking, checked)
            )
        if checked.broken:
            _set_aside(workspace, latest, open_, checked)
        online.absorb((fact.row for fact in posted), latest.id)
    return Absorbed(latest, len(checked.broken), checked.findings)


def _rows_held(workspace: Workspace, version: DataVersion) -> set[int]:
    """Return the row numbers of a version: a killed ingest may have taken posted facts in already."""
    return set(read_facts(workspace.store, version, [], verify=False)[ROW].to_list())


def _judge(
    workspace: Workspace, source: Source, latest: DataVersion, facts: Sequence[PostedFact]
) -> RowsChecked:
    there = contract_path(workspace, source.name).is_file()
    fields = read_contract(workspace, source.name).fields if there else ()
    promise = promise_of(source.name, source.key, fields, dict(latest.schema))
    numbers = [fact.row - POSTED_ROW_FIRST for fact in facts]
    return check_rows(promise, [fact.body for fact in facts], numbers)


def _posted_version(
    workspace: Workspace,
    source: Source,
    latest: DataVersion,
    posted: Sequence[PostedFact],
    checked: RowsChecked,
) -> DataVersion:
    now_us = later_than(latest, workspace.clock())
    schema = dict(latest.schema)
    return next_version(
        latest,
        table=source.name,
        key=source.key,
        parts=[write_part(workspace.store, source.name, posted_frame(posted, schema, now_us))],
        schema=schema,
        source="posted facts",
        at_us=now_us,
        live=True,
        fingerprint=latest.fingerprint,
        quarantined=len(checked.broken),
        findings=(*latest.findings, *checked.findings),
        reading=latest.reading,
    )


def _set_aside(
    workspace: Workspace, version: DataVersion, facts: Sequence[PostedFact], checked: RowsChecked
) -> None:
    """Keep what was refused beside the version, under the number of its first fact."""
    aside = [(facts[place], finding) for place, finding in sorted(checked.broken.items())]
    rows = pl.DataFrame(
        {
            ROW: pl.Series([fact.row for fact, _ in aside], dtype=pl.Int64),
            LIVE_AT: pl.Series([fact.live_at_us for fact, _ in aside], dtype=pl.Int64).cast(
                polars_type(Type.INSTANT)
            ),
            BODY: [canonical_json(fact.body).decode() for fact, _ in aside],
            BROKEN: [_rule(finding) for _, finding in aside],
        }
    )
    first = aside[0][0].row - POSTED_ROW_FIRST
    write_quarantine(workspace.store, version.table, f"{version.id}_posted_{first}", rows)


def _rule(finding: Finding) -> str:
    """Write a rule and its column as the check of a table does."""
    return f"{finding.code.removeprefix('contract.')}:{finding.subject.partition('.')[2]}"
