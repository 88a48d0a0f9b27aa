"""``isbjerg runs``: list the runs, newest first, or show one."""

from __future__ import annotations

import argparse

from isbjerg.cli.exits import DONE
from isbjerg.cli.opening import open_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take a run, or how many to list."""
    parser.add_argument("run", nargs="?", metavar="RUN", help="show this one, such as r7")
    parser.add_argument("--limit", type=int, metavar="N", help="list only the newest N")


def run(args: argparse.Namespace) -> int:
    """List the runs, or show one."""
    project = open_project(args)
    found = project.run_details(args.run) if args.run else project.runs(args.limit)
    from isbjerg.cli.output import show, show_json  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.runs_report import details_pieces, list_pieces  # noqa: PLC0415 - the same

    if args.json:
        show_json(found)
    elif isinstance(found, tuple):
        show(*list_pieces(found))
    else:
        show(*details_pieces(found))
    return DONE
