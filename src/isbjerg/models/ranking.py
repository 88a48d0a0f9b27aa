"""The places of ranked lists, and which lists are left to chance.

The highest score comes first; of equal scores the order is that of a hash of the unit's key, so it
does not depend on the order in which rows were given, and favours none. A held-out list stands in
the order of that hash alone: what became of it shows what the order is worth. Whether a list is held
out is a hash of its group, so it is the same for whoever asks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

HELD_OUT = "hold-out"
"""Why a row of a held-out list stands where it does, as the ledger writes it."""

_WHOLE = 2**64


class Place(NamedTuple):
    """Where a row stands: its list, its rank from 1, the list's length, whether by chance."""

    list: str
    rank: int
    of: int
    chance: bool

    def output(self, top: int | None) -> dict[str, Any]:
        """Write it as a record keeps it; `top` is how many of each list are shown."""
        shown = top is None or self.rank <= top
        return {"list": self.list, "rank": self.rank, "of": self.of, "shown": shown}


def places(
    lists: Sequence[str], keys: Sequence[str], scores: Sequence[float], holdout: float
) -> list[Place]:
    """Give each row its place in its list.

    Parameters
    ----------
    lists, keys : sequence of str
        Of each row the name of its list and its unit's key, as the ledger writes them.
    scores : sequence of float
        What was answered.
    holdout : float
        Share of lists that are left to chance.

    Examples
    --------
    >>> [place.rank for place in places(["a", "a", "b"], ["1", "2", "3"], [0.1, 0.7, 0.2], 0.0)]
    [2, 1, 1]
    """
    rows: dict[str, list[int]] = {}
    for row, name in enumerate(lists):
        rows.setdefault(name, []).append(row)
    found: dict[int, Place] = {}
    for name, members in rows.items():
        chance = held_out(name, holdout)

        def order(row: int, name: str = name, *, chance: bool = chance) -> tuple[float, int, str]:
            lot = _hash("place", f"{name}{keys[row]}")
            return (0.0 if chance else -scores[row], lot, keys[row])

        for rank, row in enumerate(sorted(members, key=order), 1):
            found[row] = Place(name, rank, len(members), chance)
    return [found[row] for row in range(len(lists))]


def held_out(name: str, share: float) -> bool:
    """Tell whether a list is left to chance.

    Examples
    --------
    >>> sum(held_out(f'["{n}"]', 0.05) for n in range(10_000))
    531
    """
    return share > 0.0 and _hash("held out", name) < share * _WHOLE


def _hash(what: str, text: str) -> int:
    digest = hashlib.blake2b(text.encode(), digest_size=8, person=what.encode()).digest()
    return int.from_bytes(digest, "big")
