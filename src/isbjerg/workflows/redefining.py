"""Tell that a source is read in another way than before: another query, other files, other code.

What a model has learnt rests on the definition of its tables. When that changes, values may
mean something else although every one of them looks well, so it is told as a changed definition
and never as drift.
"""

from __future__ import annotations

from isbjerg.data.manifest import DataVersion, Reading
from isbjerg.data.versions import Changes
from isbjerg.findings import Finding, Severity

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
            code="definition.changed",
            subject=table,
            severity=severity,
            message=f"The source is read in another way than for {latest.id}: "
            f"{', '.join(names)}. Everything was read again; "
            + ("every known row still says the same." if same else f"{counted}."),
            mend=f"look at isbjerg data diff {table}; if its meaning changed, train again, "
            "and do not call it drift",
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
