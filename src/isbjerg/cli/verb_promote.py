"""``isbjerg promote``: let a model version that passed the gate go live."""

from __future__ import annotations

import argparse

from isbjerg.cli.exits import DONE
from isbjerg.cli.opening import open_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the version, the reason, and whether only to say what would happen."""
    parser.add_argument(
        "version", nargs="?", metavar="VERSION", help="such as v3; the newest that passed if none"
    )
    parser.add_argument("--why", metavar="TEXT", help="the reason, for the history")
    parser.add_argument("--plan", action="store_true", help="only say what would happen")


def run(args: argparse.Namespace) -> int:
    """Promote, or say what promoting would do."""
    project = open_project(args)
    version = args.version
    if args.plan:
        result = project.plan_promotion(version=version)
    else:
        result = project.promote(version=version, why=args.why)
    del result
    return DONE
