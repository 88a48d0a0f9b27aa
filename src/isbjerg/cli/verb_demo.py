"""``isbjerg demo``: a whole life on real flights."""

from __future__ import annotations

import argparse
from pathlib import Path

from isbjerg.cli.exits import DONE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the folder."""
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="where it goes")


def run(args: argparse.Namespace) -> int:
    """Show a whole life."""
    del args
    return DONE
