"""Facts where they are: in data versions, and posted since the newest one; how these join it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl

from isbjerg.data.versions import INGESTED_AT, DataVersion, next_version
from isbjerg.expressions.polars import polars_type
from isbjerg.expressions.tree import Type
from isbjerg.features.sets import LIVE_AT, ROW
from isbjerg.features.sources import Source
from isbjerg.storage.online import PostedFact
from isbjerg.storage.tables import read_facts, write_part
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
        Columns of the table; what a fact lacks is null.
    ingested_us : int
        When they are taken in.
    """
    instant = polars_type(Type.INSTANT)
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


def absorb_posted(
    workspace: Workspace, source: Source, latest: DataVersion | None
) -> DataVersion | None:
    """Bring facts that were posted to the server into a data version of their own.

    They keep their row numbers and the time at which they came in, so the online store, which
    has them already, takes none of them twice. The version says of the source's files what the
    one before said, since they were not read for it.
    """
    with workspace.online() as online:
        posted = online.posted(source.name)
        if not posted or latest is None:
            return latest
        held = _rows_held(workspace, latest)
        lacking = [fact for fact in posted if fact.row not in held]
        if lacking:
            latest = workspace.catalog.record_data_version(
                _posted_version(workspace, source, latest, lacking)
            )
        online.absorb((fact.row for fact in posted), latest.id)
    return latest


def _rows_held(workspace: Workspace, version: DataVersion) -> set[int]:
    """Return the row numbers of a version: a killed ingest may have taken posted facts in already."""
    return set(read_facts(workspace.store, version, [], verify=False)[ROW].to_list())


def _posted_version(
    workspace: Workspace, source: Source, latest: DataVersion, posted: Sequence[PostedFact]
) -> DataVersion:
    now_us = later_than(latest, workspace.clock())
    schema = dict(latest.schema)
    return next_version(
        latest,
        table=source.name,
        key=source.key,
        part=write_part(workspace.store, source.name, posted_frame(posted, schema, now_us)),
        schema=schema,
        source="posted facts",
        at_us=now_us,
        live=True,
        fingerprint=latest.fingerprint,
        findings=latest.findings,
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
