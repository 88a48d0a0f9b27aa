"""The journal: what was tried, what changed, what it did; newest first, written from the runs.

People add notes; everything else is read from records. A run that changed several things at once
is told so, since what each of them did cannot be known from it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from isbjerg.evaluation.comparison import Comparison
from isbjerg.storage.catalog.records import Note, Run
from isbjerg.workflows.changes import Change, changes, counted
from isbjerg.workflows.effects import Effect
from isbjerg.workflows.workspace import Workspace

PLATEAU_RUNS = 4
"""So many changes in a row without a proven gain are a plateau."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One run in the journal, or a note about none.

    Parameters
    ----------
    at_us : int
        When.
    run : str or None
        The run; ``None`` for a note about none.
    status, chosen, note : str
        How it ended, what it chose, why it was made.
    metric, value : str, float or None
        The primary metric of what it chose.
    before : str or None
        The run that it is told against.
    changes : tuple of Change
        What differs from that run.
    kinds : tuple of str
        Kinds of things that were changed.
    effect : Comparison or None
        What became of the primary metric, on this run's test rows.
    why : str
        Why there is no effect.
    notes : tuple of Note
        What people wrote about it.
    """

    at_us: int
    run: str | None = None
    status: str = ""
    chosen: str = ""
    note: str = ""
    metric: str = ""
    value: float | None = None
    before: str | None = None
    changes: tuple[Change, ...] = ()
    kinds: tuple[str, ...] = ()
    effect: Comparison | None = None
    why: str = ""
    notes: tuple[Note, ...] = ()


class Journal(msgspec.Struct, frozen=True, kw_only=True):
    """Entries, newest first; `plateau` says in a sentence that nothing has helped for a while."""

    entries: tuple[Entry, ...]
    plateau: str = ""


def journal(workspace: Workspace, limit: int | None = None) -> Journal:
    """Write the journal.

    Parameters
    ----------
    workspace : Workspace
        Where the runs are.
    limit : int, optional
        Only the newest so many runs.
    """
    notes = workspace.catalog.notes()
    summaries = workspace.catalog.runs(None if limit is None else limit + 1)
    runs = [workspace.catalog.run(summary.id) for summary in summaries]
    entries = [_entry(workspace, run, _before(workspace, run, runs), notes) for run in runs[:limit]]
    oldest = entries[-1].at_us if limit is not None and len(runs) > limit else 0
    loose = [Entry(at_us=n.at_us, notes=(n,)) for n in notes if n.run is None and n.at_us >= oldest]
    both = sorted([*entries, *loose], key=lambda entry: entry.at_us, reverse=True)
    return Journal(entries=tuple(both), plateau=plateau(entries))


def add_note(workspace: Workspace, text: str, run: str | None = None) -> Note:
    """Write a note into the journal.

    Raises
    ------
    StoreError
        When there is no such run.
    """
    return workspace.catalog.add_note(text, who=workspace.who, run=run)


def plateau(entries: Sequence[Entry]) -> str:
    """Say whether the newest changes have all stayed within noise; empty when not.

    Examples
    --------
    >>> plateau([])
    ''
    """
    tried = list(_changed_and_compared(entries))[:PLATEAU_RUNS]
    if len(tried) < PLATEAU_RUNS or any(c.better for c in tried):
        return ""
    largest = max(tried, key=lambda c: c.difference or 0.0)
    bounds = "" if largest.low is None else f" ({largest.low:.3f} to {largest.high:.3f})"
    return (
        f"The last {PLATEAU_RUNS} changes are not proven to have gained "
        f"{largest.metric.replace('_', ' ')}; the largest gain seen is "
        f"{(largest.difference or 0.0) + 0.0:.3f}{bounds}. More of the same is unlikely to help: "
        "look at the errors, at new data, or at the target."
    )


def _changed_and_compared(entries: Sequence[Entry]) -> Iterator[Comparison]:
    for entry in entries:
        if entry.kinds and entry.effect is not None:
            yield entry.effect


def _before(workspace: Workspace, run: Run, runs: Sequence[Run]) -> Run | None:
    """Return the run that this one followed, as recorded, or the finished one before it."""
    recorded = run.report.get("since") or {}
    named = recorded.get("run") or run.parent
    found = next((r for r in runs if r.id == named), None)
    if found is None and named is not None:
        return workspace.catalog.run(named)
    if found is not None:
        return found
    earlier = (r for r in runs if r.number < run.number and r.status == "finished")
    return next(earlier, None)


def _entry(workspace: Workspace, run: Run, before: Run | None, notes: Sequence[Note]) -> Entry:
    found = () if before is None else changes(workspace, before, run)
    since = msgspec.convert(run.report.get("since"), Effect | None)
    primary = run.report.get("ladder", {}).get("primary", "")
    measured = [m for m in workspace.catalog.metrics(run.id) if m.rung == run.chosen]
    why = since.why if since else ""
    return Entry(
        at_us=run.started_us,
        run=run.id,
        status=run.status,
        chosen=run.chosen or "",
        note=run.note,
        metric=primary,
        value=next((m.value for m in measured if m.metric == primary), None),
        before=before.id if before else None,
        changes=found if run.status == "finished" else (),
        kinds=tuple(counted(found)) if run.status == "finished" else (),
        effect=since.comparison if since else None,
        why=why,
        notes=tuple(n for n in notes if n.run == run.id),
    )
