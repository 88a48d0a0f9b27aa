"""``isbjerg report``: one run, in the terminal or as a page."""

from __future__ import annotations

import argparse
from pathlib import Path

from isbjerg.cli.exits import DONE
from isbjerg.cli.opening import open_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take a run, and where to write the page."""
    parser.add_argument("run", nargs="?", metavar="RUN", help="such as r7 (default: the newest)")
    parser.add_argument("--html", metavar="OUT", help="write a page to this file")


def run(args: argparse.Namespace) -> int:
    """Show the run, or write its page."""
    project = open_project(args)
    from isbjerg.cli.output import say, show, show_json  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.runs_report import details_pieces  # noqa: PLC0415 - it imports rich

    chosen = args.run or next((line.run for line in project.runs(1)), "r1")
    if args.html:
        written = project.report(chosen, Path(args.html))
        if args.json:
            show_json({"run": chosen, "html": str(written)})
        else:
            say(f"Wrote {written}.", quiet=args.quiet)
        return DONE
    found = project.run_details(chosen)
    if args.json:
        show_json(found)
    else:
        show(*details_pieces(found))
    return DONE
