"""Score a table: the same contract, features, model and ledger as the server's, many rows at once.

A batch has a name that is drawn from what goes in: the rows, the model, the time, the purpose.
First all of its records are put into the ledger, then its answers are published; so whatever
cuts it off, the command may be given again, and a batch that is in the ledger is only published
once more.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec
import polars as pl

from isbjerg.canonical import content_hash, file_sha256, sha256
from isbjerg.data.carriers import schema_of, to_carriers
from isbjerg.data.reading import read
from isbjerg.data.unread import unread
from isbjerg.errors import ArgumentError, DataError, ReleaseError, SourceError
from isbjerg.expressions.polars import polars_type
from isbjerg.expressions.tree import Type
from isbjerg.findings import Finding
from isbjerg.models.bundle import Bundle
from isbjerg.models.predictors import load
from isbjerg.storage.batch_parts import Batch, BatchParts
from isbjerg.storage.catalog.records import BatchRecord, ModelVersion
from isbjerg.storage.ledger import BATCH, REPLAY
from isbjerg.storage.tables import write_quarantine
from isbjerg.workflows.batch_answers import answers
from isbjerg.workflows.batching import PLACE, REFUSED, Maker, Sifted, records, sift
from isbjerg.workflows.bundles import load_bundle
from isbjerg.workflows.columns_read import slot_columns
from isbjerg.workflows.given_tables import as_declared, is_sqlite, is_url, table_at, table_in
from isbjerg.workflows.predict_output import check_output, publish
from isbjerg.workflows.progress import Progress, silent
from isbjerg.workflows.promote import live_version
from isbjerg.workflows.stored_facts import facts_with_posted
from isbjerg.workflows.units import AT, known_at
from isbjerg.workflows.workspace import Workspace

ROWS_AT_ONCE = 131_072
"""Rows that are computed, and written as one part, at a time."""

_SHOWN = 5


class PredictReport(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a batch.

    Parameters
    ----------
    batch : str
        Its id.
    version, rung : int, str
        Which model answered.
    rows : int
        Rows of the input.
    answered : int
        Predictions of the batch, all of them in the ledger.
    refused : int
        Rows set aside: a server would have refused them too.
    new : int
        Records that this command put into the ledger; none when the batch was there already.
    published : int
        Rows that were new in the output.
    given, out : str
        Where the rows were read, and where the answers are.
    as_of_us : int or None
        The time of all decisions; ``None`` when each row was taken at its own.
    quarantine : str or None
        File of the rows set aside.
    findings : tuple of Finding
        Why rows were set aside, and what was lost in reading.
    flags : dict of str to int
        Of each finding that answers carry in the ledger: how many do.
    """

    batch: str
    version: int
    rung: str
    rows: int
    answered: int
    refused: int
    new: int
    published: int
    given: str
    out: str
    as_of_us: int | None
    quarantine: str | None
    findings: tuple[Finding, ...]
    flags: dict[str, int] = {}


def predict(
    workspace: Workspace,
    given: str,
    out: str,
    *,
    root: Path,
    version: int | None = None,
    as_of_us: int | None = None,
    replay: bool = False,
    purpose: str = "decision",
    top: int | None = None,
    progress: Progress = silent,
) -> PredictReport:
    """Score a table.

    Parameters
    ----------
    workspace : Workspace
        Where facts, models and the ledger are.
    given, out : str
        Path of a Parquet, CSV or JSON lines file, or ``sqlite:///shop.db#table``.
    root : Path
        Folder to which paths are relative.
    version : int, optional
        The model version; the live one when not given.
    as_of_us : int, optional
        Time of all decisions, such as the date of a schedule; the clock's when not given.
    replay : bool, default=False
        Decide about each row at its own time, as the frame says, with what was known then.
    purpose : str, default="decision"
        What the predictions are for.
    top : int, optional
        Publish only so many of each list, best first; of a target without lists, of all rows.
    progress : Progress
        Whom to tell.

    Raises
    ------
    ReleaseError
        When no model is live and none is named.
    SourceError
        When the input cannot be read, lacks a column or has one of another type.
    StoreError
        When the same batch is at work.
    """
    check_output(out, given, root)
    model = _model(workspace, version)
    bundle, files = load_bundle(workspace, model.bundle)
    _check_top(bundle, top)
    progress("Reading the rows", 0.0)
    frame, state, findings, of_all = _read(given, bundle, root, replay=replay)
    asked = {"as_of": as_of_us, "replay": replay, "purpose": purpose, "top": top}
    name = content_hash({"rows": state, "bundle": model.bundle, "version": model.number, **asked})
    parts = BatchParts(workspace.store.ledger)
    with workspace.catalog.lease(f"predict {name[:12]}", f"isbjerg predict {given}"):
        batch = parts.get(name)
        now_us = workspace.clock() if batch is None else batch.at_us
        at_us = now_us if as_of_us is None else as_of_us
        sifted = sift(bundle, _dated(frame, bundle, None if replay else at_us), of_all)
        new = 0
        if batch is None:
            maker = Maker(
                batch=name,
                epoch=_epoch(workspace),
                model_version=model.number,
                received_us=now_us,
                route=REPLAY if replay else BATCH,
                purpose=purpose,
                top=top,
            )
            facts = _facts(workspace, bundle)
            made = _made(bundle, files, sifted.units, facts, maker=maker, progress=progress)
            batch = parts.write(name, made, model_version=model.number, at_us=maker.received_us)
            new = batch.rows
        workspace.catalog.record_batch(
            BatchRecord(
                id=name,
                version=model.number,
                rows=batch.rows,
                started_us=batch.at_us,
                payload={"given": given, "purpose": purpose, "refused": sifted.aside.height},
            ),
            who=workspace.who,
        )
        aside, told = _set_aside(workspace, bundle, name, sifted)
        progress("Publishing the answers", 0.95)
        published = publish(out, answers(bundle, parts, batch, sifted.units), root)
    progress("Done", 1.0)
    return PredictReport(
        batch=name,
        version=model.number,
        rung=model.rung,
        rows=frame.height,
        answered=batch.rows,
        refused=sifted.aside.height,
        new=new,
        published=published,
        given=given,
        out=out,
        as_of_us=_stood_at(batch, as_of_us, replay=replay),
        quarantine=aside,
        findings=(*findings, *of_all, *told),
        flags=_flags(parts, batch),
    )


