from __future__ import annotations

import numpy as np
import pytest

from isbjerg.evaluation.comparison import compare
from isbjerg.statistics.bootstrap import blocks_of


def days(n, count):
    return blocks_of(np.arange(n) * count // n, "days")


def sample(n=4000):
    rng = np.random.default_rng(0)
    chance = rng.beta(1, 4, n)
    truth = rng.random(n) < chance
    return truth, chance, np.clip(chance + rng.normal(0, 0.25, n), 0, 1)


@pytest.mark.parametrize("metric", ["average_precision", "roc_auc", "log_loss", "brier"])
def test_positive_is_better_whichever_way_the_metric_points(metric):
    truth, good, bad = sample()
    found = compare(metric, truth, good, bad, days(4000, 30), np.random.default_rng(1))
    back = compare(metric, truth, bad, good, days(4000, 30), np.random.default_rng(1))
    assert found.better
    assert 0 < found.low < found.difference < found.high
    assert not back.better
    assert back.difference == -found.difference
    assert "is worse than" in back.sentence


def test_the_interval_is_that_of_a_paired_mean():
    # The Brier difference is a mean over rows; with rows as blocks the normal approximation of a
    # paired mean difference must be met (Efron & Tibshirani 1993, ch. 13).
    truth, good, bad = sample()
    each = (truth - bad) ** 2 - (truth - good) ** 2
    reach = 1.96 * each.std() / 4000**0.5
    found = compare(
        "brier", truth, good, bad, np.arange(4000), np.random.default_rng(2), replicates=1000
    )
    assert found.difference == pytest.approx(each.mean())
    assert (found.high - found.low) / 2 == pytest.approx(reach, rel=0.1)


def test_a_step_worth_taking_reads_so():
    truth, good, bad = sample()
    found = compare(
        "average_precision",
        truth,
        good,
        bad,
        days(4000, 30),
        np.random.default_rng(1),
        names=("boosted", "evenings"),
        rows_word="flights",
    )
    assert found.sentence == (
        f"boosted beats evenings by {found.difference:.3f} average precision "
        f"(95 % interval {found.low:.3f} to {found.high:.3f}, 4,000 flights in 30 days)."
    )


def test_a_step_not_worth_taking_reads_so():
    truth, good, _ = sample()
    found = compare("roc_auc", truth, good, good, days(4000, 30), np.random.default_rng(1))
    assert not found.better
    assert found.not_worse()
    assert found.sentence.endswith(
        "difference 0.000 (0.000 to 0.000, 4,000 rows in 30 days); the step is not worth it."
    )


def test_a_difference_that_may_be_chance_is_no_step():
    # Errors of 5 and 0 by turns against 2: better by 3 on one row and worse by 2 on the next, so
    # by 0.5 on average, with a standard error of 2.5 / sqrt(40) = 0.4: the interval holds 0.
    truth, against, scores = np.zeros(40), np.tile([5.0, 0.0], 20), np.full(40, 2.0)
    found = compare("mae", truth, scores, against, np.arange(40), np.random.default_rng(1))
    assert found.difference == 0.5
    assert found.low < 0 < found.high
    assert not found.better
    assert found.sentence.endswith("the step is not worth it.")


def test_few_days_prove_nothing():
    truth, good, bad = sample()
    found = compare("brier", truth, good, bad, days(4000, 5), np.random.default_rng(1))
    assert (found.low, found.better, found.not_worse(1.0)) == (None, False, False)
    assert "too few" in found.sentence


def test_one_class_cannot_be_compared():
    scores = np.linspace(0, 1, 40)
    found = compare("roc_auc", np.zeros(40), scores, scores, days(40, 20), np.random.default_rng(1))
    assert (found.difference, found.better) == (None, False)
    assert "cannot be compared" in found.sentence


def test_a_margin_allows_what_it_says():
    truth, good, bad = sample()
    worse = compare("brier", truth, bad, good, days(4000, 30), np.random.default_rng(1))
    assert not worse.not_worse(-worse.low - 1e-9)
    assert worse.not_worse(-worse.low + 1e-9)
