from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.workflows.server_kit import Project, Server, serve, wait_until

from isbjerg.storage.ledger import Ledger
from isbjerg.storage.plans import ServingFolder
from isbjerg.times import HOUR_US, parse_instant

ROW = {"id": 7, "tail": "N1", "x": 1.5, "carrier": "UA"}


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


def test_a_prediction_is_recorded_and_answered(project: Project) -> None:
    project.promote(3)
    with serve(project) as server:
        status, given = server.ask("/predict", {"inputs": {**ROW, "gate": "B7"}, "purpose": "demo"})
        assert (status, given) == (
            200,
            {"id": given["id"], "score": 3001.5, "model": 3, "epoch": 1},
        )
        record = Ledger(project.store.ledger).find(given["id"])
        assert server.stop()[0] == 0
    assert record is not None
    assert record.unit_key == "[7]"
    assert (record.subject, record.purpose, record.score) == ("N1", "demo", 3001.5)
    assert record.inputs == ROW  # what the bundle does not need is not kept
    assert record.features == {"answer": 3001.5}
    assert (record.epoch, record.model_version, record.route) == (1, 3, "live")
    assert record.at_us == record.received_us
    assert list(Ledger(project.store.ledger).scan()) == [record]


def test_many_rows_are_one_commit_and_keep_their_order(project: Project) -> None:
    project.promote(1)
    with serve(project) as server:
        rows = [{**ROW, "id": n, "x": float(n)} for n in range(1000)]
        status, given = server.ask("/predict", {"rows": rows})
        assert status == 200
        assert [p["score"] for p in given["predictions"]] == [1000.0 + n for n in range(1000)]
        assert server.ask("/predict", {"rows": []}) == (200, {"predictions": []})
        status, given = server.ask("/predict", {"rows": [ROW, {**ROW, "id": None}]})
        assert (status, given["error"]["field"]) == (422, "id")
        assert given["error"]["message"].startswith("Row 1: ")
        assert Ledger(project.store.ledger).count() == 1000  # a refused request leaves nothing
        status, given = server.ask("/predict", {"rows": [ROW] * 1001})
        assert (status, given["error"]["code"]) == (413, "ISB711")


def test_without_a_plan_nothing_is_answered_and_the_first_plan_is_taken(project: Project) -> None:
    with serve(project) as server:
        status, given = server.ask("/predict", {"inputs": ROW})
        assert (status, given["error"]["code"]) == (503, "ISB701")
        assert given["error"]["mend"] == "isbjerg promote"
        assert server.health()["status"] == "waiting"
        project.promote(1)
        assert ServingFolder(project.store.serving).wait_for_epoch(1, 20) == []
        assert server.ask("/predict", {"inputs": ROW})[0] == 200
        assert server.health()["status"] == "serving"


def test_a_broken_bundle_stays_out(project: Project) -> None:
    project.promote(1)
    with serve(project) as server:
        for broken in (b"{}", b'{"format_version":1,', b"[" * 100_000):
            hash_ = "ab" * 32
            project.serving.put_bundle(hash_, {"bundle.json": broken})
            epoch = project.publish(2, hash_)
            [kept] = project.serving.wait_for_epoch(epoch, 20)
            assert (kept.serving, kept.epoch) == (1, epoch)
            assert kept.fault
            assert server.ask("/predict", {"inputs": ROW})[1]["score"] == 1001.5
            health = server.health()
            assert (health["status"], health["epoch"], health["model"]) == ("degraded", 1, 1)
        project.serving.plan_path.write_bytes(b"{")
        wait_until(lambda: "plan" in (server.health()["fault"] or ""))
        assert server.ask("/predict", {"inputs": ROW})[0] == 200
        project.promote(5)
        assert project.serving.wait_for_epoch(project.epoch, 20) == []
        assert server.ask("/predict", {"inputs": ROW})[1]["score"] == 5001.5
        assert server.health()["status"] == "serving"


