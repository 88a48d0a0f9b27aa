"""Whether predictions come as usual, and have not silently stopped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from isbjerg.findings import Finding
from isbjerg.monitoring.findings import found
from isbjerg.statistics.counts import (
    TOTALS_MIN,
    count_inflation,
    silence_probability,
    usual_band,
)

WEEK_HOURS = 7 * 24
DAY_HOURS = 24
WINDOWS_MAX = 8
"""How many windows before are looked at."""

LEVEL = 0.999
SUBJECT = "predictions"
_MEND = "look whether callers still reach the server: isbjerg status, and its log"


def judge_volume(
    hours: Mapping[int, int], *, first: int, last: int, known_from: int
) -> tuple[Finding, Finding]:
    """Judge how many predictions came, and for how long none did.

    Parameters
    ----------
    hours : mapping of int to int
        Predictions by hour since 1970; an hour without any may be absent.
    first, last : int
        Hours of the window: from, inclusive, and to, exclusive.
    known_from : int
        The first full hour of the ledger: before it nothing was counted.

    Returns
    -------
    (Finding, Finding)
        ``watch.volume`` and ``watch.silence``.
    """
    span = last - first
    step = span if span % WEEK_HOURS == 0 else _step(first, span, known_from)
    starts = [first - step * n for n in range(1, WINDOWS_MAX + 1)]
    starts = [start for start in starts if start >= known_from]
    seen = sum(hours.get(h, 0) for h in range(first, last))
    totals = [sum(hours.get(h, 0) for h in range(s, s + span)) for s in starts]
    return _volume(seen, totals), _silence(hours, first, last, known_from)


def _step(first: int, span: int, known_from: int) -> int:
    """Compare with the same days of weeks before, or of days before while weeks are too few."""
    return WEEK_HOURS if first - TOTALS_MIN * WEEK_HOURS >= known_from else max(span, DAY_HOURS)


def _volume(seen: int, totals: Sequence[int]) -> Finding:
    if len(totals) < TOTALS_MIN:
        return found(
            "volume",
            SUBJECT,
            "not_run",
            f"{seen:,} predictions; there are {len(totals)} equal spans before it to compare "
            f"with, {TOTALS_MIN} are asked for.",
            seen=seen,
            before=list(totals),
        )
    band = usual_band(totals, level=LEVEL)
    usual = f"{band.low:,.0f} to {band.high:,.0f} are usual after {len(totals)} spans before"
    return found(
        "volume",
        SUBJECT,
        "passed" if band.low <= seen <= band.high else "failed",
        f"{seen:,} predictions; {usual}.",
        severity="error",
        mend=_MEND,
        seen=seen,
        before=list(totals),
        low=band.low,
        high=band.high,
    )


def _silence(hours: Mapping[int, int], first: int, last: int, known_from: int) -> Finding:
    usual = {hour: _same_hours(hours, hour, first, known_from) for hour in range(first, last)}
    if any(len(before) < TOTALS_MIN for before in usual.values()):
        return found(
            "silence",
            SUBJECT,
            "not_run",
            f"The ledger does not know each hour of the day {TOTALS_MIN} times yet.",
        )
    expected = {hour: sum(before) / len(before) for hour, before in usual.items()}
    inflation = count_inflation(list(usual.values()))
    best = (1.0, first, 0, 0.0)
    for start, end in _silent_runs(hours, first, last):
        wanted = sum(expected[h] for h in range(start, end))
        best = min(best, (silence_probability(wanted, inflation), start, end - start, wanted))
    probability, start, long, wanted = best
    # every hour of the window could have begun a silence
    failed = probability * (last - first) < 1 - LEVEL
    message = (
        f"Nothing came for {long} hours, in which {wanted:,.0f} predictions are usual."
        if failed
        else "No hour was silent that usually is not."
    )
    return found(
        "silence",
        SUBJECT,
        "failed" if failed else "passed",
        message,
        severity="error",
        mend=_MEND,
        first_hour=start,
        hours=long,
        usual=wanted,
        probability=probability,
    )


def _same_hours(hours: Mapping[int, int], hour: int, first: int, known_from: int) -> list[int]:
    """Return the counts of the same hour before the window: of weeks, or of days while too few."""
    for step, most in ((WEEK_HOURS, WINDOWS_MAX), (DAY_HOURS, 4 * WINDOWS_MAX)):
        places = range(hour - step, known_from - 1, -step)
        before = [hours.get(h, 0) for h in places if h < first][:most]
        if len(before) >= TOTALS_MIN:
            return before
    return []


def _silent_runs(hours: Mapping[int, int], first: int, last: int) -> list[tuple[int, int]]:
    runs, start = [], None
    for hour in range(first, last + 1):
        silent = hour < last and not hours.get(hour, 0)
        if silent and start is None:
            start = hour
        elif not silent and start is not None:
            runs.append((start, hour))
            start = None
    return runs
