"""``isbjerg history``: what was live when, by whom and why."""

from __future__ import annotations

import argparse

from isbjerg.cli.exits import DONE
from isbjerg.cli.opening import open_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take nothing of its own."""


def run(args: argparse.Namespace) -> int:
    """List the assignments and the acts, newest first."""
    report = open_project(args).history()
    from isbjerg.cli.history_report import history_pieces  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.output import show, show_json  # noqa: PLC0415 - it imports rich

    if args.json:
        show_json(report)
    else:
        show(*history_pieces(report))
    return DONE
