"""Processor time of the command line over a bare interpreter; the budget is 60 ms."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Figure, against
from benchmarks.measuring import interleaved, median, process_cpu_s, python, spread

BUDGET_MS = 60.0


def figures(*, quick: bool) -> Iterator[Figure]:
    """Yield what ``isbjerg --help`` and ``isbjerg explain`` cost more than ``python -c pass``."""
    isbjerg = str(Path(sys.executable).with_name("isbjerg"))
    works = {
        "bare": process_cpu_s(python("-c", "pass")),
        "help": process_cpu_s([isbjerg, "--help"]),
        "explain": process_cpu_s([isbjerg, "explain", "ISB101"]),
    }
    costs = interleaved(works, rounds=7 if quick else 41)
    bare_ms = 1e3 * median(costs["bare"])
    for name in ("help", "explain"):
        over_ms = 1e3 * median(costs[name]) - bare_ms
        yield against(
            f"cli_start.{name}",
            over_ms,
            BUDGET_MS,
            unit="ms CPU",
            conditions=(
                f"over `python -c pass` ({bare_ms:.1f} ms); the reference is the budget; "
                f"{spread(costs[name])}"
            ),
        )
