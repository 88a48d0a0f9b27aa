"""``isbjerg ingest``: read the sources; what is new becomes a data version."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from isbjerg.cli.exits import DONE, WRONG
from isbjerg.cli.opening import open_project

if TYPE_CHECKING:
    from rich.console import RenderableType

    from isbjerg.workflows.ingest import IngestReport


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the tables and whether their rows are live."""
    parser.add_argument("tables", nargs="*", metavar="TABLE", help="only these sources")
    parser.add_argument(
        "--live", action="store_true", help="new rows count as known only from now on"
    )
    parser.add_argument(
        "--full", action="store_true", help="read everything again, also what is read already"
    )
    parser.add_argument(
        "--accept-change", metavar="WHY", help="let the changed meaning of TABLE pass: it is meant"
    )
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def run(args: argparse.Namespace) -> int:
    """Ingest, and say what became of each table."""
    from isbjerg.cli.progress import bar  # noqa: PLC0415 - it imports rich

    with bar(quiet=args.quiet) as progress:
        report = open_project(args).ingest(
            tables=args.tables or None,
            live=args.live,
            full=args.full,
            accept_change=args.accept_change,
            progress=progress,
        )
    if args.json:
        from isbjerg.cli.output import show_json  # noqa: PLC0415 - it imports rich

        show_json(report)
    else:
        _show(report)
    return WRONG if _is_wrong(report) else DONE


def _is_wrong(report: IngestReport) -> bool:
    """Say whether somebody should look before a run: a refused table, a changed meaning."""
    changed = (f for t in report.tables for f in t.findings if f.code == "definition.changed")
    return (
        any(t.refused for t in report.tables)
        or any(f.failed and f.severity == "error" for f in changed)
        or any(f.blocks for f in report.assumptions)
    )


def _show(report: IngestReport) -> None:
    from isbjerg.cli.data_report import planned  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.figures import count  # noqa: PLC0415 - after the work
    from isbjerg.cli.output import Column, findings, show, table  # noqa: PLC0415 - it imports rich

    always, seldom = ("rows", "new"), ("corrected", "unchanged", "vanished", "quarantined")
    told = [*always, *(n for n in seldom if any(getattr(t, n) for t in report.tables))]
    rows = [
        (
            t.version,
            ("refused" if t.refused else "new" if t.changed else "as before")
            + (", from the watermark on" if t.incremental else ""),
            *(count(getattr(t, name)) for name in told),
        )
        for t in report.tables
    ]
    words = {"quarantined": "set aside"}
    columns = [
        Column("data version", wrap=False),
        Column("", wrap=False),
        *(Column(words.get(name, name), "right") for name in told),
    ]
    found = [finding for t in report.tables for finding in t.findings]
    pieces: list[RenderableType] = [table("Ingested", columns, rows)]
    pieces += [planned(report.planned)] if report.planned else []
    pieces += [findings("Findings", found)] if found else []
    pieces += [findings("Assumptions", report.assumptions)] if report.assumptions else []
    show(*pieces)
