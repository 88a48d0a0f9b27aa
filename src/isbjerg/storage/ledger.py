"""The ledger: each prediction as it was made, one SQLite file per worker, read as one.

A prediction is a record before it is an answer: :mod:`isbjerg.storage.ledger_writer` commits it,
then the answer leaves. This module holds the record, the layout of the file, and the reader
over the files of all workers. It leaves out outcomes, which become known later and live in
:mod:`isbjerg.storage.outcomes`.
"""

from __future__ import annotations

import heapq
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from isbjerg.errors import LedgerError
from isbjerg.findings import Finding
from isbjerg.storage.layout import BATCHES
from isbjerg.storage.refusals import store_error

if TYPE_CHECKING:
    from isbjerg.storage.batch_parts import Batch, BatchParts

FORMAT_VERSION = 2
"""Layout of a ledger file, also its ``PRAGMA user_version``.

Version 2 keeps beside the score what else was said. A file of version 1 is read as it is; the
worker that writes it brings it to version 2 before its first record.
"""

UPGRADE = """
BEGIN IMMEDIATE;
ALTER TABLE predictions ADD COLUMN output TEXT;
UPDATE meta SET value = 2 WHERE name = 'format_version';
PRAGMA user_version = 2;
COMMIT;
"""
"""From version 1 to 2: all or nothing, and the records that are there stay as they are."""

APPLICATION_ID = 0x69736C64
"""``isld``: what ``file(1)`` and `open_reader` know a ledger by."""

OUTCOMES = "outcomes.db"
"""The one file beside the workers' that is no worker's."""

SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE predictions (
  seq           INTEGER PRIMARY KEY AUTOINCREMENT,
  id            TEXT    NOT NULL UNIQUE,
  epoch         INTEGER NOT NULL,
  unit_key      TEXT    NOT NULL,
  subject       TEXT,
  at_us         INTEGER NOT NULL,
  received_us   INTEGER NOT NULL,
  route         TEXT    NOT NULL,
  why           TEXT    NOT NULL,
  model_version INTEGER NOT NULL,
  bundle        TEXT    NOT NULL,
  score         REAL    NOT NULL,
  inputs        TEXT    NOT NULL,
  slots         TEXT    NOT NULL,
  features      TEXT    NOT NULL,
  findings      TEXT    NOT NULL,
  latency_us    INTEGER NOT NULL,
  purpose       TEXT    NOT NULL,
  output        TEXT
);
CREATE INDEX predictions_by_unit ON predictions (unit_key);
"""

INDEX_BY_TIME = "CREATE INDEX IF NOT EXISTS predictions_by_at ON predictions (at_us)"
"""Made by the writer in new files and in those of before; a reader finds the same without it."""


class Prediction(msgspec.Struct, frozen=True, kw_only=True):
    """What was predicted, for what, from what, by what.

    Parameters
    ----------
    id : str
        From :mod:`isbjerg.storage.ids`.
    epoch : int
        The serving plan that was in force.
    unit_key : str
        Canonical text of the unit's key, see `unit_key`.
    subject : str, optional
        Whom it is about.
    at_us : int
        The decision time: what became known at or after it was not used.
    received_us : int
        When the request arrived.
    route, why : str
        Which role answered, and why this one.
    model_version : int
        Number of the model version.
    bundle : str
        Hash of the bundle.
    score : float
        The answer; of classes the probability of the one that was said.
    inputs, slots, features : dict
        Carriers: columns as received, values looked up, outputs computed.
    findings : list of dict
        What the contract flagged without refusing.
    latency_us : int
        From arrival to the record, before its commit.
    purpose : str
        What the caller said it was for; ``decision`` when nothing was said.
    output : dict, optional
        What else was said: ``class`` and ``probabilities``; of a ranked list ``list``, ``rank``,
        ``of`` how many, and whether it was ``shown``.
    seq : int
        Position in its worker's file, given by the file.
    """

    id: str
    epoch: int
    unit_key: str
    subject: str | None
    at_us: int
    received_us: int
    route: str
    why: str
    model_version: int
    bundle: str
    score: float
    inputs: dict[str, Any]
    slots: dict[str, Any]
    features: dict[str, Any]
    findings: list[dict[str, Any]]
    latency_us: int
    purpose: str = "decision"
    output: dict[str, Any] | None = None
    seq: int = 0


BATCH, REPLAY = "batch", "replay"
"""Routes of predictions that no server made: of a batch as of now, of one at the rows' own times."""

LOOKUP_MISSING = "serving.lookup_missing"
"""Code of the finding in a record that was made while nothing of a source was known."""

