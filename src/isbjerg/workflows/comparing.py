"""Compare a read of a source with what is known of it: what is new, corrected, gone.

A source that was read before the newest facts were posted still says the old values, day after
day. That does not undo what was posted: a value of a posted row counts as corrected by a read
only when the read gives one, and it differs from what the source itself said last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import polars as pl

from isbjerg.data.versions import (
    INGESTED_AT,
    RESERVED,
    ROW,
    Changes,
    DataVersion,
    conform,
    merge_schema,
    new_facts,
    newest,
)
from isbjerg.expressions.tree import Type
from isbjerg.features.sources import Source
from isbjerg.storage.online import POSTED_ROW_FIRST
from isbjerg.storage.tables import read_facts
from isbjerg.workflows.workspace import Workspace


class Compared(NamedTuple):
    """What a read changes, in the columns that the table has from now on.

    Parameters
    ----------
    changes : Changes
        What is new, corrected, gone.
    schema : mapping of str to Type
        Columns from now on.
    before : polars.DataFrame or None
        The newest row of each key before this read, in the order in which they came.
    gone : polars.DataFrame or None
        Keys of rows that vanished.
    """

    changes: Changes
    schema: Mapping[str, Type]
    before: pl.DataFrame | None = None
    gone: pl.DataFrame | None = None

    def without_vanished(self) -> Compared:
        """Say nothing of rows that were not asked for."""
        changes = msgspec.structs.replace(self.changes, vanished=0)
        return self._replace(changes=changes, gone=None)


def compare_with_known(
    workspace: Workspace,
    source: Source,
    latest: DataVersion | None,
    rows: pl.DataFrame,
    aside: pl.DataFrame,
) -> Compared:
    """Find what a read changes.

    Parameters
    ----------
    workspace : Workspace
        Where the known facts are.
    source : Source
        Whose key tells rows apart.
    latest : DataVersion or None
        What is known.
    rows : DataFrame
        The read, in carriers, keys unique.
    aside : DataFrame
        Rows of the read that are not taken; they have not vanished.
    """
    key = list(source.key)
    if latest is None:
        schema = merge_schema({}, rows, rows)
        return Compared(new_facts(rows.clear(), conform(rows, schema), key), schema)
    columns = [*dict(latest.schema), INGESTED_AT]
    shelf = workspace.shelf
    facts = read_facts(workspace.store, latest, columns, verify=False, shelf=shelf)
    shelf = shelf.of(int(facts.estimated_size() + rows.estimated_size()))
    current = newest(facts, key, shelf)
    schema = merge_schema(dict(latest.schema), rows, current)
    incoming = conform(rows, schema)
    changes = new_facts(conform(current, schema), incoming, key, shelf)
    posted = facts.filter(pl.col(ROW) >= POSTED_ROW_FIRST)
    if posted.height:
        said = newest(shelf.filtered(facts, facts[ROW] < POSTED_ROW_FIRST), key, shelf)
        frames = (conform(f.drop(RESERVED, strict=False), schema) for f in (current, said, posted))
        changes = _without_undoing(changes, *frames, key=key)
        current = said
    there = [conform(f.select(key), {k: schema[k] for k in key}) for f in (rows, aside)]
    gone = _absent(conform(current, schema), there, key) if changes.vanished else None
    changes = msgspec.structs.replace(changes, vanished=gone.height if gone is not None else 0)
    return Compared(changes, schema, current, gone)


def _without_undoing(
    changes: Changes,
    current: pl.DataFrame,
    said: pl.DataFrame,
    posted: pl.DataFrame,
    *,
    key: list[str],
) -> Changes:
    """Take out of the corrections what only repeats what the source said before."""
    touched = changes.corrected.join(posted.select(key), on=key, how="semi", nulls_equal=True)
    others = changes.corrected.join(posted.select(key), on=key, how="anti", nulls_equal=True)
    joined = touched
    for name, frame in (("said", said), ("now", current)):
        joined = joined.join(
            frame, on=key, how="left", nulls_equal=True, maintain_order="left", suffix=f"\0{name}"
        )
    merged = joined.select(
        pl.col(c)
        if c in key
        else pl.when(pl.col(c).is_null() | pl.col(c).eq_missing(pl.col(f"{c}\0said")))
        .then(pl.col(f"{c}\0now"))
        .otherwise(pl.col(c))
        .alias(c)
        for c in touched.columns
    )
    again = new_facts(current, merged, key)
    return msgspec.structs.replace(
        changes,
        corrected=pl.concat([others, again.corrected]),
        unchanged=changes.unchanged + again.unchanged,
    )


def _absent(known: pl.DataFrame, there: Sequence[pl.DataFrame], key: list[str]) -> pl.DataFrame:
    """Find the keys that are in none of the frames."""
    return known.select(key).join(
        pl.concat(there), on=key, how="anti", nulls_equal=True, maintain_order="left"
    )
