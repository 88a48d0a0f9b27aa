"""Run the prediction server: ``python -m isbjerg.serving --store .isbjerg``.

One process is one worker: one event loop, one ledger file, one name. It listens on the local
machine only, because it asks nobody who they are.
"""

from __future__ import annotations

import argparse
import errno
import logging
import signal
import socket
import sqlite3
import sys
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from types import FrameType

import uvicorn

from isbjerg.errors import ArgumentError, IsbjergError
from isbjerg.serving.server import Server, Settings
from isbjerg.storage.refusals import store_error
from isbjerg.times import system_clock

_WRONG, _MISUSE, _BUSY = 1, 2, 4
"""The exit codes of every verb: `isbjerg --help` lists them."""

_PORT_TAKEN = "ISB718"
_BUSY_CODES = frozenset({"ISB611", _PORT_TAKEN})
_PORT_MAX = 65_535
_BACKLOG = 2048
_SWITCH_S = 0.0005
"""The ledger's thread waits at most this long for its turn (Python's own: 5 ms)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop; return the exit code."""
    settings = _read(arguments)
    logging.basicConfig(stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    try:
        bound = _bind(settings)
        address = _address(bound)
        server = Server(settings, address, system_clock)
    except (IsbjergError, OSError, sqlite3.Error) as fault:
        told = fault if isinstance(fault, IsbjergError) else store_error(fault, settings.store)
        print(told, file=sys.stderr)  # noqa: T201 - this is a command
        return _exit_of(told)
    config = uvicorn.Config(
        server.app,
        http="httptools",
        loop=_loop(),
        lifespan="on",
        access_log=False,
        log_level="warning",
        server_header=False,
        date_header=False,
    )
    print(f"isbjerg serves on {address} as worker {settings.worker}", flush=True)  # noqa: T201
    runner = uvicorn.Server(config)
    # uvicorn answers what is in flight, then raises the signal that ended it once more.
    for ending in (signal.SIGTERM, signal.SIGINT):
        signal.signal(ending, _end)
    sys.setswitchinterval(_SWITCH_S)
    runner.run(sockets=[bound])
    return 0 if runner.started else _WRONG


def _exit_of(fault: IsbjergError) -> int:
    if fault.kind_code in _BUSY_CODES:
        return _BUSY
    return _MISUSE if isinstance(fault, ArgumentError) else _WRONG


def _read(arguments: Sequence[str] | None) -> Settings:
    parser = argparse.ArgumentParser(prog="isbjerg.serving", description="Serve predictions.")
    parser.add_argument("--store", type=Path, required=True, help="the folder .isbjerg")
    parser.add_argument("--host", default="127.0.0.1", help="a loopback address")
    parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
    parser.add_argument("--worker", default="w1", help="name of this process's ledger file")
    parser.add_argument(
        "--allow-replay", action="store_true", help="callers may say what time it is"
    )
    parser.add_argument("--project", type=Path, help="whose Python features may be called")
    given = parser.parse_args(arguments)
    return Settings(
        store=given.store,
        host=given.host,
        port=given.port,
        worker=given.worker,
        replay=given.allow_replay,
        project=given.project,
    )


def _bind(settings: Settings) -> socket.socket:
    """Listen at once: who sees the address may connect, and waits until all is loaded."""
    host, port = settings.host, settings.port
    try:
        local = ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        local = None
    if local is None or not local.is_loopback:
        raise ArgumentError(
            f"The server asks nobody who they are, so it listens on this machine only. Got {host}.",
            code="ISB714",
            mend="--host 127.0.0.1, and a proxy that knows its callers in front",
            host=host,
        )
    if not 0 <= port <= _PORT_MAX:
        raise ArgumentError(
            f"A port is a number from 0 to {_PORT_MAX}. Got {port}.",
            mend="isbjerg serve --port 0",
            port=port,
        )
    family = socket.AF_INET6 if local.version == 6 else socket.AF_INET  # noqa: PLR2004
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((str(local), port))
        bound.listen(_BACKLOG)
    except OSError as fault:
        bound.close()
        if fault.errno == errno.EADDRINUSE:
            raise IsbjergError(
                f"Another process listens on port {port} of {host}.",
                code=_PORT_TAKEN,
                mend=f"isbjerg serve --port 0 --worker {settings.worker}",
                port=port,
            ) from None
        raise
    return bound


def _end(_signal: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _address(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _loop() -> str:
    try:
        import uvloop  # noqa: F401, PLC0415 - not on every system
    except ImportError:
        return "asyncio"
    return "uvloop"
