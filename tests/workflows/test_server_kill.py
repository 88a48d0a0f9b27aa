"""Whoever got an answer finds it in the ledger, whatever happens to the server."""

from __future__ import annotations

import http.client
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from tests.workflows.server_kit import Project, Server, serve

from isbjerg.storage.ledger import Ledger

ROUNDS = 8
CALLERS = 8
ROW = {"tail": "N1", "x": 1.5, "carrier": "UA"}


class Callers:
    """Threads that ask one after the other on connections kept open, and note every answer."""

    def __init__(self, server: Server, first: int) -> None:
        self.answers: dict[int, dict[str, Any]] = {}
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._ask, args=(server, first + n * 10**6))
            for n in range(CALLERS)
        ]
        for thread in self._threads:
            thread.start()

    def _ask(self, server: Server, unit: int) -> None:
        connection = http.client.HTTPConnection(server.host, server.port, timeout=30)
        try:
            while not self._stop.is_set():
                unit += 1
                body = json.dumps({"inputs": {**ROW, "id": unit}})
                connection.request("POST", "/predict", body, {"Content-Type": "application/json"})
                answer = connection.getresponse()
                content = json.loads(answer.read())
                if answer.status == 200:
                    self.answers[unit] = content
                else:
                    self.failures.append(f"{answer.status} {content}")
        except (OSError, http.client.HTTPException, ValueError) as fault:
            self.failures.append(repr(fault))
        finally:
            connection.close()

    def end(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(30)

    def until(self, answers: int) -> None:
        end = time.monotonic() + 30
        while len(self.answers) < answers:
            assert time.monotonic() < end, self.failures[:3]
            time.sleep(0.001)


@pytest.mark.slow
def test_every_acknowledged_prediction_survives_kill(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.promote(1)
    told: dict[int, dict[str, Any]] = {}
    for turn in range(ROUNDS):
        with serve(project) as server:
            callers = Callers(server, turn * 10**8)
            callers.until(50 + 37 * turn)
            server.kill()  # with CALLERS requests somewhere between arrival and answer
            callers.end()
            told |= callers.answers
    with serve(project):
        pass
    ledger = Ledger(project.store.ledger)
    kept = {p.id: p for p in ledger.scan()}
    assert len(kept) == ledger.count()
    units = [p.unit_key for p in kept.values()]
    assert len(set(units)) == len(units)
    for unit, given in told.items():
        record = kept[given["id"]]
        assert (record.unit_key, record.score) == (f"[{unit}]", given["score"])
    assert len(kept) - len(told) <= ROUNDS * CALLERS  # committed, not yet answered: at most these
    assert len(told) >= ROUNDS * 50


@pytest.mark.slow
def test_models_swap_under_load_without_a_dropped_request(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.promote(1)
    with serve(project) as server:
        callers = Callers(server, 0)
        for version in range(2, 8):
            seen = len(callers.answers)
            callers.until(seen + 50)
            epoch = project.promote(version, lookup=version % 2 == 0)
            assert project.serving.wait_for_epoch(epoch, 20) == []
            # Acknowledged is in force: what is asked from now on carries the new epoch.
            given = server.ask("/predict", {"inputs": {**ROW, "id": -version}})[1]
            assert (given["epoch"], given["model"]) == (epoch, version)
        callers.end()
        code, said = server.stop()
    assert code == 0, said
    assert callers.failures == []
    kept = {p.id: p for p in Ledger(project.store.ledger).scan()}
    for given in callers.answers.values():
        record = kept[given["id"]]
        assert (record.epoch, record.model_version) == (given["epoch"], given["model"])
        assert record.score == 1.5 + 1000 * given["model"]  # computed by the model it names
    assert {g["epoch"] for g in callers.answers.values()} >= set(range(1, 7))


@pytest.mark.slow
def test_a_stopped_server_answers_what_is_in_flight(tmp_path: Path) -> None:
    project = Project(tmp_path)
    project.promote(1)
    with serve(project) as server:
        callers = Callers(server, 0)
        callers.until(100)
        code, said = server.stop()
        callers.end()
    assert code == 0, said
    ledger = Ledger(project.store.ledger)
    kept = {p.id for p in ledger.scan()}
    assert {g["id"] for g in callers.answers.values()} == kept  # nothing is half done
