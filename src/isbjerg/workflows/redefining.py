"""Tell that a source is read in another way than before: another query, other files, other code.

What a model has learnt rests on the definition of its tables. When that changes, values may
mean something else although every one of them looks well, so it is told as a changed definition
and never as drift.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import polars as pl

from isbjerg.data.definition_changes import CHANGED, definition_changes
from isbjerg.data.manifest import DataVersion, Reading
from isbjerg.data.versions import (
    INGESTED_AT,
    ROW,
    Changes,
    conform,
    new_facts,
    without_duplicates,
)
from isbjerg.features.sources import Source
from isbjerg.findings import Finding, Severity
from isbjerg.storage.tables import read_facts
from isbjerg.workflows.workspace import Workspace

_SOFT = frozenset({"code", "url"})
"""Aspects that may change without another meaning: refactored code, a database that moved."""


def redefinition(
    table: str, latest: DataVersion | None, reading: Reading, changes: Changes
) -> list[Finding]:
    """Compare how a source is read with how it was read for the newest version.

    Parameters
    ----------
    table : str
        Name of the source.
    latest : DataVersion or None
        The newest version; one without a record of its reading cannot be compared.
    reading : Reading
        How it was read now.
    changes : Changes
        What came of it. Where only code or a database's address changed and every known row
        still says the same, it is a warning.
    """
    if latest is None or latest.reading is None:
        return []
    before, now = dict(latest.reading.definition), dict(reading.definition)
    names = [n for n in dict.fromkeys([*before, *now]) if before.get(n) != now.get(n)]
    if not names:
        return []
    same = not changes.corrected.height and not changes.vanished
    soft = same and set(names) <= _SOFT
    severity: Severity = "warning" if soft else "error"
    lines = [_told(name, before.get(name), now.get(name)) for name in names]
    counted = f"{changes.corrected.height:,} known rows say something else now"
    if changes.vanished:
        counted += f", {changes.vanished:,} are gone"
    return [
        Finding(
            code=CHANGED,
            subject=table,
            severity=severity,
            message=f"The source is read in another way than for {latest.id}: "
            f"{', '.join(names)}. Everything was read again; "
            + ("every known row still says the same." if same else f"{counted}."),
            mend=f'isbjerg data diff {table}; if it is meant: isbjerg ingest {table} --accept-change "why"',
            evidence={
                "aspects": names,
                "changed": lines,
                "corrected": changes.corrected.height,
                "vanished": changes.vanished,
            },
        )
    ]


def _told(name: str, before: str | None, now: str | None) -> str:
    if name == "code":
        return "code: the source function, or what it uses of the project, was edited"
    return f"{name}: {before or 'nothing'} -> {now or 'nothing'}"


def still_standing(
    recorded: Sequence[Finding], found: Sequence[Finding], *, partial: bool
) -> tuple[Finding, ...]:
    """List what an earlier read found and this one does not take back.

    A changed meaning is told once and stands until its column is found to be brought back. What
    broke the contract is seen again by a whole read, but not by one from a watermark on.

    Parameters
    ----------
    recorded : sequence of Finding
        Of the newest version.
    found : sequence of Finding
        By this read.
    partial : bool
        Whether it read only what is new since a watermark.
    """
    told = {(f.code, f.subject): f.evidence.get("share", 0.0) for f in found}

    def stands(old: Finding) -> bool:
        name, share = (old.code, old.subject), old.evidence.get("share", 0.0)
        if not old.failed or old.severity not in {"error", "blocking"}:
            return False
        if old.code == CHANGED:
            return name not in told
        contract = partial and old.code.startswith("contract.")
        return contract and (name not in told or (told[name] or 0.0) < (share or 0.0))

    return tuple(old for old in recorded if stands(old))


def as_first_told(
    workspace: Workspace,
    source: Source,
    latest: DataVersion,
    read: pl.DataFrame,
    found: Sequence[Finding],
) -> list[Finding]:
    """Let changed meanings pass that bring a column back to what its rows said at first.

    That is what the mend of `definition.changed` asks for; and what decisions are learnt from are
    the first words of each row.

    Parameters
    ----------
    workspace : Workspace
        Where the known facts are.
    source : Source
        What was read.
    latest : DataVersion
        The version that the read was compared with.
    read : DataFrame
        All rows of the read, those that the contract set aside too.
    found : sequence of Finding
        How the read differs from that version.
    """
    if not found:
        return []
    key, columns = list(source.key), [*dict(latest.schema), INGESTED_AT]
    facts = read_facts(workspace.store, latest, columns, verify=False, shelf=workspace.shelf)
    first, _ = without_duplicates(facts.sort(INGESTED_AT, ROW), key)
    before = conform(first, dict(latest.schema))
    unique, _ = without_duplicates(read, key)
    changes = new_facts(before, conform(unique, dict(latest.schema)), key)
    still = {f.subject for f in definition_changes(source.name, before, changes, key)}
    return [f if f.subject in still else _back(f, latest) for f in found]


def _back(found: Finding, latest: DataVersion) -> Finding:
    name = found.subject.rpartition(".")[2]
    return msgspec.structs.replace(
        found,
        outcome="passed",
        severity="info",
        message=f"'{name}' says again what it said at first; {latest.id} told it otherwise.",
        mend="",
    )
