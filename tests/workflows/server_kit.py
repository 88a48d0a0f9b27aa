"""What the server's tests share: a store with a plan in force, real servers, a small client.

The model is a rule whose answer a reader can add up: ``x + 1000 * version``, plus the sum of
the last day's delays of the carrier when it is asked to look that up.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from isbjerg.data.contract import Field
from isbjerg.expressions.tree import Node, Type, literal
from isbjerg.features.sets import FeatureSet, Known, Slot, Step
from isbjerg.models import bundle as bundles
from isbjerg.models.fitted import Fitted
from isbjerg.release.plan import Route, ServingPlan
from isbjerg.storage.layout import Store
from isbjerg.storage.online import OnlineStore
from isbjerg.storage.plans import ServingFolder
from isbjerg.times import DAY_US, HOUR_US

X = Node("column", value="x", type=Type.FLOAT)

DELAYS = Slot(
    name="past(flights.delay by carrier 1d).sum",
    kind="past",
    source="flights",
    on=(("carrier", "carrier"),),
    key=("id",),
    known=(Known("landed"),),
    value=Node("column", value="delay", type=Type.FLOAT),
    type=Type.FLOAT,
    aggregate="sum",
    span_us=DAY_US,
)


def add(a: Node, b: Node) -> Node:
    return Node("add", (a, b), type=Type.FLOAT)


def make_bundle(version: int, *, lookup: bool = False) -> tuple[str, dict[str, bytes]]:
    """Make a bundle that answers ``x + 1000 * version``, plus what it looks up."""
    node = add(X, literal(1000.0 * version, Type.FLOAT))
    if lookup:
        node = add(node, Node("slot", value=DELAYS.name, type=Type.FLOAT))
    feature_set = FeatureSet(
        columns=(("x", Type.FLOAT), ("carrier", Type.TEXT)),
        slots=(DELAYS,) if lookup else (),
        steps=(Step("answer", node),),
        outputs=("answer",),
    )
    unit = bundles.Unit(
        source="units", key=("id",), subject="tail", at=Known("at", -2 * HOUR_US), target=X
    )
    contract = (
        Field(name="id", type=Type.INTEGER, required=True),
        Field(name="tail", type=Type.TEXT, required=False),
        Field(name="x", type=Type.FLOAT, required=False, minimum=-1e6, maximum=1e6),
        Field(name="carrier", type=Type.TEXT, required=True, values=("UA", "DL")),
    )
    fitted = Fitted(kind="rule", target_kind="regression", parameters={"fallback": -1.0})
    bundle = bundles.make(
        fitted, rung=f"rung{version}", feature_set=feature_set, unit=unit, contract=contract
    )
    return bundle.hash, bundle.to_files({})


class Project:
    """A store that plans are published to."""

    def __init__(self, folder: Path) -> None:
        self.store = Store(folder / ".isbjerg").create()
        self.serving = ServingFolder(self.store.serving)
        self.epoch = 0

    def promote(self, version: int, *, lookup: bool = False) -> int:
        hash_, files = make_bundle(version, lookup=lookup)
        self.serving.put_bundle(hash_, files)
        if lookup:
            online = OnlineStore(self.store.online)
            online.register(DELAYS, {"id": Type.INTEGER, "carrier": Type.TEXT, "gate": Type.TEXT})
            online.close()
        return self.publish(version, hash_)

    def publish(self, version: int, hash_: str) -> int:
        self.epoch += 1
        route = Route(role="live", model_version=version, bundle=hash_, rung=f"rung{version}")
        self.serving.publish(ServingPlan(epoch=self.epoch, at_us=1, routes=(route,)))
        return self.epoch


class Server:
    """A server process and how to talk to it."""

    def __init__(self, process: subprocess.Popen[str], host: str, port: int) -> None:
        self.process, self.host, self.port = process, host, port

    def ask(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        """Post JSON, or bytes as they are, and read JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.send("POST", path, content, {"Content-Type": "application/json", **headers})

    def send(
        self, method: str, path: str, content: bytes | None = None, headers: Any = None
    ) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=30)
        try:
            connection.request(method, path, content, headers or {})
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()

    def health(self) -> dict[str, Any]:
        status, found = self.send("GET", "/health")
        assert status == 200
        return dict(found)

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def stop(self) -> tuple[int, str]:
        self.process.terminate()
        _, said = self.process.communicate(timeout=30)
        return self.process.returncode, said


@contextmanager
def serve(project: Project, *options: str, worker: str = "w1") -> Iterator[Server]:
    """Start a server on a free port; kill it at the end if it still runs."""
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "isbjerg.serving",
            "--store",
            str(project.store.folder),
            "--port",
            "0",
            "--worker",
            worker,
            *options,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert "http://" in line, process.communicate()[1]
        host, _, port = line.split("http://")[1].split()[0].rpartition(":")
        server = Server(process, host, int(port))
        server.health()  # waits until all is loaded
        yield server
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def wait_until(true: Any, seconds: float = 20) -> None:
    """Ask again and again until it is true."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not become true"
        time.sleep(0.02)
