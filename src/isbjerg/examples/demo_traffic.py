"""Send a replay over HTTP with a few connections that stay open, keeping the order of events.

Requests of one moment go out together; facts wait until all of them are answered, and the
next moment waits until the facts are taken. So the server sees the week in its order, only
faster.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import msgspec

from isbjerg.errors import LedgerError
from isbjerg.examples.demo_events import JsonRow, Moment
from isbjerg.times import Clock

CONNECTIONS = 8
_OK, _NOT_FOUND = 200, 404


class Sent(msgspec.Struct, frozen=True, kw_only=True):
    """One request and what came back; `id` and `score` are ``None`` without an answer."""

    flight_id: str
    status: int
    latency_ms: float
    id: str | None = None
    score: float | None = None


class Traffic(msgspec.Struct, kw_only=True):
    """All that was sent."""

    predictions: list[Sent] = []
    facts: int = 0
    unused_tables: set[str] = set()
    seconds: float = 0.0


class Connection:
    """One HTTP/1.1 connection that stays open, and is opened again when the server closed it."""

    def __init__(self, address: str) -> None:
        place = urlsplit(address)
        self._host, self._port = place.hostname, place.port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def post(self, path: str, body: Any) -> tuple[int, Any]:
        """Post JSON; return the status and the JSON that came back."""
        content = msgspec.json.encode(body)
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(content)}\r\n\r\n"
        )
        status = await self._send(head.encode() + content)
        if status is None:  # a server closes connections that were silent for a while
            await self.close()
            status = await self._send(head.encode() + content)
        if status is None or self._streams is None:
            raise ConnectionResetError("the server closes connections without answering")
        return status, await self._body(self._streams[0])

    async def _send(self, request: bytes) -> int | None:
        """Send a request; return the status, or ``None`` when there is nobody to answer."""
        if self._streams is None:
            self._streams = await asyncio.open_connection(self._host, self._port)
        reader, writer = self._streams
        with contextlib.suppress(ConnectionError):
            writer.write(request)
            await writer.drain()
            line = await reader.readline()
            return int(line.split()[1]) if line else None
        return None

    async def _body(self, reader: asyncio.StreamReader) -> Any:
        length = 0
        while (line := await reader.readline()) not in {b"\r\n", b""}:
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length":
                length = int(value)
        return msgspec.json.decode(await reader.readexactly(length))

    async def close(self) -> None:
        """Close it, if it is open."""
        if self._streams is not None:
            self._streams[1].close()
            with contextlib.suppress(ConnectionError):
                await self._streams[1].wait_closed()
            self._streams = None


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
    moments: Iterable[Moment],
    clock: Clock,
    progress: Callable[[int], None] = lambda _: None,
) -> Traffic:
    """Send all moments to a server that was started with ``--allow-replay``.

    Parameters
    ----------
    address : str
        Such as ``http://127.0.0.1:8000``.
    moments : iterable of Moment
        In order.
    clock : Clock
        Measures latencies.
    progress : callable
        Told after each moment how many predictions were sent.

    Raises
    ------
    LedgerError
        When the server refuses a fact: a later prediction would miss it.
    """
    return asyncio.run(_replay(address, moments, clock, progress))


async def _replay(
    address: str, moments: Iterable[Moment], clock: Clock, progress: Callable[[int], None]
) -> Traffic:
    traffic = Traffic()
    start = clock()
    async with connections(address, CONNECTIONS) as pool:
        for moment in moments:
            asked = (_ask(pool, moment, row, clock) for row in moment.decisions)
            traffic.predictions += await asyncio.gather(*asked)
            for table, rows in moment.facts.items():
                await _tell(pool, moment, table, rows, traffic)
            progress(len(traffic.predictions))
    traffic.seconds = (clock() - start) / 1e6
    return traffic


async def _ask(pool: Pool, moment: Moment, row: JsonRow, clock: Clock) -> Sent:
    connection = await pool.get()
    start = clock()
    try:
        body = {"inputs": row, "at": moment.at.isoformat()}
        status, answer = await connection.post("/predict", body)
    finally:
        pool.put_nowait(connection)
    latency_ms = (clock() - start) / 1e3
    if status != _OK:
        return Sent(flight_id=row["flight_id"], status=status, latency_ms=latency_ms)
    return Sent(
        flight_id=row["flight_id"],
        status=status,
        latency_ms=latency_ms,
        id=answer["id"],
        score=answer["score"],
    )


async def _tell(
    pool: Pool,
    moment: Moment,
    table: str,
    rows: tuple[JsonRow, ...],
    traffic: Traffic,
) -> None:
    if table in traffic.unused_tables:
        return
    connection = await pool.get()
    try:
        body = {"rows": rows, "at": moment.facts_at.isoformat()}
        status, answer = await connection.post(f"/facts/{table}", body)
    finally:
        pool.put_nowait(connection)
    if status == _NOT_FOUND:
        traffic.unused_tables.add(table)  # the live model looks at none of its facts
    elif status != _OK:
        error = answer.get("error", {})
        raise LedgerError(
            f"The server refused facts of '{table}': {error.get('message')}",
            mend=error.get("mend"),
            code=error.get("code"),
        )
    else:
        traffic.facts += len(rows)
