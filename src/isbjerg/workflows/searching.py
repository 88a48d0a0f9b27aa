"""A search over a rung's parameters: fit, measure on the tuning rows, keep the best.

Trials are compared on the rows that fits may look at and on no others: the rows on which a rung is
chosen and the test rows are as unknown to the answer as to any other model.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.errors import ModelError
from isbjerg.findings import Finding
from isbjerg.models.fitted import EvaluatedOnly, Fitted
from isbjerg.models.search import Search, borders
from isbjerg.models.search_points import points

Timer = Callable[[], float]
"""Seconds since some time or other; only differences mean anything."""


class Attempt(Protocol):
    """A model fitted with some parameters, which may be the answer."""

    def score(self, units: pl.DataFrame) -> NDArray[np.float64]:
        """Score assembled units."""
        ...

    def finish(self) -> Fitted | EvaluatedOnly:
        """Hand it over: what only the answer is worth, such as another form of it."""
        ...


class Trial(msgspec.Struct, frozen=True, omit_defaults=True):
    """One fit of a search.

    Parameters
    ----------
    parameters : dict
        What was tried; empty for the parameters that the model had already.
    score : float or None
        The metric on the tuning rows; ``None`` when it could not be fitted.
    seconds : float
        What it took.
    fault : str
        Why it could not be fitted.
    """

    parameters: dict[str, Any]
    score: float | None
    seconds: float
    fault: str = ""


class Searched(msgspec.Struct, frozen=True, kw_only=True):
    """What a search tried.

    Parameters
    ----------
    metric : str
        What was compared.
    trials : tuple of Trial
        In order.
    chosen : int
        Place of the answer among them.
    ended : {"trials", "budget"}
        What there was enough of.
    findings : tuple of Finding
        ``search.border`` for each parameter of the answer that lies at an end of its range.
    """

    metric: str
    trials: tuple[Trial, ...]
    chosen: int
    ended: str
    findings: tuple[Finding, ...] = ()

    def __str__(self) -> str:
        best = self.trials[self.chosen]
        spent = sum(t.seconds for t in self.trials)
        told = ", ".join(f"{name}={value!r}" for name, value in best.parameters.items())
        return (
            f"{len(self.trials)} fits in {spent:.1f} s; best {self.metric} on the tuning rows "
            f"{best.score:.4f} with {told or 'the parameters it had'}."
        )


def search(
    asked: Search,
    fit: Callable[[Mapping[str, Any]], Attempt],
    measure: Callable[[Attempt], float],
    *,
    rung: str,
    metric: str,
    higher_is_better: bool,
    rng: np.random.Generator,
    timer: Timer = time.perf_counter,
) -> tuple[Attempt, Searched]:
    """Try parameters and keep the best.

    Parameters
    ----------
    asked : Search
        The space, and what may be spent.
    fit : callable
        Fits with the parameters given in place of the model's own.
    measure : callable
        The metric of an attempt on the tuning rows.
    rung : str
        Whose search it is.
    metric : str
        The metric's name.
    higher_is_better : bool
        Which way is better.
    rng : numpy.random.Generator
        Draws the points.
    timer : callable
        Seconds; decides when a budget is spent, and nothing else.

    Returns
    -------
    tuple of (Attempt, Searched)
        The first of the best.

    Raises
    ------
    ModelError
        When no trial could be fitted: what the first one said.
    """
    tries = [{}, *points(asked.over, asked.trials_max - 1, rng)]
    sign = 1.0 if higher_is_better else -1.0
    trials: list[Trial] = []
    best: tuple[float, int, Attempt] | None = None
    first: ModelError | None = None
    began = timer()
    for parameters in tries:
        if trials and asked.budget_us is not None and (timer() - began) * 1e6 >= asked.budget_us:
            break
        start = timer()
        try:
            attempt = fit(parameters)
            score = measure(attempt)
        except ModelError as fault:
            first = first or fault
            trials.append(Trial(parameters, None, timer() - start, fault.message))
            continue
        trials.append(Trial(parameters, score, timer() - start))
        if best is None or sign * score > sign * best[0]:
            best = score, len(trials) - 1, attempt
    if best is None:
        raise first or ModelError(f"The search of '{rung}' has no fit.")
    found = Searched(
        metric=metric,
        trials=tuple(trials),
        chosen=best[1],
        ended="trials" if len(trials) == len(tries) else "budget",
        findings=_at_borders(asked, trials[best[1]], rung),
    )
    return best[2], found


def _at_borders(asked: Search, best: Trial, rung: str) -> tuple[Finding, ...]:
    return tuple(
        Finding(
            code="search.border",
            subject=rung,
            severity="warning",
            message=(
                f"The best {dimension.name} that was found, {best.parameters[dimension.name]!r}, "
                f"lies at the {end} end of what was searched."
            ),
            mend=f"over={{{dimension.widened(end)}, ...}}",
            evidence={"parameter": dimension.name, "end": end},
        )
        for dimension, end in borders(asked.over, best.parameters)
    )
