"""What was live when, by whom and why: reading only."""

from __future__ import annotations

import msgspec

from isbjerg.storage.catalog.records import Assignment, AuditEntry
from isbjerg.workflows.workspace import Workspace


class HistoryReport(msgspec.Struct, frozen=True):
    """Assignments and acts, newest first."""

    assignments: tuple[Assignment, ...]
    acts: tuple[AuditEntry, ...]


def history(workspace: Workspace) -> HistoryReport:
    """Show what was live when, and every act."""
    return HistoryReport(
        assignments=tuple(workspace.catalog.assignments()), acts=tuple(workspace.catalog.audit())
    )
