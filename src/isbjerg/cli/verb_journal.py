"""``isbjerg journal``: what was tried, what changed, what it did; and notes of people."""

from __future__ import annotations

import argparse

from isbjerg.cli.exits import DONE
from isbjerg.cli.opening import open_project
from isbjerg.errors import ArgumentError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take a note to add, or how many runs to tell."""
    parser.add_argument("act", nargs="?", choices=["add"], metavar="add", help="add a note")
    parser.add_argument("text", nargs="?", metavar="TEXT", help="the note")
    parser.add_argument("--run", metavar="RUN", help="the run that the note is about, such as r7")
    parser.add_argument("--limit", type=int, metavar="N", help="tell only the newest N runs")


def run(args: argparse.Namespace) -> int:
    """Add a note, or tell the journal."""
    if args.act == "add" and not (args.text or "").strip():
        raise ArgumentError(
            "`isbjerg journal add` needs the text of the note.",
            mend='isbjerg journal add "what you saw"',
        )
    project = open_project(args)
    from isbjerg.cli.journal_report import journal_pieces  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.output import say, show, show_json  # noqa: PLC0415 - it imports rich

    if args.act == "add":
        note = project.add_note(args.text, run=args.run)
        if args.json:
            show_json(note)
        else:
            say(f"Noted{f' at {note.run}' if note.run else ''}.", quiet=args.quiet)
        return DONE
    told = project.journal(args.limit)
    if args.json:
        show_json(told)
    else:
        show(*journal_pieces(told))
    return DONE
