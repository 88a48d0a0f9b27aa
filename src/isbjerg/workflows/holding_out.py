"""Which rows are held out from what: for tuning, for choosing a rung, for measuring.

A fit that looks at rows beside the training rows (boosted trees stop on them, a search picks its
try by them) flatters itself on those rows. So the validation part is cut: its first third in time
is for tuning, the rest is for choosing among rungs, and the test part chooses nothing at all.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import polars as pl

from isbjerg.data.split import Split
from isbjerg.findings import Finding
from isbjerg.times import DAY_US
from isbjerg.workflows.units import AT, TRUTH_KNOWN

TUNING_SHARE = 1 / 3
"""Of the validation rows; so few, because choosing between rungs needs more than stopping does."""

Part = Literal["train", "tuning", "choosing", "test"]


class Cut(NamedTuple):
    """Positions of the validation rows that are for tuning, and of those for choosing."""

    tuning: pl.Series
    choosing: pl.Series


def cut_validation(units: pl.DataFrame, parts: Split) -> Cut:
    """Cut the validation rows in two, the earlier ones for tuning.

    The cut lies between two days where it can, so that no day is on both sides. Tuning rows whose
    outcome became known after the cut are left out, as between the other parts. Rows without a
    time are cut by their position: every third one is for tuning. When a side would be empty,
    both are the whole validation part: there is too little to cut.

    Parameters
    ----------
    units : DataFrame
        With ``_at`` and ``_truth_known``, in order of time.
    parts : Split
        How `units` were split.

    Examples
    --------
    Nine days with one row each; every outcome is known a day later:

    >>> time = pl.Datetime("us", "UTC")
    >>> days = pl.Series(range(9), dtype=pl.Int64) * DAY_US
    >>> units = pl.DataFrame({AT: days.cast(time), TRUTH_KNOWN: (days + DAY_US).cast(time)})
    >>> from isbjerg.data.split import Boundaries, split_by_time
    >>> bounds = Boundaries(2 * DAY_US, 8 * DAY_US)
    >>> parts = split_by_time(units, at=AT, label_known=TRUTH_KNOWN, boundaries=bounds)
    >>> parts.validation.to_list()
    [2, 3, 4, 5, 6]
    >>> tuning, choosing = cut_validation(units, parts)
    >>> tuning.to_list(), choosing.to_list()
    ([2], [4, 5, 6])
    """
    rows = parts.validation
    cut = _by_time(units, rows) if AT in units.columns else _by_position(rows)
    return cut if len(cut.tuning) and len(cut.choosing) else Cut(rows, rows)


def uncut(found: Cut) -> tuple[Finding, ...]:
    """Say that the validation part was too small to be cut.

    Examples
    --------
    >>> rows = pl.Series([4, 5])
    >>> [finding.code for finding in uncut(Cut(rows, rows))], uncut(Cut(rows[:1], rows[1:]))
    (['split.uncut'], ())
    """
    if found.tuning is not found.choosing:
        return ()
    rows = len(found.choosing)
    return (
        Finding(
            code="split.uncut",
            subject="split.validation",
            severity="warning",
            message=f"The validation part ({rows:,} rows) is too small to be cut in two: rungs are "
            "chosen by rows that fits have looked at, which flatters those that look.",
            mend="more rows, or a larger validation part: [split] in frame.toml",
            evidence={"rows": rows},
        ),
    )


def _by_time(units: pl.DataFrame, rows: pl.Series) -> Cut:
    times = units[AT].to_physical()[rows]
    if times.n_unique() <= 1:
        return _by_position(rows)
    at = int(times.sort()[round(len(times) * TUNING_SHARE)])
    day = at - at % DAY_US
    start = day if int(times.min()) < day else at  # type: ignore[arg-type]
    known = units[TRUTH_KNOWN].to_physical()[rows]
    before = times < start
    return Cut(rows.filter(before & (known < start).fill_null(value=False)), rows.filter(~before))


def _by_position(rows: pl.Series) -> Cut:
    third = pl.Series(range(len(rows))) % round(1 / TUNING_SHARE) == 0
    return Cut(rows.filter(third), rows.filter(~third))
