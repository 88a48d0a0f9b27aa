"""``isbjerg data``: the tables, one of them, or what lies between two of its versions."""

from __future__ import annotations

import argparse
from typing import Any

from isbjerg.cli.exits import DONE
from isbjerg.cli.opening import open_project
from isbjerg.errors import ArgumentError
from isbjerg.project import Project

ACTS = ("list", "show", "diff")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take what to look at: all tables, one, or two versions of one."""
    parser.add_argument(
        "act", metavar="ACT", choices=ACTS, help="list the tables, show one, or diff two versions"
    )
    parser.add_argument("table", nargs="?", metavar="TABLE", help="the source to look at")
    parser.add_argument(
        "versions",
        nargs="*",
        metavar="VERSION",
        help="for diff: two versions such as v1 v3 (default: the newest two)",
    )


def run(args: argparse.Namespace) -> int:
    """Look, and show what is there."""
    found = _look(open_project(args), args)
    from isbjerg.cli import data_report  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.output import show, show_json  # noqa: PLC0415 - it imports rich

    if args.json:
        show_json(found)
    else:
        pieces: dict[str, Any] = {
            "list": data_report.list_pieces,
            "show": data_report.show_pieces,
            "diff": data_report.diff_pieces,
        }
        show(*pieces[args.act](found))
    return DONE


def _look(project: Project, args: argparse.Namespace) -> Any:
    if args.act == "list":
        return project.data_list()
    if args.table is None:
        raise ArgumentError(
            f"`isbjerg data {args.act}` needs the name of a table.", mend="isbjerg data list"
        )
    if args.act == "show":
        return project.data_show(args.table)
    return project.data_diff(args.table, *args.versions)
