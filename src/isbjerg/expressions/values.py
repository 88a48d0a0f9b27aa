"""Between Python values and carriers, the plain values that compiled code works on.

A carrier is a ``bool``, ``int`` (64 bits), ``float`` (finite), ``str``, or an ``int`` of
microseconds for the types of time; ``None`` is null. Only values that mean the same on every
machine pass: an instant must say its zone, a local time must not.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from math import isfinite
from typing import Any

from isbjerg.errors import TypingError
from isbjerg.expressions.checking import is_carrier
from isbjerg.expressions.tree import Type
from isbjerg.times import from_datetime, to_datetime

Carrier = bool | int | float | str | None

_LOCAL_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - a wall clock has no zone
_MICROSECOND = timedelta(microseconds=1)
_WANTED = {
    Type.BOOLEAN: "True or False",
    Type.INTEGER: "a whole number of 64 bits",
    Type.FLOAT: "a number",
    Type.TEXT: "a text",
    Type.INSTANT: "a time with a zone, such as '2013-06-01T12:00:00Z', of the years 1 to 9999",
    Type.LOCAL: "a time without a zone, such as '2013-06-01T12:00:00'",
    Type.DURATION: "a timedelta, or a number of seconds",
}


def type_of_value(value: object) -> Type | None:
    """Return the type that a Python value has, or ``None`` for null.

    Raises
    ------
    TypingError
        When no type fits: only bool, int, float, str, datetime, date and timedelta do.

    Examples
    --------
    >>> type_of_value(True), type_of_value(timedelta(hours=2)), type_of_value(None)
    (<Type.BOOLEAN: 'boolean'>, <Type.DURATION: 'duration'>, None)
    """
    if value is None:
        return None
    if isinstance(value, datetime):
        return Type.LOCAL if value.tzinfo is None else Type.INSTANT
    for kind, type_ in _KINDS:
        if isinstance(value, kind):
            return type_
    raise TypingError(
        f"A value of Python type {type(value).__name__} has no type here.",
        mend="give a bool, int, float, str, datetime, date or timedelta",
        found=type(value).__name__,
    )


_KINDS: tuple[tuple[type, Type], ...] = (
    (bool, Type.BOOLEAN),  # before int: a bool is one in Python
    (int, Type.INTEGER),
    (float, Type.FLOAT),
    (str, Type.TEXT),
    (date, Type.LOCAL),
    (timedelta, Type.DURATION),
)


def to_carrier(value: object, type_: Type) -> Carrier:
    """Turn a Python value, or what JSON carries of it, into the carrier of `type_`.

    Parameters
    ----------
    value : object
        ``None``; a value of the type; a whole float for an integer, an integer for a float;
        ISO 8601 text for the two times; seconds for a duration. NaN and infinity are null.
    type_ : Type
        What the value is to be.

    Returns
    -------
    bool, int, float, str or None
        The carrier.

    Raises
    ------
    TypingError
        When the value is not of the type; the message never repeats the value.

    Examples
    --------
    >>> to_carrier("1970-01-01T01:00:01+01:00", Type.INSTANT), to_carrier(1.5, Type.DURATION)
    (1000000, 1500000)
    >>> to_carrier(float("nan"), Type.FLOAT) is None
    True
    """
    if value is None or (isinstance(value, float) and not isfinite(value)):
        if value is None or type_ in {Type.INTEGER, Type.FLOAT, Type.DURATION}:
            return None
        raise _unfit(value, type_)
    try:
        carrier = _READERS[type_](value)
    except (ValueError, OverflowError):
        raise _unfit(value, type_) from None
    if carrier is None or not is_carrier(carrier, type_):
        raise _unfit(value, type_)
    return carrier


def from_carrier(value: Any, type_: Type) -> Any:
    """Turn a carrier back into a Python value: an aware or naive datetime, a timedelta.

    Examples
    --------
    >>> from_carrier(0, Type.INSTANT).isoformat(), from_carrier(0, Type.LOCAL).isoformat()
    ('1970-01-01T00:00:00+00:00', '1970-01-01T00:00:00')
    """
    if value is None:
        return None
    if type_ is Type.INSTANT:
        return to_datetime(value)
    if type_ is Type.LOCAL:
        return _LOCAL_EPOCH + timedelta(microseconds=value)
    return timedelta(microseconds=value) if type_ is Type.DURATION else value


def _unfit(value: object, type_: Type) -> TypingError:
    kind = type(value).__name__
    # The type alone would say "int is no integer".
    large = type(value) is int and type_ in (Type.INTEGER, Type.DURATION)
    what = "A whole number beyond 64 bits" if large else f"A value of Python type {kind}"
    return TypingError(
        f"{what} is no {type_}.",
        mend=f"give {_WANTED[type_]}",
        found=type(value).__name__,
        type=type_,
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _boolean(value: Any) -> Carrier:
    return bool(value) if isinstance(value, bool) else None


def _integer(value: Any) -> Carrier:
    return int(value) if _is_number(value) and value == int(value) else None


def _float(value: Any) -> Carrier:
    return float(value) if _is_number(value) else None


def _text(value: Any) -> Carrier:
    return str(value) if isinstance(value, str) else None


def _instant(value: Any) -> Carrier:
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return from_datetime(at) if isinstance(at, datetime) and at.tzinfo is not None else None


def _local(value: Any) -> Carrier:
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    if isinstance(at, date) and not isinstance(at, datetime):
        at = datetime(at.year, at.month, at.day)  # noqa: DTZ001 - a wall clock has no zone
    if not isinstance(at, datetime) or at.tzinfo is not None:
        return None
    return (at - _LOCAL_EPOCH) // _MICROSECOND


def _duration(value: Any) -> Carrier:
    if isinstance(value, timedelta):
        return value // _MICROSECOND
    return round(value * 1_000_000) if _is_number(value) else None


_READERS: dict[Type, Callable[[Any], Carrier]] = {
    Type.BOOLEAN: _boolean,
    Type.INTEGER: _integer,
    Type.FLOAT: _float,
    Type.TEXT: _text,
    Type.INSTANT: _instant,
    Type.LOCAL: _local,
    Type.DURATION: _duration,
}
