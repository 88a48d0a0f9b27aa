"""A feature set: everything needed to compute a candidate's features, stored and hashed.

A feature set is closed: it names the columns of the unit that a request must carry, the
*slots* (values assembled from other facts, as known at the decision time) and the *steps*
(typed trees over columns, slots and earlier steps). It is computed the same way offline and
online, so it is all a server needs, and its content hash is its name.

Knowledge. Each column of a source becomes known at ``column + offset`` (`Known`). For a slot
over a fact (one row of the source):

- its *position* is the latest of the known times of the columns that the slot uses; null
  when any of them is null: such a fact is never known;
- it is *visible* from its position on, or, when it was ingested live, from the later of its
  position and ``_live_at``;
- a fact with the same key, later by ``(visible, _row)``, supersedes it from when that one is
  visible.

At decision time ``t`` a slot looks from its grid point ``g = grid_point(t, refresh)`` and
uses only facts with ``visible < g``, and of each key only the newest such fact:

- ``newest``: of these the one with the largest ``(position, key, visible, _row)``; its value,
  or null when there is none or when ``g - position > max_age``;
- ``past``: those with ``g - span <= position``; ``count`` of non-null values (0 when none),
  exact fixed-point ``sum`` (0 when none), ``mean`` (null when the count is 0).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from isbjerg.canonical import content_hash
from isbjerg.data import manifest
from isbjerg.expressions.tree import FORMAT_VERSION, SEMANTICS_VERSION, Node, Type

ROW, LIVE_AT = manifest.ROW, manifest.LIVE_AT
"""Columns of a facts table beside the source's own."""

FIXED_POINT_BITS = 40
"""Window sums are exact: each value is rounded (half to even) to a multiple of ``2**-40``,
summed in 128 bits, and only the total becomes a float again."""

FIXED_POINT_LIMIT = 2.0**62
"""A value at or beyond this size cannot be summed exactly: sums and means take it for null."""

Aggregate = Literal["count", "sum", "mean"]


class Known(msgspec.Struct, frozen=True):
    """When a value becomes known: the time in `column`, plus `offset_us` microseconds."""

    column: str
    offset_us: int = 0


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """One assembled value: the newest fact, or an aggregate over past facts, of a source.

    Parameters
    ----------
    name : str
        Canonical, readable and unique: two slots with one name are one slot.
    kind : {"newest", "past"}
        Which of the two.
    source : str
        Table the facts come from.
    on : tuple of (str, str)
        Pairs of (column of the source, column of the unit) that must be equal; nulls match
        nothing.
    key : tuple of str
        Columns that identify a fact of the source across corrections.
    known : tuple of Known
        When each used column becomes known; the latest counts.
    value : Node
        Typed expression over the source's columns (for ``count`` too: non-null counts).
    type : Type
        Type of the slot's value.
    refresh_us : int
        Grid on which the value changes; 0 for every fact.
    aggregate : {"count", "sum", "mean"}, optional
        For ``past``.
    span_us : int, optional
        For ``past``: how far back positions may lie.
    max_age_us : int, optional
        For ``newest``: the largest age, or ``None`` for no limit.
    """

    name: str
    kind: Literal["newest", "past"]
    source: str
    on: tuple[tuple[str, str], ...]
    key: tuple[str, ...]
    known: tuple[Known, ...]
    value: Node
    type: Type
    refresh_us: int = 0
    aggregate: Aggregate | None = None
    span_us: int | None = None
    max_age_us: int | None = None


class Step(msgspec.Struct, frozen=True):
    """One feature of a set: its name and its typed tree over columns, slots and earlier steps."""

    name: str
    node: Node


class FeatureSet(msgspec.Struct, frozen=True, kw_only=True):
    """What a candidate needs to know of the world, in an order in which it can be computed.

    Parameters
    ----------
    columns : tuple of (str, Type)
        Columns of the unit that must be given: features', slots' keys.
    slots : tuple of Slot
        Values to assemble.
    steps : tuple of Step
        Trees, each using only columns, slots and steps before it.
    outputs : tuple of str
        Names of the steps that the candidate takes, in its order.
    """

    columns: tuple[tuple[str, Type], ...]
    slots: tuple[Slot, ...]
    steps: tuple[Step, ...]
    outputs: tuple[str, ...]
    format_version: int = FORMAT_VERSION
    semantics_version: int = SEMANTICS_VERSION

    @property
    def hash(self) -> str:
        """Name of the set: SHA-256 of its canonical JSON."""
        return content_hash(self)

    @property
    def output_types(self) -> tuple[Type, ...]:
        """Type of each output, in order."""
        types = {s.name: s.node.type for s in self.steps}
        return tuple(t for name in self.outputs if (t := types[name]) is not None)

    @property
    def lookups(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Each source whose newest fact is looked up, and the slots that take a value from it."""
        found: dict[tuple[str, tuple[tuple[str, str], ...]], list[str]] = {}
        for slot in self.slots:
            if slot.kind == "newest":
                found.setdefault((slot.source, slot.on), []).append(slot.name)
        return tuple((source, tuple(names)) for (source, _), names in found.items())
