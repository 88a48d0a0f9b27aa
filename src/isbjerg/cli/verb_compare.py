"""``isbjerg compare``: what differs between two runs, and what it did."""

from __future__ import annotations

import argparse

from isbjerg.cli.exits import DONE
from isbjerg.cli.opening import open_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take two runs."""
    parser.add_argument("before", metavar="RUN", help="such as r6")
    parser.add_argument(
        "after", metavar="RUN", help="such as r7; differences are told from its side"
    )


def run(args: argparse.Namespace) -> int:
    """Compare the two."""
    report = open_project(args).compare(args.before, args.after)
    from isbjerg.cli.compare_report import compare_pieces  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.output import show, show_json  # noqa: PLC0415 - it imports rich

    if args.json:
        show_json(report)
    else:
        show(*compare_pieces(report))
    return DONE
