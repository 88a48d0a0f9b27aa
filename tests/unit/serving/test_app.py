from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest

from isbjerg.errors import LedgerError
from isbjerg.serving.answers import Answer, ok
from isbjerg.serving.app import App, Permission


async def nothing() -> None:
    """Start or stop."""


def app(handler: Any, *granted: Permission) -> App:
    made = App(frozenset(granted), nothing, nothing)
    made.route("POST", "/predict", handler, permission=Permission.PREDICT)
    return made


WHOLE = {"type": "http.request", "body": b"{}", "more_body": False}


def ask(
    made: App, path: str = "/predict", messages: Sequence[dict[str, Any]] = (WHOLE,)
) -> tuple[int, dict[str, Any]]:
    sent: list[Any] = []
    coming = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(coming)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "headers": [(b"content-type", b"application/json; charset=utf-8")],
    }
    asyncio.run(made(scope, receive, send))
    return sent[0]["status"], json.loads(sent[1]["body"])


async def answers(body: bytes, name: str) -> Answer:
    return ok({"body": body.decode(), "name": name})


def test_a_body_is_whole_or_refused() -> None:
    made = app(answers, Permission.PREDICT)
    begun = {"type": "http.request", "body": b"{}", "more_body": True}
    assert ask(made, messages=[begun, {**WHOLE, "body": b" "}]) == (
        200,
        {"body": "{} ", "name": ""},
    )
    status, given = ask(made, messages=[begun, {"type": "http.disconnect"}])
    assert (status, given["error"]["code"]) == (400, "ISB702")
    status, given = ask(made, messages=[{**begun, "body": b" " * 2**19}] * 3)
    assert (status, given["error"]["code"]) == (413, "ISB705")


def test_a_route_without_a_permission_does_not_register() -> None:
    made = App(frozenset(Permission), nothing, nothing)
    with pytest.raises(TypeError):
        made.route("GET", "/", answers)  # type: ignore[call-arg]
    for none in (None, "predict", ""):
        with pytest.raises(TypeError, match="declares no permission"):
            made.route("GET", "/", answers, permission=none)  # type: ignore[arg-type]
    assert ask(made, "/")[0] == 404


def test_a_permission_that_is_not_granted_closes_the_route() -> None:
    assert ask(app(answers, Permission.PREDICT))[0] == 200
    status, given = ask(app(answers, Permission.HEALTH))
    assert (status, given["error"]["code"]) == (403, "ISB709")


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        (LedgerError("/home/ann/ledger.db could not be written"), 503, "ISB610"),
        (KeyError("Ann's secret"), 500, "ISB713"),
    ],
)
def test_a_fault_is_answered_without_its_cause(fault: Exception, status: int, code: str) -> None:
    async def fails(_body: bytes, _name: str) -> Answer:
        raise fault

    found, given = ask(app(fails, Permission.PREDICT))
    assert (found, given["error"]["code"]) == (status, code)
    assert "nn" not in given["error"]["message"].replace("cannot", "")


def test_a_server_that_cannot_start_says_so() -> None:
    async def broken() -> None:
        raise LedgerError("no room")

    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(App(frozenset(), broken, nothing)({"type": "lifespan"}, receive, send))
    assert [m["type"] for m in sent] == ["lifespan.startup.failed"]
