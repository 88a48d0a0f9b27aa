"""What all tests share: how hypothesis searches, and a real PostgreSQL server.

A property that takes long on a busy machine is not wrong, so there is no deadline. In CI the
search is the same each time, so that a red run can be repeated; a developer's runs go on
searching.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import settings
from tests.postgres import SECRET, Postgres, postgres_server

settings.register_profile("searching", deadline=None)
settings.register_profile("repeatable", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("repeatable" if os.environ.get("CI") else "searching")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """Start a PostgreSQL server once for all tests of a worker that ask for it."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def shop_password(monkeypatch: pytest.MonkeyPatch) -> str:
    """Put the password of the server's reader where its URL says it is."""
    monkeypatch.setenv("SHOP_PASSWORD", SECRET)
    return SECRET