def test_a_page_whose_name_was_turned_to_this_machine_is_not_heard(project: Project) -> None:
    """Raw requests, as a browser that was told a new address would send them."""
    project.promote(1)
    body = b'{"inputs": {"id": 1, "tail": null, "x": 1.5, "carrier": "UA"}}'
    form = (
        b"POST %s HTTP/1.1\r\n%sContent-Type: application/json\r\n"
        b"Content-Length: %d\r\nConnection: close\r\n\r\n%s"
    )

    def ask(server: Any, host: bytes, path: bytes = b"/predict") -> bytes:
        with socket.create_connection((server.host, server.port), timeout=30) as raw:
            raw.sendall(form % (path, host, len(body), body))
            return b"".join(iter(lambda: raw.recv(65_536), b""))

    with serve(project) as server:
        for host in (b"localhost", b"127.0.0.1:%d" % server.port, b"[::1]"):
            assert b" 200 " in ask(server, b"Host: %s\r\n" % host).partition(b"\r\n")[0]
        for refused in (
            b"Host: evil.example:%d\r\n" % server.port,
            b"Host: evil.example\r\nX-Forwarded-Host: localhost\r\n",
            b"Host: localhost\r\nHost: evil.example\r\n",
            b"Host: 127.0.0.1%2eevil.example\r\n",
            b"Host: \xc2\xb9\xc2\xb2\xc2\xb7.0.0.1\r\n",
            b"",
        ):
            assert b" 200 " not in ask(server, refused).partition(b"\r\n")[0], refused
        there = b"http://localhost/predict"
        assert b"ISB719" in ask(server, b"Host: evil.example\r\n", there)
        assert server.health()["answered"] == 3


def test_facts_are_seen_by_the_next_prediction(project: Project) -> None:
    project.promote(1, lookup=True)
    at = "2013-06-01T12:00:00Z"
    fact = {"id": 1, "carrier": "UA", "landed": "2013-06-01T10:00:00Z", "delay": 7}
    with serve(project, "--allow-replay") as server, serve(project, worker="w2") as other:
        asked = {"inputs": ROW, "at": at}
        assert server.ask("/predict", asked)[1]["score"] == 1001.5
        posted = {"rows": [fact], "at": "2013-06-01T10:30:00Z"}
        assert server.ask("/facts/flights", posted) == (200, {"accepted": 1, "duplicates": 0})
        assert server.ask("/facts/flights", posted) == (200, {"accepted": 0, "duplicates": 1})
        assert server.ask("/predict", asked)[1]["score"] == 1008.5
        # It came in at 10:30: at that time it is not known yet, and a day after it landed no more.
        for when, score in [
            ("2013-06-01T10:30:00Z", 1001.5),
            ("2013-06-01T10:30:00.000001Z", 1008.5),
            ("2013-06-02T10:00:00Z", 1008.5),
            ("2013-06-02T10:00:00.000001Z", 1001.5),
        ]:
            assert server.ask("/predict", {**asked, "at": when})[1]["score"] == score
        # Another worker is told, corrects it as of now; the past stays as it was known then.
        corrected = {"rows": [{**fact, "delay": 100.0, "gate": "B7"}]}
        assert other.ask("/facts/flights", corrected)[1] == {"accepted": 1, "duplicates": 0}
        assert server.ask("/predict", asked)[1]["score"] == 1008.5
        record = Ledger(project.store.ledger).find(server.ask("/predict", asked)[1]["id"])
        server.kill()
    assert record is not None
    assert record.at_us == parse_instant(at)
    assert record.slots == {"past(flights.delay by carrier 1d).sum": 7.0}
    with serve(project, "--allow-replay") as server:
        assert server.ask("/predict", asked)[1]["score"] == 1008.5


def test_facts_of_now_are_seen_by_the_other_worker(project: Project) -> None:
    project.promote(1, lookup=True)
    with serve(project) as one, serve(project, worker="w2") as two:
        assert two.ask("/predict", {"inputs": ROW})[1]["score"] == 1001.5
        landed = project_now() - HOUR_US
        rows = [
            {"id": n, "carrier": "UA", "landed": iso(landed), "delay": 2.0, "gate": None}
            for n in range(5)
        ]
        rows.append({"id": 9, "carrier": "UA", "landed": None, "delay": 50.0})  # never known
        rows.append({"id": 10, "carrier": None, "landed": iso(landed), "delay": 50.0})
        assert one.ask("/facts/flights", {"rows": rows})[1]["accepted"] == 7
        assert two.ask("/predict", {"inputs": ROW})[1]["score"] == 1011.5


def project_now() -> int:
    from isbjerg.times import system_clock

    return system_clock()


def iso(at_us: int) -> str:
    from isbjerg.times import format_instant

    return format_instant(at_us)


