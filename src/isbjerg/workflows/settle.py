"""Take in outcomes that have become known: to the ledger, the online store, the next data version.

A file of outcomes names each unit by its key (or a prediction by its id) and holds the columns
that the target is computed from, so an outcome is settled with the definition that models were
trained on. The row, joined with what was said of the unit when it was predicted, becomes a fact of
the unit's source: windows over the past see it from now on, and the next ingest takes it into a
data version.

Settling a file twice changes nothing; a row whose outcome is not known yet is counted, not
guessed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from isbjerg.canonical import file_sha256
from isbjerg.data.carriers import to_carriers
from isbjerg.data.reading import read
from isbjerg.data.tables import Table, csv, parquet
from isbjerg.errors import SourceError
from isbjerg.expressions.polars import to_polars
from isbjerg.expressions.tree import Node, Type, names
from isbjerg.features.contributing import SlotFact, contributor
from isbjerg.features.keys import Carrier, key_text
from isbjerg.features.knowledge import Decision, known_rules
from isbjerg.storage.ledger import Prediction, unit_key
from isbjerg.storage.outcomes import Outcome, Settlement
from isbjerg.workflows.project_files import Definitions
from isbjerg.workflows.stored_facts import current_rows
from isbjerg.workflows.units import known_at, typed_target
from isbjerg.workflows.workspace import Workspace

ID = "prediction_id"
"""Column of an outcomes file that names a prediction."""


class SettleReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a file of outcomes.

    Parameters
    ----------
    rows : int
        Rows of the file.
    not_yet_known : int
        Rows without an outcome: a missing value, or a time of knowing that lies ahead.
    outcomes : Settlement
        What the ledger made of the others.
    facts : int
        Rows that windows over the past did not know yet.
    ignored : tuple of str
        Columns of the file that the source does not have.
    """

    rows: int
    not_yet_known: int
    outcomes: Settlement
    facts: int
    ignored: tuple[str, ...]


def settle(
    workspace: Workspace, definitions: Definitions, path: Path, *, plan: bool = False
) -> SettleReport:
    """Settle a file of outcomes.

    Parameters
    ----------
    workspace : Workspace
        Where to work.
    definitions : Definitions
        The target and the unit.
    path : Path
        A CSV or Parquet file with the unit's key or ``prediction_id``, and the target's columns.
    plan : bool, default=False
        Only say what would happen.

    Raises
    ------
    SourceError
        When the file cannot be read, or lacks the key or a column of the target.
    """
    decision = definitions.decision
    schema = _schema(workspace, decision)
    rows, ignored = _read(path, schema, definitions)
    target = typed_target(
        definitions.target,
        decision,
        {decision.source.name: schema},
        definitions.frame.target.kind,
    )
    settled = _settled(rows, target, decision, workspace.clock())
    known = settled.filter(pl.col("_known") & pl.col("_value").is_not_null())
    ledger = workspace.ledger
    outcomes = workspace.outcomes.settle(
        _outcomes(known, decision), source=file_sha256(path), ledger=ledger, plan=plan
    )
    facts = 0
    if set(decision.source.key) <= set(rows.columns):
        news = _without_known(workspace, decision, schema, known.select(rows.columns))
        facts = news.height if plan else _post_facts(workspace, decision, schema, news)
    return SettleReport(
        rows=rows.height,
        not_yet_known=rows.height - known.height,
        outcomes=outcomes,
        facts=facts,
        ignored=tuple(ignored),
    )


def _schema(workspace: Workspace, decision: Decision) -> dict[str, Type]:
    version = workspace.catalog.latest_data_version(decision.source.name)
    if version is None:
        raise SourceError(
            f"Nothing of '{decision.source.name}' has been ingested, so no outcome can be read.",
            mend="isbjerg run",
            code="ISB320",
        )
    return dict(version.schema)


def _read(
    path: Path, schema: Mapping[str, Type], definitions: Definitions
) -> tuple[pl.DataFrame, list[str]]:
    needed = names(definitions.target.row_value(), "column")
    table: Table = parquet(path.name) if path.suffix == ".parquet" else _csv(path, schema)
    frame, _ = to_carriers(read(table, path.parent), schema)
    key = list(definitions.decision.source.key)
    by_key = set(key) <= set(frame.columns)
    lacking = [c for c in needed if c not in frame.columns]
    if lacking or not (by_key or ID in frame.columns):
        wanted = [*key, *needed]
        raise SourceError(
            f"'{path.name}' cannot be settled: it lacks {lacking or key}.\nFound: {frame.columns}",
            mend=f"give it the columns {', '.join(wanted)} (or {ID} instead of the key)",
            code="ISB321",
            lacking=lacking or key,
        )
    ignored = [c for c in frame.columns if c not in schema and c != ID]
    return frame.drop(ignored), ignored


