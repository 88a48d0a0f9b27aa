"""Take in outcomes that have become known: to the ledger, the online store, the next data version.

A file of outcomes names each unit by its key (or a prediction by its id) and holds the columns
that the target is computed from, so an outcome is settled with the definition that models were
trained on. The row, joined with what was said of the unit when it was predicted, becomes a fact of
the unit's source: windows over the past see it from now on, and the next ingest takes it into a
data version.

Settling a file twice changes nothing; a row whose outcome is not known yet is counted, not
guessed. A row that breaks the contract is neither an outcome nor a fact: training would not take
it either.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import polars as pl

from isbjerg.canonical import file_sha256
from isbjerg.data.contract import Contract
from isbjerg.data.row_checking import promise_of
from isbjerg.errors import SourceError
from isbjerg.expressions.polars import polars_type, to_polars
from isbjerg.expressions.tree import Node, Type, names
from isbjerg.features.knowledge import Decision, known_rules
from isbjerg.findings import Finding
from isbjerg.storage.ledger import unit_key
from isbjerg.storage.outcomes import Outcome, Settlement
from isbjerg.workflows.contracts import read_contract
from isbjerg.workflows.outcome_files import ID, PLACE, read_outcomes
from isbjerg.workflows.project_files import Definitions
from isbjerg.workflows.settle_facts import carrier_rows, post_rows
from isbjerg.workflows.settle_sifting import KNOWN_US, VALUE, sift
from isbjerg.workflows.stored_facts import physical
from isbjerg.workflows.units import known_at, typed_target
from isbjerg.workflows.workspace import Workspace


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
    nameless : int
        Rows that do not say which unit or prediction they are about.
    without_value : int
        Rows whose columns are there, but say nothing that the target knows.
    refused : int
        Rows that break the contract.
    contradicting : int
        Rows that contradict another about the same unit.
    read_as : dict of str to str
        Headers that were read as other names of columns.
    findings : tuple of Finding
        What was found in the rows, with their numbers, counted from 0.
    """

    rows: int
    not_yet_known: int
    outcomes: Settlement
    facts: int
    ignored: tuple[str, ...]
    nameless: int = 0
    without_value: int = 0
    refused: int = 0
    contradicting: int = 0
    read_as: dict[str, str] = {}
    findings: tuple[Finding, ...] = ()


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
        When the file cannot be read, lacks the key or a column of the target, or has a column
        of another type than the source.
    """
    decision = definitions.decision
    schema = _schema(workspace, decision)
    file = read_outcomes(path, schema, definitions)
    target = typed_target(
        definitions.target,
        decision,
        {decision.source.name: schema},
        definitions.frame.target.kind,
    )
    now_us, key = workspace.clock(), list(decision.source.key)
    columns = names(target, "column")
    rows = _settled(file.rows, target, decision, now_us)
    sifted = sift(rows, columns, _promise(workspace, decision, schema), key, now_us)
    given, told = list(_outcomes(sifted.known, decision)), file_sha256(path)
    # A row that was corrected since by another file is no news for windows either.
    stands = pl.Series(workspace.outcomes.stand(given, source=told), dtype=pl.Boolean)
    outcomes = workspace.outcomes.settle(given, source=told, ledger=workspace.ledger, plan=plan)
    says = sifted.known.filter(stands).select(file.rows.drop(PLACE).columns)
    facts = post_rows(
        workspace, decision, _with_key(workspace, decision, schema, says), file=told, plan=plan
    )
    return SettleReport(
        rows=rows.height + file.nameless,
        not_yet_known=sifted.not_yet_known,
        outcomes=outcomes,
        facts=facts,
        ignored=file.ignored,
        nameless=file.nameless,
        without_value=sifted.without_value,
        refused=sifted.refused,
        contradicting=sifted.contradicting,
        read_as=file.read_as,
        findings=sifted.findings,
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


def _promise(workspace: Workspace, decision: Decision, schema: Mapping[str, Type]) -> Contract:
    contract = read_contract(workspace, decision.source.name)
    return promise_of(contract.table, decision.source.key, contract.fields, schema)


def _settled(rows: pl.DataFrame, target: Node, decision: Decision, now_us: int) -> pl.DataFrame:
    """Add the outcome and when it was known."""
    undated = decision.at is None
    rules = () if undated else known_rules(decision.source, names(target, "column"), decision)
    given = [r for r in rules if r.column in rows.columns]
    when = known_at(given) if given else pl.lit(now_us, pl.Int64)
    return rows.with_columns(to_polars(target).alias(VALUE), when.alias(KNOWN_US))


def _outcomes(known: pl.DataFrame, decision: Decision) -> Iterator[Outcome]:
    by_id = ID in known.columns
    named = carrier_rows(known.select([ID] if by_id else decision.source.key))
    for row, value, known_us in zip(named, known[VALUE], known[KNOWN_US], strict=True):
        ref = row[ID] if by_id else unit_key(row.values())
        yield Outcome(by="id" if by_id else "unit", ref=ref, value=value, known_us=known_us)


def _with_key(
    workspace: Workspace, decision: Decision, schema: Mapping[str, Type], rows: pl.DataFrame
) -> pl.DataFrame:
    """Give rows that name a prediction the key of its unit; leave out those nobody predicted."""
    key = list(decision.source.key)
    if ID not in rows.columns:
        return rows
    if not set(key) <= set(rows.columns):
        found = [workspace.ledger.find(name) for name in rows[ID]]
        inputs = [{} if p is None else p.inputs for p in found]
        rows = rows.with_columns(
            pl.Series(c, [i.get(c) for i in inputs], physical(schema[c])).cast(
                polars_type(schema[c])
            )
            for c in key
        )
    return rows.drop(ID).drop_nulls(key)
