from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.errors import StoreError
from isbjerg.storage.ledger import Ledger, Prediction, unit_key
from isbjerg.storage.ledger_writer import LedgerWriter
from isbjerg.storage.outcomes import Outcome, Outcomes, Settlement


def predict(folder: Path, *names: str) -> list[Prediction]:
    writer = LedgerWriter(folder / "w1.db", lambda: 1)
    made = [
        Prediction(
            id=name,
            epoch=1,
            unit_key=unit_key([name.upper()]),
            subject=None,
            at_us=1,
            received_us=1,
            route="live",
            why="",
            model_version=1,
            bundle="b",
            score=0.5,
            inputs={},
            slots={},
            features={},
            findings=[],
            latency_us=1,
        )
        for name in names
    ]
    for future in [writer.append(one) for one in made]:
        future.result(timeout=10)
    writer.close()
    return made


def by_id(ref: str, value: object, known_us: int = 5) -> Outcome:
    return Outcome(by="id", ref=ref, value=value, known_us=known_us)


def by_unit(name: str, value: object, known_us: int = 5) -> Outcome:
    return Outcome(by="unit", ref=unit_key([name]), value=value, known_us=known_us)


def said(new: int, duplicates: int, corrections: int, unmatched: int, late: int) -> Settlement:
    return Settlement(
        new=new,
        duplicates=duplicates,
        corrections=corrections,
        unmatched=unmatched,
        matched_late=late,
    )


def test_a_life_of_outcomes(tmp_path: Path) -> None:
    ledger, outcomes = Ledger(tmp_path), Outcomes(tmp_path / "outcomes.db", lambda: 77)
    [a, b] = predict(tmp_path, "a", "b")
    first = [by_id("a", value=True), by_unit("B", value=False), by_unit("C", value=None)]
    assert outcomes.settle(first, source="f1", ledger=ledger) == said(3, 0, 0, 1, 0)
    assert outcomes.settle(first, source="f1", ledger=ledger) == said(0, 3, 0, 1, 0)
    assert [o.ref for o in outcomes.unmatched()] == ['["C"]']

    corrected = [by_id("a", value=False, known_us=9)]
    assert outcomes.settle(corrected, source="f2", ledger=ledger) == said(0, 0, 1, 0, 0)
    history = outcomes.history("id", "a")
    assert [(o.value, o.corrects, o.known_us, o.settled_us, o.source) for o in history] == [
        (True, None, 5, 77, "f1"),
        (False, 1, 9, 77, "f2"),
    ]
    # The first file again does not undo the correction.
    assert outcomes.settle(first, source="f1", ledger=ledger) == said(0, 3, 0, 1, 0)
    assert {k: v.value for k, v in outcomes.newest([a, b]).items()} == {"a": False, "b": False}

    predict(tmp_path, "c")
    assert outcomes.settle([], source="f3", ledger=ledger) == said(0, 0, 0, 0, 1)
    assert outcomes.unmatched() == []
    assert outcomes.count() == 4


def test_outcomes_that_waited_can_be_matched_alone(tmp_path: Path) -> None:
    ledger, outcomes = Ledger(tmp_path), Outcomes(tmp_path / "outcomes.db", lambda: 77)
    outcomes.settle([by_unit("A", 1.5)], source="f1", ledger=ledger)
    assert outcomes.rematch(ledger) == 0
    predict(tmp_path, "a")
    assert outcomes.rematch(ledger) == 1


def test_a_settlement_is_whole_or_not_at_all(tmp_path: Path) -> None:
    outcomes = Outcomes(tmp_path / "outcomes.db", lambda: 77)
    broken = [by_id("a", 1), Outcome(by="neither", ref="b", value=1, known_us=1)]  # type: ignore[arg-type]
    with pytest.raises(sqlite3.IntegrityError):
        outcomes.settle(broken, source="f", ledger=Ledger(tmp_path))
    assert outcomes.count() == 0


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(0, 2)), max_size=12))
def test_settling_twice_is_settling_once(
    tmp_path_factory: pytest.TempPathFactory, given_: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("outcomes")
    outcomes, ledger = Outcomes(folder / "outcomes.db", lambda: 77), Ledger(folder)
    file = [by_id(ref, value) for ref, value in given_]
    outcomes.settle(file, source="f", ledger=ledger)
    before = outcomes.count()
    again = outcomes.settle(file, source="f", ledger=ledger)
    assert (again.new, again.corrections, outcomes.count()) == (0, 0, before)


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "outcomes.db"
    Outcomes(path, lambda: 1)
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 2")
    db.close()
    with pytest.raises(StoreError) as caught:
        Outcomes(path, lambda: 1)
    assert caught.value.kind_code == "ISB613"
