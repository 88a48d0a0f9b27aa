"""Make settled rows facts of the unit's source, so that windows over the past see them.

A fact is a whole row. What the file does not say of it is taken from what is known of the row
already, and where nothing is, from what was recorded of the unit when it was first predicted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import polars as pl

from isbjerg.data.versions import INGESTED_AT, RESERVED, ROW, newest
from isbjerg.features.contributing import SlotFact, contributor
from isbjerg.features.keys import Carrier, key_text
from isbjerg.features.knowledge import Decision
from isbjerg.features.sources import Source
from isbjerg.storage.ledger import Prediction, unit_key
from isbjerg.storage.tables import read_facts
from isbjerg.workflows.stored_facts import posted_frame
from isbjerg.workflows.workspace import Workspace


class _Known(NamedTuple):
    """What is known of a row: its newest values, and every value it ever had."""

    newest: dict[str, Carrier]
    ever: list[dict[str, Carrier]]


def post_rows(
    workspace: Workspace, decision: Decision, rows: pl.DataFrame, *, file: str, plan: bool
) -> int:
    """Post the rows that tell something new; return how many do.

    Parameters
    ----------
    workspace : Workspace
        Where facts are known, and posted.
    decision : Decision
        The unit's source, and when a decision about it is taken.
    rows : DataFrame
        Columns of the source in carriers, its key among them; several of one key: the last
        one counts.
    file : str
        Hash of the file that says so. When all that it said was posted once, a row is new only
        if it was never said: a file that is settled again does not undo what came after it. A
        file whose settling was cut off is not such a file.
    plan : bool
        Only count.
    """
    source = decision.source
    key = list(source.key)
    if not set(key) <= set(rows.columns) or not rows.height:
        return 0
    last = rows.unique(key, keep="last", maintain_order=True)
    known = _known(workspace, source, last.select(key))
    with workspace.online() as online:
        heard = online.remembers(file)
    news = []
    for said in carrier_rows(last):
        before = known.get(key_text(said[c] for c in key))
        seen = [] if before is None else before.ever if heard else [before.newest]
        if not any(all(one.get(c) == v for c, v in said.items()) for one in seen):
            news.append({**(before.newest if before else {}), **said})
    return len(news) if plan else _post(workspace, decision, news, set(known), file)


def carrier_rows(frame: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """Go through rows as carriers: times as microseconds.

    Examples
    --------
    >>> from datetime import datetime
    >>> list(carrier_rows(pl.DataFrame({"at": [datetime(1970, 1, 2)], "x": [None]})))
    [{'at': 86400000000, 'x': None}]
    """
    times = [c for c, t in frame.schema.items() if t.is_temporal()]
    return frame.with_columns(pl.col(times).to_physical()).iter_rows(named=True)


def _known(workspace: Workspace, source: Source, keys: pl.DataFrame) -> dict[str, _Known]:
    """Find all versions of the rows with these keys: stored ones, and posted ones."""
    version = workspace.catalog.latest_data_version(source.name)
    if version is None:
        return {}
    schema = dict(version.schema)
    stored = read_facts(workspace.store, version, [*schema, INGESTED_AT], verify=False)
    with workspace.online() as online:
        online.number_after(stored[ROW].max() or 0)  # type: ignore[arg-type]
        posted = posted_frame(online.posted(source.name), schema, workspace.clock())
    on = list(source.key)
    facts = pl.concat([stored, posted.select(stored.columns)]).join(
        keys, on=on, how="semi", nulls_equal=True
    )
    latest = {key_text(r[c] for c in on): r for r in _plain(newest(facts, on))}
    ever: dict[str, list[dict[str, Carrier]]] = {name: [] for name in latest}
    for row in _plain(facts.sort(ROW)):
        ever[key_text(row[c] for c in on)].append(row)
    return {name: _Known(row, ever[name]) for name, row in latest.items()}


def _plain(facts: pl.DataFrame) -> Iterator[dict[str, Any]]:
    return carrier_rows(facts.drop(RESERVED, strict=False))


def _post(
    workspace: Workspace,
    decision: Decision,
    facts: Sequence[Mapping[str, Carrier]],
    known: set[str],
    file: str,
) -> int:
    source = decision.source
    version = workspace.catalog.latest_data_version(source.name)
    schema = dict(version.schema) if version else {}
    unknown = [f for f in facts if key_text(f[c] for c in source.key) not in known]
    units = [unit_key(f[c] for c in source.key) for f in unknown]
    recorded = _recorded(workspace, decision, units)
    now_us = workspace.clock()
    posted = 0
    with workspace.online() as online, online.posting(source.name) as posting:
        contributors = [contributor(registered.slot) for registered in posting.slots]
        for fact in facts:
            told = recorded.get(unit_key(fact[c] for c in source.key), {})
            both = {**told, **fact}
            # What nobody said is left out: the contract asks for no more than what is said.
            body: dict[str, Carrier] = {name: both[name] for name in schema if name in both}
            whole: dict[str, Carrier] = {name: body.get(name) for name in schema}
            key = key_text(body[c] for c in source.key)

            def contribute(
                row: int, whole: dict[str, Carrier] = whole, key: str = key
            ) -> Iterator[tuple[str, SlotFact]]:
                for one in contributors:
                    made = one.contribute(whole, key, row, now_us)
                    if made is not None:
                        yield one.slot.name, made

            posted += posting.add(key, body, now_us, contribute)
        posting.remember(file)
    return posted


def _recorded(
    workspace: Workspace, decision: Decision, units: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return what the first prediction about each unit received, and when it was decided."""
    found: dict[str, Prediction] = {}
    for prediction in workspace.ledger.of_units(units):
        earlier = found.get(prediction.unit_key)
        if earlier is None or prediction.at_us < earlier.at_us:
            found[prediction.unit_key] = prediction
    at = decision.at
    if at is None:
        return {unit: dict(one.inputs) for unit, one in found.items()}
    # A row without the time of its decision could never be learnt from.
    return {
        unit: {at.column: one.at_us - at.offset_us, **one.inputs} for unit, one in found.items()
    }
