"""``isbjerg status``: where the project stands."""

from __future__ import annotations

import argparse

from isbjerg.cli.exits import DONE
from isbjerg.cli.opening import open_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take nothing of its own."""


def run(args: argparse.Namespace) -> int:
    """Say where the project stands."""
    report = open_project(args).status()
    from isbjerg.cli.output import show, show_json  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.status_report import status_pieces  # noqa: PLC0415 - it imports rich

    if args.json:
        show_json(report)
    else:
        show(*status_pieces(report))
    return DONE
