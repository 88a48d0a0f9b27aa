"""``isbjerg trace``: everything behind one prediction, replayed."""

from __future__ import annotations

import argparse

from isbjerg.cli.exits import DONE
from isbjerg.cli.opening import open_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the prediction's id."""
    parser.add_argument("id", metavar="ID", help="the id that came with the prediction")


def run(args: argparse.Namespace) -> int:
    """Trace a prediction."""
    result = open_project(args).trace(args.id)
    del result
    return DONE
