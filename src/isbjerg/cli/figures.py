"""Numbers, times and spans as people read them; ``None`` is always an en dash."""

from __future__ import annotations

from typing import Any

from isbjerg.reports.words import NOTHING, count
from isbjerg.times import DAY_US, HOUR_US, MINUTE_US, SECOND_US, to_datetime

__all__ = [
    "NOTHING",
    "carrier",
    "count",
    "instant",
    "interval",
    "measure",
    "share",
    "short",
    "size",
    "span",
]

_DIGITS = ((10, 4), (1000, 2))
_SHARE_SMALL = 0.001
_STEP = 1000
_WHOLE_MS_US = 100_000


def measure(value: float | None) -> str:
    """Write a measured number with about four significant digits.

    Examples
    --------
    >>> measure(0.123456), measure(12.3456), measure(1234.5), measure(-0.00004), measure(0)
    ('0.1235', '12.35', '1,234', '-0.0000', '0.0000')
    """
    if value is None:
        return NOTHING
    digits = next((digits for below, digits in _DIGITS if abs(value) < below), 0)
    return f"{value:,.{digits}f}"


def interval(low: float | None, high: float | None) -> str:
    """Write the two ends of an interval.

    Examples
    --------
    >>> interval(0.3, 0.35)
    '0.3000 to 0.3500'
    """
    return NOTHING if low is None or high is None else f"{measure(low)} to {measure(high)}"


def share(value: float | None) -> str:
    """Write a fraction as a percentage.

    Examples
    --------
    >>> share(0.125), share(0.0004)
    ('12.5%', '0.04%')
    """
    if value is None:
        return NOTHING
    return f"{value:.2%}" if 0 < abs(value) < _SHARE_SMALL else f"{value:.1%}"


def size(value_bytes: int | None) -> str:
    """Write a number of bytes.

    Examples
    --------
    >>> size(999), size(12_345_678)
    ('999 B', '12.3 MB')
    """
    if value_bytes is None:
        return NOTHING
    amount = float(value_bytes)
    for unit in ("B", "kB", "MB", "GB"):
        if amount < _STEP:
            return f"{amount:.0f} B" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= _STEP
    return f"{amount:.1f} TB"


def instant(at_us: int | None) -> str:
    """Write microseconds since the epoch to the minute, in UTC.

    Examples
    --------
    >>> instant(1_370_088_000_000_000)
    '2013-06-01 12:00 UTC'
    """
    return NOTHING if at_us is None else f"{to_datetime(at_us):%Y-%m-%d %H:%M} UTC"


def span(span_us: int | None) -> str:
    """Write how long something took or how long ago it was, by its two largest units.

    Examples
    --------
    >>> span(93_784_000_000), span(61_000_000), span(1_500_000), span(437_000), span(2_345)
    ('1 d 2 h', '1 min 1 s', '1.5 s', '437 ms', '2.3 ms')
    """
    if span_us is None:
        return NOTHING
    if abs(span_us) < SECOND_US:
        return f"{span_us / 1000:.{0 if abs(span_us) >= _WHOLE_MS_US else 1}f} ms"
    if abs(span_us) < MINUTE_US:
        return f"{span_us / SECOND_US:.1f} s"
    left = abs(span_us)
    words = []
    for name, unit_us in (("d", DAY_US), ("h", HOUR_US), ("min", MINUTE_US), ("s", SECOND_US)):
        number, left = divmod(left, unit_us)
        if number:
            words.append(f"{number} {name}")
    return " ".join(words[:2])


def short(name: str | None, letters: int = 10) -> str:
    """Write the beginning of a hash, enough to tell it from others.

    Examples
    --------
    >>> short("e3b0c44298fc1c149afbf4c8996fb924")
    'e3b0c44298'
    """
    return NOTHING if not name else name[:letters]


def carrier(value: Any, kind: str = "") -> str:
    """Write a recorded value; records keep times as microseconds, which its type tells.

    Parameters
    ----------
    value : Any
        A carrier, or ``None``.
    kind : str
        Its type, such as ``"instant"`` or ``"local"``; empty when unknown.

    Examples
    --------
    >>> carrier(1_370_088_000_000_000, "instant"), carrier(1_370_088_000_000_000, "local")
    ('2013-06-01 12:00:00 UTC', '2013-06-01 12:00:00')
    >>> carrier(90_000_000, "duration"), carrier(17), carrier(None), carrier("JFK")
    ('1 min 30 s', '17', 'missing', 'JFK')
    """
    if value is None:
        return "missing"
    if kind in {"instant", "local"}:
        zone = " UTC" if kind == "instant" else ""
        return f"{to_datetime(value):%Y-%m-%d %H:%M:%S}{zone}"
    if kind == "duration":
        return ("-" if value < 0 else "") + span(value)
    return repr(value) if isinstance(value, float) else str(value)
