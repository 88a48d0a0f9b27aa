"""Bad requests and a bad disk, as one running server meets them; the same rows as a batch.

What cannot be answered is refused with a code, what is answered is recorded first, and the next
sound request is answered as if nothing had been.
"""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import pytest
from tests.workflows.server_kit import Project, Server, serve

from isbjerg.storage.ledger import Ledger

ROW = {"id": 7, "tail": "N1", "x": 1.5, "carrier": "UA"}
UNBOUNDED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = Project(tmp_path_factory.mktemp("requests"))
    made.promote(1)
    return made


@pytest.fixture(scope="module")
def running(project: Project) -> Any:
    with serve(project) as server:
        yield server


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (10**30, "ISB712"),  # no 64 bits, but a number: the contract judges it
        (10**309, "ISB708"),  # larger than any float
        (b"1e400", "ISB702"),
        (b"-Infinity", "ISB702"),
        (b"NaN", "ISB702"),
        ({"a": 1}, "ISB708"),
        ("1.5", "ISB708"),
    ],
)
def test_a_number_that_is_none_is_refused_and_the_next_row_is_answered(
    running: Server, value: Any, code: str
) -> None:
    if isinstance(value, bytes):
        body: Any = b'{"inputs": {"id": 1, "carrier": "UA", "x": ' + value + b"}}"
    else:
        body = {"inputs": {**ROW, "x": value}}
    status, given = running.ask("/predict", body)
    assert status in (400, 422)
    assert given["error"]["code"] == code
    assert given["error"]["mend"]
    assert running.ask("/predict", {"inputs": ROW})[1]["score"] == 1001.5


def test_ten_megabytes_are_refused_and_the_next_row_is_answered(running: Server) -> None:
    status, given = running.ask("/predict", b" " * 10_000_000)
    assert (status, given["error"]["code"]) == (413, "ISB705")
    assert running.ask("/predict", {"inputs": ROW})[0] == 200


def test_a_name_that_nobody_asked_for_is_told_where_another_one_is_missing(
    running: Server, project: Project
) -> None:
    """``X`` for ``x`` would be scored as null: the answer says so, and so does its record."""
    misspelt = {"id": 7, "carrier": "UA", "tail": "N1", "X-4556": 1.5}
    status, given = running.ask("/predict", {"inputs": misspelt})
    assert (status, given["score"]) == (200, -1.0)  # the rule's fallback
    [finding] = given["findings"]
    assert (finding["code"], finding["subject"]) == ("request.unread", "units")
    assert finding["evidence"] == {"missing": ["x"], "unread": 1}
    assert "4556" not in str(given)
    record = Ledger(project.store.ledger).find(given["id"])
    assert record is not None
    assert record.findings == [finding]
    # What is merely more than the model reads changes nothing, and is not told; nor is a null.
    for sound in ({**ROW, "gate": "B7"}, {**ROW, "x": None}, {"id": 7, "carrier": "UA"}):
        assert "findings" not in running.ask("/predict", {"inputs": sound})[1]


def test_a_full_disk_gives_no_answer_without_a_record_and_with_room_goes_on(tmp_path: Path) -> None:
    """A limit on the size of a file, set and lifted from outside, stands for the disk."""
    project = Project(tmp_path)
    project.promote(1)
    with serve(project) as server:
        first = server.ask("/predict", {"inputs": ROW})[1]["id"]
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
        for _ in range(2):
            status, given = server.ask("/predict", {"rows": [ROW] * 50})
            assert (status, given["error"]["code"]) == (503, "ISB610")
            assert given["error"]["mend"]
        health = server.health()
        assert health["status"] == "degraded"
        assert "could not be written" in health["fault"]
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, UNBOUNDED)
        last = server.ask("/predict", {"inputs": ROW})[1]["id"]
        assert server.health()["status"] == "serving"
        assert server.stop()[0] == 0
    assert [p.id for p in Ledger(project.store.ledger).scan()] == [first, last]
