"""The online store: facts as slots see them, for a server that must answer in a millisecond.

One SQLite file. Ingest feeds it what each registered slot needs of a data version's facts;
``POST /facts/{table}`` adds facts that no data version holds yet. A server reads it *through*
(:mod:`isbjerg.storage.following`): a key is loaded when first asked for, and from then on only
rows that came later are read.

It leaves out what facts mean to each other: that is :class:`isbjerg.features.online.OnlineSlot`.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from isbjerg.canonical import canonical_json
from isbjerg.data.contract import Field
from isbjerg.errors import ArgumentError
from isbjerg.expressions.tree import Type
from isbjerg.features.contributing import SlotFact
from isbjerg.features.keys import Carrier
from isbjerg.features.sets import Slot
from isbjerg.storage.durable import make_folder
from isbjerg.storage.sqlite_files import open_file

FORMAT_VERSION = 1
"""Layout of online.db, also its ``PRAGMA user_version``."""

POSTED_ROW_FIRST = 2**62
"""Posted facts are numbered from here: later, at equal times, than any fact of a data version."""

_NEVER_US = -(2**63)
_FILE = "posted file "

_SCHEMA = """
BEGIN IMMEDIATE;
CREATE TABLE slots (
  id               INTEGER PRIMARY KEY,
  name             TEXT NOT NULL UNIQUE,
  source           TEXT NOT NULL,
  spec             TEXT NOT NULL,
  complete_from_us INTEGER
);
CREATE TABLE slot_facts (
  seq      INTEGER PRIMARY KEY AUTOINCREMENT,
  slot     INTEGER NOT NULL REFERENCES slots (id),
  on_key   TEXT,
  fact_key TEXT    NOT NULL,
  position INTEGER NOT NULL,
  visible  INTEGER NOT NULL,
  row      INTEGER NOT NULL,
  value,
  UNIQUE (slot, row)
);
CREATE INDEX slot_facts_by_on ON slot_facts (slot, on_key, position);
CREATE INDEX slot_facts_by_key ON slot_facts (slot, fact_key);
CREATE TABLE posted (
  seq          INTEGER PRIMARY KEY AUTOINCREMENT,
  source       TEXT    NOT NULL,
  fact_key     TEXT    NOT NULL,
  body         TEXT    NOT NULL,
  live_at_us   INTEGER NOT NULL,
  data_version TEXT
);
CREATE INDEX posted_by_key ON posted (source, fact_key, seq);
CREATE TABLE fed (
  slot INTEGER NOT NULL, data_version TEXT NOT NULL, PRIMARY KEY (slot, data_version)
) WITHOUT ROWID;
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
INSERT INTO meta VALUES ('generation', 0);
PRAGMA user_version = 1;
COMMIT;
"""


class RegisteredSlot(msgspec.Struct, frozen=True):
    """A slot that facts are kept for.

    Parameters
    ----------
    slot : Slot
        Which.
    columns : dict of str to Type
        Types of its source's columns, where known.
    complete_from_us : int or None
        Values at this time and later are right; ``None`` when all facts are kept.
    contract : tuple of Field
        What posted facts of its source must keep; empty when nothing was promised.
    """

    slot: Slot
    columns: dict[str, Type] = {}
    complete_from_us: int | None = None
    contract: tuple[Field, ...] = ()


class PostedFact(msgspec.Struct, frozen=True):
    """A fact as it was posted: its row number, columns as carriers, and when it came in."""

    row: int
    body: dict[str, Any]
    live_at_us: int


_INDEX_OPEN = (
    "CREATE INDEX IF NOT EXISTS posted_open ON posted (source, seq) WHERE data_version IS NULL"
)
"""What no data version holds yet is found among all that ever was posted; also in older files."""

_INSERT = (
    "INSERT OR IGNORE INTO slot_facts (slot, on_key, fact_key, position, visible, row, value)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)"
)
_BUMP = "UPDATE meta SET value = value + 1 WHERE name = 'generation'"


class OnlineStore:
    """Feed the online store, and post to it. Safe to use from several threads.

    Parameters
    ----------
    path : Path
        ``.isbjerg/online.db``; made when missing.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        make_folder(path.parent)
        self._db = connect(path)

    def close(self) -> None:
        """Let the file go."""
        self._db.close()

    def register(
        self,
        slot: Slot,
        columns: Mapping[str, Type] | None = None,
        *,
        complete_from_us: int | None = None,
    ) -> bool:
        """Keep facts for a slot from now on; return whether it must be fed from the beginning.

        A new slot starts empty: feed it what data versions and `posted` hold.

        Parameters
        ----------
        slot : Slot
            Its name is its identity: of two slots with one name the first stays.
        columns : mapping of str to Type, optional
            Types of the source's columns, so that posted keys are read as ingested ones are.
        complete_from_us : int, optional
            It will be asked for this time and later only, so facts that matter before may be
            left out; all of them are needed when not given. Asking for an earlier time than
            before makes the slot be fed again.
        """
        spec = canonical_json(RegisteredSlot(slot, dict(columns or {}))).decode()
        with self._transaction() as db:
            found = db.execute(
                "SELECT id, complete_from_us FROM slots WHERE name = ?", (slot.name,)
            ).fetchone()
            if found is None:
                db.execute(
                    "INSERT INTO slots (name, source, spec, complete_from_us) VALUES (?, ?, ?, ?)",
                    (slot.name, slot.source, spec, complete_from_us),
                )
                return True
            number, kept_from_us = found
            if kept_from_us is None or (complete_from_us or _NEVER_US) >= kept_from_us:
                return False
            db.execute(
                "UPDATE slots SET complete_from_us = ? WHERE id = ?", (complete_from_us, number)
            )
            db.execute("DELETE FROM fed WHERE slot = ?", (number,))
            return True

    def promise(self, source: str, columns: Mapping[str, Type], contract: Sequence[Field]) -> None:
        """Say what facts of a source must be from now on, to all its registered slots.

        Parameters
        ----------
        source : str
            Its name.
        columns : mapping of str to Type
            Types of its columns as they are now.
        contract : sequence of Field
            Its contract as it stands now.
        """
        with self._transaction() as db:
            for registered in _slots(db, source):
                told = RegisteredSlot(registered.slot, dict(columns), contract=tuple(contract))
                db.execute(
                    "UPDATE slots SET spec = :spec WHERE name = :name AND spec <> :spec",
                    {"spec": canonical_json(told).decode(), "name": registered.slot.name},
                )

    def slots(self, source: str | None = None) -> list[RegisteredSlot]:
        """Return the registered slots, of one source or of all, by name."""
        with self._lock:
            return _slots(self._db, source)

    def feed(
        self, slot_name: str, facts: Iterable[SlotFact], *, data_version: str | None = None
    ) -> int:
        """Add facts to a slot in one transaction; return how many are new.

        Rows that the slot holds already are left alone, so a feed can be repeated.

        Parameters
        ----------
        slot_name : str
            A registered slot.
        facts : iterable of SlotFact
            Or equal tuples: on, key, position, visible, row, value.
        data_version : str, optional
            Marked as fed to this slot, in the same transaction.
        """
        with self._transaction() as db:
            number = _number(db, slot_name)
            before = db.total_changes
            db.executemany(_INSERT, ((number, *fact) for fact in facts))
            new = db.total_changes - before
            if data_version is not None:
                db.execute("INSERT OR IGNORE INTO fed VALUES (?, ?)", (number, data_version))
            db.execute(_BUMP)
            return new

    def fed(self, slot_name: str) -> set[str]:
        """Return the data versions that a slot has been fed whole."""
        with self._lock:
            rows = self._db.execute(
                "SELECT data_version FROM fed JOIN slots ON slots.id = fed.slot WHERE name = ?",
                (slot_name,),
            )
            return {version for (version,) in rows}

    @property
    def generation(self) -> int:
        """A number that grows whenever facts come in."""
        with self._lock:
            row = self._db.execute("SELECT value FROM meta WHERE name = 'generation'").fetchone()
            return int(row[0])

    @contextlib.contextmanager
    def posting(self, source: str) -> Iterator[Posting]:
        """Open one transaction in which facts of a source are posted: all of them or none."""
        with self._transaction() as db:
            yield Posting(db, source)
            db.execute(_BUMP)

    def remembers(self, file: str) -> bool:
        """Say whether all that a file said was posted once: `Posting.remember`."""
        with self._lock:
            row = self._db.execute("SELECT 1 FROM meta WHERE name = ?", (_FILE + file,)).fetchone()
        return row is not None

    def posted(self, source: str) -> list[PostedFact]:
        """Return the facts of a source that are in no data version yet, in order of arrival."""
        with self._lock:
            rows = self._db.execute(
                "SELECT seq, body, live_at_us FROM posted"
                " WHERE source = ? AND data_version IS NULL ORDER BY seq",
                (source,),
            ).fetchall()
        return [
            PostedFact(POSTED_ROW_FIRST + seq, msgspec.json.decode(body), live_at)
            for seq, body, live_at in rows
        ]

    def number_after(self, row: int) -> None:
        """Give facts that are posted from now on numbers after `row`.

        Data versions hold the numbers of facts that were posted to a store which is lost; a new
        store must not give them again.
        """
        with self._transaction() as db:
            (last,) = db.execute(
                "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'posted'"
            ).fetchone()
            if row - POSTED_ROW_FIRST > last:
                db.execute("DELETE FROM sqlite_sequence WHERE name = 'posted'")
                db.execute(
                    "INSERT INTO sqlite_sequence (name, seq) VALUES ('posted', ?)",
                    (row - POSTED_ROW_FIRST,),
                )

    def absorb(self, rows: Iterable[int], data_version: str) -> None:
        """Mark posted facts as held by a data version. Slots keep them as they are."""
        with self._transaction() as db:
            db.executemany(
                "UPDATE posted SET data_version = ? WHERE seq = ?",
                ((data_version, row - POSTED_ROW_FIRST) for row in rows),
            )

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise


