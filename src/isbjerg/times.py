"""Time as isbjerg counts it: microseconds since 1970-01-01 UTC, and spans of them.

A *clock* is an argument everywhere: nothing below the interfaces asks the machine what time
it is. A *span* is written as a whole number and a unit (``"2h"``, ``"7d"``, ``"5m"``).
"""

from __future__ import annotations

import re
import time as _time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from isbjerg.errors import ArgumentError

Clock = Callable[[], int]
"""Returns the time as microseconds since the epoch, UTC."""

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
WEEK_US = 7 * DAY_US

_UNITS_US = {
    "us": 1,
    "ms": 1_000,
    "s": SECOND_US,
    "m": MINUTE_US,
    "h": HOUR_US,
    "d": DAY_US,
    "w": WEEK_US,
}
_SPAN = re.compile(r"\s*(\d+)\s*(us|ms|s|m|h|d|w)\s*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def system_clock() -> int:
    """Return the machine's time in microseconds since the epoch, UTC."""
    return _time.time_ns() // 1_000


def parse_span(text: str) -> int:
    """Read a span such as ``"2h"`` as microseconds.

    Raises
    ------
    ArgumentError
        When it is not a whole number and one of ``us ms s m h d w``.

    Examples
    --------
    >>> parse_span("2h") == 2 * 3600 * 10**6
    True
    """
    found = _SPAN.fullmatch(text)
    if found is None:
        raise ArgumentError.out_of_range(
            "span", "parse_span", "be a whole number and one of us, ms, s, m, h, d, w", text
        )
    return int(found[1]) * _UNITS_US[found[2]]


def format_span(span_us: int) -> str:
    """Write microseconds as the shortest span that reads back the same.

    Examples
    --------
    >>> format_span(7 * 86400 * 10**6), format_span(90 * 10**6), format_span(0)
    ('1w', '90s', '0s')
    """
    if span_us == 0:
        return "0s"
    unit = next(u for u in ("w", "d", "h", "m", "s", "ms", "us") if span_us % _UNITS_US[u] == 0)
    return f"{span_us // _UNITS_US[unit]}{unit}"


def grid_point(at_us: int, refresh_us: int) -> int:
    """Return the last point of the grid ``0, refresh, 2 refresh, ...`` at or before `at_us`.

    A `refresh_us` of 0 is a grid with a point everywhere.

    Examples
    --------
    >>> grid_point(1_007, 10), grid_point(1_007, 0), grid_point(-3, 10)
    (1000, 1007, -10)
    """
    return at_us if refresh_us == 0 else at_us - at_us % refresh_us


def to_datetime(at_us: int) -> datetime:
    """Show microseconds since the epoch as an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=at_us)


def from_datetime(at: datetime) -> int:
    """Count the microseconds from the epoch to `at`, which must carry a time zone.

    Examples
    --------
    >>> from_datetime(datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC))
    1000000
    """
    if at.tzinfo is None:
        raise ArgumentError.out_of_range("at", "from_datetime", "carry a time zone", at)
    return (at - _EPOCH) // timedelta(microseconds=1)


def parse_instant(text: str) -> int:
    """Read ISO 8601 text as microseconds since the epoch; a bare date or time is taken as UTC.

    Examples
    --------
    >>> parse_instant("2013-06-01") == parse_instant("2013-06-01T02:00:00+02:00")
    True
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError as fault:
        raise ArgumentError.out_of_range(
            "text", "parse_instant", "be an ISO 8601 date or time", text
        ) from fault
    return from_datetime(at if at.tzinfo else at.replace(tzinfo=UTC))


def format_instant(at_us: int) -> str:
    """Write microseconds since the epoch as ISO 8601 in UTC.

    Examples
    --------
    >>> format_instant(0)
    '1970-01-01T00:00:00Z'
    """
    return to_datetime(at_us).isoformat().replace("+00:00", "Z")
