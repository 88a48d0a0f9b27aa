"""What frame.toml promises and this version does not act on yet, told at each run.

A promise that is read and quietly forgotten would be believed. These tables are part of the frame's
format, so they are kept, hashed and shown; here they say that nothing is done about them.
"""

from __future__ import annotations

from isbjerg.findings import Finding
from isbjerg.frame.frame import Budget, Frame, Release


def unacted(frame: Frame) -> tuple[Finding, ...]:
    """List what the frame states and no verb of this version enforces.

    Parameters
    ----------
    frame : Frame
        As it was read.

    Returns
    -------
    tuple of Finding
        ``frame.unacted``, each *not run*.

    Examples
    --------
    >>> from isbjerg.frame.frame import Metric, Target, Unit
    >>> from isbjerg.frame.moment import parse_moment
    >>> frame = Frame(
    ...     objective="Tell passengers who will be late.",
    ...     unit=Unit(source="flights", at=parse_moment("sched_dep_utc - 2h")),
    ...     target=Target(feature="late", kind="binary"),
    ...     metric=Metric(primary="brier"),
    ...     slices=("origin",),
    ... )
    >>> [(f.subject, f.outcome) for f in unacted(frame)]
    [('slices', 'not_run')]
    """
    budget, release = frame.budget, frame.release
    bounds = (budget.latency_ms_p99, budget.requests_per_s)
    stated = {
        "slices": (bool(frame.slices), "metrics are not told apart by slices yet"),
        "value": (frame.value is not None, "decisions are not weighed by it yet"),
        "references": (bool(frame.references), "they are not shown beside the ladder yet"),
        "budget": (
            bounds != (None, None) or budget.mode != Budget().mode,
            "no load test asks for it yet",
        ),
        "release": (
            (release.strategy, release.shares) != (Release().strategy, Release().shares),
            "a promotion goes live at once, for every request",
        ),
    }
    return tuple(
        Finding(
            code="frame.unacted",
            subject=table,
            outcome="not_run",
            severity="info",
            message=f"[{table}] is kept, but {why}.",
        )
        for table, (is_stated, why) in stated.items()
        if is_stated
    )
