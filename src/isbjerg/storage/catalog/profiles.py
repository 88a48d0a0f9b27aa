"""What was found out about a data version or a model version once, so that it is not again."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from isbjerg.storage.catalog.schema import profiles


def record_profile(
    connection: Connection, at_us: int, subject: str, kind: str, payload: bytes
) -> None:
    """Keep a profile by what it is of and its kind; one that is there is replaced."""
    here = (profiles.c.subject == subject) & (profiles.c.kind == kind)
    connection.execute(delete(profiles).where(here))
    values = {"subject": subject, "kind": kind, "at_us": at_us, "payload": payload}
    connection.execute(insert(profiles).values(**values))


def find_profile(connection: Connection, subject: str, kind: str) -> bytes | None:
    """Return a profile, or ``None``."""
    here = (profiles.c.subject == subject) & (profiles.c.kind == kind)
    found = connection.execute(select(profiles.c.payload).where(here)).scalar()
    return None if found is None else bytes(found)
