from __future__ import annotations

import numpy as np
import pytest

from isbjerg.errors import ArgumentError
from isbjerg.evaluation.ladder import climb
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
