"""``isbjerg trace``: everything behind one prediction, replayed."""

from __future__ import annotations

import argparse

from isbjerg.cli.exits import DONE, WRONG
from isbjerg.cli.opening import open_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the prediction's id."""
    parser.add_argument("id", metavar="ID", help="the id that came with the prediction")


def run(args: argparse.Namespace) -> int:
    """Trace a prediction."""
    trace = open_project(args).trace(args.id)
    from isbjerg.cli.output import show, show_json  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.trace_report import trace_pieces  # noqa: PLC0415 - it imports rich

    if args.json:
        show_json(trace)
    else:
        show(*trace_pieces(trace))
    return DONE if trace.holds else WRONG
