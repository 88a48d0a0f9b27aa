"""Open alarms as they are read, by a watch and by status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import RenderableType

from isbjerg.cli.figures import count, instant
from isbjerg.cli.output import Column, table

if TYPE_CHECKING:
    from isbjerg.workflows.status import AlarmLine


def alarms_table(alarms: Sequence[AlarmLine]) -> RenderableType:
    """Lay open alarms out, newest first."""
    return table(
        "Open alarms",
        [Column("", "right"), Column("since", wrap=False), Column("seen", "right"), "what", "now"],
        [
            (
                line.id,
                instant(line.since_us),
                f"{count(line.times)}x",
                f"{line.subject}  [{line.code}]",
                line.message,
            )
            for line in alarms
        ],
    )
