"""Outcomes: what came true, joined to predictions by id or by the unit's key.

An outcome arrives days after its prediction, sometimes twice, sometimes corrected, sometimes
before the prediction's worker has shipped its file. So nothing here is ever overwritten: the
same again is a duplicate and only counted, a different value is a correction appended to the
history, and an outcome without a prediction is kept and matched when the prediction shows up.
"""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any, Literal

import msgspec

from isbjerg.storage.durable import make_folder
from isbjerg.storage.ledger import Ledger, Prediction
from isbjerg.storage.sqlite_files import open_file
from isbjerg.times import Clock

FORMAT_VERSION = 1
"""Layout of outcomes.db, also its ``PRAGMA user_version``."""

Ref = Literal["id", "unit"]

_SCHEMA = f"""
BEGIN IMMEDIATE;
CREATE TABLE outcomes (
  n          INTEGER PRIMARY KEY AUTOINCREMENT,
  by         TEXT    NOT NULL CHECK (by IN ('id', 'unit')),
  ref        TEXT    NOT NULL,
  value      TEXT    NOT NULL,
  known_us   INTEGER NOT NULL,
  settled_us INTEGER NOT NULL,
  source     TEXT    NOT NULL,
  corrects   INTEGER REFERENCES outcomes (n),
  matched    INTEGER NOT NULL
);
CREATE INDEX outcomes_by_ref ON outcomes (by, ref, n);
CREATE INDEX outcomes_unmatched ON outcomes (by, ref) WHERE NOT matched;
PRAGMA user_version = {FORMAT_VERSION};
COMMIT;
"""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came true for a prediction or for a unit.

    Parameters
    ----------
    by : {"id", "unit"}
        Whether `ref` is a prediction's id or a unit's key as the ledger writes it.
    ref : str
        Which one.
    value : Any
        The outcome's carrier; ``None`` says that it is known that there is none.
    known_us : int
        When it became known.
    """

    by: Ref
    ref: str
    value: Any
    known_us: int


class Settled(Outcome, frozen=True, kw_only=True):
    """An outcome as the store keeps it: its number, when and from which file, what it corrects."""

    n: int
    settled_us: int
    source: str
    corrects: int | None
    matched: bool


class Settlement(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the outcomes of one file."""

    new: int
    duplicates: int
    corrections: int
    unmatched: int
    matched_late: int


_SELECT = "SELECT by, ref, value, known_us, n, settled_us, source, corrects, matched FROM outcomes"


