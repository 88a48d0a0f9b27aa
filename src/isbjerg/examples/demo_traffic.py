"""Send a replay over HTTP with a few connections that stay open, keeping the order of events.

Requests and facts of one step go out together, and the next step waits until all of them are
answered. So the server sees the year in its order, only faster.

What was sent and what came back is written to a log of the client's own, line by line: it is
what a checker holds against the ledger.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import IO
from urllib.parse import urlsplit

import msgspec

from isbjerg.errors import LedgerError
from isbjerg.examples.demo_events import Decision, Step, Told
from isbjerg.times import Clock

CONNECTIONS = 8
_OK, _NOT_FOUND = 200, 404
_LENGTH = b"content-length:"


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One request and what came back; `id` and `score` are ``None`` without an answer."""

    flight_id: str
    at: str
    status: int
    latency_ms: float
    id: str | None = None
    score: float | None = None
    model: int | None = None


class Traffic(msgspec.Struct, kw_only=True):
    """All that was sent."""

    predictions: list[Sent] = []
    facts: int = 0
    unused_tables: set[str] = set()
    seconds: float = 0.0


class _Given(msgspec.Struct):
    id: str
    score: float
    model: int


class _Error(msgspec.Struct, frozen=True):
    message: str = ""
    mend: str | None = None
    code: str | None = None


class _Refused(msgspec.Struct, frozen=True):
    error: _Error = _Error()


_GIVEN = msgspec.json.Decoder(_Given)
_REFUSED = msgspec.json.Decoder(_Refused)
_LINE = msgspec.json.Encoder()


class Connection:
    """One HTTP/1.1 connection that stays open, and is opened again when the server closed it."""

    def __init__(self, address: str) -> None:
        place = urlsplit(address)
        self._host, self._port = place.hostname, place.port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, content: bytes) -> tuple[int, bytes]:
        """Post JSON; return the status and the JSON that came back."""
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        request = head.encode() + content
        answer = await self._ask(request)
        if answer is None:  # a server closes connections that were silent for a while
            await self.close()
            answer = await self._ask(request)
        if answer is None:
            raise ConnectionResetError("the server closes connections without answering")
        return answer

    async def _ask(self, request: bytes) -> tuple[int, bytes] | None:
        """Send a request; return the answer, or ``None`` when there is nobody to give one."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            writer.write(request)
            await writer.drain()
            head = await reader.readuntil(b"\r\n\r\n")
            return int(head.split(None, 2)[1]), await reader.readexactly(_length(head))
        return None

    async def close(self) -> None:
        """Close it, if it is open."""
        if self._streams is not None:
            self._streams[1].close()
            with contextlib.suppress(ConnectionError):
                await self._streams[1].wait_closed()
            self._streams = None


def _length(head: bytes) -> int:
    lines = head.lower().split(b"\r\n")
    return next((int(n[len(_LENGTH) :]) for n in lines if n.startswith(_LENGTH)), 0)


Pool = asyncio.LifoQueue[Connection]
"""Connections not in use; the one used last is taken first, so few are used when few suffice."""


@asynccontextmanager
async def connections(address: str, number: int) -> AsyncIterator[Pool]:
    """Keep connections to a server; each is taken from the pool and put back."""
    kept = [Connection(address) for _ in range(number)]
    pool: Pool = asyncio.LifoQueue()
    for connection in kept:
        pool.put_nowait(connection)
    try:
        yield pool
    finally:
        for connection in kept:
            await connection.close()


def replay(
    address: str,
    steps: Iterable[Step],
    clock: Clock,
    *,
    traffic: Traffic,
    log: IO[bytes],
    progress: Callable[[int], None] = lambda _: None,
) -> None:
    """Send all steps to a server that was started with ``--allow-replay``.

    Parameters
    ----------
    address : str
        Such as ``http://127.0.0.1:8000``.
    steps : iterable of Step
        In order.
    clock : Clock
        Measures latencies.
    traffic : Traffic
        To which what was sent is added.
    log : binary file
        Gets a line of JSON for each request.
    progress : callable
        Told after each step how many predictions were sent.

    Raises
    ------
    LedgerError
        When the server refuses a fact: a later prediction would miss it.
    """
    start = clock()
    asyncio.run(_replay(address, steps, clock, traffic, log=log, progress=progress))
    traffic.seconds += (clock() - start) / 1e6


async def _replay(
    address: str,
    steps: Iterable[Step],
    clock: Clock,
    traffic: Traffic,
    *,
    log: IO[bytes],
    progress: Callable[[int], None],
) -> None:
    async with connections(address, CONNECTIONS) as pool:
        for step in steps:
            telling = asyncio.gather(*(_tell(pool, told, traffic) for told in step.facts))
            sent = await asyncio.gather(*(_ask(pool, asked, clock) for asked in step.decisions))
            await telling
            traffic.predictions += sent
            log.writelines(_LINE.encode(one) + b"\n" for one in sent)
            progress(len(traffic.predictions))


async def _ask(pool: Pool, decision: Decision, clock: Clock) -> Sent:
    content = b'{"inputs":%b,"at":"%b"}' % (decision.inputs, decision.at.encode())
    connection = await pool.get()
    start = clock()
    try:
        status, answer = await connection.post("/predict", content)
    finally:
        pool.put_nowait(connection)
    latency_ms = (clock() - start) / 1e3
    given = _GIVEN.decode(answer) if status == _OK else None
    return Sent(
        flight_id=decision.flight_id,
        at=decision.at,
        status=status,
        latency_ms=latency_ms,
        id=given.id if given else None,
        score=given.score if given else None,
        model=given.model if given else None,
    )


async def _tell(pool: Pool, told: Told, traffic: Traffic) -> None:
    if told.table in traffic.unused_tables:
        return
    content = b'{"rows":[%b],"at":"%b"}' % (b",".join(told.rows), told.at.encode())
    connection = await pool.get()
    try:
        status, answer = await connection.post(f"/facts/{told.table}", content)
    finally:
        pool.put_nowait(connection)
    if status == _NOT_FOUND:
        traffic.unused_tables.add(told.table)  # the live model looks at none of its facts
    elif status != _OK:
        error = _REFUSED.decode(answer).error
        raise LedgerError(
            f"The server refused facts of '{told.table}': {error.message}",
            mend=error.mend or "",
            code=error.code,
        )
    else:
        traffic.facts += len(told.rows)
