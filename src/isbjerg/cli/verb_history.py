"""``isbjerg history``: what was live when, by whom and why."""

from __future__ import annotations

import argparse

from isbjerg.cli.exits import DONE
from isbjerg.cli.opening import open_project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take nothing of its own."""


def run(args: argparse.Namespace) -> int:
    """List the assignments, newest first."""
    assignments = open_project(args).history()
    from isbjerg.cli.figures import instant  # noqa: PLC0415 - after the work
    from isbjerg.cli.output import Column, show, show_json, table  # noqa: PLC0415 - it imports rich

    if args.json:
        show_json(assignments)
        return DONE
    rows = [
        (
            f"v{a.version}",
            a.role,
            instant(a.from_us),
            instant(a.until_us) if a.until_us else "now",
            a.epoch,
            a.by,
            a.why,
        )
        for a in assignments
    ]
    columns: list[Column | str] = [
        "model",
        "role",
        "from",
        "until",
        Column("epoch", "right"),
        "by",
        "why",
    ]
    show(table("What was live, newest first", columns, rows))
    return DONE
