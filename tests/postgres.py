"""A real PostgreSQL server for tests: its own folder, its own port on 127.0.0.1, stopped at the end.

The programs are those of the machine (Debian: ``apt-get install postgresql``). A developer without
them sees the tests skipped; in CI their absence is a failure. PostgreSQL refuses to run as root,
so root starts it as the user ``postgres`` or ``nobody``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

SECRET = "s3cr/t@:%word"
"""Every letter of it that a URL would take amiss."""

_WAIT_S_MAX = 30


class Postgres:
    """A running server with a database ``shop`` and a user ``reader`` who must give a password."""

    def __init__(self, folder: Path, port: int, programs: Path) -> None:
        self.folder, self.port, self._programs = folder, port, programs

    @property
    def url(self) -> str:
        """The URL as a project writes it."""
        return f"postgresql://reader:${{SHOP_PASSWORD}}@127.0.0.1:{self.port}/shop"

    def do(self, statement: str, parameters: Sequence[Any] | None = None) -> list[Any]:
        """Run a statement as the owner, and return its rows."""
        import psycopg

        address = f"host={self.folder} port={self.port} user=owner dbname=shop"
        with psycopg.connect(address, autocommit=True) as connection:
            cursor = connection.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def connections(self) -> int:
        """Count the connections to ``shop`` that were ever received, this one left out."""
        return (self.folder / "log").read_text(errors="replace").count("user=reader database=shop")


def postgres_programs() -> Path | None:
    """Find where ``initdb`` and ``postgres`` are: on the path, or where Debian puts them."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return places[-1].parent if places else None


@contextmanager
def postgres_server() -> Iterator[Postgres]:
    """Make a server, and take it away again."""
    programs = postgres_programs()
    if programs is None:
        if os.environ.get("CI"):
            pytest.fail("CI has no PostgreSQL: apt-get install postgresql")
        pytest.skip("no PostgreSQL on this machine: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="isbjerg-pg-"))  # short: a socket's path may not be long
    user = _user()
    if user is not None:
        os.chown(folder, user.pw_uid, user.pw_gid)
    port = _free_port()
    server = _start(folder, port, programs, user)
    try:
        yield _prepared(Postgres(folder, port, programs))
    finally:
        server.terminate()
        server.wait(_WAIT_S_MAX)
        shutil.rmtree(folder, ignore_errors=True)


def _user() -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(
    folder: Path, port: int, programs: Path, user: pwd.struct_passwd | None
) -> subprocess.Popen[bytes]:
    who: dict[str, Any] = {}
    if user is not None:
        who = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    data = folder / "data"
    initdb = [programs / "initdb", "-D", data, "-U", "owner", "-A", "trust", "-E", "UTF8"]
    subprocess.run(
        [*initdb, "--locale=C.UTF-8", "--no-sync"], check=True, capture_output=True, cwd="/", **who
    )
    rules = "local all owner trust\nhost shop reader 127.0.0.1/32 scram-sha-256\n"
    (data / "pg_hba.conf").write_text(rules)
    settings = {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": str(folder),
        "log_connections": "on",
        "fsync": "off",
    }
    flags = [f"-c{name}={value}" for name, value in settings.items()]
    log = (folder / "log").open("wb")
    with log:
        return subprocess.Popen(
            [programs / "postgres", "-D", data, "-p", str(port), *flags],
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd="/",
            **who,
        )


def _prepared(server: Postgres) -> Postgres:
    import psycopg

    owner = f"host={server.folder} port={server.port} user=owner dbname=postgres"
    for _ in range(_WAIT_S_MAX * 20):
        try:
            with psycopg.connect(owner, autocommit=True) as connection:
                connection.execute("CREATE DATABASE shop")
            break
        except psycopg.OperationalError:
            time.sleep(0.05)
    quoted = SECRET.replace("'", "''")
    server.do(f"CREATE USER reader PASSWORD '{quoted}'")
    server.do("ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT ON TABLES TO reader")
    return server
