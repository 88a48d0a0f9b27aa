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
    made: App,
    path: str = "/predict",
    messages: Sequence[dict[str, Any]] = (WHOLE,),
    hosts: Sequence[bytes] = (b"127.0.0.1:8000",),
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
        "headers": [
            *((b"host", host) for host in hosts),
            (b"content-type", b"application/json; charset=utf-8"),
        ],
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


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.8.9.1:65535", "[::1]", "[::1]:8000"]
)
def test_this_machine_is_asked_by_its_own_names(host: str) -> None:
    assert ask(app(answers, Permission.PREDICT), hosts=[host.encode()])[0] == 200


@pytest.mark.parametrize(
    "hosts",
    [
        [],
        [b""],
        [b"localhost", b"localhost"],
        [b"evil.example", b"127.0.0.1"],
        *(
            [name.encode("latin-1")]
            for name in (
                "evil.example", "evil.example:8000", "192.168.0.7", "0.0.0.0", "[::]",
                # Names that only look like this machine's.
                "127.0.0.1.evil.example", "localhost.evil.example", "evil.example#localhost",
                "localhost@evil.example", "evil.example@localhost", "user:pw@127.0.0.1",
                "127.0.0.1:80@evil.example", "localhost:", "localhost:80:80", "localhost:8o",
                "127.0.0.1,evil.example", "127.0.0.1 evil.example", "localhost.", "127.0.0.1/x",
                # Encoded: by per cent, other number systems, other letters, zones, maps.
                "127.0.0.1%2eevil.example", "%6cocalhost", "localhost%00", "[::1%25lo]", "[::1%lo]",
                "0x7f.0.0.1", "2130706433", "127.1", "0177.0.0.1", "[::ffff:127.0.0.1]",
                "::1", "[127.0.0.1]", "[::1", "::1]", "\u00b9\u00b2\u00b7.0.0.1", "localho\u00df",
                "xn--localhost-", "localhost\x00", "\tlocalhost", "127.0.0.1:\u00b2",
            )
        ),
    ],
)  # fmt: skip
def test_another_name_is_refused_before_anything_is_read(hosts: list[bytes]) -> None:
    """A page's own name that resolves to 127.0.0.1 reaches the server, but it is still its name."""

    async def never(_body: bytes, _name: str) -> Answer:
        raise AssertionError("the request got through")

    for path in ("/predict", "/nowhere"):
        status, given = ask(app(never, Permission.PREDICT), path, messages=[], hosts=hosts)
        assert (status, given["error"]["code"], given["error"]["field"]) == (421, "ISB719", "Host")
        assert "evil" not in json.dumps(given)


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
