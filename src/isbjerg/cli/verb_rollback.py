"""``isbjerg rollback``: go back to the version that was live before."""

from __future__ import annotations

import argparse

from isbjerg.cli.exits import DONE
from isbjerg.cli.opening import open_project
from isbjerg.cli.parser import version


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the reason, and whether only to say what would happen."""
    parser.add_argument(
        "--to", type=version, metavar="VERSION", help="such as v1; the one before if none"
    )
    parser.add_argument("--why", metavar="TEXT", help="the reason, for the history")
    parser.add_argument("--plan", action="store_true", help="only say what would happen")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def run(args: argparse.Namespace) -> int:
    """Go back, or say what going back would do."""
    project = open_project(args)
    from isbjerg.cli.release_report import show_plan, show_released  # noqa: PLC0415 - imports rich

    if args.plan:
        show_plan(project.plan_rollback(args.to), as_json=args.json)
    else:
        show_released(project.rollback(args.to, why=args.why or ""), as_json=args.json)
    return DONE
