"""``isbjerg serve``: start the prediction server and stay until told to stop."""

from __future__ import annotations

import argparse
from pathlib import Path

from isbjerg.cli.exits import DONE, WRONG


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Take where to listen and which worker this is."""
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address (127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one (8000)")
    parser.add_argument("--worker", default="w1", help="name of this worker's ledger file (w1)")
    parser.add_argument(
        "--allow-replay", action="store_true", help="callers may say what time it is"
    )


def run(args: argparse.Namespace) -> int:
    """Serve until interrupted.

    The project's Python files are not read: what is served was written by `promote`, and the
    server process holds nothing else.
    """
    from isbjerg.serving.main import main  # noqa: PLC0415 - it imports uvicorn

    words = ["--store", str(Path(args.project) / ".isbjerg"), "--host", args.host]
    words += ["--port", str(args.port), "--worker", args.worker]
    if args.allow_replay:
        words.append("--allow-replay")
    return DONE if main(words) == 0 else WRONG
