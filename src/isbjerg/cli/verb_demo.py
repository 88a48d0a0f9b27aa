"""``isbjerg demo``: a whole life on real flights."""

from __future__ import annotations

import argparse
from pathlib import Path

from isbjerg.cli.exits import DONE, WRONG


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the folder and how long it may take."""
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        default=Path("isbjerg-demo"),
        metavar="FOLDER",
        help="where it goes (isbjerg-demo)",
    )
    parser.add_argument("--quick", action="store_true", help="learn six weeks, replay two days")
    parser.add_argument(
        "--report", type=Path, metavar="FILE", help="write the report there, as JSON"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def run(args: argparse.Namespace) -> int:
    """Show a whole life."""
    from isbjerg.cli.demo_report import demo_pieces  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.output import show, show_json  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.progress import bar  # noqa: PLC0415 - it imports rich
    from isbjerg.examples.demo import run_demo  # noqa: PLC0415 - it imports everything

    folder = Path(args.project) / args.folder
    with bar(quiet=args.quiet) as progress:
        report = run_demo(folder, quick=args.quick, report=args.report, progress=progress)
    if args.json:
        show_json(report)
    else:
        show(*demo_pieces(report))
    return DONE if report.holds else WRONG
