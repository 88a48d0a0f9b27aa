"""Batches of predictions: which were made, from what, by which version."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, insert, select

from isbjerg.canonical import canonical_json
from isbjerg.storage.catalog.records import BatchRecord
from isbjerg.storage.catalog.releases import write_audit
from isbjerg.storage.catalog.schema import batches


def record_batch(connection: Connection, at_us: int, batch: BatchRecord, *, who: str) -> bool:
    """Record a batch that is in the ledger; return whether it was not recorded yet."""
    c = batches.c
    if connection.execute(select(c.id).where(c.id == batch.id)).first():
        return False
    connection.execute(
        insert(batches).values(
            id=batch.id,
            status="finished",
            started_us=batch.started_us,
            finished_us=at_us,
            version=batch.version,
            rows=batch.rows,
            payload=canonical_json(batch.payload),
        )
    )
    write_audit(
        connection,
        at_us,
        who=who,
        act="predict",
        why=str(batch.payload.get("purpose", "")),
        subject=f"v{batch.version}",
        payload={"batch": batch.id, "rows": batch.rows},
    )
    return True


def list_batches(connection: Connection, limit: int | None) -> list[BatchRecord]:
    """List batches, newest first."""
    c = batches.c
    rows = connection.execute(select(batches).order_by(c.started_us.desc(), c.id).limit(limit))
    return [
        BatchRecord(
            id=r.id,
            version=r.version,
            rows=r.rows,
            started_us=r.started_us,
            payload=msgspec.json.decode(r.payload),
        )
        for r in rows
    ]
