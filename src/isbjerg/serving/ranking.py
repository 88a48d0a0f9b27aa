"""Ranked lists: in which order the rows of a request stand.

Rows of equal group make one list; :mod:`isbjerg.models.ranking` gives them their places.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from isbjerg.models.bundle import Unit
from isbjerg.models.ranking import HELD_OUT, places
from isbjerg.storage.ledger import Prediction, unit_key


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
    where = places(
        [list_key(record, unit) for record in records],
        [record.unit_key for record in records],
        [record.score for record in records],
        unit.holdout,
    )
    return [
        msgspec.structs.replace(
            record, output=place.output(top), why=HELD_OUT if place.chance else record.why
        )
        for record, place in zip(records, where, strict=True)
    ]


def list_key(record: Prediction, unit: Unit) -> str:
    """Write which list a record is of, as a unit's key is written."""
    return unit_key(record.inputs[name] for name in unit.group)


def shown_first(records: Sequence[Prediction]) -> list[Prediction]:
    """Take the records that are shown, list after list, each in its order."""
    said: list[tuple[dict[str, Any], Prediction]] = [(r.output or {}, r) for r in records]
    lists = {name: n for n, name in enumerate(dict.fromkeys(o["list"] for o, _ in said))}
    shown = [(lists[o["list"]], o["rank"], r) for o, r in said if o["shown"]]
    return [record for _, _, record in sorted(shown, key=lambda entry: entry[:2])]
