"""Watches and the alarms that they open, keep and close."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, insert, select, update

from isbjerg.canonical import canonical_json
from isbjerg.errors import ArgumentError
from isbjerg.findings import Finding
from isbjerg.storage.catalog.records import Alarm, Watch
from isbjerg.storage.catalog.schema import alarms, watches


def record_watch(
    connection: Connection,
    watch: Watch,
    *,
    failing: Sequence[Finding],
    closing: Sequence[tuple[int, str]],
) -> None:
    """Write a watch and what it does to alarms; one for the same time and model takes its place.

    Parameters
    ----------
    connection : Connection
        Of the writing transaction.
    watch : Watch
        What was seen.
    failing : sequence of Finding
        Each opens an alarm, or is counted in the one that is open.
    closing : sequence of (int, str)
        Ids of alarms that close, and why.
    """
    c = watches.c
    same = (c.at_us == watch.at_us) & (c.version.is_not_distinct_from(watch.version))
    connection.execute(watches.delete().where(same))
    payload = {"findings": watch.findings, **watch.payload}
    facts = {"at_us": watch.at_us, "version": watch.version, "failed": watch.failed}
    connection.execute(insert(watches).values(**facts, payload=canonical_json(payload)))
    open_ = {(a.code, a.subject): a for a in list_alarms(connection, only_open=True)}
    for finding in failing:
        _raise(connection, watch.at_us, finding, open_.get((finding.code, finding.subject)))
    for number, why in closing:
        close(connection, number, watch.at_us, why)


def _raise(connection: Connection, at_us: int, finding: Finding, alarm: Alarm | None) -> None:
    payload = canonical_json(msgspec.to_builtins(finding))
    if alarm is None:
        facts = {"code": finding.code, "subject": finding.subject, "severity": finding.severity}
        times = {"opened_us": at_us, "last_us": at_us, "times": 1}
        connection.execute(insert(alarms).values(**facts, **times, payload=payload))
        return
    counted = {"last_us": at_us, "times": alarm.times + 1} if at_us > alarm.last_us else {}
    values = {**counted, "severity": finding.severity, "payload": payload}
    connection.execute(update(alarms).where(alarms.c.id == alarm.id).values(**values))


def close(connection: Connection, number: int, at_us: int, why: str) -> Alarm:
    """Close an alarm; one that is closed stays as it was."""
    row = connection.execute(select(alarms).where(alarms.c.id == number)).mappings().first()
    if row is None:
        raise ArgumentError(f"There is no alarm {number}.", mend="isbjerg status", number=number)
    if row["closed_us"] is None:
        closed = update(alarms).where(alarms.c.id == number)
        connection.execute(closed.values(closed_us=at_us, why_closed=why))
    again = connection.execute(select(alarms).where(alarms.c.id == number)).mappings().one()
    return _alarm(again)


def list_alarms(connection: Connection, *, only_open: bool) -> list[Alarm]:
    """List alarms, the newest first."""
    query = select(alarms).order_by(alarms.c.id.desc())
    if only_open:
        query = query.where(alarms.c.closed_us.is_(None))
    return [_alarm(row) for row in connection.execute(query).mappings()]


def _alarm(row: RowMapping) -> Alarm:
    values: dict[str, Any] = dict(row)
    finding = msgspec.json.decode(values.pop("payload"), type=Finding)
    return Alarm(**values, finding=finding)


def last_watch(connection: Connection) -> Watch | None:
    """Return the newest watch, or ``None``."""
    query = select(watches).order_by(watches.c.at_us.desc(), watches.c.id.desc()).limit(1)
    row = connection.execute(query).mappings().first()
    if row is None:
        return None
    payload = msgspec.json.decode(row["payload"])
    findings = msgspec.convert(payload.pop("findings"), tuple[Finding, ...])
    return Watch(
        at_us=row["at_us"],
        version=row["version"],
        failed=row["failed"],
        findings=findings,
        payload=payload,
    )
