"""The ledger's part of a prediction, beside a bare SQLite table with the same promise."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from benchmarks.figures import Figure, against
from benchmarks.measuring import interleaved, median, spread, wall
from isbjerg.storage.ids import Ids
from isbjerg.storage.ledger import INSERT, SCHEMA, Prediction, to_row
from isbjerg.storage.ledger_writer import LedgerWriter
from isbjerg.times import system_clock

COLUMNS = {f"c{number}": 0.5 + number for number in range(10)}


def ledger_layers(folder: Path, *, quick: bool) -> Iterator[Figure]:
    """Yield microseconds per row until it is durable: one at a time, and 32 at once."""
    ids = Ids(system_clock)
    writer = LedgerWriter(folder / "worker.db", system_clock)
    bare = bare_table(folder / "bare.db")
    try:
        for width in (1, 32):
            rows = width * (10 if quick else 50)
            ours = wall(partial(in_waves, rows, width, partial(append, writer, ids)))
            theirs = wall(partial(in_waves, rows, width, partial(insert, bare, ids)))
            costs = interleaved({"isbjerg": ours, "bare": theirs}, rounds=5 if quick else 11)
            yield against(
                f"single_row.ledger{width}",
                1e6 * median(costs["isbjerg"]) / rows,
                1e6 * median(costs["bare"]) / rows,
                unit="us",
                conditions=(
                    f"{width} at once, {rows} rows; reference: sqlite3, WAL, synchronous=FULL, one "
                    f"transaction for the {width}; {spread(costs['isbjerg'])}"
                ),
            )
    finally:
        writer.close()
        bare.close()


def in_waves(rows: int, width: int, write: Callable[[int], None]) -> None:
    """Write so many rows, `width` of them at once."""
    for _ in range(rows // width):
        write(width)


def append(writer: LedgerWriter, ids: Ids, width: int) -> None:
    """Hand records to the ledger and wait until all are durable."""
    for waiting in [writer.append(prediction(ids.draw())) for _ in range(width)]:
        waiting.result()


def insert(db: sqlite3.Connection, ids: Ids, width: int) -> None:
    """Write the same records in one transaction, on the calling thread."""
    db.execute("BEGIN IMMEDIATE")
    db.executemany(INSERT, [to_row(prediction(ids.draw())) for _ in range(width)])
    db.execute("COMMIT")


def bare_table(path: Path) -> sqlite3.Connection:
    """Make the ledger's table in a file of its own."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.executescript(SCHEMA)
    return db


def prediction(name: str) -> Prediction:
    """Make a record of ten columns and ten features."""
    return Prediction(
        id=name,
        epoch=1,
        unit_key=f'["{name}"]',
        subject=None,
        at_us=0,
        received_us=0,
        route="live",
        why="the live model",
        model_version=1,
        bundle="0" * 64,
        score=0.25,
        inputs=COLUMNS,
        slots={},
        features=COLUMNS,
        findings=[],
        latency_us=100,
    )
