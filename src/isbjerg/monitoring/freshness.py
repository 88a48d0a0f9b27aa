"""How old the model, its data and its posted facts are."""

from __future__ import annotations

from isbjerg.findings import Finding
from isbjerg.monitoring.findings import LIVE, found
from isbjerg.times import DAY_US, HOUR_US, format_span

POSTED_WAIT_MAX_US = 7 * DAY_US
"""How long posted facts may wait for an ingest when the frame does not say how old a model may be."""

LATE_SHARE = 0.5
"""A source may be late by half of its refresh before it is told."""


def judge_model_age(model: str, age_us: int, allowed_us: int | None) -> Finding:
    """Judge for how long the live model has learnt nothing, against ``[freshness] retrain``."""
    if allowed_us is None:
        return found(
            "model_age", LIVE, "not_applicable", f"{model} has learnt nothing for {told(age_us)}."
        )
    return found(
        "model_age",
        LIVE,
        "failed" if age_us > allowed_us else "passed",
        f"{model} has learnt nothing for {told(age_us)}; [freshness] allows {told(allowed_us)}.",
        mend="isbjerg retrain",
        age_us=age_us,
        allowed_us=allowed_us,
    )


def judge_data_age(source: str, age_us: int | None, refresh_us: int | None) -> Finding:
    """Judge how old the newest fact of a source is, against its declared refresh."""
    if refresh_us is None:
        return found("data_age", source, "not_applicable", "It declares no refresh.")
    if age_us is None:
        return found(
            "data_age", source, "failed", "It has no fact.", mend=f"isbjerg ingest {source}"
        )
    late = age_us > refresh_us * (1 + LATE_SHARE)
    return found(
        "data_age",
        source,
        "failed" if late else "passed",
        f"Its newest fact became known {told(age_us)} ago; it says it is refreshed every "
        f"{told(refresh_us)}.",
        severity="error",
        mend=f"isbjerg ingest {source}, or ask its owner",
        age_us=age_us,
        refresh_us=refresh_us,
    )


def judge_posted(source: str, waiting: int, age_us: int, allowed_us: int | None) -> Finding:
    """Judge for how long posted facts have waited for an ingest: until then no run learns from them."""
    limit_us = POSTED_WAIT_MAX_US if allowed_us is None else allowed_us
    if not waiting:
        return found("posted", source, "passed", "No posted fact waits for an ingest.")
    return found(
        "posted",
        source,
        "failed" if age_us > limit_us else "passed",
        f"{waiting:,} posted facts are in no data version yet, the oldest for {told(age_us)}.",
        mend=f"isbjerg ingest {source}",
        waiting=waiting,
        age_us=age_us,
    )


def told(span_us: int) -> str:
    """Write a span in one unit: days, from two on, else hours, from two on, else minutes.

    Examples
    --------
    >>> told(50 * HOUR_US), told(5 * HOUR_US), told(90_000_000)
    ('2d', '5h', '1m')
    """
    unit = DAY_US if span_us >= 2 * DAY_US else HOUR_US if span_us >= 2 * HOUR_US else 60_000_000
    return format_span(span_us - span_us % unit)
