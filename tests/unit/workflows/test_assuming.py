"""Assumptions are held at each ingest; expected numbers are counted by hand from ten loans."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.unit.workflows.kit import (
    DAY,
    SOURCES,
    START,
    SetClock,
    loans,
    opened,
    write_loans,
    write_project,
)
from tests.workflows import small_project

from isbjerg import Project
from isbjerg.errors import DataError, DefinitionError
from isbjerg.features.keys import key_text
from isbjerg.findings import Finding
from isbjerg.workflows import assuming
from isbjerg.workflows.ingest import ingest

HEAD = """\
import isbjerg as ib

from sources import loans

"""
SMALL = (
    HEAD
    + """
@ib.assumption(source=loans, share={share}, severity="{severity}", owner="risk")
def small(amount):
    "A loan is small."
    return amount <= {limit}
"""
)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(START + 60 * DAY)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_project(tmp_path / "loans", loans())


def assume(folder: Path, text: str = SMALL, **values: Any) -> None:
    values = {"share": 1.0, "severity": "warning", "limit": 800, **values}
    text = text.format(**values) if text is SMALL else HEAD + text
    (folder / "assumptions.py").write_text(text, encoding="utf-8")


def held(folder: Path, clock: SetClock) -> Finding:
    clock.now_us += 1
    with opened(folder, clock) as (workspace, definitions):
        (finding,) = ingest(workspace, definitions).assumptions
    return finding


def test_rows_that_break_it_are_counted_and_named(folder: Path, clock: SetClock) -> None:
    assume(folder)  # loans of 900 and 1,000 are larger
    found = held(folder, clock)
    assert (found.code, found.subject, found.severity) == (
        "assumption.failed",
        "loans.small",
        "warning",
    )
    assert found.message == (
        "A loan is small: does not hold for 2 of 10 rows (20.00%), allowed are 0.00%: id 9; id 10."
    )
    assert found.evidence["examples"] == [{"id": "9"}, {"id": "10"}]
    assert found.mend.startswith("ask risk what")


@pytest.mark.parametrize(("share", "passes"), [(0.8, True), (0.81, False)])
def test_a_share_of_the_rows_may_break_it(
    folder: Path, clock: SetClock, share: float, passes: bool
) -> None:
    assume(folder, share=share)
    assert (held(folder, clock).outcome == "passed") is passes


def test_of_rows_without_a_value_nothing_is_assumed(folder: Path, clock: SetClock) -> None:
    write_loans(folder, loans(amount=[None] * 9 + [1000.0]))
    assume(folder, limit=1000)
    found = held(folder, clock)
    assert found.message == "A loan is small: holds for 1 of 1 rows; of 9 it cannot be said."


def test_new_rows_answer_for_themselves(folder: Path, clock: SetClock) -> None:
    """One of twelve may break it, one of the two that came may not."""
    assume(folder, share=0.9, limit=1150)
    assert held(folder, clock).outcome == "passed"
    write_loans(folder, loans(12))
    found = held(folder, clock)
    assert found.message.startswith(
        "A loan is small: does not hold for 1 of 2 rows that came with loans@v2 (50.00%)"
    )


def test_a_correction_mends_the_table(folder: Path, clock: SetClock) -> None:
    assume(folder, limit=900)
    assert held(folder, clock).failed
    write_loans(folder, loans(amount=[100.0 * n for n in range(1, 10)] + [1.0]))
    assert held(folder, clock).outcome == "passed"


def test_an_edited_assumption_is_asked_again_of_the_same_version(
    folder: Path, clock: SetClock
) -> None:
    assume(folder)
    assert held(folder, clock).failed
    assume(folder, limit=1000)
    assert held(folder, clock).outcome == "passed"


def test_the_same_answer_is_not_worked_out_twice(
    folder: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    assume(folder)
    first = held(folder, clock)

    def never(*_: object) -> None:
        raise AssertionError("It was worked out again.")

    monkeypatch.setattr(assuming, "_judge", never)
    assert held(folder, clock) == first


def test_a_blocking_one_stops_a_run_and_the_next_goes_on(tmp_path: Path) -> None:
    orders = small_project.write_project(tmp_path / "orders")
    text = SMALL.replace("loans", "orders")
    blocking = text.format(share=1.0, severity="blocking", limit=0)
    (orders / "assumptions.py").write_text(blocking, encoding="utf-8")
    project = Project(orders, clock=SetClock("2024-05-01"))
    with pytest.raises(DataError, match="1 blocking assumption") as caught:
        project.run(small_project.AS_OF)
    assert caught.value.kind_code == "ISB332"
    assert project.data_show("orders").line.rows == small_project.ORDERS
    assert not project.runs()
    warning = blocking.replace("blocking", "warning")
    (orders / "assumptions.py").write_text(warning, encoding="utf-8")
    report = project.run(small_project.AS_OF)
    assert "assumption.failed" in {f.code for f in report.findings}
    assert report.model_version == 1


def test_what_does_not_fit_the_table_is_a_failure_and_no_pass(
    folder: Path, clock: SetClock
) -> None:
    assume(folder, "@ib.assumption(source=loans)\ndef paid(interest):\n    return interest > 0\n")
    found = held(folder, clock)
    assert found.failed
    assert "could not be checked" in found.message
    assume(folder, "@ib.assumption(source=loans)\ndef paid(amount):\n    return amount + 1\n")
    assert "not whether it holds" in held(folder, clock).message


def test_keys_that_are_hidden_are_not_shown(folder: Path, clock: SetClock) -> None:
    hidden = SOURCES.replace('    key="id",', '    key="id",\n    personal={"id": "identifier"},')
    (folder / "sources.py").write_text(hidden, encoding="utf-8")
    assume(folder)
    found = held(folder, clock)
    assert found.evidence["examples"] == [{"_row": "8"}, {"_row": "9"}]


def test_two_of_one_name_are_refused(folder: Path) -> None:
    assume(folder)
    other = HEAD + "\n@ib.assumption(source=loans)\ndef small(amount):\n    return amount > 0\n"
    features = (folder / "features.py").read_text(encoding="utf-8")
    (folder / "features.py").write_text(features + other, encoding="utf-8")
    with pytest.raises(DefinitionError, match="name of two definitions"):
        Project(folder).definitions()


LEDGER = """

