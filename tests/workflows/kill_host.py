"""Run verbs as real processes that die by SIGKILL exactly before their n-th write.

This small process loads everything once and then forks for each command, so that a round costs
what the verb costs and not what its imports cost. A child counts what could leave something
half done: a file opened for writing, renamed or removed, a folder made, an fsync, and every SQL
statement that is no question, commits included. Before the n-th of these it kills itself. No
word of this is in the product: Python's audit hooks and SQLite's trace show it all.

One line of JSON on standard input is one command; one line on standard output is its answer.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import sys
import threading
from importlib import import_module
from typing import Any, NoReturn

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_ACTS = frozenset({"os.rename", "os.remove", "os.rmdir", "os.mkdir", "os.truncate", "os.link"})
_QUESTIONS = ("SELECT", "PRAGMA", "EXPLAIN", "BEGIN", "--")
_ALIKE = 32
"""A thousand rows put in by one statement are one write: this much of it tells it by."""

_HEAVY = (
    "alembic.command",
    "lightgbm",
    "rich.table",
    "sklearn.linear_model",
    "sqlalchemy.dialects.sqlite",
    "uvloop",
    "isbjerg.cli.main",
    "isbjerg.serving.server",
    "isbjerg.storage.catalog.catalog",
)

TALLY = ".tally"
"""Ending of the file in which a child that came through leaves how much it counted."""


class Countdown:
    """Count writes, and die before the n-th, or the first that speaks of a text, or never."""

    def __init__(self, kill_at: int | str | None) -> None:
        self.seen = 0
        self._before = ""
        self._kill_at = kill_at
        self._lock = threading.Lock()

    def arm(self) -> None:
        """Listen from now on; an audit hook cannot be taken back, so only in a child."""
        sys.addaudithook(self._audit)
        fsync = os.fsync

        def counted(file: int) -> None:
            self._count("fsync")
            fsync(file)

        os.fsync = counted
        connect = sqlite3.connect

        def traced(*args: Any, **options: Any) -> sqlite3.Connection:
            db = connect(*args, **options)
            db.set_trace_callback(self._statement)
            return db

        sqlite3.connect = sqlite3.dbapi2.connect = traced

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            if args[2] & _WRITING and not str(args[0]).startswith("/dev/"):
                self._count(f"open {args[0]}")
        elif event in _ACTS:
            self._count(f"{event} {args}")

    def _statement(self, sql: str) -> None:
        begin = sql.lstrip()[:_ALIKE].upper()
        if begin != self._before and not begin.startswith(_QUESTIONS):
            self._count(sql)
        self._before = begin

    def _count(self, what: str) -> None:
        named = isinstance(self._kill_at, str) and self._kill_at in what
        with self._lock:
            if named or self.seen == self._kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            self.seen += 1


def child(command: dict[str, Any]) -> NoReturn:
    """Be the process that runs one verb."""
    os.setsid()
    said = os.open(command["said"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    for stream in (1, 2):
        os.dup2(said, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(command["folder"])
    countdown = Countdown(command["kill_at"])
    countdown.arm()
    code = 70
    try:
        code = _verb(command["words"])
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        tally = os.open(command["said"] + TALLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.write(tally, str(countdown.seen).encode())
        os._exit(code)


def _verb(words: list[str]) -> int:
    if words[0] == "serve":
        from isbjerg.serving.main import main as server

        return int(server(words[1:]) or 0)
    from isbjerg.cli.main import main

    return main(words)


def warm_up() -> None:
    """Load what verbs need and what does not mind a fork: all but Polars, which starts threads."""
    for name in _HEAVY:
        import_module(name)
    assert "polars" not in sys.modules


def main() -> None:
    """Fork for each command; ``wait`` waits for a child and says how it ended."""
    warm_up()
    _say({"ready": True})
    for line in sys.stdin:
        command = json.loads(line)
        if "wait" in command:
            _, status = os.waitpid(command["wait"], 0)
            answer = {"code": os.waitstatus_to_exitcode(status)}
        else:
            pid = os.fork()
            if pid == 0:
                child(command)
            answer = {"pid": pid}
        _say(answer)


def _say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
