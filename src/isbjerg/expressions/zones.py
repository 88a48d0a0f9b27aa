"""Wall clocks: from an instant to what a clock showed in a zone, online.

The offsets come from :mod:`zoneinfo`, which reads the machine's tz database, or the
``tzdata`` package where the machine has none; the Polars compiler uses the tz database built
into Polars. Both are the same public database, and agree where its makers vouch for it and
Polars stores it: from 1970 to the end of 2099. Outside of these years an instant has no
local time here: the answer is null.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from isbjerg.errors import TypingError
from isbjerg.times import HOUR_US, SECOND_US

ZONED_MIN_US = 0
"""1970-01-01T00:00:00Z: the first instant whose offset the tz database vouches for."""

ZONED_MAX_US = 4_102_444_799_999_999
"""2099-12-31T23:59:59.999999Z: the last instant for which Polars stores changes of clock."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MACHINE_ONLY = ("posix/", "right/", "posixrules", "localtime", "Factory")

_ABBREVIATIONS = frozenset({"CET", "EET", "MET", "WET", "EST", "MST", "HST"}) | {
    "EST5EDT",
    "CST6CDT",
    "MST7MDT",
    "PST8PDT",
}
"""Zones that version 2024b of the tz database gave other offsets, so that two machines differ."""


def check_zone(name: object) -> str:
    """Return `name` if it is a zone of the tz database.

    Raises
    ------
    TypingError
        When there is no such zone: give a name such as ``Europe/Copenhagen``.

    Examples
    --------
    >>> check_zone("America/New_York")
    'America/New_York'
    """
    _find(name)
    return str(name)


def _find(name: object) -> ZoneInfo:
    usable = isinstance(name, str) and name and not name.startswith(_MACHINE_ONLY)
    if usable and name not in _ABBREVIATIONS:
        try:
            return ZoneInfo(str(name))
        except (OSError, ValueError, LookupError):  # a folder, a path out of it, or not there
            pass
    raise TypingError(
        f"`in_zone` was given {name!r}, which the tz database does not hold.",
        code="ISB122",
        mend="give a zone's full name, such as .in_zone('Europe/Copenhagen'); "
        "on a machine without a tz database: pip install tzdata",
        zone=name,
    )


def local_clock(name: str) -> Callable[[int], int]:
    """Make the function from an instant to the local time of a zone.

    Parameters
    ----------
    name : str
        The zone.

    Returns
    -------
    callable
        Takes and gives microseconds; the instant must lie in `ZONED_MIN_US` .. `ZONED_MAX_US`.

    Notes
    -----
    The offset is kept per hour of UTC, but only for hours whose first and last second have
    the same offset: no zone changes its clock twice within an hour (a test reads this from
    the tz database), so such an hour holds no change. At most 1.2 million hours can be kept.

    Examples
    --------
    >>> clock = local_clock("Asia/Kolkata")
    >>> clock(0) // 60_000_000
    330
    """
    zone = _find(name)
    known: dict[int, int] = {}

    def clock(at_us: int) -> int:
        hour = at_us // HOUR_US
        offset = known.get(hour)
        if offset is not None:
            return at_us + offset
        offset = _offset_us(zone, at_us)
        start_us = hour * HOUR_US
        last_us = start_us + HOUR_US - SECOND_US
        if offset == _offset_us(zone, start_us) == _offset_us(zone, last_us):
            known[hour] = offset
        return at_us + offset

    return clock


def _offset_us(zone: ZoneInfo, at_us: int) -> int:
    offset = (_EPOCH + timedelta(microseconds=at_us)).astimezone(zone).utcoffset()
    return 0 if offset is None else offset // _MICROSECOND
