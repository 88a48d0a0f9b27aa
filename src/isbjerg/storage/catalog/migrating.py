"""Bring a catalog file to the tables this version of isbjerg works with.

A new file is made by the same migrations as an old one is changed by. All of them run in
one writing transaction: a second command that starts at the same moment waits, and then
finds the work done; a killed one leaves the file as it was.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, Engine, text

from isbjerg.errors import StoreError
from isbjerg.storage.catalog.engine import reading, writing
from isbjerg.storage.catalog.schema import HEAD

FOLDER = Path(__file__).parent / "migrations"


def migrate(engine: Engine) -> None:
    """Run the migrations that the file lacks.

    Raises
    ------
    StoreError
        When the file was written by a newer isbjerg: install that one.
    """
    with reading(engine) as connection:
        found = revision(connection)
    if found == HEAD:
        return
    with writing(engine) as connection:
        if revision(connection) != HEAD:
            _upgrade(connection)


def revision(connection: Connection) -> str | None:
    """Return the migration that a file is at, or ``None`` for a new one."""
    names = text("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'")
    if connection.execute(names).first() is None:
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if found is None else str(found)


def _upgrade(connection: Connection) -> None:
    # Loading Alembic takes longer than everything else here, and most commands need none of it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as fault:
        raise StoreError(
            f"The catalog was written by a newer isbjerg: {fault}.\n"
            f"This one knows it up to: {HEAD}",
            code="ISB604",
            mend="pip install --upgrade isbjerg",
            known=HEAD,
        ) from fault
