"""``isbjerg settle``: add outcomes that have become known."""

from __future__ import annotations

import argparse
from difflib import get_close_matches
from pathlib import Path
from shlex import quote

from isbjerg.cli.exits import DONE
from isbjerg.cli.opening import open_project
from isbjerg.errors import SourceError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the file, and whether only to say what would happen."""
    parser.add_argument("file", type=Path, metavar="FILE", help="CSV or Parquet with outcomes")
    parser.add_argument("--plan", action="store_true", help="only say what would happen")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def run(args: argparse.Namespace) -> int:
    """Settle, or say what settling would do."""
    _check_is_file(args.file)
    report = open_project(args).settle(args.file, plan=args.plan)
    from isbjerg.cli.output import show, show_json  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.settle_report import settle_pieces  # noqa: PLC0415 - it imports rich

    if args.json:
        show_json(report)
    else:
        show(*settle_pieces(report, str(args.file), plan=args.plan))
    return DONE


def _check_is_file(path: Path) -> None:
    """Refuse a slip of the pen before the project is opened; name what it may have meant."""
    if path.is_file():
        return
    tables = {p.stem: p.name for p in path.parent.glob("*") if p.suffix in {".csv", ".parquet"}}
    close = [tables[stem] for stem in get_close_matches(path.stem, tables, n=1)]
    raise SourceError(
        f"No file is at '{path}'.",
        mend=f"isbjerg settle {quote(str(path.parent / close[0]))}"
        if close
        else f"ls {quote(str(path.parent))}",
        path=str(path),
    )
