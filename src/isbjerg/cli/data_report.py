"""Tables and their versions as they are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.console import Group

from isbjerg.cli.output import Column, table

if TYPE_CHECKING:
    from isbjerg.features.sources import Planned


def planned(sources: Sequence[Planned]) -> Group:
    """Lay out the sources that are not there yet."""
    return table(
        "Planned",
        [Column("table", wrap=False), "owner", "why"],
        [(s.name, s.owner, s.why) for s in sources],
    )