class Posting:
    """An open transaction of `OnlineStore.posting`.

    Attributes
    ----------
    slots : list of RegisteredSlot
        The slots that this source's facts go to; none can be added before the end.
    """

    def __init__(self, db: sqlite3.Connection, source: str) -> None:
        self._db = db
        self._source = source
        self.slots = _slots(db, source)
        self._numbers = {r.slot.name: _number(db, r.slot.name) for r in self.slots}

    def remember(self, file: str) -> None:
        """Note that all that a file says has been posted, in the same transaction as its facts.

        Parameters
        ----------
        file : str
            Its hash.
        """
        self._db.execute("INSERT OR IGNORE INTO meta VALUES (?, 1)", (_FILE + file,))

    def sources(self) -> list[str]:
        """Return the sources that have slots."""
        return [name for (name,) in self._db.execute("SELECT DISTINCT source FROM slots")]

    def add(
        self,
        key: str,
        body: Mapping[str, Carrier],
        live_at_us: int,
        contribute: Callable[[int], Iterable[tuple[str, SlotFact]]],
    ) -> bool:
        """Post one fact and give it to slots.

        Parameters
        ----------
        key : str
            Its key, as :func:`isbjerg.features.keys.key_text` writes it.
        body : mapping of str to carrier
            Its columns.
        live_at_us : int
            When it came in.
        contribute : callable
            From its row number to pairs of a slot's name and the contribution.

        Returns
        -------
        bool
            False when the newest posted fact with this key is the same: it was asked twice.
        """
        text = canonical_json(body).decode()
        newest = self._db.execute(
            "SELECT body FROM posted WHERE source = ? AND fact_key = ? ORDER BY seq DESC LIMIT 1",
            (self._source, key),
        ).fetchone()
        if newest == (text,):
            return False
        added = self._db.execute(
            "INSERT INTO posted (source, fact_key, body, live_at_us) VALUES (?, ?, ?, ?)",
            (self._source, key, text, live_at_us),
        )
        row = POSTED_ROW_FIRST + (added.lastrowid or 0)
        self._db.executemany(
            _INSERT, ((self._numbers[name], *fact) for name, fact in contribute(row))
        )
        return True


def connect(path: Path) -> sqlite3.Connection:
    """Open online.db, made when missing."""
    db = open_file(path, _SCHEMA, FORMAT_VERSION)
    try:
        db.execute(_INDEX_OPEN)
    except BaseException:
        db.close()
        raise
    return db


def _number(db: sqlite3.Connection, slot_name: str) -> int:
    """Find the number of a slot.

    Raises
    ------
    ArgumentError
        When it was not registered.
    """
    found = db.execute("SELECT id FROM slots WHERE name = ?", (slot_name,)).fetchone()
    if found is None:
        raise ArgumentError.out_of_range("slot_name", "feed", "be a registered slot", slot_name)
    return int(found[0])


def _slots(db: sqlite3.Connection, source: str | None) -> list[RegisteredSlot]:
    rows = db.execute(
        "SELECT spec, complete_from_us FROM slots"
        " WHERE source = :source OR :source IS NULL ORDER BY name",
        {"source": source},
    )
    return [
        msgspec.structs.replace(
            msgspec.json.decode(spec, type=RegisteredSlot), complete_from_us=from_us
        )
        for spec, from_us in rows
    ]
