"""Assignments, serving plans and the audit trail: what is live, since when, by whom and why."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, RowMapping, func, insert, select, update

from isbjerg.canonical import canonical_json
from isbjerg.errors import ArgumentError
from isbjerg.storage.catalog.records import Assigned, Assignment, AuditEntry, ModelVersion, Plan
from isbjerg.storage.catalog.runs import get_model
from isbjerg.storage.catalog.schema import assignments, audit, plans

PlanBuilder = Callable[[int, Sequence[tuple[Assignment, ModelVersion]]], dict[str, Any]]
"""Builds a serving plan's payload from its epoch and the assignments that stand."""


def assign(
    connection: Connection,
    at_us: int,
    wanted: Assignment,
    build_plan: PlanBuilder,
    act: str,
) -> Assigned:
    """Give a role to a version: end the one before, number a plan, leave an audit entry."""
    if not 0 < wanted.share <= 1:
        raise ArgumentError.out_of_range("share", "assign", "lie in (0, 1]", wanted.share)
    get_model(connection, wanted.version)
    standing = current(connection, wanted.role)
    plan = latest_plan(connection)
    if standing and plan and _same(standing, wanted):
        return Assigned(assignment=standing, plan=plan, changed=False)
    epoch = plan.epoch + 1 if plan else 1
    c = assignments.c
    ended = update(assignments).where(c.role == wanted.role, c.until_us.is_(None))
    connection.execute(ended.values(until_us=at_us))
    number = (connection.execute(select(func.max(c.id))).scalar() or 0) + 1
    made = msgspec.structs.replace(wanted, id=number, from_us=at_us, until_us=None, epoch=epoch)
    open_ = [*_open(connection), made]
    models = [(a, get_model(connection, a.version)) for a in open_]
    next_plan = Plan(epoch=epoch, at_us=at_us, payload=build_plan(epoch, models))
    payload = canonical_json(next_plan.payload)
    connection.execute(insert(plans).values(epoch=epoch, at_us=at_us, payload=payload))
    connection.execute(insert(assignments).values(**msgspec.structs.asdict(made)))
    before = standing.version if standing else None
    facts = {"role": made.role, "version": made.version, "before": before, "epoch": epoch}
    write_audit(
        connection,
        at_us,
        who=made.by,
        act=act,
        why=made.why,
        subject=f"v{made.version}",
        payload=facts,
    )
    return Assigned(assignment=made, plan=next_plan, changed=True)


def _same(standing: Assignment, wanted: Assignment) -> bool:
    return (standing.version, standing.share) == (wanted.version, wanted.share)


def _open(connection: Connection) -> list[Assignment]:
    c = assignments.c
    rows = connection.execute(select(assignments).where(c.until_us.is_(None)).order_by(c.id))
    return [_assignment(r) for r in rows.mappings()]


def _assignment(row: RowMapping) -> Assignment:
    return Assignment(**row)


def current(connection: Connection, role: str) -> Assignment | None:
    """Return the assignment of a role that stands, or ``None``."""
    return next((a for a in _open(connection) if a.role == role), None)


def list_assignments(connection: Connection, role: str | None) -> list[Assignment]:
    """List assignments, newest first."""
    query = select(assignments).order_by(assignments.c.id.desc())
    if role is not None:
        query = query.where(assignments.c.role == role)
    return [_assignment(r) for r in connection.execute(query).mappings()]


def latest_plan(connection: Connection) -> Plan | None:
    """Return the plan with the largest epoch, or ``None``."""
    row = connection.execute(select(plans).order_by(plans.c.epoch.desc()).limit(1)).first()
    if row is None:
        return None
    return Plan(epoch=row.epoch, at_us=row.at_us, payload=msgspec.json.decode(row.payload))


def write_audit(
    connection: Connection,
    at_us: int,
    *,
    who: str,
    act: str,
    why: str,
    subject: str,
    payload: dict[str, Any],
) -> None:
    """Add one act to the trail."""
    connection.execute(
        insert(audit).values(
            at_us=at_us,
            who=who,
            act=act,
            why=why,
            subject=subject,
            payload=canonical_json(payload),
        )
    )


def list_audit(connection: Connection, limit: int | None) -> list[AuditEntry]:
    """List acts, newest first; what an act says of itself is small, so it is listed too."""
    rows = connection.execute(select(audit).order_by(audit.c.id.desc()).limit(limit))
    return [
        AuditEntry(**{**r, "payload": msgspec.json.decode(r["payload"])}) for r in rows.mappings()
    ]
