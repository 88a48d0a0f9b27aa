"""How a table covers time: from when to when, how evenly, with which gaps, known how late."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.times import DAY_US, HOUR_US, MINUTE_US

SPANS = 24
"""In so many equal spans missing values are followed over time."""

_UNITS = {
    "minute": MINUTE_US,
    "hour": HOUR_US,
    "day": DAY_US,
    "week": 7 * DAY_US,
    "month": 0,
    "year": 0,
}
_TRUNCATE = {"minute": "1m", "hour": "1h", "day": "1d", "week": "1w", "month": "1mo", "year": "1y"}
_PERIODS_MAX = 62
_PERIODS_MIN_FOR_GAPS = 8
_COVERED = 0.8
_GAPS_MAX = 5


class Period(msgspec.Struct, frozen=True):
    """A period by its beginning, in microseconds, and how many rows fall into it."""

    from_us: int
    rows: int


class Gap(msgspec.Struct, frozen=True):
    """Periods without any row: from the first one's beginning to the last one's end."""

    from_us: int
    until_us: int


class Lateness(msgspec.Struct, frozen=True, kw_only=True):
    """How long after a row's time some of its columns are known.

    Parameters
    ----------
    columns : tuple of str
        Which columns.
    rule : str
        When they are known, such as ``landed_utc``.
    half_us, most_us, longest_us : int
        After so long they are known in half of the rows, in 95 % and in all.
    never : int
        Rows in which the rule says no time.
    """

    columns: tuple[str, ...]
    rule: str
    half_us: int
    most_us: int
    longest_us: int
    never: int


class TimeProfile(msgspec.Struct, frozen=True, kw_only=True):
    """How a table covers time.

    Parameters
    ----------
    column : str
        The column that says when a row is.
    first_us, last_us : int
        The first and the last.
    missing : int
        Rows without a time.
    unit : str
        Length of the periods.
    periods : tuple of Period
        Each one between the first and the last, those without rows too.
    rhythm : str, optional
        The shortest length of which nearly every period has rows; ``None`` when none has.
    gaps : tuple of Gap
        The longest times without a row, by that rhythm, longest first.
    gaps_count : int
        How many there are.
    late : tuple of Lateness
        When columns are known, one for each rule.
    live : int
        Rows that came in live.
    live_half_us, live_most_us : int, optional
        After so long half of them, and 95 %, had come in.
    """

    column: str
    first_us: int
    last_us: int
    missing: int
    unit: str
    periods: tuple[Period, ...]
    rhythm: str | None
    gaps: tuple[Gap, ...]
    gaps_count: int
    late: tuple[Lateness, ...] = ()
    live: int = 0
    live_half_us: int | None = None
    live_most_us: int | None = None


class Rule(NamedTuple):
    """Columns that are known at one time: a column of times, and microseconds after it."""

    columns: tuple[str, ...]
    says: str
    column: str
    offset_us: int


def profile_time(
    df: pl.DataFrame, column: str, rules: Sequence[Rule] = (), live_at: str | None = None
) -> TimeProfile | None:
    """Say how rows cover time.

    Parameters
    ----------
    df : polars.DataFrame
        With the columns named.
    column : str
        When a row is.
    rules : sequence of Rule
        When columns are known.
    live_at : str, optional
        Column that says when a row came in live; null for others.

    Returns
    -------
    TimeProfile or None
        ``None`` when no row has a time.

    Examples
    --------
    >>> from datetime import datetime
    >>> days = [datetime(2024, 1, d, h) for d in range(1, 31) if d != 9 for h in (8, 12)]
    >>> found = profile_time(pl.DataFrame({"at": days}), "at")
    >>> found.unit, len(found.periods), found.rhythm, found.gaps_count
    ('day', 30, 'day', 1)
    >>> datetime.utcfromtimestamp(found.gaps[0].from_us / 1e6).day
    9
    """
    times = df[column].drop_nulls().to_physical()
    if not len(times):
        return None
    first, last = int(times.min()), int(times.max())  # type: ignore[arg-type]
    unit = _unit(first, last)
    periods = _periods(df[column], unit)
    rhythm, gaps = _gaps(df[column], first, last)
    live = _delays(df, column, live_at, 0) if live_at is not None else np.array([], np.int64)
    return TimeProfile(
        column=column,
        first_us=first,
        last_us=last,
        missing=df.height - len(times),
        unit=unit,
        periods=periods,
        rhythm=rhythm,
        gaps=tuple(sorted(gaps, key=lambda g: g.from_us - g.until_us)[:_GAPS_MAX]),
        gaps_count=len(gaps),
        late=tuple(_late(df, column, rule) for rule in rules),
        live=len(live),
        live_half_us=_quantile(live, 0.5),
        live_most_us=_quantile(live, 0.95),
    )


def spans(times: pl.Series, profile: TimeProfile) -> pl.Series:
    """Say of each row in which of `SPANS` equal spans of the table's time it is; null: none."""
    whole = max(1, profile.last_us - profile.first_us + 1)
    behind = times.to_physical().cast(pl.Int64) - profile.first_us
    return (behind.cast(pl.Float64) * (SPANS / whole)).cast(pl.Int64).alias("span")


