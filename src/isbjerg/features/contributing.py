"""What one fact is to one slot, computed a fact at a time: the online twin of `facts`.

A posted fact, or a row that has been settled, reaches the slots that use its source at once;
:func:`isbjerg.features.facts.contributions` does the same for tables, and equally.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from isbjerg.expressions.python import compile_expression
from isbjerg.expressions.tree import names
from isbjerg.features.keys import Carrier, match_text
from isbjerg.features.sets import Slot


class SlotFact(NamedTuple):
    """One contribution, in the order in which `OnlineSlot.insert` takes it."""

    on: str | None
    key: str
    position: int
    visible: int
    row: int
    value: Carrier


class Contributor(NamedTuple):
    """A slot and its compiled value."""

    slot: Slot
    columns: tuple[str, ...]
    value: Callable[..., Carrier]

    def contribute(
        self, fact: Mapping[str, Carrier], key: str, row: int, live_at_us: int
    ) -> SlotFact | None:
        """Return what a fact is to the slot; ``None`` when it is never known."""
        known = [fact[k.column] for k in self.slot.known]
        if any(at is None for at in known):
            return None
        offsets = (k.offset_us for k in self.slot.known)
        position = max(
            (int(at or 0) + offset for at, offset in zip(known, offsets, strict=True)), default=0
        )
        on = match_text(fact[column] for column, _ in self.slot.on)
        value = self.value(*(fact[c] for c in self.columns))
        return SlotFact(on, key, position, max(position, live_at_us), row, value)


def contributor(slot: Slot) -> Contributor:
    """Compile a slot's value.

    Examples
    --------
    >>> from isbjerg.expressions.tree import Node, Type
    >>> from isbjerg.features.sets import Known
    >>> wind = contributor(
    ...     Slot(
    ...         name="wind",
    ...         kind="newest",
    ...         source="weather",
    ...         on=(("origin", "origin"),),
    ...         key=("origin", "hour"),
    ...         known=(Known("hour", 10),),
    ...         value=Node("column", value="wind", type=Type.FLOAT),
    ...         type=Type.FLOAT,
    ...     )
    ... )
    >>> fact = {"origin": "JFK", "hour": 100, "wind": 7.5}
    >>> wind.contribute(fact, key="k", row=1, live_at_us=0)
    SlotFact(on='tJFK', key='k', position=110, visible=110, row=1, value=7.5)
    """
    columns = names(slot.value, "column")
    return Contributor(
        slot, columns, compile_expression(slot.value, [("column", c) for c in columns])
    )
