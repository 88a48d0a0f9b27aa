"""``isbjerg new``: draft a project from a table, or take an example."""

from __future__ import annotations

import argparse
from pathlib import Path

from isbjerg.cli.exits import DONE
from isbjerg.errors import ArgumentError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the folder, and a table or an example."""
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="where it goes")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument(
        "--from", dest="table", type=Path, metavar="TABLE", help="a CSV or Parquet file"
    )
    kind.add_argument("--example", metavar="NAME", help="an example that comes along: flights")
    parser.add_argument("--target", metavar="COLUMN", help="the column to predict")
    parser.add_argument("--time", metavar="COLUMN", help="when each decision is taken")


def run(args: argparse.Namespace) -> int:
    """Write the project's files and say what to review."""
    if args.table is None:
        return _take_example(args)
    if args.target is None:
        raise ArgumentError(
            "A project needs to know what to predict: `--target` is missing.",
            mend=f"isbjerg new --from {args.table} --target COLUMN",
        )
    from isbjerg.workflows.drafting import draft_project  # noqa: PLC0415 - it imports Polars

    folder = args.folder or Path(args.project) / args.table.stem
    drafted = draft_project(folder, args.table, args.target, args.time)
    from isbjerg.cli.output import findings, next_step, show  # noqa: PLC0415 - it imports rich

    show(
        f"{drafted.folder}: {', '.join(drafted.files)}",
        findings("To review: what was guessed", drafted.findings),
        next_step(f"cd {drafted.folder} && isbjerg run"),
    )
    return DONE


def _take_example(args: argparse.Namespace) -> int:
    del args
    return DONE
