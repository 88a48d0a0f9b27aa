"""A project over a table of any size: payments, 40 columns, of which a few tell the outcome.

Written in batches, so that making it needs little memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq

NUMBERS = 34
_BATCH_ROWS = 1_000_000
_STATES = np.array(["open", "paid", "late", "lost"])
_SECONDS_PER_ROW = 1.5
_START_US = 1_600_000_000_000_000
_SETTLES_US = 3_600_000_000
"""An hour, so that outcomes of a small table are there in time too."""

FRAME = """\
objective = "Tell which payments will be disputed."

[unit]
source = "payments"
at     = "made"

[target]
feature = "disputed"
kind    = "binary"

[metric]
primary = "average_precision"

[run]
memory = "{memory}"
"""

SOURCES = """\
import isbjerg as ib


@ib.source(
    key="payment",
    known={{"*": ib.ahead("1h"), "outcome": "settled", "settled": "settled"}},
)
def payments():
    return ib.{reader}("{path}")
"""

FEATURES = """\
import isbjerg as ib

from sources import payments


@ib.target
def disputed(outcome):
    return outcome > 0


@ib.feature
def in_state(state):
    return state


@ib.feature
def disputed_before(past=ib.past(payments, by="customer", span="30d", refresh="1h")):
    return past[disputed].mean()
"""

FEATURE = """

@ib.feature
def f{number}(x{number}):
    return x{number}
"""

MODELS = """\
import isbjerg as ib

import features as f


@ib.candidate(features=[{features}])
def trees():
    return ib.boosted_trees(num_iterations=50, early_stopping_round=0)
"""


def write(
    folder: Path, *, rows: int, memory: str, numbers: int = NUMBERS, reader: str = "parquet"
) -> None:
    """Write the project and its table: Parquet, or CSV as `reader` says."""
    folder.mkdir(parents=True, exist_ok=True)
    path = f"payments.{reader}"
    names = [f"f{number}" for number in range(numbers)]
    features = ", ".join(f"f.{name}" for name in [*names, "in_state", "disputed_before"])
    files = {
        "frame.toml": FRAME.format(memory=memory),
        "sources.py": SOURCES.format(reader=reader, path=path),
        "features.py": FEATURES + "".join(FEATURE.format(number=n) for n in range(numbers)),
        "models.py": MODELS.format(features=features),
    }
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    (_write_csv if reader == "csv" else _write_parquet)(folder / path, batches(rows, numbers))


def batches(rows: int, numbers: int) -> Iterator[pl.DataFrame]:
    """Draw the table batch by batch."""
    rng = np.random.default_rng(20130101)
    for start in range(0, rows, _BATCH_ROWS):
        yield batch(rng, start, min(_BATCH_ROWS, rows - start), numbers=numbers)


def _write_csv(path: Path, frames: Iterator[pl.DataFrame]) -> None:
    with path.open("wb") as file:
        for number, frame in enumerate(frames):
            frame.write_csv(file, include_header=number == 0)


def _write_parquet(path: Path, frames: Iterator[pl.DataFrame]) -> None:
    first = next(frames).to_arrow()
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for frame in frames:
            writer.write_table(frame.to_arrow().cast(first.schema))


def batch(
    rng: np.random.Generator, start: int, rows: int, *, numbers: int = NUMBERS
) -> pl.DataFrame:
    """Draw the payments from a number on."""
    place = np.arange(start, start + rows)
    made = _START_US + (place * _SECONDS_PER_ROW * 1e6).astype(np.int64)
    x = {f"x{i}": rng.normal(size=rows) for i in range(numbers)}
    risk = x["x0"] + 0.5 * x["x1"] * x["x2"] - 2
    outcome = (rng.random(rows) < 1 / (1 + np.exp(-risk))).astype(np.int64)
    instant = pl.Datetime("us", "UTC")
    return pl.DataFrame(
        {
            "payment": place,
            "made": made,
            "settled": made + _SETTLES_US,
            "customer": rng.integers(0, 100_000, rows),
            "state": _STATES[rng.integers(0, 4, rows)],
            **x,
            "outcome": outcome,
        }
    ).with_columns(pl.col("made", "settled").cast(instant))
