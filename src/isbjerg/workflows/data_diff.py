"""Compare two data versions of a table: reading only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import polars as pl

from isbjerg.data.definition_changes import CHANGED
from isbjerg.data.diff import Diff, diff
from isbjerg.data.manifest import INGESTED_AT, RESERVED, DataVersion
from isbjerg.data.versions import newest
from isbjerg.errors import ArgumentError
from isbjerg.findings import Finding
from isbjerg.storage.tables import read_facts
from isbjerg.workflows.data_tables import source_named
from isbjerg.workflows.project_files import Definitions
from isbjerg.workflows.workspace import Workspace

_VANISHED = "ingest.vanished"


class DataDiff(msgspec.Struct, frozen=True, kw_only=True):
    """Two versions of a table and what lies between them.

    Parameters
    ----------
    table, before, after : str
        The table and the two versions.
    rows : Diff
        Rows, columns and distributions.
    vanished : int
        Keys that the read of the newer version lacked; their rows are kept.
    vanished_examples : list of dict
        Some of those keys, if they may be shown.
    definition : tuple of (str, str, str)
        What is read in another way: aspect, before, now.
    changed : tuple of Finding
        Changed definitions found at any ingest between the two.
    """

    table: str
    before: str
    after: str
    rows: Diff
    vanished: int
    vanished_examples: list[dict[str, Any]]
    definition: tuple[tuple[str, str, str], ...]
    changed: tuple[Finding, ...]


def diff_data(
    workspace: Workspace, definitions: Definitions, table: str, versions: Sequence[str] = ()
) -> DataDiff:
    """Compare two versions of a table.

    Parameters
    ----------
    workspace : Workspace
        Where they are.
    definitions : Definitions
        Whose source says which columns may be shown.
    table : str
        Name of the source.
    versions : sequence of str
        Two versions such as ``v1``, in any order; one, to be compared with the newest; or none:
        the newest two.

    Raises
    ------
    ArgumentError
        When there is no such source, or it has no two versions.
    StoreError
        When there is no such version.
    """
    source = source_named(definitions, table)
    before, after = _chosen(workspace, table, versions)
    between = diff(
        _rows(workspace, before), _rows(workspace, after), list(after.key), hides=source.hides
    )
    reads = [
        workspace.catalog.data_version(f"{table}@v{n}")
        for n in range(before.number + 1, after.number + 1)
    ]
    gone = [f for f in after.findings if f.code == _VANISHED]
    return DataDiff(
        table=table,
        before=before.id,
        after=after.id,
        rows=_without_lost(between, before, after),
        vanished=after.vanished,
        vanished_examples=[dict(k) for f in gone for k in f.evidence.get("examples", [])],
        definition=_definition(before, after),
        changed=tuple(f for read in reads for f in read.findings if f.code == CHANGED),
    )


def _chosen(
    workspace: Workspace, table: str, versions: Sequence[str]
) -> tuple[DataVersion, DataVersion]:
    latest = workspace.catalog.latest_data_version(table)
    named = [workspace.catalog.data_version(_full(table, v)) for v in versions[:2]]
    if latest is not None and not named and latest.number > 1:
        named = [workspace.catalog.data_version(f"{table}@v{latest.number - 1}")]
    if latest is None or not named or (len(named) == 1 and named[0].id == latest.id):
        found = "no version" if latest is None else f"only {latest.id} to compare"
        raise ArgumentError(
            f"'{table}' has {found}; a difference lies between two.",
            mend=f"isbjerg ingest {table}",
        )
    first, second = sorted([*named, latest][:2], key=lambda v: v.number)
    return first, second


def _full(table: str, version: str) -> str:
    """Take ``v3``, ``3`` and ``flights@v3``."""
    name = version.rpartition("@")[2]
    return f"{table}@v{name.removeprefix('v')}"


def _rows(workspace: Workspace, version: DataVersion) -> pl.DataFrame:
    names = [*dict(version.schema), INGESTED_AT]
    facts = read_facts(workspace.store, version, names, verify=False)
    return newest(facts, list(version.key)).drop(RESERVED, strict=False)


def _without_lost(between: Diff, before: DataVersion, after: DataVersion) -> Diff:
    """Name columns that the source no longer gives: a table keeps them, empty from then on."""
    if before.reading is None or after.reading is None:
        return between
    lost = tuple(c for c in before.reading.columns if c not in after.reading.columns)
    return msgspec.structs.replace(between, columns_removed=lost)


def _definition(before: DataVersion, after: DataVersion) -> tuple[tuple[str, str, str], ...]:
    if before.reading is None or after.reading is None:
        return ()
    was, now = dict(before.reading.definition), dict(after.reading.definition)
    names = [n for n in dict.fromkeys([*was, *now]) if was.get(n) != now.get(n)]
    return tuple((n, was.get(n, ""), now.get(n, "")) for n in names)
