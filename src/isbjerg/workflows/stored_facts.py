"""Facts where they are: in data versions, and posted since the newest one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from isbjerg.data.contract import fits
from isbjerg.data.versions import INGESTED_AT, DataVersion
from isbjerg.expressions.polars import polars_type
from isbjerg.expressions.tree import Type
from isbjerg.features.sets import LIVE_AT, ROW
from isbjerg.storage.online import PostedFact
from isbjerg.storage.tables import read_facts
from isbjerg.workflows.workspace import Workspace

TIMES = (Type.INSTANT, Type.LOCAL, Type.DURATION)
"""Types whose carriers are microseconds."""


def physical(type_: Type) -> Any:
    """Return the Polars type in which carriers of a type come from JSON.

    Examples
    --------
    >>> physical(Type.INSTANT), physical(Type.TEXT)
    (Int64, String)
    """
    return pl.Int64 if type_ in TIMES else polars_type(type_)


def later_than(latest: DataVersion | None, now_us: int) -> int:
    """Return the time of the version after `latest`, whatever the clock does.

    Versions of a row are ordered by when they were ingested, so two ingests never share a time.
    """
    return now_us if latest is None else max(now_us, latest.at_us + 1)


def posted_frame(
    posted: Sequence[PostedFact], schema: Mapping[str, Type], ingested_us: int
) -> pl.DataFrame:
    """Form posted facts into rows of a part: they keep their numbers and when they came in.

    Parameters
    ----------
    posted : sequence of PostedFact
        From the online store.
    schema : mapping of str to Type
        Columns of the table; what a fact lacks is null. A fact with a value of another type,
        since its column was given one later, has no place in it and is left out.
    ingested_us : int
        When they are taken in.
    """
    instant = polars_type(Type.INSTANT)
    posted = [fact for fact in posted if not misfits(fact, schema)]
    return pl.DataFrame(
        [
            *(
                pl.Series(name, [f.body.get(name) for f in posted], physical(kind)).cast(
                    polars_type(kind)
                )
                for name, kind in schema.items()
            ),
            pl.Series(ROW, [f.row for f in posted], pl.Int64),
            pl.Series(LIVE_AT, [f.live_at_us for f in posted], pl.Int64).cast(instant),
            pl.Series(INGESTED_AT, [ingested_us] * len(posted), pl.Int64).cast(instant),
        ]
    )


def misfits(fact: PostedFact, schema: Mapping[str, Type]) -> bool:
    """Say whether a posted fact has a value that its column cannot hold."""
    return any(
        value is not None and name in schema and not fits(value, schema[name])
        for name, value in fact.body.items()
    )


def facts_with_posted(workspace: Workspace, table: str, columns: Sequence[str]) -> pl.DataFrame:
    """Read the facts of a table as a server sees them: the newest version, and posted ones."""
    version = workspace.catalog.latest_data_version(table)
    with workspace.online() as online:
        posted = online.posted(table)
        types = dict(version.schema) if version else _declared(online.slots(table))
    schema = {name: types[name] for name in columns}
    rows = posted_frame(posted, schema, 0).drop(INGESTED_AT)
    if version is None:
        return rows
    stored = read_facts(workspace.store, version, list(columns), verify=False)
    both = pl.concat([stored, rows.select(stored.columns)])
    return both.unique(ROW, keep="first", maintain_order=True)  # an ingest may be half done


def _declared(slots: Sequence[Any]) -> dict[str, Type]:
    return {name: type_ for registered in slots for name, type_ in registered.columns.items()}