def test_time_is_only_a_callers_word_when_replay_is_allowed(project: Project) -> None:
    project.promote(1, lookup=True)
    with serve(project) as server:
        at = {"at": "2013-06-01T12:00:00Z"}
        for path, body in [("/predict", {"inputs": ROW}), ("/facts/flights", {"rows": []})]:
            status, given = server.ask(path, {**body, **at})
            assert (status, given["error"]["code"]) == (403, "ISB710")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Any:
    project = Project(tmp_path_factory.mktemp("running"))
    project.promote(1, lookup=True)
    with serve(project, "--allow-replay") as server:
        yield server


SECRET = "4556737586899855"
HOSTILE = {
    "no json": (b"{", 400, "ISB702"),
    "not utf-8": (b'{"inputs": {"carrier": "\xff"}}', 400, "ISB702"),
    "a lone surrogate": (b'{"inputs": {"carrier": "\\ud800"}}', 400, "ISB702"),
    "nothing": (b"", 400, "ISB702"),
    "deep": (b'{"inputs":' + b"[" * 500_000, 400, "ISB702"),
    "deep inside": (b'{"inputs":{"x":' + b'{"a":' * 100_000, 400, "ISB702"),
    "nan": (b'{"inputs": {"id": 1, "carrier": "UA", "x": NaN}}', 400, "ISB702"),
    "infinite": (b'{"inputs": {"id": 1, "carrier": "UA", "x": 1e999}}', 400, "ISB702"),
    "an endless number": (b'{"inputs": {"id": ' + b"9" * 900_000 + b"}}", 400, "ISB702"),
    "a list": ({"inputs": [1]}, 400, "ISB702"),
    "neither": ({}, 400, "ISB702"),
    "both": ({"inputs": ROW, "rows": [ROW]}, 400, "ISB702"),
    "unknown word": ({"inputs": ROW, "model": 3}, 400, "ISB702"),
    "no time": ({"inputs": ROW, "at": "yesterday"}, 400, "ISB702"),
    "beyond time": ({"inputs": ROW, "at": "0001-01-01T00:00:00+23:59"}, 400, "ISB702"),
    "no key": ({"inputs": {"x": 1.0, "carrier": "UA"}}, 422, "ISB707"),
    "null key": ({"inputs": {**ROW, "id": None}}, 422, "ISB707"),
    "missing column": ({"inputs": {"id": 1, "x": 1.0}}, 422, "ISB707"),
    "bool as a number": ({"inputs": {**ROW, "x": True}}, 422, "ISB708"),
    "number as text": ({"inputs": {**ROW, "carrier": 4}}, 422, "ISB708"),
    "text as a number": ({"inputs": {**ROW, "x": SECRET}}, 422, "ISB708"),
    "fraction as integer": ({"inputs": {**ROW, "id": 1.5}}, 422, "ISB708"),
    "more than 64 bits": ({"inputs": {**ROW, "id": 2**63}}, 422, "ISB708"),
    "a list as a number": ({"inputs": {**ROW, "x": [1]}}, 422, "ISB708"),
    "null where it must not": ({"inputs": {**ROW, "carrier": None}}, 422, "ISB707"),
    "out of range": ({"inputs": {**ROW, "x": 2e6}}, 422, "ISB712"),
    "long purpose": ({"inputs": ROW, "purpose": SECRET * 20}, 400, "ISB702"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_refused_without_repeating_it(running: Server, name: str) -> None:
    body, status, code = HOSTILE[name]
    found, given = running.ask("/predict", body)
    assert (found, given["error"]["code"]) == (status, code), given
    assert SECRET not in str(given)
    assert running.ask("/predict", {"inputs": ROW})[0] == 200


def test_what_breaks_a_warning_rule_is_answered_and_recorded(project: Project) -> None:
    project.promote(1)
    with serve(project) as server:
        status, given = server.ask("/predict", {"inputs": {**ROW, "carrier": SECRET}})
        assert (status, given["score"]) == (200, 1001.5)
        [finding] = given["findings"]
        assert (finding["code"], finding["subject"]) == ("contract.values", "units.carrier")
        assert SECRET not in str(given)
        record = Ledger(project.store.ledger).find(given["id"])
    assert record is not None
    assert record.findings == [finding]
    assert record.inputs["carrier"] == SECRET


def test_columns_that_may_be_null_may_be_left_out(running: Server) -> None:
    status, given = running.ask("/predict", {"inputs": {"id": 1, "carrier": "UA"}})
    assert (status, given["score"]) == (200, -1.0)  # null + 1000 is null: the rule's fallback


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "ISB703"),
        ("GET", "/predict", 405, "ISB704"),
        ("DELETE", "/health", 405, "ISB704"),
        ("GET", "/predict/", 404, "ISB703"),
        ("GET", "/facts", 404, "ISB703"),
        ("POST", "/facts/", 404, "ISB703"),
        ("POST", "/facts/..%2fflights", 404, "ISB703"),
        ("POST", "/facts/..%2f..%2fonline.db", 404, "ISB703"),
        ("POST", "/facts/%2e%2e", 404, "ISB715"),
        ("POST", "/facts/flights%00", 404, "ISB715"),
        ("POST", "/facts/planes", 404, "ISB715"),
        ("POST", "//predict", 404, "ISB703"),
    ],
)
def test_a_path_that_is_none(
    running: Server, method: str, path: str, status: int, code: str
) -> None:
    body = b'{"rows": []}' if method == "POST" else None
    found, given = running.send(method, path, body, {"Content-Type": "application/json"})
    assert (found, given["error"]["code"]) == (status, code)


