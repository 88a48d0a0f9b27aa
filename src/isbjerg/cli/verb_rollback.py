"""``isbjerg rollback``: go back to the version that was live before."""

from __future__ import annotations

import argparse

from isbjerg.cli.exits import DONE
from isbjerg.cli.opening import open_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the reason, and whether only to say what would happen."""
    parser.add_argument("--why", metavar="TEXT", help="the reason, for the history")
    parser.add_argument("--plan", action="store_true", help="only say what would happen")


def run(args: argparse.Namespace) -> int:
    """Go back, or say what going back would do."""
    project = open_project(args)
    from isbjerg.cli.output import show  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.release_report import plan_pieces, released_pieces  # noqa: PLC0415 - the same

    if args.plan:
        show(*plan_pieces(project.plan_rollback()))
    else:
        show(*released_pieces(project.rollback(why=args.why or "")))
    return DONE
