"""Ages against what was promised."""

from __future__ import annotations

import pytest

from isbjerg.monitoring.freshness import judge_data_age, judge_model_age, judge_posted
from isbjerg.times import DAY_US, HOUR_US


@pytest.mark.parametrize(
    ("age", "allowed", "outcome"),
    [
        (7 * DAY_US, 7 * DAY_US, "passed"),
        (7 * DAY_US + 1, 7 * DAY_US, "failed"),
        (10**16, None, "not_applicable"),
    ],
)
def test_a_model_may_be_as_old_as_the_frame_says(
    age: int, allowed: int | None, outcome: str
) -> None:
    assert judge_model_age("v1", age, allowed).outcome == outcome


@pytest.mark.parametrize(
    ("age", "refresh", "outcome"),
    [
        (HOUR_US, HOUR_US, "passed"),
        (3 * HOUR_US // 2, HOUR_US, "passed"),  # half a refresh late is late, not stale
        (3 * HOUR_US // 2 + 1, HOUR_US, "failed"),
        (None, HOUR_US, "failed"),
        (10**16, None, "not_applicable"),
    ],
)
def test_a_source_may_be_as_old_as_it_says(
    age: int | None, refresh: int | None, outcome: str
) -> None:
    assert judge_data_age("weather", age, refresh).outcome == outcome


@pytest.mark.parametrize(
    ("waiting", "age", "allowed", "outcome"),
    [
        (0, 10**16, None, "passed"),
        (5, 7 * DAY_US, None, "passed"),
        (5, 7 * DAY_US + 1, None, "failed"),
        (5, DAY_US, HOUR_US, "failed"),
    ],
)
def test_posted_facts_may_wait_as_long_as_a_model_may_be_old(
    waiting: int, age: int, allowed: int | None, outcome: str
) -> None:
    assert judge_posted("weather", waiting, age, allowed).outcome == outcome
