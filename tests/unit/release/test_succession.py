"""What takes the live model's place: worked out by hand from intervals."""

from __future__ import annotations

import pytest

from isbjerg.errors import ArgumentError
from isbjerg.evaluation.comparison import Comparison
from isbjerg.release.succession import decide, retrain_every_us, rungs_beside
from isbjerg.times import DAY_US

WEEK_US = 7 * DAY_US


def difference(low: float | None, high: float | None, *, middle: float | None = None) -> Comparison:
    value = middle if low is None or high is None else (low + high) / 2
    return Comparison(
        metric="brier",
        name="new",
        against="v1 (trees)",
        difference=value,
        low=low,
        high=high,
        better=low is not None and low > 0.0,
        n=100,
        blocks=20,
        sentence="The sentence.",
    )


@pytest.mark.parametrize(
    ("low", "high", "age", "margin", "choice"),
    [
        (0.001, 0.02, 0, 0.0, "better"),  # the whole interval above zero: age does not matter
        (-0.001, 0.02, 0, 0.0, "keep"),
        (-0.001, 0.02, WEEK_US, 0.0, "keep"),  # old, but nobody said what is as good
        (-0.001, 0.02, WEEK_US, 0.01, "fresher"),  # at the bound the age counts
        (-0.001, 0.02, WEEK_US - 1, 0.01, "keep"),
        (-0.01, 0.02, WEEK_US, 0.01, "fresher"),  # the interval may touch the margin
        (-0.011, 0.02, WEEK_US, 0.01, "keep"),
        (0.0, 0.0, WEEK_US, 0.0, "keep"),  # the same model again
        (None, None, WEEK_US, 0.01, "keep"),  # without an interval nothing is shown
    ],
)
def test_what_takes_the_live_models_place(
    low: float | None, high: float | None, age: int, margin: float, choice: str
) -> None:
    found = difference(low, high, middle=0.5)
    decided = decide(found, age_us=age, every_us=WEEK_US, margin=margin)
    assert decided.choice == choice
    assert decided.replaces == (choice != "keep")
    assert decided.why


def test_age_moves_nothing_where_the_frame_sets_no_bound() -> None:
    equal = difference(-0.001, 0.001)
    assert decide(equal, age_us=10**18, every_us=None, margin=1.0).choice == "keep"


def test_what_was_not_compared_is_not_promoted() -> None:
    assert decide(None, age_us=10**18, every_us=1, margin=1.0).choice == "keep"


@pytest.mark.parametrize(
    ("said", "days"),
    [("hourly", 1 / 24), ("daily", 1), ("weekly", 7), ("monthly", 30), ("14d", 14)],
)
def test_how_often_in_time(said: str, days: float) -> None:
    assert retrain_every_us(said) == days * DAY_US


LADDER = ["rule", "linear", "small", "large"]


@pytest.mark.parametrize(
    ("live", "wanted", "fitted"),
    [
        ("small", ["-1", "live", "+1"], ("linear", "small", "large")),
        ("small", ["+1", "live"], ("small", "large")),  # in the order of the ladder
        ("rule", ["-1", "live"], ("rule",)),  # nothing below the first but the constant
        ("large", ["live", "+1"], ("large",)),
        ("small", ["live", "rule"], ("rule", "small")),
    ],
)
def test_rungs_around_the_live_one(live: str, wanted: list[str], fitted: tuple[str, ...]) -> None:
    assert rungs_beside(LADDER, live, wanted) == fitted


def test_a_rung_that_is_not_there_is_a_wrong_command() -> None:
    with pytest.raises(ArgumentError, match="no rung 'trees' on the ladder"):
        rungs_beside(LADDER, "small", ["live", "trees"])
