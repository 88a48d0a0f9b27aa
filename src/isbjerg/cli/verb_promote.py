"""``isbjerg promote``: let a model version that passed the gate go live."""

from __future__ import annotations

import argparse

from isbjerg.cli.exits import DONE
from isbjerg.cli.opening import open_project
from isbjerg.cli.parser import version


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the version, the reason, and whether only to say what would happen."""
    parser.add_argument(
        "version",
        nargs="?",
        type=version,
        metavar="VERSION",
        help="such as v3; the newest if none",
    )
    parser.add_argument("--why", metavar="TEXT", help="the reason, for the history")
    parser.add_argument("--plan", action="store_true", help="only say what would happen")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def run(args: argparse.Namespace) -> int:
    """Promote, or say what promoting would do."""
    project = open_project(args)
    from isbjerg.cli.release_report import show_plan, show_released  # noqa: PLC0415 - imports rich

    if args.plan:
        show_plan(project.plan_promotion(version=args.version), as_json=args.json)
    else:
        released = project.promote(version=args.version, why=args.why or "")
        show_released(released, as_json=args.json)
    return DONE