def _text(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _read(row: tuple[Any, ...]) -> Settled:
    by, ref, value, known_us, n, settled_us, source, corrects, matched = row
    return Settled(
        by=by,
        ref=ref,
        value=msgspec.json.decode(value),
        known_us=known_us,
        n=n,
        settled_us=settled_us,
        source=source,
        corrects=corrects,
        matched=bool(matched),
    )


def _before(db: sqlite3.Connection, one: Outcome) -> Sequence[tuple[int, str, str]]:
    """Return what was said under an outcome's reference, newest first: number, value, file."""
    return db.execute(
        "SELECT n, value, source FROM outcomes WHERE by = ? AND ref = ? ORDER BY n DESC",
        (one.by, one.ref),
    ).fetchall()


def _overtaken(before: Sequence[tuple[int, str, str]], value: str, source: str) -> bool:
    """Say whether a file said a value before and something else was said since."""
    return bool(before) and before[0][1] != value and (value, source) in {b[1:] for b in before}


class Outcomes:
    """Keep outcomes in ``.isbjerg/ledger/outcomes.db``, or wherever `path` says.

    Parameters
    ----------
    path : Path
        The file; made when missing.
    clock : Clock
        When outcomes are settled.
    """

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        make_folder(path.parent)
        with closing(self._open()):
            pass

    def settle(
        self, outcomes: Iterable[Outcome], *, source: str, ledger: Ledger, plan: bool = False
    ) -> Settlement:
        """Take in the outcomes of one file, all or none.

        Settling the same file twice changes nothing. A value that differs from the newest one
        of its unit is a correction; but one that this very file has said before is not, so a
        file that is settled again after a correction does not undo it.

        Parameters
        ----------
        outcomes : iterable of Outcome
            At most one per prediction or unit; of several, the later corrects the earlier.
        source : str
            Hash of the file they come from.
        ledger : Ledger
            To match them, and those that waited, with predictions.
        plan : bool, default=False
            Only say what would become of them.
        """
        given = list(outcomes)
        known = ledger.known(
            ids=(o.ref for o in given if o.by == "id"),
            units=(o.ref for o in given if o.by == "unit"),
        )
        now_us = self._clock()
        with self._transaction(keep=not plan) as db:
            kinds = [self._take(db, one, source, now_us, matched=one.ref in known) for one in given]
            late = self._match(db, ledger)
        return Settlement(
            new=kinds.count("new"),
            duplicates=kinds.count("duplicate"),
            corrections=kinds.count("correction"),
            unmatched=sum(1 for o in given if o.ref not in known),
            matched_late=late,
        )

    def stand(self, outcomes: Iterable[Outcome], *, source: str) -> list[bool]:
        """Say of each outcome whether it is, or would be, the newest word about its unit.

        One that this file has said before and another has corrected since is not; settling the
        file again does not change that.

        Parameters
        ----------
        outcomes : iterable of Outcome
            Of one file.
        source : str
            Hash of the file.
        """
        with closing(self._open()) as db:
            return [not _overtaken(_before(db, one), _text(one.value), source) for one in outcomes]

    def rematch(self, ledger: Ledger) -> int:
        """Match outcomes that waited for their prediction; return how many found it."""
        with self._transaction() as db:
            return self._match(db, ledger)

    def newest(self, predictions: Iterable[Prediction]) -> dict[str, Settled]:
        """Return the newest outcome of each prediction that has one, by prediction id.

        One settled by the prediction's id wins over one of its unit only when it is newer.
        """
        with closing(self._open()) as db:
            found = {p.id: self._newest(db, p.id, p.unit_key) for p in predictions}
        return {name: settled for name, settled in found.items() if settled is not None}

    def history(self, by: Ref, ref: str) -> list[Settled]:
        """Return everything ever settled under one reference, oldest first."""
        return self._ask(" WHERE by = ? AND ref = ? ORDER BY n", (by, ref))

    def unmatched(self) -> list[Settled]:
        """Return outcomes that have no prediction yet, oldest first."""
        return self._ask(" WHERE NOT matched ORDER BY n", ())

    def count(self) -> int:
        """Return how many outcomes are kept, corrections included."""
        with closing(self._open()) as db:
            return int(db.execute("SELECT count(*) FROM outcomes").fetchone()[0])

    def _take(
        self, db: sqlite3.Connection, one: Outcome, source: str, now_us: int, *, matched: bool
    ) -> Literal["new", "duplicate", "correction"]:
        value, before = _text(one.value), _before(db, one)
        if before and (before[0][1] == value or _overtaken(before, value, source)):
            return "duplicate"
        corrects = before[0][0] if before else None
        db.execute(
            "INSERT INTO outcomes (by, ref, value, known_us, settled_us, source, corrects, matched)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (one.by, one.ref, value, one.known_us, now_us, source, corrects, matched),
        )
        return "correction" if before else "new"

    def _match(self, db: sqlite3.Connection, ledger: Ledger) -> int:
        waiting: dict[Ref, list[str]] = {"id": [], "unit": []}
        for by, ref in db.execute("SELECT DISTINCT by, ref FROM outcomes WHERE NOT matched"):
            waiting[by].append(ref)
        if not any(waiting.values()):
            return 0
        known = ledger.known(ids=waiting["id"], units=waiting["unit"])
        found = [(by, ref) for by, refs in waiting.items() for ref in refs if ref in known]
        db.executemany("UPDATE outcomes SET matched = 1 WHERE by = ? AND ref = ?", found)
        return len(found)

    @staticmethod
    def _newest(db: sqlite3.Connection, prediction: str, unit: str) -> Settled | None:
        row = db.execute(
            _SELECT + " WHERE (by = 'id' AND ref = ?) OR (by = 'unit' AND ref = ?)"
            " ORDER BY n DESC LIMIT 1",
            (prediction, unit),
        ).fetchone()
        return None if row is None else _read(row)

    def _ask(self, where: str, values: tuple[str, ...]) -> list[Settled]:
        with closing(self._open()) as db:
            return [_read(row) for row in db.execute(_SELECT + where, values)]

    @contextlib.contextmanager
    def _transaction(self, *, keep: bool = True) -> Iterator[sqlite3.Connection]:
        with closing(self._open()) as db:
            db.execute("BEGIN IMMEDIATE")
            yield db  # closing without COMMIT is a rollback
            if keep:
                db.execute("COMMIT")

    def _open(self) -> sqlite3.Connection:
        return open_file(self._path, _SCHEMA, FORMAT_VERSION)
