"""Processor time of ``import isbjerg`` over a bare interpreter."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.figures import Figure, against
from benchmarks.measuring import interleaved, median, process_cpu_s, python, spread

# What a user's first line pays, and what the first use of the public face pays.
STATEMENTS = {
    "isbjerg": "import isbjerg",
    "face": "import isbjerg as ib; [getattr(ib, name) for name in getattr(ib, '__all__', ())]",
}


def figures(*, quick: bool) -> Iterator[Figure]:
    """Yield what each statement costs more than the start of the interpreter, its reference."""
    works = {name: process_cpu_s(python("-c", code)) for name, code in STATEMENTS.items()}
    works["bare"] = process_cpu_s(python("-c", "pass"))
    costs = interleaved(works, rounds=7 if quick else 41)
    bare = median(costs["bare"])
    for name, code in STATEMENTS.items():
        yield against(
            f"import_time.{name}",
            1e3 * (median(costs[name]) - bare),
            1e3 * bare,
            unit="ms CPU",
            conditions=f"`{code}` over `python -c pass`, the reference; {spread(costs[name])}",
        )
