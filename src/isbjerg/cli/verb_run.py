"""``isbjerg run``: the loop once, ending in a verdict."""

from __future__ import annotations

import argparse

from isbjerg.cli.exits import DONE, REFUSED
from isbjerg.cli.opening import open_project
from isbjerg.cli.times import check_time


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the logical time, a note and how to print."""
    parser.add_argument(
        "--as-of", metavar="TIME", help="use nothing known later, such as 2013-06-01"
    )
    parser.add_argument("--note", metavar="TEXT", help="why this run is made")
    parser.add_argument(
        "--fresh", action="store_true", help="compute everything, reuse nothing of earlier runs"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def run(args: argparse.Namespace) -> int:
    """Run the loop; the exit code is the gate's answer."""
    check_time("run", args.as_of)
    from isbjerg.cli.progress import bar  # noqa: PLC0415 - it imports rich

    with bar(quiet=args.quiet) as progress:
        result = open_project(args).run(
            as_of=args.as_of, note=args.note or "", fresh=args.fresh, progress=progress
        )
    from isbjerg.cli.output import show, show_json  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.run_report import run_pieces  # noqa: PLC0415 - it imports rich

    if args.json:
        show_json(result)
    else:
        show(*run_pieces(result))
    return DONE if result.verdict.passed else REFUSED
