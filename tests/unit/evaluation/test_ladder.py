from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from isbjerg.errors import ArgumentError
from isbjerg.evaluation.ladder import climb, measured_on
from isbjerg.statistics.bootstrap import blocks_of


@pytest.fixture
def rungs():
    rng = np.random.default_rng(0)
    chance = rng.beta(1, 3, 3000)
    truth = rng.random(3000) < chance
    scores = {
        "constant": np.full(3000, truth.mean()),
        "rule": np.where(chance > 0.3, 0.5, 0.1),
        "linear": np.clip(chance + rng.normal(0, 0.4, 3000), 0, 1),
        "boosted": chance,
    }
    return scores, truth, blocks_of(np.arange(3000) // 100, "days")


def test_a_rung_that_is_not_better_is_passed_over(rungs):
    scores, truth, days = rungs
    ladder = climb(scores, truth, days, np.random.default_rng(1), primary="roc_auc")
    assert [r.rung for r in ladder.rows] == list(scores)
    assert [r.rung for r in ladder.rows if r.chosen] == ["boosted"] == [ladder.chosen]
    linear = ladder.row("linear")
    assert not linear.step.better
    assert linear.step.against == "rule"
    boosted = ladder.row("boosted")
    assert (boosted.step.against, boosted.below.against) == ("rule", "linear")
    assert "beats rule" in boosted.sentence


def test_the_lowest_rung_has_nothing_to_beat(rungs):
    scores, truth, days = rungs
    ladder = climb(scores, truth, days, np.random.default_rng(1), primary="roc_auc")
    first = ladder.rows[0]
    assert (first.step, first.below) == (None, None)
    assert first.metrics["roc_auc"].value == 0.5


def test_nothing_better_leaves_the_constant(rungs):
    scores, truth, days = rungs
    only = {"constant": scores["constant"], "same": scores["constant"]}
    ladder = climb(only, truth, days, np.random.default_rng(1), primary="brier")
    assert ladder.chosen == "constant"


def test_further_metrics_are_measured_beside(rungs):
    scores, truth, days = rungs
    ladder = climb(
        scores, truth, days, np.random.default_rng(1), primary="roc_auc", metrics=["brier"]
    )
    assert set(ladder.row("rule").metrics) == {"roc_auc", "brier"}


def test_the_same_generator_climbs_the_same(rungs):
    scores, truth, days = rungs
    first, again = (
        climb(scores, truth, days, np.random.default_rng(1), primary="brier") for _ in range(2)
    )
    assert first == again


def test_no_rungs_are_no_ladder(rungs):
    with pytest.raises(ArgumentError):
        climb({}, rungs[1], rungs[2], np.random.default_rng(1), primary="brier")


def ahead_by(gain, rows=40):
    """Make scores whose Brier score against 0.5 is better by `gain`, with much noise.

    Half the rows lie right by 0.3 (0.04 against 0.25: better by 0.21), the others wrong by as
    much as leaves `gain` on average.
    """
    truth = np.arange(rows) % 2
    right = np.arange(rows) // 2 % 2 == 0
    wrong = np.sqrt(0.25 + 0.21 - 2 * gain)
    error = np.where(right, 0.2, wrong)
    return np.abs(truth - error), truth


@pytest.mark.parametrize(("gain", "taken"), [(0.02, "unproven"), (-0.02, "constant")])
def test_while_nothing_is_proven_the_rung_ahead_is_taken(gain, taken):
    said, truth = ahead_by(gain)
    scores = {"constant": np.full(40, 0.5), "unproven": said}
    ladder = climb(scores, truth, np.arange(40), np.random.default_rng(1), primary="brier")
    row = ladder.row("unproven")
    assert row.step.difference == pytest.approx(gain)
    assert (row.step.better, ladder.chosen) == (False, taken)
    assert ("it is taken" in row.sentence) is (taken == "unproven")


def test_once_a_rung_is_proven_better_than_the_constant_a_step_needs_proof(rungs):
    scores, truth, days = rungs
    hair = {
        "constant": scores["constant"],
        "boosted": scores["boosted"],
        "hair": scores["boosted"] + np.random.default_rng(5).normal(0, 1e-6, 3000),
    }
    for primary in ("brier", "log_loss"):
        ladder = climb(hair, truth, days, np.random.default_rng(1), primary=primary)
        assert ladder.chosen == "boosted"


def test_other_rows_measure_and_change_nothing_of_the_choice(rungs):
    scores, truth, _ = rungs
    half, days = 1500, blocks_of(np.arange(1500) // 100, "days")
    early = {name: said[:half] for name, said in scores.items()}
    # On the later rows the boosted rung says the opposite of what it knows.
    late = {name: said[half:] for name, said in scores.items()} | {
        "boosted": 1.0 - scores["boosted"][half:]
    }
    rng = np.random.default_rng(1)
    chosen = climb(early, truth[:half], days, rng, primary="roc_auc")
    ladder = measured_on(chosen, late, truth[half:], days, rng, metrics=["brier"])
    assert (ladder.chosen, ladder.chosen_on) == ("boosted", "validation")
    assert [r.step for r in ladder.rows] == [r.step for r in chosen.rows]
    row = ladder.row("boosted")
    assert row.choosing == chosen.row("boosted").metrics
    assert row.metrics["roc_auc"].value == pytest.approx(
        roc_auc_score(truth[half:], late["boosted"]), abs=1e-12
    )
    assert set(row.metrics) == {"roc_auc", "brier"}
