"""Traffic by the hour: what is usual, what is a stop, what is a flood."""

from __future__ import annotations

import numpy as np
import pytest

from isbjerg.findings import Finding
from isbjerg.monitoring.volume import judge_volume

START, WEEKS = 400_000, 6
NOW = START + WEEKS * 168


def traffic(seed: int = 0, *, mean: float = 40.0) -> dict[int, int]:
    """Six weeks and a day of hours with a night without traffic and quiet Sundays."""
    rng = np.random.default_rng(seed)
    hours = {}
    for hour in range(START, NOW + 24):
        of_day, day = hour % 24, (hour // 24) % 7
        level = 0.0 if of_day < 5 else mean * (0.5 if day == 6 else 1.0)
        hours[hour] = int(rng.negative_binomial(20, 20 / (20 + level))) if level else 0
    return {h: n for h, n in hours.items() if n}


def judge(hours: dict[int, int], *, first: int = NOW, last: int = NOW + 24) -> tuple[str, str]:
    volume, silence = judge_volume(hours, first=first, last=last, known_from=START)
    return volume.outcome, silence.outcome


def test_unchanged_days_are_rarely_flagged() -> None:
    found = [judge(traffic(seed)) for seed in range(60)]
    assert sum(volume == "failed" for volume, _ in found) <= 1
    assert sum(silence == "failed" for _, silence in found) <= 1
    assert {o for pair in found for o in pair} <= {"passed", "failed"}


@pytest.mark.parametrize("from_hour", [8, 14, 18])
def test_a_stop_is_seen_hours_after_it(from_hour: int) -> None:
    hours = {h: n for h, n in traffic().items() if h < NOW + from_hour}
    _, silence = judge_volume(hours, first=NOW, last=NOW + 24, known_from=START)
    assert silence.failed
    assert silence.evidence["hours"] == 24 - from_hour
    assert "Nothing came for" in silence.message


def test_a_day_without_any_is_both() -> None:
    hours = {h: n for h, n in traffic().items() if h < NOW}
    assert judge(hours) == ("failed", "failed")


def test_a_quiet_night_is_no_stop() -> None:
    assert judge(traffic(), first=NOW, last=NOW + 5)[1] == "passed"


def test_a_flood_is_seen() -> None:
    hours = traffic()
    hours |= {h: 5 * hours.get(h, 0) for h in range(NOW, NOW + 24)}
    assert judge(hours) == ("failed", "passed")


def test_a_quiet_sunday_is_held_against_sundays() -> None:
    sunday = next(d for d in range(NOW - 168, NOW, 24) if (d // 24) % 7 == 6)
    volume, _ = judge_volume(traffic(), first=sunday, last=sunday + 24, known_from=START)
    assert volume.outcome == "passed"


@pytest.mark.parametrize("days", [0, 1, 2])
def test_too_short_a_past_is_not_run(days: int) -> None:
    made: tuple[Finding, Finding] = judge_volume(
        traffic(), first=NOW, last=NOW + 24, known_from=NOW - 24 * days
    )
    assert {f.outcome for f in made} == {"not_run"}


def test_before_there_are_weeks_days_are_compared() -> None:
    volume, silence = judge_volume(traffic(), first=NOW, last=NOW + 24, known_from=NOW - 24 * 5)
    assert (volume.outcome, silence.outcome) == ("passed", "passed")
    assert len(volume.evidence["before"]) == 5
