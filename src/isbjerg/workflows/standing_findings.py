"""What was found in a table and still stands, whatever the newest read looked at.

A changed meaning stands until its column says again what it said at first, or a person accepts
it. Rows that an incremental read set aside are not read again by the next one, so what it found
stands until the whole source is read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from isbjerg.data.definition_changes import CHANGED
from isbjerg.data.versions import DataVersion
from isbjerg.features.sets import FeatureSet
from isbjerg.findings import Finding
from isbjerg.workflows.ingest_table import TableIngest
from isbjerg.workflows.redefining import still_standing

Standing = Mapping[str, tuple[Finding, ...]]
"""Findings that stand, by table."""


def standing_findings(
    versions: Mapping[str, DataVersion], read: Sequence[TableIngest]
) -> dict[str, tuple[Finding, ...]]:
    """Join what each table's newest version says with what a read that left it as it is found.

    Parameters
    ----------
    versions : mapping of str to DataVersion
        The newest version of each table; it holds what still stood of those before.
    read : sequence of TableIngest
        What an ingest did just now.
    """
    unwritten = {done.table: done for done in read if done.read and not done.changed}
    return {
        table: _joined(version.findings, unwritten.get(table))
        for table, version in versions.items()
    }


def _joined(recorded: tuple[Finding, ...], done: TableIngest | None) -> tuple[Finding, ...]:
    if done is None:
        return recorded
    stands = still_standing(recorded, done.findings, partial=done.incremental)
    return (*done.findings, *stands)


def of_tables_read(
    unit: Sequence[Finding], standing: Standing, source: str, feature_set: FeatureSet
) -> tuple[Finding, ...]:
    """Take what speaks against a model: all of its unit's table, changed meanings of the others.

    Parameters
    ----------
    unit : sequence of Finding
        What was found in the unit's table and in the units.
    standing : mapping of str to tuple of Finding
        From `standing_findings`.
    source : str
        Name of the unit's table.
    feature_set : FeatureSet
        Which tables the model looks up.
    """
    tables = {slot.source for slot in feature_set.slots} - {source}
    changed = [
        f for table in sorted(tables) for f in standing.get(table, ()) if is_changed_meaning(f)
    ]
    return tuple(_stopping(f) for f in (*unit, *changed))


def is_changed_meaning(found: Finding) -> bool:
    """Say whether a finding tells of another meaning that nobody accepted."""
    return found.code == CHANGED and found.failed and found.severity != "warning"


def _stopping(found: Finding) -> Finding:
    """Let a changed meaning stop the gate, in however few rows it was seen."""
    return (
        msgspec.structs.replace(found, severity="blocking") if is_changed_meaning(found) else found
    )
