"""``isbjerg profile``: what the tables hold, in the terminal, as a page or as JSON."""

from __future__ import annotations

import argparse
from pathlib import Path

from isbjerg.cli.exits import DONE
from isbjerg.cli.opening import open_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take a table, which version of it, and where to write the page."""
    parser.add_argument("table", nargs="?", metavar="TABLE", help="only this source")
    parser.add_argument("--version", metavar="VERSION", help="such as flights@v3 (default: newest)")
    parser.add_argument(
        "--as-of",
        metavar="TIME",
        help="the target's training rows as of this time, as for run --as-of",
    )
    parser.add_argument("--html", metavar="OUT", help="write a page to this file")


def run(args: argparse.Namespace) -> int:
    """Profile, and show it."""
    from isbjerg.cli.output import say, show, show_json  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.profile_report import profile_pieces  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.progress import bar  # noqa: PLC0415 - it imports rich

    project = open_project(args)
    with bar(quiet=args.quiet) as progress:
        report = project.profile(
            args.table, version=args.version, as_of=args.as_of, progress=progress
        )
    if args.html:
        from isbjerg.workflows.profiling import write_page  # noqa: PLC0415 - it imports polars

        written = write_page(report, Path(args.html))
        if not args.json:
            say(f"Wrote {written}.", quiet=args.quiet)
            return DONE
    if args.json:
        show_json(report)
    else:
        show(*profile_pieces(report))
    return DONE
