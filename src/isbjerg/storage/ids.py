"""Names of predictions: short, sortable by time, unique without asking anyone.

An id is 26 characters: 10 for the millisecond, 11 drawn at random once per process, 5 that
count within the millisecond. Ids of one process always grow, also when its clock is set back;
ids of two processes differ by 55 random bits.
"""

from __future__ import annotations

import os
from collections.abc import Callable

from isbjerg.times import Clock

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's 32 digits in lower case: in the order of their bytes, without i, l, o and u."""

_PAIRS = tuple(a + b for a in _DIGITS for b in _DIGITS)
_COUNT_MAX = 32**5 - 1
_RANDOM_BYTES = 7


def _spell(number: int, length: int) -> str:
    return "".join(_DIGITS[(number >> 5 * place) & 31] for place in reversed(range(length)))


class Ids:
    """Draw the ids of one process.

    Parameters
    ----------
    clock : Clock
        Microseconds since the epoch.
    randomness : callable
        Gives that many random bytes; called once, so make an `Ids` after a fork.

    Examples
    --------
    The clock goes back, the ids do not:

    >>> times = iter([1_700_000_000_000_000, 1_600_000_000_000_000])
    >>> ids = Ids(lambda: next(times), lambda n: bytes(n))
    >>> first, second = ids.draw(), ids.draw()
    >>> first, second
    ('01hf7yat000000000000000000', '01hf7yat000000000000000001')
    """

    def __init__(self, clock: Clock, randomness: Callable[[int], bytes] = os.urandom) -> None:
        self._clock = clock
        drawn = int.from_bytes(randomness(_RANDOM_BYTES), "big")
        self._process = _spell(drawn, 11)
        self._millisecond = -1
        self._count = 0
        self._head = ""

    def draw(self) -> str:
        """Return a new id, later in order than every earlier one. Not for two threads at once."""
        millisecond = self._clock() // 1000
        if millisecond > self._millisecond:
            self._begin(millisecond)
        elif self._count == _COUNT_MAX:
            self._begin(self._millisecond + 1)
        else:
            self._count += 1
        count = self._count
        return self._head + _PAIRS[count >> 15] + _PAIRS[(count >> 5) & 1023] + _DIGITS[count & 31]

    def _begin(self, millisecond: int) -> None:
        self._millisecond = millisecond
        self._count = 0
        self._head = _spell(millisecond, 10) + self._process


def batch_ids(batch: str, at_us: int, first: int, count: int) -> list[str]:
    """Name the predictions of a batch, always the same for the same batch.

    Parameters
    ----------
    batch : str
        Its id, a hash in hex.
    at_us : int
        When it was made.
    first, count : int
        Which of its rows, counted from 0.

    Examples
    --------
    >>> batch_ids("ff" * 32, 1_700_000_000_000_000, 31, 2)
    ['01hf7yat00zzzzzzzzzzz0000z', '01hf7yat00zzzzzzzzzzz00010']
    """
    process = _spell(int(batch[:14], 16), 11)
    names = []
    for row in range(first, first + count):
        further, place = divmod(row, _COUNT_MAX + 1)
        names.append(_spell(at_us // 1000 + further, 10) + process + _spell(place, 5))
    return names


def batch_id_span(at_us: int, rows: int) -> tuple[int, int]:
    """Return the first and the last millisecond that stand in the ids of a batch.

    Examples
    --------
    >>> batch_id_span(1_700_000_000_000_000, 3)
    (1700000000000, 1700000000000)
    """
    first = at_us // 1000
    return first, first + max(0, rows - 1) // (_COUNT_MAX + 1)


def drawn_at_us(prediction: str) -> int:
    """Return the time in an id, cut to the millisecond.

    Examples
    --------
    >>> drawn_at_us("01hf7yat000000000000000001")
    1700000000000000
    """
    number = 0
    for digit in prediction[:10]:
        number = number * 32 + _DIGITS.index(digit)
    return number * 1000
