"""``isbjerg predict``: score a table."""

from __future__ import annotations

import argparse

from isbjerg.cli.exits import DONE, WRONG
from isbjerg.cli.opening import open_project
from isbjerg.cli.parser import version


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take where the rows are, where the answers go, and as of when."""
    parser.add_argument(
        "given", metavar="IN", help="Parquet, CSV or JSON lines, or sqlite:///shop.db#orders"
    )
    parser.add_argument("out", metavar="OUT", help="the same: a file, or a table of a database")
    parser.add_argument(
        "--version", type=version, metavar="v3", help="another model version than the live one"
    )
    parser.add_argument("--as-of", metavar="TIME", help="time of all decisions (now)")
    parser.add_argument(
        "--replay", action="store_true", help="decide about each row at its own time"
    )
    parser.add_argument("--top", type=int, metavar="K", help="only the best K of each list")
    parser.add_argument("--purpose", default="decision", help="what they are for (decision)")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def run(args: argparse.Namespace) -> int:
    """Score a table."""
    from isbjerg.cli.output import show, show_json  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.predict_report import predict_pieces  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.progress import bar  # noqa: PLC0415 - it imports rich

    project = open_project(args)
    with bar(quiet=args.quiet) as progress:
        report = project.predict(
            args.given,
            args.out,
            version=args.version,
            as_of=args.as_of,
            replay=args.replay,
            purpose=args.purpose,
            top=args.top,
            progress=progress,
        )
    if args.json:
        show_json(report)
    else:
        show(*predict_pieces(report))
    return WRONG if report.refused else DONE
