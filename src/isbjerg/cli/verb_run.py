"""``isbjerg run``: the loop once, ending in a verdict."""

from __future__ import annotations

import argparse

from isbjerg.cli.exits import DONE, REFUSED, WRONG
from isbjerg.cli.opening import open_project
from isbjerg.cli.times import check_time
from isbjerg.errors import ArgumentError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the logical time, a note and how to print."""
    parser.add_argument(
        "--as-of", metavar="TIME", help="use nothing known later, such as 2013-06-01"
    )
    parser.add_argument("--note", metavar="TEXT", help="why this run is made")
    parser.add_argument(
        "--fresh", action="store_true", help="compute everything, reuse nothing of earlier runs"
    )
    parser.add_argument(
        "--reproduce",
        metavar="RUN",
        help="run this one again and say whether the same bytes come out",
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def run(args: argparse.Namespace) -> int:
    """Run the loop; the exit code is the gate's answer."""
    if args.reproduce:
        return _reproduce(args)
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


def _reproduce(args: argparse.Namespace) -> int:
    """Run a run again; 0 when the same bytes came out, 1 when not."""
    given = [name for name in ("as_of", "note", "fresh") if getattr(args, name)]
    if given:
        option = given[0].replace("_", "-")
        raise ArgumentError(
            f"`--reproduce` takes everything from the run; `--{option}` does not go with it.",
            mend=f"isbjerg run --reproduce {args.reproduce}",
        )
    from isbjerg.cli.progress import bar  # noqa: PLC0415 - it imports rich

    with bar(quiet=args.quiet) as progress:
        result = open_project(args).reproduce(args.reproduce, progress=progress)
    from isbjerg.cli.output import show, show_json  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.reproduce_report import reproduce_pieces  # noqa: PLC0415 - it imports rich

    if args.json:
        show_json(result)
    else:
        show(*reproduce_pieces(result))
    return DONE if result.outcome == "same" else WRONG
