"""The ASGI application: check the host, find the route, check its permission, read the body, answer.

A route is registered with the permission that it needs; there is no way to register one
without. What a permission opens is decided once, where the server is put together.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, MutableMapping
from enum import StrEnum
from typing import Any, NamedTuple

from isbjerg.errors import LedgerError
from isbjerg.serving.answers import Answer, Refusal
from isbjerg.serving.hosts import check_host

BODY_BYTES_MAX = 2**20

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Handler = Callable[[bytes, str], Awaitable[Answer]]
"""Takes the body and the rest of the path, gives the answer or raises `Refusal`."""

_LOG = logging.getLogger("isbjerg.serving")


class Permission(StrEnum):
    """What a caller may be allowed."""

    HEALTH = "health"
    """See how the server is."""
    PREDICT = "predict"
    """Ask for predictions."""
    POST_FACTS = "post-facts"
    """Tell facts that predictions will use."""


class _Route(NamedTuple):
    handler: Handler
    permission: Permission


class App:
    """Answer HTTP requests on one event loop.

    Parameters
    ----------
    granted : set of Permission
        What callers of this server are allowed.
    start, stop : coroutine functions
        Run before the first request and after the last answer.
    """

    def __init__(
        self,
        granted: frozenset[Permission],
        start: Callable[[], Awaitable[None]],
        stop: Callable[[], Awaitable[None]],
    ) -> None:
        self._granted = granted
        self._start = start
        self._stop = stop
        self._routes: dict[str, dict[str, _Route]] = {}

    def route(self, method: str, path: str, handler: Handler, *, permission: Permission) -> None:
        """Register a route.

        Parameters
        ----------
        method : str
            ``GET`` or ``POST``.
        path : str
            The whole path, or, ending in ``/``, all paths that are one name longer.
        handler : Handler
            Takes the body and that name.
        permission : Permission
            What the caller must be allowed.
        """
        if not isinstance(permission, Permission):
            raise TypeError(f"The route {method} {path} declares no permission.")
        self._routes.setdefault(path, {})[method] = _Route(handler, permission)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._reply(scope, receive, send)

    async def _reply(self, scope: Scope, receive: Receive, send: Send) -> None:
        extra: list[tuple[bytes, bytes]] = []
        try:
            check_host(scope["headers"])
            route, name = self._find(scope, extra)
            if scope["method"] == "POST":
                _check_type(scope)
            body = await _read_body(scope, receive)
            answer = await route.handler(body, name)
        except Refusal as refusal:
            answer = refusal.answer()
        except LedgerError as fault:
            _LOG.error("%s", fault.message)
            answer = _not_durable().answer()
        except Exception:  # noqa: BLE001 - the caller gets an answer, the log gets the fault
            _LOG.exception("a request failed")
            answer = _failed().answer()
        await _send(send, answer, extra)

    def _find(self, scope: Scope, extra: list[tuple[bytes, bytes]]) -> tuple[_Route, str]:
        path: str = scope["path"]
        methods = self._routes.get(path)
        name = ""
        if methods is None or path.endswith("/"):
            head, slash, name = path.rpartition("/")
            methods = self._routes.get(head + slash) if name else None
        if methods is None:
            known = ", ".join(sorted(self._routes))
            raise Refusal(404, "ISB703", "There is no such path.", mend=f"use one of: {known}")
        route = methods.get(scope["method"])
        if route is None:
            extra.append((b"allow", ", ".join(sorted(methods)).encode()))
            raise Refusal(
                405, "ISB704", "The path has no such method.", mend=f"use {' or '.join(methods)}"
            )
        if route.permission not in self._granted:
            raise Refusal(403, "ISB709", f"This server does not allow {route.permission}.")
        return route, name

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._start()
        except Exception as fault:  # noqa: BLE001 - uvicorn ends the process
            _LOG.exception("the server cannot start")
            await send({"type": "lifespan.startup.failed", "message": str(fault)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._stop()
        await send({"type": "lifespan.shutdown.complete"})


def _check_type(scope: Scope) -> None:
    # A page in a browser cannot send JSON across sites without asking first.
    for name, value in scope["headers"]:
        if name == b"content-type" and value[:16].lower() == b"application/json":
            return
    raise Refusal(
        415,
        "ISB706",
        "The body is not declared as JSON.",
        mend="send the header Content-Type: application/json",
    )


async def _read_body(scope: Scope, receive: Receive) -> bytes:
    for name, value in scope["headers"]:
        if name == b"content-length" and int(value) > BODY_BYTES_MAX:
            raise _too_large()
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Refusal(400, "ISB702", "The body ended before it was whole.")
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > BODY_BYTES_MAX:
            raise _too_large()
    return body


async def _send(send: Send, answer: Answer, extra: list[tuple[bytes, bytes]]) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(answer.body)).encode()),
        *extra,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


def _too_large() -> Refusal:
    return Refusal(
        413,
        "ISB705",
        f"The body is larger than {BODY_BYTES_MAX} bytes.",
        mend="send fewer rows at once",
    )


def _not_durable() -> Refusal:
    return Refusal(
        503,
        "ISB610",
        "The prediction could not be recorded, so it is not given.",
        mend="look at the server's log; ask again when the disk can be written",
    )


def _failed() -> Refusal:
    return Refusal(
        500, "ISB713", "The server failed at this request.", mend="look at the server's log"
    )
