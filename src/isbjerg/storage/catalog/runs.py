"""Runs, their metrics, their verdict and the model version they left."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, func, insert, select, update

from isbjerg.canonical import canonical_json, content_hash
from isbjerg.errors import ArgumentError
from isbjerg.storage.catalog.records import (
    Finished,
    MetricRow,
    ModelSummary,
    ModelVersion,
    Run,
    RunStatus,
    RunSummary,
    VerdictRecord,
)
from isbjerg.storage.catalog.schema import (
    model_cards,
    model_versions,
    run_holders,
    run_metrics,
    run_payloads,
    runs,
    verdicts,
)
from isbjerg.storage.catalog.versions import conflict, missing, reserve
from isbjerg.storage.processes import lives, process_started

_COLUMNS = tuple(RunSummary.__struct_fields__)
_MODEL_COLUMNS = tuple(ModelSummary.__struct_fields__)


def start_run(connection: Connection, at_us: int, facts: dict[str, Any]) -> Run:
    """Write a run that begins now, held by this process."""
    number = reserve(connection, "runs", 1) + 1
    run = Run(id=f"r{number}", number=number, started_us=at_us, **facts)
    connection.execute(insert(runs).values(**_summary(run)))
    connection.execute(insert(run_payloads).values(run=run.id, payload=canonical_json(run)))
    pid = os.getpid()
    holder = {"run": run.id, "pid": pid, "started": str(process_started(pid) or 0)}
    connection.execute(insert(run_holders).values(**holder))
    return run


def _summary(run: Run) -> dict[str, Any]:
    return {name: getattr(run, name) for name in _COLUMNS}


def finish_run(
    connection: Connection,
    at_us: int,
    run: Run,
    *,
    status: RunStatus,
    metrics: Sequence[MetricRow],
    verdict: VerdictRecord | None,
    model: ModelVersion | None,
) -> Finished:
    """Write everything a run came to; the same again changes nothing."""
    if model is not None and verdict is None:
        raise ArgumentError("`model` of `finish_run` must come with a verdict. Got None.")
    name = content_hash([run, status, list(metrics), verdict, model])
    stored = _payload_row(connection, run.id)
    if stored.finish_hash is not None:
        if stored.finish_hash != name:
            raise conflict("finished run", run.id)
        return _finished(connection, run.id)
    if verdict is not None:
        verdict = msgspec.structs.replace(verdict, id=f"d{run.number}", run=run.id, at_us=at_us)
    run = msgspec.structs.replace(
        run, status=status, finished_us=at_us, verdict=verdict.id if verdict else None
    )
    changed = {k: v for k, v in _summary(run).items() if k not in {"id", "number", "started_us"}}
    connection.execute(update(runs).where(runs.c.id == run.id).values(**changed))
    connection.execute(
        update(run_payloads)
        .where(run_payloads.c.run == run.id)
        .values(payload=canonical_json(run), finish_hash=name)
    )
    _write_metrics(connection, run.id, metrics)
    if verdict is not None:
        _write_verdict(connection, verdict)
    if model is not None and verdict is not None:
        model = _write_model(connection, model, run.id, verdict.id, at_us)
    return Finished(run=run, verdict=verdict, model=model)


def _write_metrics(connection: Connection, run: str, metrics: Sequence[MetricRow]) -> None:
    rows = [{**msgspec.structs.asdict(m), "run": run, "position": i} for i, m in enumerate(metrics)]
    if rows:
        connection.execute(insert(run_metrics), rows)


def _write_verdict(connection: Connection, verdict: VerdictRecord) -> None:
    values = msgspec.structs.asdict(verdict)
    values["findings"] = canonical_json(verdict.findings)
    values["payload"] = canonical_json(verdict.payload)
    connection.execute(insert(verdicts).values(**values))


def _write_model(
    connection: Connection, model: ModelVersion, run: str, verdict: str, at_us: int
) -> ModelVersion:
    last = connection.execute(select(func.max(model_versions.c.number))).scalar()
    model = msgspec.structs.replace(
        model, number=(last or 0) + 1, run=run, verdict=verdict, at_us=at_us
    )
    values = {name: getattr(model, name) for name in _MODEL_COLUMNS}
    connection.execute(insert(model_versions).values(**values))
    card = canonical_json(model.card)
    connection.execute(insert(model_cards).values(number=model.number, payload=card))
    return model


def _finished(connection: Connection, run: str) -> Finished:
    record = get_run(connection, run)
    c = model_versions.c
    number = connection.execute(select(c.number).where(c.run == run)).scalar()
    return Finished(
        run=record,
        verdict=get_verdict(connection, record.verdict) if record.verdict else None,
        model=get_model(connection, number) if number is not None else None,
    )


def mark_interrupted(connection: Connection, at_us: int) -> list[str]:
    """End the runs whose process does not live any more; return their ids."""
    query = (
        select(run_holders)
        .join(runs, runs.c.id == run_holders.c.run)
        .where(runs.c.status == "running")
        .order_by(runs.c.number)
    )
    dead = [r.run for r in connection.execute(query) if not lives(r.pid, int(r.started or 0))]
    if dead:
        ended = update(runs).where(runs.c.id.in_(dead))
        connection.execute(ended.values(status="interrupted", finished_us=at_us))
    return dead


def list_runs(connection: Connection, limit: int | None) -> list[RunSummary]:
    """List runs, newest first."""
    rows = connection.execute(select(runs).order_by(runs.c.number.desc()).limit(limit))
    return [RunSummary(**r) for r in rows.mappings()]


def get_run(connection: Connection, name: str) -> Run:
    """Return everything about one run."""
    run = msgspec.json.decode(_payload_row(connection, name).payload, type=Run)
    row = connection.execute(select(runs).where(runs.c.id == name)).mappings().one()
    return msgspec.structs.replace(run, **row)


def _payload_row(connection: Connection, name: str) -> Row[Any]:
    row = connection.execute(select(run_payloads).where(run_payloads.c.run == name)).first()
    if row is None:
        raise missing("run", name, "isbjerg runs")
    return row


def list_metrics(connection: Connection, run: str) -> list[MetricRow]:
    """List the metrics of a run, in the order in which they were given."""
    c = run_metrics.c
    rows = connection.execute(select(run_metrics).where(c.run == run).order_by(c.position))
    return [MetricRow(**{f: r[f] for f in MetricRow.__struct_fields__}) for r in rows.mappings()]


def get_verdict(connection: Connection, name: str) -> VerdictRecord:
    """Return a verdict with its findings."""
    row = connection.execute(select(verdicts).where(verdicts.c.id == name)).mappings().first()
    if row is None:
        raise missing("verdict", name, "isbjerg runs")
    values = dict(row)
    values["findings"] = msgspec.json.decode(values["findings"])
    values["payload"] = msgspec.json.decode(values["payload"])
    return VerdictRecord(**values)


def list_models(connection: Connection) -> list[ModelSummary]:
    """List model versions, newest first."""
    rows = connection.execute(select(model_versions).order_by(model_versions.c.number.desc()))
    return [ModelSummary(**r) for r in rows.mappings()]


def get_model(connection: Connection, number: int) -> ModelVersion:
    """Return a model version with its card."""
    query = (
        select(model_versions, model_cards.c.payload)
        .join(model_cards, model_cards.c.number == model_versions.c.number)
        .where(model_versions.c.number == number)
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        raise missing("model version", f"v{number}", "isbjerg status")
    values = {name: row[name] for name in _MODEL_COLUMNS}
    return ModelVersion(**values, card=msgspec.json.decode(row["payload"]))
