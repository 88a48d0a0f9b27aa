"""``isbjerg settle``: add outcomes that have become known."""

from __future__ import annotations

import argparse
from pathlib import Path

from isbjerg.cli.exits import DONE
from isbjerg.cli.opening import open_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the file, and whether only to say what would happen."""
    parser.add_argument("file", type=Path, metavar="FILE", help="CSV or Parquet with outcomes")
    parser.add_argument("--plan", action="store_true", help="only say what would happen")


def run(args: argparse.Namespace) -> int:
    """Settle, or say what settling would do."""
    report = open_project(args).settle(args.file, plan=args.plan)
    from isbjerg.cli.output import show  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.settle_report import settle_pieces  # noqa: PLC0415 - it imports rich

    show(*settle_pieces(report, str(args.file), plan=args.plan))
    return DONE
