from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isbjerg.errors import TypingError
from isbjerg.expressions.tree import INTEGER_MAX, INTEGER_MIN, TIME_MAX_US, TIME_MIN_US, Type
from isbjerg.expressions.values import from_carrier, to_carrier, type_of_value

B, I, F, X = Type.BOOLEAN, Type.INTEGER, Type.FLOAT, Type.TEXT  # noqa: E741
T, L, D = Type.INSTANT, Type.LOCAL, Type.DURATION
EAST = timezone(timedelta(hours=5, minutes=30))


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        (None, None),
        (False, B),
        (0, I),
        (0.0, F),
        (math.nan, F),
        ("", X),
        (datetime(2013, 6, 1), L),
        (date(2013, 6, 1), L),
        (datetime(2013, 6, 1, tzinfo=EAST), T),
        (timedelta(0), D),
    ],
)
def test_type_of_value(value, type_):
    assert type_of_value(value) is type_


@pytest.mark.parametrize("value", [b"", [], {}, Decimal(1), object(), 1j])
def test_a_value_without_a_type(value):
    with pytest.raises(TypingError, match=type(value).__name__):
        type_of_value(value)


@pytest.mark.parametrize(
    ("value", "type_", "carrier"),
    [
        *((None, t, None) for t in Type),
        (True, B, True),
        (INTEGER_MAX, I, INTEGER_MAX),
        (3.0, I, 3),  # JSON's writers do not all keep 3 and 3.0 apart
        (-(2.0**63), I, INTEGER_MIN),
        (math.nan, I, None),
        (2, F, 2.0),
        (math.inf, F, None),
        (-math.inf, D, None),
        ("Ærø\x00", X, "Ærø\x00"),
        ("1970-01-01T00:00:00Z", T, 0),
        ("1970-01-01T05:30+05:30", T, 0),
        (datetime(1970, 1, 1, 5, 30, 0, 1, tzinfo=EAST), T, 1),
        (datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC), T, TIME_MAX_US),
        ("0001-01-01T00:00:00", L, TIME_MIN_US),
        ("1970-01-02", L, 86_400_000_000),
        (date(1970, 1, 2), L, 86_400_000_000),
        (datetime(1969, 12, 31, 23, 59, 59, 999999), L, -1),
        (timedelta(microseconds=-1), D, -1),
        (0.1, D, 100_000),
        (90, D, 90_000_000),
        (0.0000025, D, 2),  # half to even, as Python rounds
    ],
)
def test_to_carrier(value, type_, carrier):
    made = to_carrier(value, type_)
    assert made == carrier
    assert type(made) is type(carrier)


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        *((1, B), ("true", B), (0.0, B), (math.nan, B)),
        *((True, I), ("1", I), (1.5, I), (2**63, I), (2.0**63, I), (1e300, I)),
        *((True, F), ("1.0", F), (10**400, F), (Decimal(1), F)),
        *((1, X), (b"a", X), ("\ud800", X), (math.nan, X)),
        *((0, T), ("2013-06-01T12:00:00", T), ("2013-06-01", T), ("noon", T), ("", T)),
        *((datetime(2013, 6, 1), T), (date(2013, 6, 1), T), (math.nan, T)),
        (datetime(1, 1, 1, tzinfo=EAST), T),  # before the first instant
        *((0, L), ("2013-06-01T12:00:00Z", L), (datetime(2013, 6, 1, tzinfo=UTC), L)),
        ("2013-02-29T00:00:00", L),
        *((True, D), ("90s", D), (1e13, D), (10**400, D), (timedelta.max, D)),
    ],
)
def test_what_is_not_of_the_type_is_refused(value, type_):
    with pytest.raises(TypingError, match=f"is no {type_}") as error:
        to_carrier(value, type_)
    assert "Mend: give " in str(error.value)


def test_a_number_that_is_too_large_is_not_called_no_number():
    with pytest.raises(TypingError, match="A whole number beyond 64 bits is no integer"):
        to_carrier(2**63, Type.INTEGER)


def test_a_refusal_never_repeats_the_value():
    with pytest.raises(TypingError) as error:
        to_carrier("0101701234", Type.INTEGER)
    assert "0101701234" not in str(error.value)
    assert error.value.__cause__ is None
    assert error.value.facts == {"found": "str", "type": Type.INTEGER}


WHOLE = st.integers(INTEGER_MIN, INTEGER_MAX)
TIME = st.integers(TIME_MIN_US, TIME_MAX_US)


@pytest.mark.parametrize(
    ("type_", "carriers"),
    [
        (B, st.booleans()),
        (I, WHOLE),
        (F, st.floats(allow_nan=False, allow_infinity=False)),
        (X, st.text(st.characters(exclude_categories=["Cs"]))),
        (T, TIME),
        (L, TIME),
        (D, WHOLE),
    ],
)
@given(data=st.data())
def test_a_carrier_comes_back_through_its_python_value(type_, carriers, data):
    carrier = data.draw(st.none() | carriers)
    value = from_carrier(carrier, type_)
    assert to_carrier(value, type_) == carrier
    assert type_of_value(value) is (None if carrier is None else type_)
    if type_ in {T, L} and value is not None:
        assert to_carrier(value.isoformat(), type_) == carrier