@ib.source(key="person", known={"*": ib.beforehand()})
def ledger():
    return ib.parquet("data/ledger.parquet")
"""

AGREE = """
from sources import ledger


@ib.assumption(by="person", severity="error")
def books_agree(lent=ib.rows(loans), booked=ib.rows(ledger)):
    return abs(lent.amount.sum() - booked.total.sum()) <= 0.01
"""


def two_systems(folder: Path, booked: dict[str, float]) -> None:
    """Ann's loans (1, 3, 5, 7, 9) sum up to 2,500, Bob's to 3,000."""
    (folder / "sources.py").write_text(SOURCES + LEDGER, encoding="utf-8")
    rows = pl.DataFrame({"person": list(booked), "total": list(booked.values())})
    rows.write_parquet(folder / "data" / "ledger.parquet")
    assume(folder, AGREE)


def test_sums_of_two_systems_agree(folder: Path, clock: SetClock) -> None:
    two_systems(folder, {"ann": 2500.0, "bob": 3000.0})
    assert held(folder, clock).message == "books agree: holds for 2 of 2 groups."


def test_a_group_that_one_system_lacks_is_a_difference(folder: Path, clock: SetClock) -> None:
    two_systems(folder, {"ann": 2500.0, "cleo": 10.0})
    found = held(folder, clock)
    assert found.severity == "error"
    assert found.evidence["examples"] == [{"person": "bob"}, {"person": "cleo"}]


def test_sums_are_held_again_when_either_table_changes(folder: Path, clock: SetClock) -> None:
    two_systems(folder, {"ann": 2500.0, "bob": 3000.0})
    assert held(folder, clock).outcome == "passed"
    two_systems(folder, {"ann": 2500.0, "bob": 2999.0})
    assert held(folder, clock).evidence["examples"] == [{"person": "bob"}]


def test_a_posted_fact_leaves_standing_what_it_does_not_name(folder: Path, clock: SetClock) -> None:
    """Bob's second loan is settled later: its amount still counts."""
    two_systems(folder, {"ann": 2500.0, "bob": 3000.0})
    assert held(folder, clock).outcome == "passed"
    with opened(folder, clock) as (workspace, _), workspace.online() as online:
        clock.now_us += 1
        with online.posting("loans") as posting:
            posting.add(key_text([2]), {"id": 2, "unpaid": 7.0}, clock.now_us, lambda _: [])
    found = held(folder, clock)
    assert found.outcome == "passed"
    with opened(folder, clock) as (workspace, _):
        assert workspace.catalog.latest_data_version("loans").number == 2  # type: ignore[union-attr]
