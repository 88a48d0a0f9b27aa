"""Where everything is below ``.isbjerg``, the embedded store of a project.

These are names only; nothing is opened here. The prediction server uses the same names, so
this module imports nothing heavy.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from isbjerg.errors import ArgumentError
from isbjerg.storage.durable import write_durably

BATCHES = "batches"
"""Folder of the ledger, beside the workers' files, that holds one folder for each batch."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Store:
    """The folder of the store, and the places in it.

    Parameters
    ----------
    folder : Path
        Usually ``<project>/.isbjerg``.

    Examples
    --------
    >>> Store(Path(".isbjerg")).plan.as_posix()
    '.isbjerg/serving/plan.json'
    """

    folder: Path

    def create(self) -> Store:
        """Make the folder if it is not there, and keep it out of version control."""
        self.folder.mkdir(parents=True, exist_ok=True)
        ignore = self.folder / ".gitignore"
        if not ignore.exists():
            write_durably(ignore, b"*\n")  # half written it would be there, and ignore nothing
        return self

    @property
    def catalog(self) -> Path:
        """SQLite file of the catalog."""
        return self.folder / "catalog.db"

    @property
    def blobs(self) -> Path:
        """Folder of the blobs."""
        return self.folder / "blobs"

    @property
    def tables(self) -> Path:
        """Folder of the tables' parts."""
        return self.folder / "tables"

    @property
    def quarantine(self) -> Path:
        """Folder of rows that broke a contract."""
        return self.folder / "quarantine"

    @property
    def cache(self) -> Path:
        """Folder of results that can be had again; it may be removed at any time."""
        return self.folder / "cache"

    @property
    def serving(self) -> Path:
        """Folder shared with the prediction server."""
        return self.folder / "serving"

    @property
    def plan(self) -> Path:
        """The serving plan, replaced by atomic rename."""
        return self.serving / "plan.json"

    @property
    def bundles(self) -> Path:
        """Folder of the bundles that a plan may name."""
        return self.serving / "bundles"

    @property
    def workers(self) -> Path:
        """Folder of the workers' acknowledgements."""
        return self.serving / "workers"

    @property
    def online(self) -> Path:
        """SQLite file of facts for online lookups."""
        return self.folder / "online.db"

    @property
    def ledger(self) -> Path:
        """Folder of the ledger."""
        return self.folder / "ledger"

    def table(self, table: str) -> Path:
        """Folder of one table's parts."""
        return self.tables / _checked(table, _NAME, "table")

    def part(self, table: str, hash_: str) -> Path:
        """File of one part."""
        return self.table(table) / f"{_checked(hash_, _HASH, 'hash_')}.parquet"

    def quarantined(self, table: str, version: str) -> Path:
        """File of the rows that one data version left out."""
        number = version.rpartition("@")[2]
        folder = self.quarantine / _checked(table, _NAME, "table")
        return folder / f"{_checked(number, _NAME, 'version')}.parquet"


def _checked(text: str, pattern: re.Pattern[str], name: str) -> str:
    """Let no text become a path that could leave the store."""
    if pattern.fullmatch(text) is None:
        raise ArgumentError.out_of_range(name, "Store", f"match {pattern.pattern}", text)
    return text
