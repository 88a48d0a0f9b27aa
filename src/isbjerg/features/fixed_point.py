"""Sums that do not depend on the order of their terms.

A window gains and loses facts in whatever order they become known, offline in one sweep and
online one by one. Floating-point sums would differ in their last bits. So each value becomes
a whole number of ``2**-40`` (`FIXED_POINT_BITS`), sums are exact, and only the total is
rounded to a float again.

This module is light: the prediction server loads it. The same arithmetic over Polars columns
is in :mod:`isbjerg.features.fixed_columns`.
"""

from __future__ import annotations

from isbjerg.expressions.tree import INTEGER_MAX, INTEGER_MIN, Type
from isbjerg.features.keys import Carrier
from isbjerg.features.sets import FIXED_POINT_BITS, FIXED_POINT_LIMIT, Slot

SCALE = 2.0**FIXED_POINT_BITS


def to_fixed(value: Carrier) -> int | None:
    """Write a value as a whole number of ``2**-40``, rounded half to even.

    Parameters
    ----------
    value : bool, int, float, str or None
        A carrier. Text can only be counted: it becomes 0.

    Returns
    -------
    int or None
        ``None`` for null and for a number of ``2**62`` or more, which a mean leaves out.

    Examples
    --------
    >>> to_fixed(0.5) == 2**39, to_fixed(2**62), to_fixed("late")
    (True, None, 0)
    """
    if value is None or isinstance(value, str):
        return None if value is None else 0
    if abs(value) >= FIXED_POINT_LIMIT:
        return None
    if isinstance(value, float):
        return round(value * SCALE)
    return int(value) << FIXED_POINT_BITS


def amount_of(value: Carrier, slot: Slot) -> int | None:
    """Write what a fact's value adds to a window; where facts are counted its size is no matter.

    Examples
    --------
    >>> from isbjerg.expressions.tree import Node
    >>> ids = Slot(
    ...     name="n",
    ...     kind="past",
    ...     source="s",
    ...     on=(),
    ...     key=(),
    ...     known=(),
    ...     value=Node("column", value="id"),
    ...     type=Type.INTEGER,
    ...     aggregate="count",
    ... )
    >>> amount_of(2**62, ids), amount_of(None, ids)
    (0, None)
    """
    if slot.aggregate == "count":
        return None if value is None else 0
    return to_fixed(value)


def from_fixed(total: int, count: int, slot: Slot) -> int | float | None:
    """Turn a window's exact total and count into the value that the slot asks for.

    Parameters
    ----------
    total : int
        Sum of `to_fixed` over the facts in the window.
    count : int
        How many values that sum has.
    slot : Slot
        Says which aggregate, and of which type a sum is.

    Returns
    -------
    int, float or None
        The mean of nothing is null; so is an integer sum outside 64 bits.

    Examples
    --------
    >>> from isbjerg.expressions.tree import Node
    >>> mean = Slot(
    ...     name="m",
    ...     kind="past",
    ...     source="s",
    ...     on=(),
    ...     key=(),
    ...     known=(),
    ...     value=Node("column", value="x"),
    ...     type=Type.FLOAT,
    ...     aggregate="mean",
    ... )
    >>> from_fixed(3 << 40, 2, mean), from_fixed(0, 0, mean)
    (1.5, None)
    """
    if slot.aggregate == "count":
        return count
    if slot.aggregate == "sum" and slot.type is not Type.FLOAT:
        whole = total >> FIXED_POINT_BITS
        return whole if INTEGER_MIN <= whole <= INTEGER_MAX else None
    if slot.aggregate == "sum":
        return float(total) / SCALE
    return float(total) / SCALE / float(count) if count else None
