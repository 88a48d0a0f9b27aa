"""``isbjerg serve``: start the prediction server and stay until told to stop."""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn

from isbjerg.cli.opening import open_project


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
    project.publish()
    words = [sys.executable, "-m", "isbjerg.serving", "--store", str(project.store)]
    words += ["--host", args.host, "--port", str(args.port), "--worker", args.worker]
    if args.allow_replay:
        words.append("--allow-replay")
    sys.stdout.flush()
    os.execv(sys.executable, words)  # noqa: S606 - our own interpreter, no shell
