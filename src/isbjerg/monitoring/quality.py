"""Whether the answers are distributed as they were, and as good as they were.

A metric is measured only on decisions whose outcomes are due: 95 of 100 outcomes are known so long
after a decision. Younger decisions are counted and told, never judged: of those, only what came
true early is known, and what comes true early is not like the rest.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from isbjerg.evaluation.comparison import compare
from isbjerg.evaluation.metrics import Measured, measure, named
from isbjerg.findings import Finding
from isbjerg.frame.frame import Guardrail
from isbjerg.monitoring.findings import LIVE, PROBABILITY, found
from isbjerg.monitoring.inputs import SHIFT_MIN, shift_of
from isbjerg.monitoring.reference import SCORE, Reference
from isbjerg.monitoring.traffic import Traffic
from isbjerg.statistics.bootstrap import Blocks
from isbjerg.statistics.distances import population_stability

ROWS_MIN = 100
"""Outcomes below which nothing is concluded."""

COVERAGE_FALL_MAX = 0.2
"""By how much the share of due decisions with an outcome may fall below what it was."""


class Due(NamedTuple):
    """Decisions whose outcomes are due, and those too young.

    Parameters
    ----------
    decided : int
        Due decisions, with an outcome or without.
    immature : int
        Decisions after them.
    blocks : Blocks
        Which of those with an outcome belong together, as on the test rows: a day's, and of a
        ranking a list's.
    truth, scores : numpy.ndarray
        What came true, and what was answered.
    """

    decided: int
    immature: int
    blocks: Blocks
    truth: NDArray[np.float64]
    scores: NDArray[np.float64]


def judge_scores(
    reference: Reference, seen: Traffic, model: str, rng: np.random.Generator
) -> Finding:
    """Judge whether answers are distributed as on the test rows."""
    shift = shift_of(reference, seen, SCORE, rng) if SCORE in reference.counted else None
    if shift is None:
        days = len(reference.days)
        return found(
            "scores",
            LIVE,
            "not_run",
            f"{days} days of test rows are too few to say how answers of {model} are usually distributed.",
            mend="a longer test part: [split] in frame.toml",
        )
    counted = reference.counted[SCORE]
    stability = population_stability(seen.counts(SCORE), counted.by_day().sum(axis=0))
    off = shift.probability <= PROBABILITY and shift.distance >= SHIFT_MIN
    return found(
        "scores",
        LIVE,
        "failed" if off else "passed",
        f"The answers of {model} lie {shift.distance:.2f} off those on the test rows; "
        f"up to {shift.usual:.2f} is usual.",
        severity="error",
        mend="look at the columns that moved with it, then isbjerg retrain",
        distance=shift.distance,
        usual=shift.usual,
        probability=shift.probability,
        stability=stability,
    )


def judge_outcomes(reference: Reference, due: Due) -> Finding:
    """Judge whether as many outcomes have come as usually have."""
    known = len(due.truth)
    if due.decided < ROWS_MIN:
        return found(
            "outcomes",
            LIVE,
            "not_run",
            f"{due.decided:,} decisions are due, at least {ROWS_MIN} are asked for; "
            f"{due.immature:,} are too young.",
        )
    share, usual = known / due.decided, reference.with_outcome
    return found(
        "outcomes",
        LIVE,
        "failed" if share < usual - COVERAGE_FALL_MAX else "passed",
        f"{known:,} of {due.decided:,} due decisions have an outcome ({share:.1%}; {usual:.1%} is "
        f"usual); {due.immature:,} are too young.",
        severity="error",
        mend="isbjerg settle outcomes.csv, or isbjerg ingest",
        known=known,
        decided=due.decided,
        immature=due.immature,
        usual=usual,
        due_after_us=reference.delay_us,
    )


def judge_metric(
    reference: Reference,
    due: Due,
    model: str,
    *,
    guardrails: tuple[Guardrail, ...],
    rng: np.random.Generator,
) -> list[Finding]:
    """Judge the metric on what came true: against the test, the constant, the guardrails."""
    if len(due.truth) < ROWS_MIN:
        few = f"{len(due.truth):,} outcomes are known of due decisions, at least {ROWS_MIN} are asked for."
        return [found("metric", LIVE, "not_run", few)]
    blocks = due.blocks
    now = measure(reference.primary, due.truth, due.scores, blocks, rng)
    constant = None
    if reference.constant is not None and due.scores.ndim == 1:
        constant = np.full(len(due.truth), reference.constant)
    least = None
    if constant is not None:
        least = measure(reference.primary, due.truth, constant, blocks, rng).value
    made = [_against_test(reference, now, model, least)]
    if constant is not None:
        beside = compare(
            reference.primary,
            due.truth,
            due.scores,
            constant,
            blocks,
            rng,
            names=(model, "the constant"),
        )
        made.append(
            found(
                "beats_constant",
                LIVE,
                "not_run" if beside.difference is None else "passed" if beside.better else "failed",
                beside.sentence,
                severity="error",
                mend="isbjerg retrain, or isbjerg rollback",
                comparison=beside,
            )
        )
    for rail in guardrails:
        measured = measure(rail.metric, due.truth, due.scores, blocks, rng)
        made.append(_guardrail(rail, measured, model))
    return made


def _against_test(
    reference: Reference, now: Measured, model: str, constant: float | None
) -> Finding:
    then = reference.metrics.get(reference.primary)
    probability = None if then is None else _worse(now, then)
    if then is None or probability is None:
        return found("metric", LIVE, "not_run", f"{now}; the test figure has no interval.")
    failed = probability <= PROBABILITY
    alike = failed and _fell_alike(reference, now, then, constant)
    message = f"{model}: {_told(now)} on outcomes that are due; {_told(then)} when it was tested"
    if constant is not None and reference.constant_metric is not None:
        message += f" (the constant: {constant:.3f} now, {reference.constant_metric:.3f} then)"
    return found(
        "metric",
        LIVE,
        "failed" if failed else "passed",
        f"{message}{'; what is decided about changed, not the model' if alike else ''}.",
        severity="info" if alike else "error",
        mend="isbjerg retrain; isbjerg rollback, if it was better before",
        now=now,
        then=then,
        constant=constant,
        constant_then=reference.constant_metric,
        probability=probability,
    )


def _fell_alike(
    reference: Reference, now: Measured, then: Measured, constant: float | None
) -> bool:
    """Say whether the model is as many times better than the constant as it was.

    Where events became rarer, average precision falls for every model, and with it the constant's;
    where they became more frequent, so does the Brier score.
    """
    before = reference.constant_metric
    if not constant or not before or not now.value or not then.value:
        return False
    ratio, usual = now.value / constant, then.value / before
    return ratio >= usual if named(now.name).higher_is_better else ratio <= usual


def _worse(now: Measured, then: Measured) -> float | None:
    """Ask how probable it is to look so much worse by chance, from the two intervals."""
    from scipy.special import ndtr  # noqa: PLC0415 - only a watch needs it

    if None in (now.value, now.low, now.high, then.value, then.low, then.high):
        return None
    sign = 1.0 if named(now.name).higher_is_better else -1.0
    spread = math.hypot(*((m.high - m.low) / (2 * 1.959964) for m in (now, then)))  # type: ignore[operator]
    fall = sign * (then.value - now.value)  # type: ignore[operator]
    if spread == 0.0:
        return 0.0 if fall > 0 else 1.0
    return float(ndtr(-fall / spread))


def _guardrail(rail: Guardrail, measured: Measured, model: str) -> Finding:
    if measured.value is None:
        return found("guardrail", rail.metric, "not_run", f"{measured}.")
    # what chance could explain is no alarm; the gate asks the value itself
    bounds = [measured.value] if measured.low is None else [measured.low, measured.high]
    holds = any(rail.holds(bound) for bound in bounds if bound is not None)
    return found(
        "guardrail",
        rail.metric,
        "passed" if holds else "failed",
        f"{_told(measured)} on outcomes that are due; {rail} is asked for of {model}.",
        severity="error",
        mend="isbjerg retrain, or argue for another guardrail in frame.toml",
        measured=measured,
        bound=str(rail),
    )


def _told(measured: Measured) -> str:
    if measured.value is None:
        return f"{measured.name} undefined"
    bounds = "" if measured.low is None else f" ({measured.low:.3f} to {measured.high:.3f})"
    return f"{measured.name.replace('_', ' ')} {measured.value:.3f}{bounds}"
