"""The contract of each source: a file in the project, drafted from data, kept by people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from isbjerg.data.contract import Contract
from isbjerg.data.drafting import draft_contract
from isbjerg.data.odcs import API_VERSION, contract_faults, from_odcs, to_odcs
from isbjerg.errors import DataError, DefinitionError
from isbjerg.features.knowledge import Decision, known_rule
from isbjerg.features.sources import Source
from isbjerg.findings import Finding
from isbjerg.storage.durable import write_durably
from isbjerg.times import format_span
from isbjerg.workflows.workspace import Workspace

FOLDER = "contracts"


def contract_path(workspace: Workspace, table: str) -> Path:
    """Return where the contract of a table is."""
    return workspace.folder / FOLDER / f"{table}.odcs.yaml"


def read_contract(workspace: Workspace, table: str) -> Contract:
    """Read the contract of a table that has been ingested.

    Raises
    ------
    DataError
        When there is none, since the table never had a row to draft it from.
    """
    path = contract_path(workspace, table)
    if not path.is_file():
        raise DataError(
            f"'{table}' has no contract: it never had a row to draft one from.",
            mend=f"give '{table}' its rows, then isbjerg run",
            code="ISB331",
        )
    return from_odcs(_text_of(path), path.name).contract


def contract_of(
    workspace: Workspace, source: Source, frame: pl.DataFrame, decision: Decision
) -> tuple[Contract, list[Finding]]:
    """Read the contract of a source, or draft it from its first rows and say so.

    Nothing can be promised of an empty table: it passes a draft that is not kept.
    """
    path = contract_path(workspace, source.name)
    if path.is_file():
        read = from_odcs(_text_of(path), path.name)
        return _classed(read.contract, source), list(read.unenforced)
    known = _known(source, frame, decision)
    contract = _classed(draft_contract(frame, source.name, source.key, known), source)
    if not frame.height:
        return contract, []
    path.parent.mkdir(parents=True, exist_ok=True)
    write_durably(path, to_odcs(contract, _heading(source, contract)).encode())
    drafted = Finding(
        code="contract.drafted",
        subject=source.name,
        outcome="not_run",
        severity="info",
        message=f"There was no contract, so one was drafted from {frame.height:,} rows.",
        mend=f"review {FOLDER}/{path.name}",
        evidence={"rows": frame.height},
    )
    return contract, [drafted]


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as fault:
        line = fault.object.count(b"\n", 0, fault.start) + 1
        byte = fault.object[fault.start]
        raise contract_faults(path.name, [(line, f"the byte 0x{byte:02x} is not UTF-8")]) from None


def _classed(contract: Contract, source: Source) -> Contract:
    """Give columns the class of personal data that the source declares, if they have none."""
    fields = tuple(
        msgspec.structs.replace(f, personal=f.personal or source.class_of(f.name))
        for f in contract.fields
    )
    return msgspec.structs.replace(contract, fields=fields)


def _heading(source: Source, contract: Contract) -> dict[str, Any]:
    """Write what a source declares of itself where the standard has a place for it.

    The standard has none for a licence, so it stands among the custom properties.
    """
    heading: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": f"isbjerg-{source.name}",
        "name": source.name,
        "version": contract.version,
        "status": contract.status,
    }
    if source.meaning:
        heading["description"] = {"purpose": source.meaning}
    if source.owner:
        heading["team"] = {"name": source.owner}
    if source.refresh_us:
        span = format_span(source.refresh_us)
        number = span.rstrip("abcdefghijklmnopqrstuvwxyz")
        unit = span.removeprefix(number)
        heading["slaProperties"] = [{"property": "frequency", "value": int(number), "unit": unit}]
    if source.licence:
        heading["customProperties"] = [{"property": "isbjergLicence", "value": source.licence}]
    return heading


def _known(source: Source, frame: pl.DataFrame, decision: Decision) -> dict[str, tuple[str, int]]:
    known = {}
    for column in frame.columns:
        try:
            rule = known_rule(source, column, decision)
        except DefinitionError:
            continue  # it has no rule, or one without a time: a contract states times only
        known[column] = (rule.column, rule.offset_us)
    return known