def _csv(path: Path, schema: Mapping[str, Type]) -> Table:
    with path.open(encoding="utf-8") as file:
        header = [name.strip().strip('"') for name in file.readline().rstrip("\r\n").split(",")]
    types = {n: str(schema[n]) for n in header if n in schema and schema[n] is not Type.DURATION}
    return csv(path.name, types=types)


def _settled(rows: pl.DataFrame, target: Node, decision: Decision, now_us: int) -> pl.DataFrame:
    """Add the outcome, when it was known, and whether it is known by now."""
    rules = known_rules(decision.source, names(target, "column"), decision)
    given = [r for r in rules if r.column in rows.columns]
    when = known_at(given) if given else pl.lit(now_us, pl.Int64)
    value = to_polars(target).alias("_value")
    timed = rows.with_columns(value, when.alias("_known_us"))
    return timed.with_columns(
        (pl.col("_known_us") <= now_us).fill_null(value=False).alias("_known")
    )


def _outcomes(known: pl.DataFrame, decision: Decision) -> Iterator[Outcome]:
    by_id = ID in known.columns
    refs = known.select(ID) if by_id else known.select(decision.source.key)
    texts = (row[0] if by_id else unit_key(row) for row in _carrier_rows(refs))
    for ref, value, known_us in zip(texts, known["_value"], known["_known_us"], strict=True):
        yield Outcome(by="id" if by_id else "unit", ref=ref, value=value, known_us=known_us)


def _carrier_rows(frame: pl.DataFrame) -> Iterator[tuple[Any, ...]]:
    """Go through rows as carriers: times as microseconds."""
    times = [c for c, t in frame.schema.items() if t.is_temporal()]
    return frame.with_columns(pl.col(times).to_physical()).iter_rows()


def _post_facts(
    workspace: Workspace, decision: Decision, schema: Mapping[str, Type], rows: pl.DataFrame
) -> int:
    """Post each row that tells something new, joined with what was recorded of the unit."""
    source = decision.source
    columns = [c for c in rows.columns if c in schema]
    facts = [dict(zip(columns, row, strict=True)) for row in _carrier_rows(rows.select(columns))]
    units = [unit_key(f[c] for c in source.key) for f in facts]
    recorded = _recorded(workspace, decision, units)
    now_us = workspace.clock()
    posted = 0
    with workspace.online() as online, online.posting(source.name) as posting:
        contributors = [contributor(registered.slot) for registered in posting.slots]
        for fact in facts:
            told = recorded.get(unit_key(fact[c] for c in source.key), {})
            body: dict[str, Carrier] = {name: fact.get(name, told.get(name)) for name in schema}
            key = key_text(body[c] for c in source.key)

            def contribute(
                row: int, body: dict[str, Carrier] = body, key: str = key
            ) -> Iterator[tuple[str, SlotFact]]:
                for one in contributors:
                    made = one.contribute(body, key, row, now_us)
                    if made is not None:
                        yield one.slot.name, made

            posted += posting.add(key, body, now_us, contribute)
    return posted


def _recorded(
    workspace: Workspace, decision: Decision, units: list[str]
) -> dict[str, dict[str, Any]]:
    """Return what the first prediction about each unit received, and when it was decided."""
    found: dict[str, Prediction] = {}
    for prediction in workspace.ledger.of_units(units):
        earlier = found.get(prediction.unit_key)
        if earlier is None or prediction.at_us < earlier.at_us:
            found[prediction.unit_key] = prediction
    at = decision.at
    # A row without the time of its decision could never be learnt from.
    return {
        unit: {at.column: one.at_us - at.offset_us, **one.inputs} for unit, one in found.items()
    }


def _without_known(
    workspace: Workspace, decision: Decision, schema: Mapping[str, Type], rows: pl.DataFrame
) -> pl.DataFrame:
    """Leave out rows whose values the newest known fact of their unit has already."""
    source = decision.source
    key = list(source.key)
    given = [c for c in rows.columns if c in schema]
    with workspace.online() as online:
        posted = online.posted(source.name)
    newest = {key_text(fact.body.get(c) for c in key): fact.body for fact in posted}
    stored = _stored(workspace, decision, given, rows)
    keep = []
    for row in _carrier_rows(rows.select(given)):
        fact = dict(zip(given, row, strict=True))
        name = key_text(fact[c] for c in key)
        known = newest.get(name) or stored.get(name)
        keep.append(known is None or any(known.get(c) != fact[c] for c in given))
    return rows.filter(pl.Series(keep, dtype=pl.Boolean))


def _stored(
    workspace: Workspace, decision: Decision, given: list[str], rows: pl.DataFrame
) -> dict[str, dict[str, Any]]:
    version = workspace.catalog.latest_data_version(decision.source.name)
    current = current_rows(workspace, version)
    if not current.height:
        return {}
    key = list(decision.source.key)
    matched = current.select(given).join(rows.select(key), on=key, how="semi", nulls_equal=True)
    facts = (dict(zip(given, row, strict=True)) for row in _carrier_rows(matched))
    return {key_text(fact[c] for c in key): fact for fact in facts}
