"""Find a column of codes whose codes were exchanged for others.

On rows that are known already one code must have become one other, throughout. On new rows old
codes must be gone and as many new ones have come, with the same shares; a column whose codes
come and go anyway (weeks, batches) says nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from math import sqrt
from typing import NamedTuple

CODES_MAX = 200
"""A column with more distinct values is no column of codes."""

PAIRS_MIN = 20
"""Fewer changed rows say nothing of a code."""

_SHARE_MIN = 0.99
_ROWS_MIN = 10
"""A code must be expected, or seen, in that many rows before its absence says anything."""

_SIGMAS = 3.0
_SHARE_SLACK = 0.01
_CODES_MIN = 2
_ROWS_SHARE_MIN = 0.5
"""Most of a table changes its codes at once; some codes that go and come are the world's."""


Code = str | bool | int


class Recoded(NamedTuple):
    """Which code became which, and on what that was found.

    Parameters
    ----------
    codes : tuple of (old, new)
        By the shares of the old ones, largest first.
    rows : int
        Rows that were compared.
    share : float
        On known rows, how many follow it; on new rows, the share of rows the old codes had.
    by_row : bool
        Whether known rows were compared one by one.
    """

    codes: tuple[tuple[Code, Code], ...]
    rows: int
    share: float
    by_row: bool


def recoded_pairs(pairs: Mapping[tuple[Code, Code], int]) -> Recoded | None:
    """Compare the codes of known rows one by one.

    Parameters
    ----------
    pairs : mapping of (old, new) to int
        How many rows had which code and have which now.

    Examples
    --------
    >>> recoded_pairs({("M", "male"): 40, ("F", "female"): 38}).codes
    (('M', 'male'), ('F', 'female'))

    Orders that were closed since have no other code, they have another state:

    >>> recoded_pairs({("open", "closed"): 40, ("closed", "closed"): 90}) is None
    True
    """
    total = sum(pairs.values())
    old_codes = Counter[Code]()
    new_codes = Counter[Code]()
    best: dict[Code, tuple[Code, int]] = {}
    for (old, new), rows in pairs.items():
        old_codes[old] += rows
        new_codes[new] += rows
        if rows > best.get(old, (old, 0))[1]:
            best[old] = (new, rows)
    changed = {old: new for old, (new, _) in best.items() if new != old}
    follows = sum(rows for _, rows in best.values())
    moved = sum(best[old][1] for old in changed)
    if not changed or moved < PAIRS_MIN or len(old_codes) > CODES_MAX:
        return None
    if min(old_codes[old] for old in changed) < _CODES_MIN or follows / total < _SHARE_MIN:
        return None
    targets = [new for new, _ in best.values()]
    if len(set(targets)) < len(targets) or not _is_exchange(changed, set(old_codes)):
        return None
    told = sorted(changed.items(), key=lambda pair: -old_codes[pair[0]])
    return Recoded(tuple(told), total, follows / total, by_row=True)


def _is_exchange(changed: Mapping[Code, Code], before: set[Code]) -> bool:
    """Say whether the new codes are all new, or the old ones in another order; a state goes on."""
    new = set(changed.values())
    if new == set(changed):
        return True
    enough = len(changed) >= _CODES_MIN or all(_alike(o, n) for o, n in changed.items())
    return enough and not new & before


def recoded_rows(old: Sequence[Code], new: Sequence[Code]) -> Recoded | None:
    """Compare the codes of new rows with those of the rows before them.

    Parameters
    ----------
    old : sequence
        Codes of the rows that came last, in their order; none missing.
    new : sequence
        Codes of the new rows.

    Examples
    --------
    >>> old = ["UA", "DL", "UA", "AA", "UA", "DL"] * 50
    >>> recoded_rows(old, ["1"] * 150 + ["2"] * 100 + ["3"] * 50).codes
    (('UA', '1'), ('DL', '2'), ('AA', '3'))
    >>> recoded_rows(old, old + ["B6"] * 60) is None  # a new carrier
    True
    """
    before, now = Counter(old), Counter(new)
    if max(len(before), len(now)) > CODES_MAX or not before or not now:
        return None
    if (written := _written_otherwise(before, now)) is not None:
        return written
    gone = _gone(before, len(old), now, len(new))
    come = [c for c in now if c not in before and now[c] >= _ROWS_MIN]
    strange = sum(rows for code, rows in now.items() if code not in before)
    if not gone or len(gone) != len(come) or _churns(old):
        return None
    gone.sort(key=lambda c: -before[c])
    come.sort(key=lambda c: -now[c])
    pairs = list(zip(gone, come, strict=True))
    told = sum(now[c] for c in come)
    if told < _SHARE_MIN * strange or len(gone) < _CODES_MIN:
        return None
    if not all(_same_share(before[o], len(old), now[n], len(new)) for o, n in pairs):
        return None
    share = sum(before[c] for c in gone) / len(old)
    if share < _ROWS_SHARE_MIN:
        return None
    return Recoded(tuple(pairs), len(new), share, by_row=False)


def _written_otherwise(before: Counter[Code], now: Counter[Code]) -> Recoded | None:
    """Find codes that all differ from a code of before only in how they are written."""
    strange = [c for c in now if c not in before]
    plain = {_plain(c): c for c in before if c not in now}
    pairs = [(plain[_plain(c)], c) for c in strange if _plain(c) in plain]
    told = sum(now[c] for c in strange)
    if len(pairs) < len(strange) or told < PAIRS_MIN or len({o for o, _ in pairs}) < len(pairs):
        return None
    pairs.sort(key=lambda pair: -before[pair[0]])
    share = sum(before[old] for old, _ in pairs) / before.total()
    return Recoded(tuple(pairs), now.total(), share, by_row=False)


def _gone(before: Counter[Code], n_old: int, now: Counter[Code], n_new: int) -> list[Code]:
    return [c for c, k in before.items() if c not in now and k / n_old * n_new >= _ROWS_MIN]


def _churns(old: Sequence[Code]) -> bool:
    """Say whether codes come and go within the old rows already."""
    quarter = max(1, len(old) // 4)
    parts = [Counter(old[at : at + quarter]) for at in range(0, 4 * quarter, quarter)]
    both = [(a, b) for x, y in pairwise(parts) for a, b in ((x, y), (y, x))]
    return any(_gone(a, quarter, b, b.total()) for a, b in both if b.total())


def _alike(old: Code, new: Code) -> bool:
    return bool(_plain(old)) and _plain(old) == _plain(new)


def _plain(code: Code) -> str:
    return "".join(ch for ch in str(code).casefold() if ch.isalnum())


def _same_share(k_old: int, n_old: int, k_new: int, n_new: int) -> bool:
    p, q = k_old / n_old, k_new / n_new
    both = (k_old + k_new) / (n_old + n_new)
    chance = sqrt(both * (1 - both) * (1 / n_old + 1 / n_new))
    return abs(p - q) <= _SIGMAS * chance + _SHARE_SLACK