_COLUMNS = Prediction.__struct_fields__[:-1]
_JSON = frozenset({"inputs", "slots", "features", "findings", "output"})
_ENCODER = msgspec.json.Encoder()

INSERT = (
    f"INSERT INTO predictions ({', '.join(_COLUMNS)}) "  # noqa: S608 - names of this module
    f"VALUES ({', '.join('?' * len(_COLUMNS))})"
)
_SELECT = f"SELECT {', '.join((*_COLUMNS, 'seq'))} FROM predictions"  # noqa: S608
_SELECTS = {2: _SELECT, 1: _SELECT.replace("output", "NULL")}
"""How records of each version are read."""


def lookup_missing(source: str) -> dict[str, Any]:
    """Flag an answer that was given without what a source should have told."""
    found = Finding(
        code=LOOKUP_MISSING,
        subject=source,
        message=f"Nothing of {source} is known for this decision.",
        mend=f"isbjerg ingest {source}, or POST /facts/{source}",
    )
    return dict(msgspec.to_builtins(found))


def unit_key(values: Iterable[Any]) -> str:
    """Write the carriers of a unit's key as canonical text: a JSON list.

    Examples
    --------
    >>> unit_key(["JFK", 1357002000000000])
    '["JFK",1357002000000000]'
    """
    return _ENCODER.encode(list(values)).decode()


def to_row(prediction: Prediction) -> tuple[Any, ...]:
    """Turn a record into the values of `INSERT`; written out because each answer waits for it."""
    p, encode = prediction, _ENCODER.encode
    return (
        p.id,
        p.epoch,
        p.unit_key,
        p.subject,
        p.at_us,
        p.received_us,
        p.route,
        p.why,
        p.model_version,
        p.bundle,
        p.score,
        encode(p.inputs).decode(),
        encode(p.slots).decode(),
        encode(p.features).decode(),
        encode(p.findings).decode(),
        p.latency_us,
        p.purpose,
        None if p.output is None else encode(p.output).decode(),
    )


def _from_row(row: tuple[Any, ...]) -> Prediction:
    facts = dict(zip((*_COLUMNS, "seq"), row, strict=True))
    facts.update(
        (name, msgspec.json.decode(facts[name])) for name in _JSON if facts[name] is not None
    )
    return Prediction(**facts)


def open_reader(path: Path) -> sqlite3.Connection:
    """Open a ledger file for reading; a file of a later format is refused."""
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True, isolation_level=None)
    try:
        # Not mode=ro: after a kill the first reader must be allowed to recover the WAL.
        db.execute("PRAGMA query_only = ON")
        check_format(db, path)
    except sqlite3.DatabaseError as fault:
        db.close()
        raise store_error(fault, path) from fault
    except BaseException:
        db.close()
        raise
    return db


