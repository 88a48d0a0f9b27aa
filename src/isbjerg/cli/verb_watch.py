"""``isbjerg watch``: look once whether what is live is still what was tested."""

from __future__ import annotations

import argparse

from isbjerg.cli.exits import DONE, WRONG
from isbjerg.cli.opening import open_project
from isbjerg.cli.times import check_time
from isbjerg.errors import ArgumentError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the window, an alarm to close, and how to print."""
    parser.add_argument("--as-of", metavar="TIME", help="end of the window, such as 2013-06-08")
    parser.add_argument("--window", metavar="SPAN", help="its length: 1d (the default), 7d, 12h")
    parser.add_argument("--close", metavar="ALARM", type=int, help="close this alarm, and say why")
    parser.add_argument("--why", metavar="TEXT", help="the reason, for the history")
    parser.add_argument("--json", action="store_true", help="print JSON, for programs")


def run(args: argparse.Namespace) -> int:
    """Watch; the exit code is 1 when something failed that is worth an alarm."""
    check_time("watch", args.as_of)
    project = open_project(args)
    if args.close is not None:
        return _close(args, project)
    report = project.watch(as_of=args.as_of, window=_window(args.window))
    from isbjerg.cli.output import show, show_json  # noqa: PLC0415 - it imports rich
    from isbjerg.cli.watch_report import watch_pieces  # noqa: PLC0415 - it imports rich

    if args.json:
        show_json(report)
    else:
        show(*watch_pieces(report))
    return WRONG if report.failed else DONE


def _close(args: argparse.Namespace, project: object) -> int:
    if not args.why:
        raise ArgumentError(
            "An alarm is closed with a reason.",
            mend=f'isbjerg watch --close {args.close} --why "the station was repaired"',
        )
    closed = project.close_alarm(args.close, why=args.why)  # type: ignore[attr-defined]
    from isbjerg.cli.output import show, show_json, verdict  # noqa: PLC0415 - it imports rich

    if args.json:
        show_json(closed)
    else:
        heading = f"Alarm {closed.id} is closed: {closed.subject} [{closed.code}]"
        show(verdict(heading, [closed.why_closed or ""], passed=True))
    return DONE


def _window(text: str | None) -> str | None:
    """Refuse what is no span in the words of the command."""
    from isbjerg.times import parse_span  # noqa: PLC0415 - help needs none of it

    if text is None:
        return None
    try:
        parse_span(text)
    except ArgumentError:
        raise ArgumentError(
            f"`--window` must be a span of whole hours or days. Got '{text}'.",
            mend="isbjerg watch --window 7d",
            got=text,
        ) from None
    return text
