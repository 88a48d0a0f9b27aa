"""The metric on outcomes that are due: worked out against figures made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from msgspec.structs import replace
from tests.unit.monitoring.seen import reference

from isbjerg.evaluation.metrics import Measured
from isbjerg.findings import Finding
from isbjerg.frame.frame import Guardrail
from isbjerg.monitoring.quality import Due, judge_metric, judge_outcomes
from isbjerg.statistics.bootstrap import time_blocks
from isbjerg.times import DAY_US

REFERENCE = reference()


def due(*, rows: int = 3_000, noise: float = 0.0, seed: int = 0) -> Due:
    """Decisions of 30 days whose scores are the very chances, or moved away from them."""
    rng = np.random.default_rng(seed)
    chance = rng.beta(1, 2, rows)
    truth = (rng.random(rows) < chance).astype(float)
    scores = np.clip(chance + rng.normal(0, noise, rows), 0, 1) if noise else chance
    return Due(rows, 50, time_blocks(np.arange(rows) * 30 * DAY_US // rows), truth, scores)


def judged(seen: Due, **changes: object) -> dict[str, Finding]:
    made = judge_metric(
        replace(REFERENCE, **changes),
        seen,
        "v1",
        guardrails=(Guardrail("brier", "<=", 0.2),),
        rng=np.random.default_rng(0),
    )
    return {f.code: f for f in made}


def test_as_good_as_tested_passes() -> None:
    # E[p(1-p)] for Beta(1, 2) is 1/6
    then = Measured("brier", 1 / 6, 0.158, 0.175, n=3_000, blocks=30)
    found = judged(due(), metrics={"brier": then}, constant=1 / 3)
    assert {f.outcome for f in found.values()} == {"passed"}


def test_worse_than_tested_is_found_and_beside_the_constant() -> None:
    then = Measured("brier", 1 / 6, 0.158, 0.175, n=3_000, blocks=30)
    found = judged(due(noise=0.6), metrics={"brier": then}, constant=1 / 3)
    assert found["watch.metric"].failed
    assert found["watch.metric"].severity == "error"
    assert found["watch.beats_constant"].failed
    assert found["watch.guardrail"].failed


def test_a_fall_that_the_constant_shares_is_no_alarm() -> None:
    # tested where events were rare: the constant's Brier score was 0.10, its own 0.08
    then = Measured("brier", 0.08, 0.075, 0.085, n=3_000, blocks=30)
    found = judged(due(), metrics={"brier": then}, constant=1 / 3, constant_metric=0.1)
    assert found["watch.metric"].failed
    assert found["watch.metric"].severity == "info"
    assert "what is decided about changed" in found["watch.metric"].message


def test_unchanged_months_are_rarely_flagged() -> None:
    then = Measured("brier", 1 / 6, 0.158, 0.175, n=3_000, blocks=30)
    found = [judged(due(seed=s), metrics={"brier": then}, constant=1 / 3) for s in range(40)]
    assert sum(f["watch.metric"].failed for f in found) <= 2


def test_few_outcomes_are_no_answer() -> None:
    assert [f.outcome for f in judged(due(rows=99)).values()] == ["not_run"]


@pytest.mark.parametrize(
    ("known", "decided", "outcome"),
    [(960, 1_000, "passed"), (760, 1_000, "passed"), (740, 1_000, "failed"), (20, 99, "not_run")],
)
def test_outcomes_that_do_not_come(known: int, decided: int, outcome: str) -> None:
    # 95 % had one when it was tested; a fall of 20 points is one too many
    nothing = np.zeros(known)
    seen = Due(decided, 5, time_blocks(nothing.astype(np.int64)), nothing, nothing)
    found = judge_outcomes(REFERENCE, seen)
    assert found.outcome == outcome
    assert found.message.endswith("5 are too young.")


def test_the_best_of_all_rows_is_held_against_the_test() -> None:
    # of Beta(1, 2) chances the best tenth lies above 1 - sqrt(0.1); by hand the mean there is 0.789
    then = Measured("precision@10%", 0.789, 0.74, 0.83, n=3_000, blocks=30)
    changes = {"primary": "precision@10%", "metrics": {"precision@10%": then}, "constant": 1 / 3}
    assert judged(due(), **changes)["watch.metric"].outcome == "passed"
    assert judged(due(noise=0.6), **changes)["watch.metric"].failed
