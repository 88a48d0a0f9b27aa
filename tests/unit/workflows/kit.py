"""What the tests of workflows share: a clock that is set, and a tiny project of loans.

Ten loans, one asked for each day; an outcome is known a week after. Small enough to count by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from isbjerg.times import parse_instant
from isbjerg.workflows.project_files import Definitions, load_definitions
from isbjerg.workflows.workspace import Workspace, open_workspace

DAY = timedelta(days=1)
START = datetime(2024, 1, 1, tzinfo=UTC)

FRAME = """\
objective = "Know which loans will not be paid back."

[unit]
source  = "loans"
at      = "asked"
subject = "person"

[target]
feature = "lost"
kind    = "binary"

[metric]
primary = "brier"
"""

SOURCES = """\
import isbjerg as ib


@ib.source(
    key="id",
    known={
        "id": ib.ahead("1h"),
        "asked": ib.ahead("1h"),
        "person": ib.ahead("1h"),
        "amount": ib.ahead("1h"),
        "unpaid": "closed",
        "closed": "closed",
    },
)
def loans():
    return ib.parquet("data/loans.parquet")
"""

FEATURES = """\
import isbjerg as ib

from sources import loans


@ib.target
def lost(unpaid):
    return unpaid > 0.0


@ib.feature
def size(amount):
    return amount


@ib.feature
def lost_before(past=ib.past(loans, by="person", span="30d")):
    return past[lost].sum()
"""

MODELS = """\
import isbjerg as ib

import features as f


@ib.rule
def large(s=f.size):
    return ib.when(s > 500.0).then(0.9).otherwise(0.1)
"""

FILES = {
    "frame.toml": FRAME,
    "sources.py": SOURCES,
    "features.py": FEATURES,
    "models.py": MODELS,
}


class SetClock:
    """A clock that shows what it was set to."""

    def __init__(self, at: datetime | str) -> None:
        self.set(at)

    def set(self, at: datetime | str) -> None:
        self.now_us = us(at) if isinstance(at, datetime) else parse_instant(at)

    def __call__(self) -> int:
        return self.now_us


def us(at: datetime) -> int:
    """Microseconds since 1970 of an instant."""
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def loans(count: int = 10, **columns: Any) -> pl.DataFrame:
    """Loan n is asked for on day n - 1, closed a week later; every third one is lost."""
    numbers = range(1, count + 1)
    table = {
        "id": list(numbers),
        "asked": [START + (n - 1) * DAY for n in numbers],
        "person": ["ann" if n % 2 else "bob" for n in numbers],
        "amount": [100.0 * n for n in numbers],
        "unpaid": [50.0 if n % 3 == 0 else 0.0 for n in numbers],
        "closed": [START + (n + 6) * DAY for n in numbers],
    }
    return pl.DataFrame({**table, **columns})


def write_project(folder: Path, table: pl.DataFrame | None = None, **files: str) -> Path:
    """Write the project of loans, with other texts for some files (``features=...``)."""
    (folder / "data").mkdir(parents=True, exist_ok=True)
    given = {name: files.get(name.split(".")[0], text) for name, text in FILES.items()}
    for name, text in given.items():
        (folder / name).write_text(text, encoding="utf-8")
    if table is not None:
        write_loans(folder, table)
    return folder


def write_loans(folder: Path, table: pl.DataFrame) -> None:
    table.write_parquet(folder / "data" / "loans.parquet")


@contextmanager
def opened(folder: Path, clock: SetClock) -> Iterator[tuple[Workspace, Definitions]]:
    """Open a project as a verb does."""
    definitions = load_definitions(folder)
    with open_workspace(folder, clock, "tester") as workspace:
        yield workspace, definitions
