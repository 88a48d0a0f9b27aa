from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from isbjerg.errors import StoreError
from isbjerg.storage.catalog.catalog import Catalog
from isbjerg.storage.catalog.engine import open_engine, reading, writing
from isbjerg.storage.catalog.migrating import FOLDER, migrate, revision
from isbjerg.storage.catalog.schema import HEAD, metadata


def test_the_migrations_make_exactly_the_schema(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "catalog.db")
    migrate(engine)
    with reading(engine) as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert revision(connection) == HEAD
    engine.dispose()


def test_head_is_the_last_migration() -> None:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_migrating_is_all_or_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine = open_engine(tmp_path / "catalog.db")

    def upgrade_and_fail(connection):
        upgrade(connection)
        raise KeyboardInterrupt

    from isbjerg.storage.catalog import migrating

    upgrade = migrating._upgrade
    monkeypatch.setattr(migrating, "_upgrade", upgrade_and_fail)
    with pytest.raises(KeyboardInterrupt):
        migrate(engine)
    with reading(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM sqlite_master")).scalar() == 0
    monkeypatch.undo()
    migrate(engine)
    engine.dispose()


def test_a_newer_catalog_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    Catalog.open(path, lambda: 0).close()
    engine = open_engine(path)
    with writing(engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(StoreError) as caught:
        Catalog.open(path, lambda: 0)
    assert caught.value.kind_code == "ISB604"


def test_commands_that_start_together_make_one_catalog(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from isbjerg.storage.catalog.catalog import Catalog\n"
        "with Catalog.open(Path(sys.argv[1]), lambda: 0) as c: print(c.reserve_rows('t', 1))"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "catalog.db")]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    assert sorted(int(p.communicate()[0]) for p in started) == [0, 1, 2, 3]
