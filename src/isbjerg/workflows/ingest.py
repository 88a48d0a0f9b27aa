"""Bring what the sources hold into data versions, through their contracts.

What happens to one table is told in :mod:`isbjerg.workflows.ingest_table`; after it the online
store is brought level. When all are in, the project's assumptions are held against them. A killed ingest leaves at most a part that no version names, and a slot
that was not fed; the next one sweeps the one and feeds the other. It also sweeps unfinished files
that any killed command or server left, in the store and beside the contracts.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from isbjerg.errors import ArgumentError
from isbjerg.features.sources import Planned, Source
from isbjerg.findings import Finding
from isbjerg.storage.durable import sweep_unfinished
from isbjerg.workflows.accepting import accept_changes, one_table_only
from isbjerg.workflows.assuming import hold_assumptions
from isbjerg.workflows.contracts import FOLDER
from isbjerg.workflows.feed import feed_table
from isbjerg.workflows.ingest_table import TableIngest, ingest_table
from isbjerg.workflows.progress import Progress, silent
from isbjerg.workflows.project_files import Definitions
from isbjerg.workflows.workspace import Workspace

__all__ = ["IngestReport", "TableIngest", "ingest"]


class IngestReport(msgspec.Struct, frozen=True):
    """What an ingest did."""

    tables: tuple[TableIngest, ...]
    planned: tuple[Planned, ...] = ()
    """Sources that are not there yet."""
    assumptions: tuple[Finding, ...] = ()
    """Whether the project's assumptions about these tables hold."""

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
    full: bool = False,
    accept_change: str | None = None,
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
    full : bool, default=False
        Whether to read everything again, also files that nobody touched and what a watermark
        says was read: it finds rows that were deleted.
    accept_change : str, optional
        Why the changed meanings of the one table that is named are right: they pass from now on.
    progress : Progress
        Whom to tell.

    Raises
    ------
    ArgumentError
        When a table is named that is no source, or there is no changed meaning to accept.
    SourceError
        When a source cannot be read.
    StoreError
        When another ingest is at work.
    """
    workspace = workspace.within(definitions.frame.memory_bytes)
    if accept_change is not None and len(tables or ()) != 1:
        raise one_table_only(list(definitions.sources))
    chosen = [_named(definitions, t) for t in (tables or definitions.sources)]
    done = []
    with workspace.catalog.lease("ingest", "isbjerg ingest"):
        for folder in (workspace.store.folder, workspace.folder / FOLDER):
            sweep_unfinished(folder)
        for index, source in enumerate(chosen):
            progress(f"Ingesting {source.name}", index / len(chosen))
            did = ingest_table(workspace, source, definitions.decision, live=live, full=full)
            if accept_change is not None:
                did = accept_changes(workspace, source, did, why=accept_change)
            done.append(did)
            feed_table(workspace, source.name)
        assumed = hold_assumptions(workspace, definitions, [source.name for source in chosen])
    progress("Ingested", 1.0)
    return IngestReport(tuple(done), tuple(definitions.planned.values()), assumed)


def _named(definitions: Definitions, table: str) -> Source:
    if table not in definitions.sources:
        raise ArgumentError(
            f"There is no source '{table}'.\nFound: {sorted(definitions.sources)}",
            mend=f"isbjerg ingest {next(iter(definitions.sources))}",
            code="ISB217",
        )
    return definitions.sources[table]
