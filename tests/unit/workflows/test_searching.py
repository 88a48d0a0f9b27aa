"""A search keeps the best of its fits, says what it tried, and stops when its budget is spent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from isbjerg.errors import ModelError
from isbjerg.models.fitted import Fitted
from isbjerg.models.search import Search, read_space
from isbjerg.workflows.searching import search

SPACE = read_space({"depth": (1, 64)})


@dataclass
class Attempt:
    depth: int

    def score(self, units):
        return np.full(units.height, float(self.depth))

    def finish(self):
        return Fitted(kind="constant", target_kind="binary", parameters={"value": self.depth})


class Watch:
    """A timer that a second passes on each time it is looked at."""

    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        self.seconds += 1.0
        return self.seconds


def run(asked, *, measure=lambda a: -abs(a.depth - 20), higher=True, fit=None, seed=0):
    return search(
        asked,
        fit or (lambda changed: Attempt(changed.get("depth", 3))),
        measure,
        rung="trees",
        metric="brier",
        higher_is_better=higher,
        rng=np.random.default_rng(seed),
        timer=Watch(),
    )


def test_the_best_is_kept_whichever_way_is_better():
    asked = Search(SPACE, trials=64, budget_us=None)
    best, found = run(asked)
    assert best.depth == found.trials[found.chosen].parameters["depth"]
    assert abs(best.depth - 20) == min(abs(t.parameters.get("depth", 3) - 20) for t in found.trials)
    lowest, _ = run(asked, measure=lambda a: abs(a.depth - 20), higher=False)
    assert lowest.depth == best.depth
    assert (len(found.trials), found.ended) == (64, "trials")


def test_the_first_fit_has_the_parameters_it_had_and_wins_a_tie():
    best, found = run(Search(SPACE, trials=10, budget_us=None), measure=lambda _: 0.5)
    assert best.depth == 3
    assert found.chosen == 0
    assert found.trials[0].parameters == {}
    assert "with the parameters it had" in str(found)
    assert found.findings == ()


def test_a_budget_stops_between_fits_and_the_same_trials_repeat_it():
    # Each fit looks at the watch three times, so that a budget of 10 s is spent after four.
    best, found = run(Search(SPACE, trials=None, budget_us=10_000_000))
    assert (len(found.trials), found.ended) == (4, "budget")
    again, same = run(Search(SPACE, trials=4, budget_us=None))
    assert [t.parameters for t in same.trials] == [t.parameters for t in found.trials]
    assert again.depth == best.depth


def test_one_fit_is_made_however_small_the_budget():
    _, found = run(Search(SPACE, trials=None, budget_us=1))
    assert len(found.trials) == 1


def test_a_fit_that_fails_is_recorded_and_passed_over():
    def fit(changed):
        if changed.get("depth", 0) > 10:
            raise ModelError("too deep")
        return Attempt(changed.get("depth", 3))

    best, found = run(Search(SPACE, trials=20, budget_us=None), fit=fit)
    failed = [t for t in found.trials if t.score is None]
    assert failed
    assert {t.fault for t in failed} == {"too deep"}
    assert best.depth <= 10

    def never(_):
        raise ModelError("no row")

    with pytest.raises(ModelError, match="no row"):
        run(Search(SPACE, trials=3, budget_us=None), fit=never)


def test_an_answer_at_the_border_is_a_finding_with_the_wider_space():
    _, found = run(Search(SPACE, trials=64, budget_us=None), measure=lambda a: a.depth)
    (finding,) = found.findings
    assert (finding.code, finding.subject) == ("search.border", "trees")
    assert finding.mend == 'over={"depth": (1, 127), ...}'
