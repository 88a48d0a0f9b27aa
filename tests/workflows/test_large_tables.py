"""A table larger than the memory that may be used is ingested within it.

How much a process held is asked of Linux. The same table with room enough is the control: it
shows that the table is as large as the test believes.
"""

from __future__ import annotations

import sys
from pathlib import Path

import polars as pl
import pytest
from benchmarks.large_project import write
from benchmarks.large_tables import own_memory

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="asks Linux how much memory is its own"),
]

MIB = 2**20


def ingest_mib(folder: Path, memory: str) -> float:
    """Ingest 200 MB of CSV, and return the peak."""
    write(folder, rows=270_000, memory=memory, reader="csv")
    assert (folder / "payments.csv").stat().st_size > 200e6
    peak, _ = own_memory([sys.executable, "-m", "isbjerg", "-C", str(folder), "--quiet", "ingest"])
    parts = list((folder / ".isbjerg" / "tables" / "payments").glob("*.parquet"))
    assert pl.scan_parquet(parts).select(pl.len()).collect().item() == 270_000
    return peak / MIB


def test_a_large_csv_file_is_ingested_within_the_budget(tmp_path: Path) -> None:
    assert ingest_mib(tmp_path / "roomy", "64 GB") > 450
    assert ingest_mib(tmp_path / "tight", "256 MiB") < 256
