"""``isbjerg serve``: start the prediction server and stay until told to stop."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, NoReturn

from isbjerg.cli.opening import open_project

if TYPE_CHECKING:
    from isbjerg.project import Project


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take where to listen and which worker this is."""
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one (8000)")
    parser.add_argument("--worker", default="w1", help="name of this worker's ledger file (w1)")
    parser.add_argument(
        "--allow-replay", action="store_true", help="callers may say what time it is"
    )


def run(args: argparse.Namespace) -> NoReturn:
    """Say once more what is live, then become the server.

    The process is replaced, not called: the server must not hold the catalog and the training
    libraries that publishing needs.
    """
    project = open_project(args)
    project.definitions()  # refuses a folder that is no project, before a store is made there
    live = project.publish() is not None
    if not args.quiet:
        _advise(project, args, live=live)
    words = [sys.executable, "-m", "isbjerg.serving", "--store", str(project.store)]
    words += ["--host", args.host, "--port", str(args.port), "--worker", args.worker]
    words += ["--project", str(project.folder)]
    if args.allow_replay:
        words.append("--allow-replay")
    sys.stdout.flush()
    os.execv(sys.executable, words)  # noqa: S606 - our own interpreter, no shell


def _advise(project: Project, args: argparse.Namespace, *, live: bool) -> None:
    """Say how the server is asked; the line stays whole, so that it can be pasted."""
    if not live:
        print("Nothing is live yet, so the server will wait for: isbjerg promote", file=sys.stderr)
        return
    request = project.example_request(args.host, args.port) if args.port else None
    if request is not None:
        print(
            f"When it serves, ask it, for example about the newest row:\n\n{request}\n",
            file=sys.stderr,
        )
