"""``isbjerg retrain``: the live rung and its neighbours again, through the same gate."""

from __future__ import annotations

import argparse

from isbjerg.cli.exits import DONE, REFUSED
from isbjerg.cli.opening import open_project
from isbjerg.cli.times import check_time


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the logical time, the rungs, whether to promote, and whether only to say so."""
    parser.add_argument(
        "--as-of", metavar="TIME", help="use nothing known later, such as 2013-06-08"
    )
    parser.add_argument(
        "--rungs",
        metavar="LIST",
        help="live, -1 and +1 around it, or names; --rungs=-1,live,+1 when not given",
    )
    parser.add_argument(
        "--promote",
        action="store_true",
        default=None,
        help="let a model that earned it go live, whatever [release] strategy says",
    )
    parser.add_argument(
        "--no-promote",
        dest="promote",
        action="store_false",
        help="only register it, whatever [release] strategy says",
    )
    parser.add_argument("--note", metavar="TEXT", help="why, kept with the run")
    parser.add_argument("--plan", action="store_true", help="only say what would happen")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def run(args: argparse.Namespace) -> int:
    """Retrain; the exit code is 3 when the gate lets the new model not through."""
    check_time("retrain", args.as_of)
    rungs = None if args.rungs is None else tuple(filter(None, args.rungs.split(",")))
    project = open_project(args)
    asked = {"as_of": args.as_of, "rungs": rungs, "promote": args.promote}
    if args.plan:
        planned = project.plan_retrain(**asked)
        from isbjerg.cli.retrain_report import plan_pieces  # noqa: PLC0415 - it imports rich

        _print(planned, plan_pieces(planned), as_json=args.json)
        return DONE
    from isbjerg.cli.progress import bar  # noqa: PLC0415 - it imports rich

    with bar(quiet=args.quiet) as progress:
        done = project.retrain(**asked, note=args.note or "", progress=progress)
    from isbjerg.cli.retrain_report import retrain_pieces  # noqa: PLC0415 - it imports rich

    _print(done, retrain_pieces(done), as_json=args.json)
    return REFUSED if done.ended == "refused" else DONE


def _print(value: object, pieces: object, *, as_json: bool) -> None:
    from isbjerg.cli.output import show, show_json  # noqa: PLC0415 - it imports rich

    if as_json:
        show_json(value)
    else:
        show(*pieces)  # type: ignore[misc]
