"""A project's folder, store, catalog and clock, opened together for one act."""

from __future__ import annotations

import getpass
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from shlex import quote

from isbjerg.data.memory import memory_to_use
from isbjerg.data.shelf import Shelf
from isbjerg.errors import StoreError
from isbjerg.storage.blobs import Blobs
from isbjerg.storage.cache import Cache
from isbjerg.storage.catalog.catalog import Catalog
from isbjerg.storage.layout import Store
from isbjerg.storage.ledger import OUTCOMES, Ledger
from isbjerg.storage.online import OnlineStore
from isbjerg.storage.outcomes import Outcomes
from isbjerg.storage.plans import ServingFolder
from isbjerg.storage.refusals import telling_refusals
from isbjerg.times import Clock

STORE = ".isbjerg"
"""Folder of the embedded store inside a project."""


@dataclass(frozen=True)
class Workspace:
    """Where an act works: all it may read and write.

    Parameters
    ----------
    folder : Path
        The project.
    store : Store
        Places in the store.
    catalog : Catalog
        Small facts.
    clock : Clock
        What time it is.
    who : str
        Who acts, for the audit trail.
    memory_bytes : int
        How much memory an act may use for tables.
    """

    folder: Path
    store: Store
    catalog: Catalog
    clock: Clock
    who: str
    memory_bytes: int = field(default_factory=memory_to_use)

    @property
    def blobs(self) -> Blobs:
        """Bytes by their hash."""
        return Blobs(self.store.blobs)

    @property
    def shelf(self) -> Shelf:
        """Where columns go that are too large for memory."""
        return Shelf(self.store.folder, self.memory_bytes)

    def within(self, memory_bytes: int | None) -> Workspace:
        """Work within another amount of memory, if one is asked for."""
        return self if memory_bytes is None else replace(self, memory_bytes=memory_bytes)

    @cached_property
    def cache(self) -> Cache:
        """Results of earlier runs that can be had again."""
        return Cache(self.store.cache, self.clock)

    @property
    def serving(self) -> ServingFolder:
        """What promotion and workers tell each other."""
        return ServingFolder(self.store.serving)

    @property
    def ledger(self) -> Ledger:
        """Predictions of all workers."""
        return Ledger(self.store.ledger)

    @property
    def outcomes(self) -> Outcomes:
        """What came true."""
        return Outcomes(self.store.ledger / OUTCOMES, self.clock)

    @contextmanager
    def online(self) -> Iterator[OnlineStore]:
        """Open the online store."""
        store = OnlineStore(self.store.online)
        try:
            yield store
        finally:
            store.close()


@contextmanager
def open_workspace(folder: Path, clock: Clock, who: str | None = None) -> Iterator[Workspace]:
    """Open a project's store, made when missing, and close it at the end.

    Raises
    ------
    StoreError
        When the disk or a file of the store refuses, now or within; when the catalog is gone.
    """
    with telling_refusals(folder / STORE):
        store = Store(folder / STORE).create()
        _check_catalog_is_there(store)
        catalog = Catalog.open(store.catalog, clock)
        try:
            yield Workspace(folder, store, catalog, clock, who or _user())
        finally:
            catalog.close()


def _check_catalog_is_there(store: Store) -> None:
    """Refuse to begin a new catalog beside data that another one named: it would all be lost.

    A catalog is made before anything else in the store is.
    """
    if store.catalog.is_file() and store.catalog.stat().st_size:
        return
    left = [f for f in (store.tables, store.blobs, store.plan) if f.exists()]
    if left:
        raise StoreError(
            f"The catalog '{store.catalog}' is gone or empty, but "
            f"{', '.join(f.name for f in left)} are there: what they hold is known to it alone.",
            code="ISB601",
            mend=f"copy {store.catalog.name} back from a backup of {STORE}; to begin anew: "
            f"mv {quote(str(store.folder))} {quote(f'{store.folder}.old')}",
        )


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such user in a container
        return "unknown"