def _stood_at(batch: Batch, as_of_us: int | None, *, replay: bool) -> int | None:
    """Say when all was decided: of a batch that was there already, when it was made."""
    if replay:
        return None
    return batch.at_us if as_of_us is None else as_of_us


def _model(workspace: Workspace, version: int | None) -> ModelVersion:
    if version is not None:
        return workspace.catalog.model_version(version)
    live = live_version(workspace)
    if live is None:
        raise ReleaseError(
            "Nothing is live, and no version was named.",
            mend="isbjerg promote, or --version v1",
            code="ISB504",
        )
    return live


def _check_top(bundle: Bundle, top: int | None) -> None:
    if top is not None and (top < 1 or bundle.classes):
        why = "a class has no place in a list" if bundle.classes else f"{top} is less than 1"
        raise ArgumentError(
            f"The top of a list was asked for, but {why}.",
            mend="leave --top out" if bundle.classes else "isbjerg predict IN OUT --top 100",
        )


def _epoch(workspace: Workspace) -> int:
    plan = workspace.catalog.latest_plan()
    return plan.epoch if plan else 0


def _read(
    given: str, bundle: Bundle, root: Path, *, replay: bool
) -> tuple[pl.DataFrame, str, list[Finding], list[Finding]]:
    """Read the input in the model's types.

    Return it, a name of its state, what was lost, and what a server would say of each row.
    """
    asked = bundle.asked
    types = {name: kind for name, kind in asked.items() if kind is not None}
    at = bundle.unit.at if replay else None
    if at is not None:
        types.setdefault(at.column, Type.INSTANT)
    name = ""
    if is_url(given):
        found = read(table_at(given), root)
    else:
        path = root / given
        texts = {n: str(t) for n, t in types.items() if t is not Type.DURATION}
        _check_file(given, path)
        found, name = _read_file(path, texts)
    wanted = [*asked, *([at.column] if at is not None and at.column not in asked else [])]
    optional = {f.name for f in bundle.contract if not f.required and f.name not in bundle.unit.key}
    lacking = [n for n in wanted if n not in found.columns and n not in optional]
    if lacking:
        raise SourceError(
            f"'{given}' cannot be scored: it lacks {lacking}.\nFound: {found.columns}",
            mend=f"give it the columns {', '.join(wanted)}",
            code="ISB321",
            lacking=lacking,
        )
    here = found.select(n for n in wanted if n in found.columns)
    if is_url(given):
        here = here.sort(pl.all(), nulls_last=True)  # a database gives rows in any order
    carried, findings = to_carriers(here, types)
    found_types = schema_of(carried)
    declared = {n: found_types[n] if types.get(n) is None else types[n] for n in carried.columns}
    typed = as_declared(given, carried, declared, wanted_by="in the model")
    missing = [
        pl.lit(None, polars_type(types.get(n, Type.TEXT))).alias(n)
        for n in wanted
        if n not in typed.columns
    ]
    state = sha256(_bytes(typed)) if is_url(given) else name
    more = len(set(found.columns).difference(wanted))
    absent = [column.meta.output_name() for column in missing]
    of_all = [unread(bundle.unit.source, absent, more)] if absent and more else []
    return typed.with_columns(missing).with_row_index(PLACE), state, findings, of_all