def _unit(first: int, last: int) -> str:
    """Choose the shortest periods of which there are not too many."""
    for unit, length in _UNITS.items():
        days = {"month": 30, "year": 365}.get(unit)
        size = length or (days or 1) * DAY_US
        if (last - first) / size <= _PERIODS_MAX:
            return unit
    return "year"


def _periods(times: pl.Series, unit: str) -> tuple[Period, ...]:
    step = _TRUNCATE[unit]
    table = pl.DataFrame({"at": times.drop_nulls().dt.truncate(step)})
    counted = table.group_by("at").len()
    ends = pl.col("at").min(), pl.col("at").max()
    filled = (
        table.select(pl.datetime_range(*ends, step).cast(times.dtype).alias("at"))
        .join(counted, on="at", how="left")
        .sort("at")
        .select(pl.col("at").to_physical(), pl.col("len").fill_null(0))
    )
    return tuple(Period(int(at), int(n)) for at, n in filled.iter_rows())


def _gaps(times: pl.Series, first: int, last: int) -> tuple[str | None, list[Gap]]:
    """Find the shortest period that nearly always has rows, and those in which there is none."""
    whole = times.drop_nulls().to_physical().to_numpy()
    for unit, length in _UNITS.items():
        if not length:
            break
        periods = last // length - first // length + 1
        if periods < _PERIODS_MIN_FOR_GAPS or periods > 2 * len(whole) / _COVERED:
            continue
        there = np.unique(whole // length)
        if len(there) >= _COVERED * periods:
            after = np.flatnonzero(np.diff(there) > 1)
            gaps = [Gap(int(there[i] + 1) * length, int(there[i + 1]) * length) for i in after]
            return unit, gaps
    return None, []


def _late(df: pl.DataFrame, column: str, rule: Rule) -> Lateness:
    delays = _delays(df, column, rule.column, rule.offset_us)
    return Lateness(
        columns=rule.columns,
        rule=rule.says,
        half_us=_quantile(delays, 0.5) or 0,
        most_us=_quantile(delays, 0.95) or 0,
        longest_us=int(delays.max()) if len(delays) else 0,
        never=df.height - len(delays),
    )


def _delays(df: pl.DataFrame, column: str, later: str, offset_us: int) -> NDArray[np.int64]:
    delays = df[later].to_physical().cast(pl.Int64) - df[column].to_physical().cast(pl.Int64)
    return delays.drop_nulls().to_numpy() + offset_us


def _quantile(delays: NDArray[np.int64], level: float) -> int | None:
    if not len(delays):
        return None
    place = round(level * (len(delays) - 1))
    return int(np.partition(delays, place)[place])
