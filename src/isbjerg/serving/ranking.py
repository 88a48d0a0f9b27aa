"""Ranked lists: in which order the rows of a request stand, and which lists are left to chance.

Rows of equal group make one list. The highest score comes first; of equal scores the order is that
of a hash of the unit's key, so it does not depend on the order in which rows were sent, and favours
none. A held-out list stands in the order of that hash alone: what became of it shows what the order
is worth. Whether a list is held out is a hash of its group, so it is the same for whoever asks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

from isbjerg.models.bundle import Unit
from isbjerg.storage.ledger import Prediction, unit_key

HELD_OUT = "hold-out"
"""Why a row of a held-out list stands where it does, as the ledger writes it."""

_WHOLE = 2**64


def ranked(records: Sequence[Prediction], unit: Unit, top: int | None) -> list[Prediction]:
    """Give each record its place in its list.

    Parameters
    ----------
    records : sequence of Prediction
        Of one request.
    unit : Unit
        Its group tells the lists apart; without one all rows are one list.
    top : int or None
        How many of each list are shown; ``None`` for all.

    Returns
    -------
    list of Prediction
        In their order, each with ``list``, ``rank``, ``of`` and ``shown`` in its output.
    """
    lists: dict[str, list[int]] = {}
    for place, record in enumerate(records):
        lists.setdefault(list_key(record, unit), []).append(place)
    found = list(records)
    for name, places in lists.items():
        chance = held_out(name, unit.holdout)
        ordered = sorted(places, key=lambda p: _order(records[p], name, by_chance=chance))
        for rank, place in enumerate(ordered, 1):
            said = {"list": name, "rank": rank, "of": len(places)}
            output = {**said, "shown": top is None or rank <= top}
            why = HELD_OUT if chance else records[place].why
            found[place] = msgspec.structs.replace(records[place], output=output, why=why)
    return found


def list_key(record: Prediction, unit: Unit) -> str:
    """Write which list a record is of, as a unit's key is written."""
    return unit_key(record.inputs[name] for name in unit.group)


def held_out(name: str, share: float) -> bool:
    """Tell whether a list is left to chance.

    Examples
    --------
    >>> sum(held_out(f'["{n}"]', 0.05) for n in range(10_000))
    531
    """
    return share > 0.0 and _hash("held out", name) < share * _WHOLE


def _order(record: Prediction, name: str, *, by_chance: bool) -> tuple[float, int, str]:
    lot = _hash("place", f"{name}{record.unit_key}")
    return (0.0 if by_chance else -record.score, lot, record.unit_key)


def _hash(what: str, text: str) -> int:
    digest = hashlib.blake2b(text.encode(), digest_size=8, person=what.encode()).digest()
    return int.from_bytes(digest, "big")


def shown_first(records: Sequence[Prediction]) -> list[Prediction]:
    """Take the records that are shown, list after list, each in its order."""
    said: list[tuple[dict[str, Any], Prediction]] = [(r.output or {}, r) for r in records]
    lists = {name: n for n, name in enumerate(dict.fromkeys(o["list"] for o, _ in said))}
    shown = [(lists[o["list"]], o["rank"], r) for o, r in said if o["shown"]]
    return [record for _, _, record in sorted(shown, key=lambda entry: entry[:2])]