def _check_file(given: str, path: Path) -> None:
    """Refuse what is no table in a file, in words of the command: no source names it."""
    if not path.exists():
        raise SourceError(
            f"No file is at '{given}'.\nLooked in: {path.parent.resolve()}",
            mend=f"ls {path.parent}",
            code="ISB301",
        )
    if path.is_file() and is_sqlite(path):
        raise ArgumentError(
            f"'{given}' is a SQLite database; which of its tables is meant, it does not say.",
            mend=f"'sqlite:///{given}#TABLE'",
            code="ISB307",
        )


def _read_file(path: Path, types: Mapping[str, str]) -> tuple[pl.DataFrame, str]:
    """Read a file and name its bytes, which are the same all the while.

    Raises
    ------
    SourceError
        When somebody wrote to it meanwhile: a batch must not bear the name of other rows.
    """
    before = path.stat() if path.is_file() else None
    found = read(table_in(path, types), path.parent)
    name = file_sha256(path)
    after = path.stat()
    if before is None or (before.st_mtime_ns, before.st_size, before.st_ino) != (
        after.st_mtime_ns,
        after.st_size,
        after.st_ino,
    ):
        raise SourceError(
            f"'{path.name}' was written to while it was read.",
            mend="give the command again when nobody writes to it",
        )
    return found, name


def _bytes(rows: pl.DataFrame) -> bytes:
    written = io.BytesIO()
    rows.write_ipc(written)
    return written.getvalue()


def _dated(frame: pl.DataFrame, bundle: Bundle, at_us: int | None) -> pl.DataFrame:
    """Give each row the time of its decision: one for all, or its own."""
    instant = polars_type(Type.INSTANT)
    if at_us is not None:
        return frame.with_columns(pl.lit(at_us, pl.Int64).cast(instant).alias(AT))
    if bundle.unit.at is None:
        raise DataError(
            "Decisions of this model have no time of their own, so they cannot be replayed.",
            mend="isbjerg predict without --replay",
            code="ISB313",
        )
    return frame.with_columns(known_at([bundle.unit.at]).cast(instant).alias(AT))


def _facts(workspace: Workspace, bundle: Bundle) -> dict[str, pl.DataFrame]:
    """Read what is looked up as a server sees it: data versions, and what was posted since."""
    columns: dict[str, dict[str, None]] = {}
    for slot in bundle.feature_set.slots:
        columns.setdefault(slot.source, {}).update(dict.fromkeys(slot_columns(slot)))
    return {table: facts_with_posted(workspace, table, list(c)) for table, c in columns.items()}


def _made(
    bundle: Bundle,
    files: Mapping[str, bytes],
    units: pl.DataFrame,
    facts: Mapping[str, pl.DataFrame],
    *,
    maker: Maker,
    progress: Progress,
) -> Iterator[pl.DataFrame]:
    predictor = load(bundle, files)
    try:
        whole = bool(bundle.unit.group) or maker.top is not None  # a list is ranked as one
        at_once = max(1, units.height) if whole else ROWS_AT_ONCE
        for first in range(0, units.height, at_once):
            progress(f"Scoring: {first:,} of {units.height:,}", 0.05 + 0.9 * first / units.height)
            rows = units[first : first + at_once]
            yield records(bundle, predictor, rows, facts, maker, first=first)
    finally:
        predictor.close()


def _flags(parts: BatchParts, batch: Batch) -> dict[str, int]:
    """Count answers by what they carry."""
    if not batch.parts:
        return {}
    counts: Counter[str] = Counter()
    for part in parts.read(batch, ["findings"]):
        alike = part.group_by("findings").len()
        for text, rows in alike.iter_rows():
            for code in {finding["code"] for finding in msgspec.json.decode(text)}:
                counts[code] += rows
    return dict(sorted(counts.items()))


def _set_aside(
    workspace: Workspace, bundle: Bundle, name: str, sifted: Sifted
) -> tuple[str | None, list[Finding]]:
    """Keep rows that are not answered, and tell each reason with its count and a few rows."""
    if not sifted.aside.height:
        return None, []
    table = bundle.unit.source
    path = write_quarantine(workspace.store, table, f"batch_{name[:12]}", sifted.aside)
    told = []
    for (reason,), rows in sifted.aside.group_by(REFUSED, maintain_order=True):
        places = rows[PLACE].head(_SHOWN).to_list()
        shown = ", ".join(str(p) for p in places) + (", ..." if rows.height > _SHOWN else "")
        told.append(
            Finding(
                code="predict.refused",
                subject=table,
                severity="error",
                message=f"{rows.height:,} rows were not answered: {reason} Rows {shown}.",
                mend="mend the rows and give the command again",
                evidence={"rows": rows.height, "first": places},
            )
        )
    return str(path.relative_to(workspace.folder)), told