def check_format(db: sqlite3.Connection, path: Path) -> int:
    """Refuse a file that is no ledger, or of a format this version does not read; return which."""
    (kind,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if kind != APPLICATION_ID:
        raise LedgerError(
            f"{path.name} is not a ledger.",
            code="ISB612",
            mend=f"move {path.name} out of the ledger folder",
        )
    if version not in _SELECTS:
        raise LedgerError(
            f"{path.name} has ledger format {version}; this isbjerg reads up to {FORMAT_VERSION}.",
            code="ISB612",
            mend="pip install --upgrade isbjerg",
            version=version,
        )
    return int(version)


class Ledger:
    """Read the predictions of all workers as one table.

    Each call opens the files it needs and sees what was committed when it began.

    Parameters
    ----------
    folder : Path
        ``.isbjerg/ledger``; a folder that does not exist is an empty ledger.

    Examples
    --------
    >>> Ledger(Path("nowhere")).count()
    0
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def find(self, prediction: str) -> Prediction | None:
        """Return the record of one id, or ``None``."""
        found = self._ask(" WHERE id = ?", (prediction,), {"id": [prediction]})
        return next(found, None)

    def of_units(self, keys: Iterable[str]) -> Iterator[Prediction]:
        """Return the records of these unit keys, oldest first."""
        names = list(keys)
        wanted = _ENCODER.encode(names).decode()
        where = " WHERE unit_key IN (SELECT value FROM json_each(?))"
        return self._ask(where, (wanted,), {"unit_key": names})

    def scan(
        self,
        *,
        since_us: int | None = None,
        until_us: int | None = None,
        model_version: int | None = None,
        newest_first: bool = False,
    ) -> Iterator[Prediction]:
        """Return records in the order of their ids, that is of their making.

        Parameters
        ----------
        since_us, until_us : int, optional
            Decision times: from, inclusive, and to, exclusive.
        model_version : int, optional
            Only of this one.
        newest_first : bool, default=False
            Turn the order round.
        """
        bounds = (("at_us >= ?", since_us), ("at_us < ?", until_us))
        wanted = [*bounds, ("model_version = ?", model_version)]
        given = [(text, value) for text, value in wanted if value is not None]
        where = " WHERE " + " AND ".join(text for text, _ in given) if given else ""
        values = tuple(v for _, v in given)
        return self._ask(where, values, dict(given), newest_first=newest_first)

    def count(self) -> int:
        """Return how many predictions there are."""
        total = sum(batch.rows for batch in self._batches())
        return total + sum(int(n) for (n,) in self._each("SELECT count(*) FROM predictions"))

    def span(self) -> tuple[int, int] | None:
        """Return the first and the last decision time that servers answered; ``None`` for none."""
        ends = self._each("SELECT min(at_us), max(at_us) FROM predictions")
        known = [at_us for pair in ends for at_us in pair if at_us is not None]
        return (min(known), max(known)) if known else None

    def count_finding(self, code: str, since_us: int) -> int:
        """Return how many answers of servers, from a decision time on, carry a finding of this code."""
        found = self._each(
            "SELECT count(*) FROM predictions WHERE at_us >= ? AND findings LIKE ?",
            (since_us, f'%"{code}"%'),
        )
        return sum(int(n) for (n,) in found)

    def hours(self, since_us: int, until_us: int) -> dict[int, int]:
        """Count predictions by the hour of their decision, hours since 1970; no hour counts none.

        Rows of batches are left out: they come when somebody asks for them, not by the hour.
        """
        counted: dict[int, int] = {}
        rows = self._each(
            "SELECT at_us / 3600000000, count(*) FROM predictions"
            " WHERE at_us >= ? AND at_us < ? GROUP BY 1",
            (since_us, until_us),
        )
        for hour, count in rows:
            counted[hour] = counted.get(hour, 0) + count
        return counted

    def known(self, *, ids: Iterable[str] = (), units: Iterable[str] = ()) -> set[str]:
        """Return which of these ids and unit keys have a prediction."""
        found: set[str] = set()
        asked = (("id", list(ids)), ("unit_key", list(units)))
        for path in self._files():
            with closing(open_reader(path)) as db:
                for column, names in asked:
                    rows = db.execute(
                        f"SELECT DISTINCT {column} FROM predictions "  # noqa: S608
                        f"WHERE {column} IN (SELECT value FROM json_each(?))",
                        (_ENCODER.encode(names).decode(),),
                    )
                    found.update(name for (name,) in rows)
        for column, names in asked:
            found.update(name for (name,) in self._in_batches({column: names}, (column,)))
        return found

    def _files(self) -> list[Path]:
        if not self._folder.is_dir():
            return []
        return sorted(p for p in self._folder.glob("*.db") if p.name != OUTCOMES)

    def _each(self, query: str, values: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
        """Ask each worker's file the same."""
        for path in self._files():
            with closing(open_reader(path)) as db:
                yield from db.execute(query, values)

    def _ask(
        self,
        where: str,
        values: tuple[Any, ...],
        conditions: Mapping[str, Any],
        *,
        newest_first: bool = False,
    ) -> Iterator[Prediction]:
        """Ask the workers' files in SQL, the batches by the same conditions; merge by id."""
        order = f" ORDER BY id {'DESC' if newest_first else 'ASC'}"
        files = [self._rows(path, where + order, values) for path in self._files()]
        batched = (
            _from_row((*row, 0))
            for row in self._in_batches(conditions, _COLUMNS, newest_first=newest_first)
        )
        merged = heapq.merge(*files, batched, key=lambda p: p.id, reverse=newest_first)
        return iter(merged)

    def _batches(self) -> Sequence[Batch]:
        return self._parts.all() if (self._folder / BATCHES).is_dir() else ()

    def _in_batches(
        self,
        conditions: Mapping[str, Any],
        columns: tuple[str, ...],
        *,
        newest_first: bool = False,
    ) -> Iterator[tuple[Any, ...]]:
        if not (self._folder / BATCHES).is_dir():
            return iter(())
        return self._parts.rows(conditions, columns, newest_first=newest_first)

    @property
    def _parts(self) -> BatchParts:
        # It brings Polars, which a server does without.
        from isbjerg.storage.batch_parts import BatchParts  # noqa: PLC0415

        return BatchParts(self._folder)

    @staticmethod
    def _rows(path: Path, which: str, values: tuple[Any, ...]) -> Iterator[Prediction]:
        with closing(open_reader(path)) as db:
            select = _SELECTS[check_format(db, path)]  # a writer may add a column: that reads on
            yield from map(_from_row, db.execute(select + which, values))
