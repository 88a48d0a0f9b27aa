"""A table as it stands: of each key the newest row, whatever told it."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from isbjerg.data.versions import INGESTED_AT, ROW, DataVersion, newest
from isbjerg.storage.online import POSTED_ROW_FIRST
from isbjerg.storage.tables import read_facts
from isbjerg.workflows.workspace import Workspace


def standing(workspace: Workspace, version: DataVersion, columns: Sequence[str]) -> pl.DataFrame:
    """Read the newest row of each key of a data version, in some of its columns.

    A fact that was posted or settled says only what it names: where it says nothing, what was
    known of the key before still stands.

    Parameters
    ----------
    workspace : Workspace
        Where the parts are.
    version : DataVersion
        Which rows.
    columns : sequence of str
        Columns of the source; the key, ``_row``, ``_live_at`` and ``_ingested_at`` come too.
    """
    key = list(version.key)
    read = list(dict.fromkeys([*key, *columns, INGESTED_AT]))
    facts = read_facts(workspace.store, version, read, verify=False, shelf=workspace.shelf)
    if len(version.parts) == 1 and not (facts[ROW] >= POSTED_ROW_FIRST).any():
        return facts  # a read leaves no key twice in a part
    return newest(_filled(facts, key, columns), key, workspace.shelf)


def _filled(facts: pl.DataFrame, key: list[str], columns: Sequence[str]) -> pl.DataFrame:
    """Let facts that were posted say of other columns what was known before."""
    posted = facts[ROW] >= POSTED_ROW_FIRST
    if not posted.any():
        return facts
    told = facts.filter(posted).select(key).unique()
    touched = facts.join(told, on=key, how="semi", nulls_equal=True, maintain_order="left")
    silent = [c for c in columns if c not in key]
    whole = touched.sort(INGESTED_AT, ROW).with_columns(
        pl.when(pl.col(ROW) >= POSTED_ROW_FIRST)
        .then(pl.col(c).forward_fill().over(key))
        .otherwise(pl.col(c))
        .alias(c)
        for c in silent
    )
    others = facts.join(told, on=key, how="anti", nulls_equal=True, maintain_order="left")
    return pl.concat([others, whole.select(others.columns)])
