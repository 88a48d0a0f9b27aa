"""``isbjerg new``: draft a project from a table, or take an example."""

from __future__ import annotations

import argparse
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from isbjerg.cli.exits import DONE
from isbjerg.errors import ArgumentError

if TYPE_CHECKING:
    from isbjerg.workflows.drafting import Drafted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the folder, and a table or an example."""
    parser.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help="where it goes")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument(
        "--from",
        dest="table",
        type=Path,
        metavar="TABLE",
        help="a file of CSV, Parquet or JSON lines",
    )
    kind.add_argument("--example", metavar="NAME", help="an example that comes along: flights")
    parser.add_argument("--target", metavar="COLUMN", help="the column to predict")
    parser.add_argument("--time", metavar="COLUMN", help="when each decision is taken")
    parser.add_argument("--key", metavar="COLUMN", help="the column that tells rows apart")
    parser.add_argument(
        "--kind",
        choices=("binary", "multiclass", "regression"),
        help="what the target is, when the guess is wrong",
    )
    parser.add_argument("--quick", action="store_true", help="of an example: the first month only")


def run(args: argparse.Namespace) -> int:
    """Write the project's files and say what to review."""
    drafted = _draft(args) if args.table else _take(args)
    from isbjerg.cli.output import key_values, next_step, show, to_review  # noqa: PLC0415 - dear

    show(
        key_values("Drafted", [("folder", drafted.folder), ("files", ", ".join(drafted.files))]),
        to_review(drafted.findings),
        next_step(f"cd {quote(str(drafted.folder))} && isbjerg run"),
    )
    return DONE


def _draft(args: argparse.Namespace) -> Drafted:
    if args.target is None:
        raise ArgumentError(
            "A project needs to know what to predict: `--target` is missing.",
            mend=f"isbjerg new --from {quote(str(args.table))} --target COLUMN",
        )
    from isbjerg.workflows.drafting import draft_project  # noqa: PLC0415 - it imports Polars

    folder = Path(args.project) / (args.folder or args.table.stem)
    return draft_project(folder, args.table, args.target, args.time, key=args.key, kind=args.kind)


def _take(args: argparse.Namespace) -> Drafted:
    from isbjerg.examples.projects import draft_example  # noqa: PLC0415 - it imports Polars

    folder = Path(args.project) / (args.folder or args.example)
    return draft_example(folder, args.example, full=not args.quick)
