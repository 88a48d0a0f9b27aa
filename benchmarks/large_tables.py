"""What does a table larger than its budget of memory take, through ingest, features, trees, the gate?"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.figures import Figure, against
from benchmarks.large_project import write
from isbjerg.frame.sizes import parse_size

_LOOK_S = 0.02
_MIB = 2**20


class _Case(NamedTuple):
    reader: str
    rows: int
    memory: str


_CASES = (
    _Case("parquet", 1_000_000, "256 MiB"),
    _Case("csv", 1_000_000, "256 MiB"),
    _Case("parquet", 3_000_000, "1 GB"),
)


def figures(*, quick: bool) -> Iterator[Figure]:
    """Yield the peak of each case against its budget, for `ingest` and the `run` after it."""
    cases = (_Case("parquet", 200_000, "256 MiB"),) if quick else _CASES
    for case in cases:
        with tempfile.TemporaryDirectory() as folder:
            project = Path(folder) / "payments"
            write(project, rows=case.rows, memory=case.memory, reader=case.reader)
            for verb in ("ingest", "run"):
                words = [sys.executable, "-m", "isbjerg", "-C", str(project), "--quiet", verb]
                peak, seconds = own_memory(words)
                yield against(
                    f"large_tables.{verb}",
                    peak / _MIB,
                    parse_size(case.memory) / _MIB,
                    unit="MiB",
                    conditions=(
                        f"{case.rows:,} rows of 40 columns from {case.reader}; reference: the "
                        f"budget, {case.memory}; {seconds:.0f} s"
                    ),
                )


def own_memory(command: Sequence[str]) -> tuple[int, float]:
    """Run a command; return its peak of own memory in bytes, and its seconds.

    Pages of mapped files are not counted: the system takes them back when others need the room.
    """
    start, peak = time.perf_counter(), 0
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while process.poll() is None:
        peak = max(peak, _anonymous_bytes(process.pid))
        time.sleep(_LOOK_S)
    if process.returncode:
        raise RuntimeError(f"`{' '.join(command)}` ended with {process.returncode}.")
    return peak, time.perf_counter() - start


def _anonymous_bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:  # it has ended since
        return 0
    found = next((line for line in lines if line.startswith("RssAnon:")), "RssAnon: 0 kB")
    return int(found.split()[1]) * 1024
