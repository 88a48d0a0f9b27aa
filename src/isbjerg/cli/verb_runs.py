"""``isbjerg runs``: list the runs, newest first."""

from __future__ import annotations

import argparse

from isbjerg.cli.exits import DONE
from isbjerg.cli.opening import open_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take nothing of its own."""


def run(args: argparse.Namespace) -> int:
    """List the runs."""
    runs = open_project(args).runs()
    from isbjerg.cli.figures import instant, short, span  # noqa: PLC0415 - after the work
    from isbjerg.cli.output import Column, show, show_json, table  # noqa: PLC0415 - it imports rich

    if args.json:
        show_json(runs)
        return DONE
    rows = [
        (
            run.id,
            instant(run.started_us),
            span(run.finished_us - run.started_us) if run.finished_us else None,
            run.status,
            run.chosen,
            short(run.measure_hash, 7),
            run.note,
        )
        for run in runs
    ]
    columns: list[Column | str] = [
        "run",
        "started",
        Column("took", "right"),
        "status",
        "chosen",
        "measure",
        "note",
    ]
    show(table("Runs, newest first", columns, rows))
    return DONE
