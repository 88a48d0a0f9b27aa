"""Frames, feature sets and data versions: written once, never changed."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Table, insert, select, update

from isbjerg.canonical import canonical_json
from isbjerg.data.manifest import DataVersion
from isbjerg.errors import ArgumentError, StoreError
from isbjerg.storage.catalog.records import DataVersionSummary
from isbjerg.storage.catalog.schema import (
    data_parts,
    data_version_payloads,
    data_versions,
    feature_sets,
    frame_versions,
    sequences,
)


def missing(kind: str, name: str | int, found: str) -> StoreError:
    """Build the error for a record that is not there."""
    return StoreError(
        f"There is no {kind} '{name}' in the catalog.",
        code="ISB601",
        mend=f"look at what is there: {found}",
        kind=kind,
        name=name,
    )


def conflict(kind: str, name: str | int) -> StoreError:
    """Build the error for a record that would be changed."""
    return StoreError(
        f"The {kind} '{name}' is in the catalog already, with other content, and is never changed.",
        code="ISB606",
        mend="give the command again: it starts from what is in the catalog now",
        kind=kind,
        name=name,
    )


def reserve(connection: Connection, name: str, n: int) -> int:
    """Take the next `n` numbers of a sequence that starts at 0, and return the first."""
    if n < 0:
        raise ArgumentError.out_of_range("n", "reserve", "be 0 or more", n)
    row = connection.execute(select(sequences.c.next).where(sequences.c.name == name)).first()
    if row is None:
        connection.execute(insert(sequences).values(name=name, next=n))
        return 0
    connection.execute(update(sequences).where(sequences.c.name == name).values(next=row.next + n))
    return int(row.next)


def put_named(
    connection: Connection, table: Table, name: str, content: Any, **columns: Any
) -> None:
    """Keep a value under its content's hash; the same value again changes nothing."""
    if connection.execute(select(table.c.hash).where(table.c.hash == name)).first() is None:
        payload = canonical_json(content)
        connection.execute(insert(table).values(hash=name, payload=payload, **columns))


def get_named(connection: Connection, table: Table, kind: str, name: str) -> bytes:
    """Return the canonical JSON kept under a hash."""
    row = connection.execute(select(table.c.payload).where(table.c.hash == name)).first()
    if row is None:
        raise missing(kind, name, "isbjerg runs")
    return bytes(row.payload)


FRAMES, FEATURE_SETS = frame_versions, feature_sets


def record_data_version(connection: Connection, version: DataVersion) -> DataVersion:
    """Add a version to the chain of its table; the same version again changes nothing.

    Raises
    ------
    StoreError
        When another version took its place: diff against the newest one and try again.
    """
    stored = find_data_version(connection, version.id)
    if stored is not None:
        if stored == version:
            return stored
        raise conflict("data version", version.id)
    latest = latest_data_version(connection, version.table)
    if version.parent != (latest.id if latest else None):
        raise conflict("data version after", str(version.parent))
    connection.execute(
        insert(data_versions).values(
            id=version.id,
            table_name=version.table,
            number=version.number,
            parent=version.parent,
            rows=version.rows,
            at_us=version.at_us,
            live=version.live,
            fingerprint=version.fingerprint,
        )
    )
    payload = canonical_json(version)
    connection.execute(insert(data_version_payloads).values(version=version.id, payload=payload))
    known = parts(connection, version.table)
    new = [
        {"table_name": version.table, "hash": p.hash, "first_version": version.id}
        for p in version.parts
        if p.hash not in known
    ]
    if new:
        connection.execute(insert(data_parts), new)
    return version


def find_data_version(connection: Connection, name: str) -> DataVersion | None:
    """Return a data version by its id, or ``None``."""
    c = data_version_payloads.c
    row = connection.execute(select(c.payload).where(c.version == name)).first()
    return None if row is None else msgspec.json.decode(row.payload, type=DataVersion)


def latest_data_version(connection: Connection, table: str) -> DataVersion | None:
    """Return the newest version of a table, or ``None``."""
    c = data_versions.c
    newest = select(c.id).where(c.table_name == table).order_by(c.number.desc()).limit(1)
    row = connection.execute(newest).first()
    return None if row is None else find_data_version(connection, row.id)


def list_data_versions(connection: Connection, table: str | None) -> list[DataVersionSummary]:
    """List versions, newest first."""
    c = data_versions.c
    query = select(data_versions).order_by(c.at_us.desc(), c.table_name, c.number.desc())
    if table is not None:
        query = query.where(c.table_name == table)
    return [
        DataVersionSummary(
            id=r.id,
            table=r.table_name,
            number=r.number,
            parent=r.parent,
            rows=r.rows,
            at_us=r.at_us,
            live=r.live,
            fingerprint=r.fingerprint,
        )
        for r in connection.execute(query)
    ]


def parts(connection: Connection, table: str) -> frozenset[str]:
    """Return the hashes of all parts that any version of a table lists."""
    c = data_parts.c
    return frozenset(connection.execute(select(c.hash).where(c.table_name == table)).scalars())
