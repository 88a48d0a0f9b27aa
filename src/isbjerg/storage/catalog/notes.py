"""Notes of people in the journal, about a run or about none."""

from __future__ import annotations

from sqlalchemy import Connection, insert, select

from isbjerg.storage.catalog.records import Note
from isbjerg.storage.catalog.schema import notes, runs
from isbjerg.storage.catalog.versions import missing


def add_note(connection: Connection, at_us: int, text: str, *, who: str, run: str | None) -> Note:
    """Write a note down; notes are never changed."""
    if (
        run is not None
        and not connection.execute(select(runs.c.id).where(runs.c.id == run)).first()
    ):
        raise missing("run", run, "isbjerg runs")
    values = {"run": run, "at_us": at_us, "who": who, "text": text}
    made = connection.execute(insert(notes).values(**values)).inserted_primary_key
    return Note(id=int(made[0]), **values)  # type: ignore[arg-type, index]


def list_notes(connection: Connection) -> list[Note]:
    """List notes, newest first."""
    rows = connection.execute(select(notes).order_by(notes.c.at_us.desc(), notes.c.id.desc()))
    return [Note(**row) for row in rows.mappings()]
