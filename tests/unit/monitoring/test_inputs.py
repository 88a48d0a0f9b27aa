"""What goes missing, what means something else now, and what is left alone when nothing changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.unit.monitoring.seen import Row, reference, window

from isbjerg.findings import Finding
from isbjerg.monitoring.alarms import alarms
from isbjerg.monitoring.inputs import Wiring, judge_columns, judge_contract, judge_missing
from isbjerg.monitoring.quality import judge_scores
from isbjerg.monitoring.traffic import Traffic

REFERENCE = reference()
WIRING = Wiring(
    source="orders",
    looked_up={"wind": "weather"},
    made_of={"distance": ["column:distance"], "wind": ["slot:wind"], "slot:wind": ["column:shop"]},
)


def draw() -> np.random.Generator:
    return np.random.default_rng(7)


def everything(seen: Traffic) -> list[Finding]:
    return [
        *judge_missing(REFERENCE, seen, WIRING),
        *judge_contract(REFERENCE, seen),
        *judge_columns(REFERENCE, seen, WIRING, draw),
        judge_scores(REFERENCE, seen, "v1", draw()),
    ]


def alarmed(seen: Traffic) -> set[tuple[str, str]]:
    return {(f.code, f.subject) for f in everything(seen) if alarms(f)}


@pytest.mark.parametrize("days", [1, 7])
def test_unchanged_windows_raise_few_alarms(days: int) -> None:
    windows = 60
    found = [alarmed(window(REFERENCE, seed=seed, days=days)) for seed in range(windows)]
    assert sum(map(bool, found)) <= 3  # of 9 questions each; 1 in 100 adjusted is aimed at


def going_null(row: Row) -> None:
    row["wind"] = None


def half_null(row: Row) -> None:
    row["distance"] = row["distance"] if row["distance"] > 700 else None


def in_kilometres(row: Row) -> None:
    row["distance"] *= 1.609344


def recoded(row: Row) -> None:
    row["shop"] = {"a": "b", "b": "a"}.get(row["shop"], row["shop"])


def shifted(row: Row) -> None:
    row["score"] = min(1.0, row["score"] + 0.5)


def flagged(row: Row) -> None:
    row["findings"] = [{"code": "contract.values", "subject": "orders.shop"}]


def shop_gone(row: Row) -> None:
    row["shop"], row["wind"] = None, None


@pytest.mark.parametrize(
    ("twist", "expected"),
    [
        (going_null, {("watch.lookup", "weather")}),  # the feature made of it says why, no alarm
        (
            half_null,
            {("watch.missing", "orders.distance"), ("watch.distribution", "column distance")},
        ),
        (in_kilometres, {("watch.distribution", "column distance")}),
        (recoded, {("watch.distribution", "column shop")}),
        (shifted, {("watch.scores", "live")}),
        (flagged, {("watch.contract", "orders.shop values")}),
        (shop_gone, {("watch.missing", "orders.shop")}),  # the look-up by it says why
    ],
)
@pytest.mark.parametrize("days", [1, 7])
def test_what_changed_is_named(twist: Any, expected: set[tuple[str, str]], days: int) -> None:
    assert alarmed(window(REFERENCE, seed=3, days=days, twist=twist)) == expected


def test_a_cause_is_said() -> None:
    told = everything(window(REFERENCE, seed=3, twist=shop_gone))
    because = {f.subject: f.message for f in told if f.failed and f.severity == "info"}
    assert because["weather"].endswith("because shop is.")
    assert because["wind"].startswith("wind is missing in 100.0%")


def test_a_small_change_is_not_worth_a_word() -> None:
    def seldom(row: Row) -> None:
        if row["distance"] > 2_400:  # about 1 in 100
            row["shop"] = None

    seen = window(REFERENCE, seed=3, days=7, twist=seldom)
    assert 0 < seen.missing["column:shop"] / seen.rows < 0.02
    assert alarmed(seen) == set()


def test_few_days_of_reference_say_nothing_of_scores() -> None:
    import msgspec

    short = msgspec.structs.replace(
        REFERENCE,
        days=REFERENCE.days[:5],
        rows=REFERENCE.rows[:5],
        counted={
            name: msgspec.structs.replace(c, missing=c.missing[:5], counts=c.counts[:5])
            for name, c in REFERENCE.counted.items()
        },
    )
    found = judge_scores(short, window(short, seed=1), "v1", draw())
    assert found.outcome == "not_run"
    assert "5 days" in found.message
