"""One text for a tuple of values, the same wherever it is made, in the order of the values.

Facts are matched and told apart by such texts: ``_on`` (what a lookup compares) and ``_key``
(what a correction shares with the fact it corrects). The texts of two tuples from the same
columns compare, by code point, as the tuples do, so a tie between facts is broken the same
way in Polars, in Python and in a database. Nulls come first.

Each value is written as a letter and its digits or text: ``-`` null, ``b`` boolean, ``i``
integer (times and durations too), ``f`` float, ``t`` text. Numbers take 20 digits, counted
from the smallest; a text that is not the last value ends in two NUL characters.

This module is light: the prediction server loads it. The same texts from Polars columns are
in :mod:`isbjerg.features.facts`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable

Carrier = bool | int | float | str | None

OFFSET = 2**63
"""Added to a number's 64 bits, so that the smallest is written as 0."""

_BITS = struct.Struct(">d")
_INTEGER = struct.Struct(">q")
_MAGNITUDE = 2**63 - 1


def key_text(values: Iterable[Carrier]) -> str:
    """Write a tuple of carriers as text that sorts as the tuple does.

    Parameters
    ----------
    values : iterable of bool, int, float, str or None
        The carriers, in the order of their columns.

    Returns
    -------
    str
        Different for different tuples of the same columns; ``-0.0`` is ``0.0``.

    Examples
    --------
    >>> key_text(["JFK"]), key_text([True, None])
    ('tJFK', 'b1-')
    >>> key_text([-1]) < key_text([2]) < key_text([10])
    True
    """
    parts = [_part(value) for value in values]
    return "".join([*(_closed(part) for part in parts[:-1]), *parts[-1:]])


def match_text(values: Iterable[Carrier]) -> str | None:
    """Write the values that a lookup compares; ``None`` when one is null: it matches nothing.

    Examples
    --------
    >>> match_text(["JFK", None]) is None, match_text([])
    (True, '')
    """
    known = list(values)
    return None if any(value is None for value in known) else key_text(known)


def _part(value: Carrier) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return f"b{value:d}"
        case int():
            return f"i{value + OFFSET:020d}"
        case float():
            return f"f{_ordered_bits(value) + OFFSET:020d}"
        case str():
            return f"t{value}"


def _closed(part: str) -> str:
    """End a text such that no longer text with the same beginning sorts before it."""
    return part.replace("\0", "\0\1") + "\0\0" if part[0] == "t" else part


def _ordered_bits(value: float) -> int:
    """Count a float among the floats: its bits, negative ones mirrored."""
    bits: int = _INTEGER.unpack(_BITS.pack(value))[0]
    return bits if bits >= 0 else -(bits & _MAGNITUDE)
