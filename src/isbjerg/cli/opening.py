"""The project a verb works on."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from isbjerg.project import Project


def open_project(args: Namespace) -> Project:
    """Open the project in the folder that ``-C`` names.

    Imported here and not above: a slip in an argument is told without loading Polars.
    """
    from isbjerg.project import Project  # noqa: PLC0415 - dear

    return Project(Path(args.project))
