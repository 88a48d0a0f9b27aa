"""When a decision is taken: the time in a column of the unit, plus or minus a span.

The same shape as ``isbjerg.features.sets.Known``, of which this room must not know: one
says what is wanted, the other when a value exists.
"""

from __future__ import annotations

import re

import msgspec

from isbjerg.errors import ArgumentError
from isbjerg.times import format_span, parse_span

_MOMENT = re.compile(r"\s*(?P<column>\w+)\s*(?:(?P<sign>[+-])\s*(?P<span>.*\S))?\s*")


class Moment(msgspec.Struct, frozen=True):
    """The time in `column`, plus `offset_us` microseconds.

    Examples
    --------
    >>> str(Moment("sched_dep_utc", -2 * 3600 * 10**6))
    'sched_dep_utc - 2h'
    """

    column: str
    offset_us: int = 0

    def __str__(self) -> str:
        if self.offset_us == 0:
            return self.column
        sign = "-" if self.offset_us < 0 else "+"
        return f"{self.column} {sign} {format_span(abs(self.offset_us))}"


def parse_moment(text: str) -> Moment:
    """Read a moment such as ``"sched_dep_utc - 2h"`` or ``"signed_up_at"``.

    Raises
    ------
    ArgumentError
        When it is not a column's name, or a column's name, a sign and a span.

    Examples
    --------
    >>> parse_moment("sched_dep_utc - 2h")
    Moment(column='sched_dep_utc', offset_us=-7200000000)
    """
    found = _MOMENT.fullmatch(text)
    if found is None or not found["column"].isidentifier():
        raise ArgumentError.out_of_range(
            "at",
            "parse_moment",
            'be a column, or a column, a sign and a span ("due_at - 2h")',
            text,
        )
    if found["sign"] is None:
        return Moment(found["column"])
    span_us = parse_span(found["span"])
    return Moment(found["column"], -span_us if found["sign"] == "-" else span_us)
