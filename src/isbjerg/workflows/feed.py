"""Keep the online store level with the data versions.

The catalog says what is true; the online store is what servers read. Each slot remembers which
data versions it has been fed, in the same transaction as the facts, so a killed feed is simply
done again, and a slot that is new is fed all of a table's parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec
import polars as pl

from isbjerg.data.versions import DataVersion
from isbjerg.expressions.tree import Type
from isbjerg.features.contributing import SlotFact
from isbjerg.features.facts import contributions
from isbjerg.features.sets import ROW, FeatureSet, Slot
from isbjerg.storage.online import OnlineStore, RegisteredSlot
from isbjerg.storage.tables import read_facts
from isbjerg.workflows.columns_read import slot_columns
from isbjerg.workflows.contracts import contract_path, read_contract
from isbjerg.workflows.stored_facts import posted_frame
from isbjerg.workflows.workspace import Workspace


def feed_table(workspace: Workspace, table: str) -> int:
    """Feed every registered slot of a table what it lacks; return how many facts were new."""
    version = workspace.catalog.latest_data_version(table)
    if version is None:
        return 0
    with workspace.online() as online:
        _promise(workspace, online, version)
        return sum(
            _feed_slot(workspace, online, registered, version) for registered in online.slots(table)
        )


def feed_set(workspace: Workspace, feature_set: FeatureSet, from_us: int) -> int:
    """Register the slots of a feature set and feed them; return how many facts were new.

    A model may go live only after this: windows that are not filled would answer wrongly.

    Parameters
    ----------
    workspace : Workspace
        Where to work.
    feature_set : FeatureSet
        Whose slots.
    from_us : int
        They will be asked for this time and later: what matters only before is left out.
    """
    new = 0
    with workspace.online() as online:
        for slot in feature_set.slots:
            known = workspace.catalog.latest_data_version(slot.source)
            columns = dict(known.schema) if known else None
            online.register(slot, columns, complete_from_us=from_us)
            # Posted facts first: an ingest beside this one moves them to a version, never back.
            new += _feed_posted(online, slot, columns)
            # Asked again: an ingest that ended meanwhile did not see the slot yet.
            version = workspace.catalog.latest_data_version(slot.source)
            if version is not None:
                _promise(workspace, online, version)
                registered = next(r for r in online.slots(slot.source) if r.slot.name == slot.name)
                new += _feed_slot(workspace, online, registered, version)
    return new


def _promise(workspace: Workspace, online: OnlineStore, version: DataVersion) -> None:
    """Let a server ask of posted facts what an ingest would ask of them."""
    path = contract_path(workspace, version.table)
    fields = read_contract(workspace, version.table).fields if path.is_file() else ()
    online.promise(version.table, dict(version.schema), fields)


def _feed_posted(online: OnlineStore, slot: Slot, columns: Mapping[str, Type] | None) -> int:
    """Give a slot the facts that were posted before it was registered."""
    posted = online.posted(slot.source)
    if not posted or columns is None:
        return 0
    return online.feed(slot.name, _rows(contributions(posted_frame(posted, columns, 0), slot)))


def _rows(facts: pl.DataFrame) -> Iterator[SlotFact]:
    columns = ("_on", "_key", "position", "visible", "_row", "value")
    return map(SlotFact._make, facts.select(columns).iter_rows())


def _feed_slot(
    workspace: Workspace, online: OnlineStore, registered: RegisteredSlot, version: DataVersion
) -> int:
    slot = registered.slot
    fed = online.fed(slot.name)
    if version.id in fed:
        return 0
    lacking = _parts_after(workspace, version, fed)
    columns = slot_columns(slot)
    rows = read_facts(workspace.store, lacking, columns, verify=False, shelf=workspace.shelf)
    online.number_after(rows[ROW].max() or 0)  # type: ignore[arg-type]
    facts = contributions(rows, slot)
    # Later parts are kept whole: an old row may take the place of one that the slot holds.
    kept = facts if fed else still_needed(facts, slot, registered.complete_from_us)
    return online.feed(slot.name, _rows(kept), data_version=version.id)


def still_needed(facts: pl.DataFrame, slot: Slot, from_us: int | None) -> pl.DataFrame:
    """Keep the contributions that can matter at a time or later.

    A fact matters as long as it lies within the span, or the largest age. All versions of such a
    fact are kept, since a later one takes the earlier one's place. Of a newest fact without a
    largest age every contribution may matter.
    """
    span_us = slot.max_age_us if slot.kind == "newest" else slot.span_us
    if from_us is None or span_us is None:
        return facts
    within = facts.filter(pl.col("position") >= from_us - slot.refresh_us - span_us)
    return facts.join(within.select("_key").unique(), on="_key", how="semi", maintain_order="left")


def _parts_after(workspace: Workspace, version: DataVersion, fed: set[str]) -> DataVersion:
    """Return the version with only those parts that no fed version lists."""
    known: set[str] = set()
    for name in fed:
        earlier = workspace.catalog.data_version(name)
        known |= {part.hash for part in earlier.parts}
    parts = tuple(part for part in version.parts if part.hash not in known)
    return msgspec.structs.replace(version, parts=parts)
