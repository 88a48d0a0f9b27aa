"""Numbers and times as pages write them; ``None`` is always an en dash."""

from __future__ import annotations

from isbjerg.times import DAY_US, HOUR_US, MINUTE_US, SECOND_US, to_datetime

NOTHING = "\u2013"
_TIMES = ("instant", "local")
_LARGE = 1e6


def count(value: int | None) -> str:
    """Write a whole number with thousands apart.

    Examples
    --------
    >>> count(336776)
    '336,776'
    """
    return NOTHING if value is None else f"{value:,}"


def number(value: float | None) -> str:
    """Write a number with four significant digits.

    Examples
    --------
    >>> number(0.12345), number(1389.0), number(1234567.0), number(None)
    ('0.1235', '1,389', '1,234,567', '\u2013')
    """
    if value is None:
        return NOTHING
    if float(value).is_integer() or abs(value) >= _LARGE:
        return f"{value:,.0f}"
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"  # noqa: PLR2004 - four digits


def share(value: float | None) -> str:
    """Write a fraction as a percentage, and tell little from nothing.

    Examples
    --------
    >>> share(0.125), share(0.0), share(0.00004), share(1.0)
    ('12.5%', '0%', '<0.1%', '100%')
    """
    if value is None:
        return NOTHING
    if value in (0.0, 1.0):
        return f"{value:.0%}"
    return "<0.1%" if 0.0 < value < 0.001 else f"{value:.1%}"  # noqa: PLR2004 - what .1% shows


def spanned(span_us: float | None) -> str:
    """Write how long something is, in its largest fitting unit.

    Examples
    --------
    >>> spanned(90_000_000), spanned(-7_200_000_000), spanned(0), spanned(3.5 * 86_400_000_000)
    ('1.5 min', '-2 h', '0 s', '3.5 d')
    """
    if span_us is None:
        return NOTHING
    for name, unit_us in (("d", DAY_US), ("h", HOUR_US), ("min", MINUTE_US), ("s", SECOND_US)):
        if abs(span_us) >= unit_us or name == "s":
            return f"{span_us / unit_us:,.1f}".removesuffix(".0") + f" {name}"
    return NOTHING


def value_of(value: float | None, kind: str) -> str:
    """Write a value of a column of some type; times and durations come as microseconds.

    Examples
    --------
    >>> (
    ...     value_of(1_370_088_000_000_000, "instant"),
    ...     value_of(60_000_000, "duration"),
    ...     value_of(2.5, "float"),
    ... )
    ('2013-06-01 12:00', '1 min', '2.5')
    >>> value_of(1_370_044_800_000_000, "local")
    '2013-06-01'
    """
    if value is None:
        return NOTHING
    if kind in _TIMES:
        at = to_datetime(int(value))
        return f"{at:%Y-%m-%d}" if int(value) % DAY_US == 0 else f"{at:%Y-%m-%d %H:%M}"
    return spanned(value) if kind == "duration" else number(value)