def test_bodies_too_large_and_of_another_kind(running: Server) -> None:
    status, given = running.ask("/predict", b" " * (2**20 + 1))
    assert (status, given["error"]["code"]) == (413, "ISB705")
    chunks = iter([b" " * 2**16] * 17)
    status, given = running.send(
        "POST",
        "/predict",
        chunks,
        {"Content-Type": "application/json"},  # type: ignore[arg-type]
    )
    assert (status, given["error"]["code"]) == (413, "ISB705")
    status, given = running.send("POST", "/predict", b"{}", {"Content-Type": "text/plain"})
    assert (status, given["error"]["code"]) == (415, "ISB706")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"wind": 3}, "ISB716"),
        ({SECRET: 3}, "ISB716"),
        ({"delay": SECRET}, "ISB708"),
        ({"landed": 5}, "ISB708"),
        ({"landed": "2013-06-01T10:00:00"}, "ISB708"),
    ],
)
def test_facts_that_do_not_fit(running: Server, change: dict[str, Any], code: str) -> None:
    fact = {"id": 1, "carrier": "UA", "landed": "2013-06-01T10:00:00Z", "delay": 7.0}
    status, given = running.ask("/facts/flights", {"rows": [fact, fact | change]})
    assert (status, given["error"]["code"]) == (422, code)
    assert "Row 1" in given["error"]["message"]
    assert SECRET not in str(given)
    status, given = running.ask("/facts/flights", {"rows": [{"id": 1}]})
    assert (status, given["error"]["code"]) == (422, "ISB707")


def test_the_server_process_stays_light(project: Project) -> None:
    code = (
        "import sys, isbjerg.serving.main\n"
        "print([m for m in sys.modules if m.split('.')[0] in "
        "{'sqlalchemy','sklearn','alembic','lightgbm','polars','pyarrow','pandas','scipy','rich'}])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.168.1.1", "::", "example.org"])
def test_the_server_listens_to_this_machine_only(project: Project, host: str) -> None:
    ran = subprocess.run(
        [
            sys.executable,
            "-m",
            "isbjerg.serving",
            "--store",
            str(project.store.folder),
            "--host",
            host,
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert ran.returncode == 2
    assert "ISB714" in ran.stderr


def test_one_name_is_one_process(project: Project) -> None:
    with serve(project):
        ran = subprocess.run(
            [
                sys.executable,
                "-m",
                "isbjerg.serving",
                "--store",
                str(project.store.folder),
                "--port",
                "0",
            ],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert ran.returncode == 4
    assert "ISB611" in ran.stderr


def test_a_taken_port_is_said_with_a_free_one(project: Project) -> None:
    with serve(project) as running:
        words = ["--store", str(project.store.folder), "--port", str(running.port)]
        words += ["--worker", "w9"]
        ran = subprocess.run(
            [sys.executable, "-m", "isbjerg.serving", *words],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert ran.returncode == 4
    assert "isbjerg serve --port 0 --worker w9" in ran.stderr
    assert "ISB718" in ran.stderr
