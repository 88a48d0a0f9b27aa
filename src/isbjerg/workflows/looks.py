"""How often the test rows have been looked at.

The ladder chooses without them, but people read the numbers and then change something. Each look
lets a little of the test rows into the next attempt, so a run says the how many-th it is.
"""

from __future__ import annotations

import msgspec

from isbjerg.findings import Finding
from isbjerg.storage.catalog.records import Run
from isbjerg.times import format_instant
from isbjerg.workflows.preparing import Prepared
from isbjerg.workflows.units import AT
from isbjerg.workflows.workspace import Workspace

MANY = 20
"""So many looks at the same rows are told as a warning."""

RUNS_READ_MAX = 500
"""The newest runs that are asked; older looks are not counted."""


class Looked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which rows a run measured on, and how often rows of theirs were looked at.

    Parameters
    ----------
    rows : int
        How many there are.
    from_us, until_us : int, optional
        First and last decision time; ``None`` for a table without time.
    looks : int
        Runs that measured the same thing on some of these rows, this one included.
    """

    rows: int
    from_us: int | None = None
    until_us: int | None = None
    looks: int = 1

    def overlaps(self, other: Looked) -> bool:
        """Say whether the two may share rows; without times they are taken to.

        Examples
        --------
        >>> early, late = (Looked(rows=5, from_us=a, until_us=a + 9) for a in (0, 10))
        >>> early.overlaps(late), early.overlaps(early), early.overlaps(Looked(rows=5))
        (False, True, True)
        """
        spans = (self.from_us, self.until_us, other.from_us, other.until_us)
        if None in spans:
            return True
        mine_from, mine_until, their_from, their_until = (span or 0 for span in spans)
        return mine_from <= their_until and their_from <= mine_until


def count_looks(workspace: Workspace, run: Run, prepared: Prepared) -> Looked:
    """Count the runs that measured the same thing on rows that this run measures on.

    A run that was stored without its test rows counts: it may have looked.
    """
    here = _rows_of(prepared)
    before = [
        summary.id
        for summary in workspace.catalog.runs(RUNS_READ_MAX)
        if summary.status == "finished" and summary.measure_hash == run.measure_hash
    ]
    seen = [rows_looked_at(workspace.catalog.run(name)) for name in before if name != run.id]
    looks = 1 + sum(rows is None or rows.overlaps(here) for rows in seen)
    return msgspec.structs.replace(here, looks=looks)


def rows_looked_at(run: Run) -> Looked | None:
    """Return what a run recorded of its test rows."""
    recorded = run.report.get("test")
    return None if recorded is None else msgspec.convert(recorded, Looked)


def worn(rows: Looked) -> tuple[Finding, ...]:
    """Warn of test rows that were looked at so often that their numbers flatter."""
    if rows.looks < MANY:
        return ()
    last = "" if rows.until_us is None else f" after {format_instant(rows.until_us)}"
    return (
        Finding(
            code="test.worn",
            subject="test rows",
            severity="warning",
            evidence={"looks": rows.looks, "rows": rows.rows},
            message=f"{rows.looks} runs have been measured on these rows; what was changed after "
            "looking at them fits them a little, and their numbers flatter.",
            mend=f"[split] in frame.toml: test on rows{last} that nobody has looked at yet",
        ),
    )


def _rows_of(prepared: Prepared) -> Looked:
    units = prepared.part("test")
    if prepared.frame.split_how == "random":  # a row keeps its part: the same ones each time
        return Looked(rows=units.height)
    times = units[AT].to_physical()
    return Looked(rows=units.height, from_us=int(times.min()), until_us=int(times.max()))  # type: ignore[arg-type]
