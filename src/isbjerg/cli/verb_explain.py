"""``isbjerg explain``: what a code means, and its mend."""

from __future__ import annotations

import argparse
import json
import sys

from isbjerg.cli.exits import DONE
from isbjerg.cli.explain import Page, page, pages


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take the code, or none for a list of all."""
    parser.add_argument("code", nargs="?", metavar="CODE", help="such as ISB201; none lists all")


def run(args: argparse.Namespace) -> int:
    """Print the page of a code, or the list."""
    found = [page(args.code)] if args.code else pages()
    if args.json:
        shown = [{"code": p.code, "title": p.title, "text": p.text} for p in found]
        print(json.dumps(shown[0] if args.code else shown, indent=2, ensure_ascii=False))
    elif args.code:
        _show_page(found[0])
    else:
        for one in found:
            print(f"{one.code}  {one.title}")
    return DONE


def _show_page(shown: Page) -> None:
    """Print Markdown as it is into a pipe, and as a page on a terminal."""
    if not sys.stdout.isatty():
        print(shown.text)
        return
    from rich.markdown import Markdown  # noqa: PLC0415 - dear, and only a terminal needs it

    from isbjerg.cli.output import console  # noqa: PLC0415 - it imports rich

    console().print(Markdown(shown.text, code_theme="ansi_dark"))
