"""``python -m benchmarks NAME [--quick] [--json]``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator

import msgspec

from benchmarks.figures import Figure
from benchmarks.registry import benchmark, benchmark_names, question


def main() -> int:
    """Run the named benchmarks and show each figure as soon as it is there."""
    names = benchmark_names()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", choices=[*names, "all"], help="which to run")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, smaller tables")
    parser.add_argument("--json", action="store_true", help="one object per figure and line")
    given = parser.parse_args()
    if given.name is None:
        for name in names:
            print(f"{name:12}  {question(name)}")
        return 0
    chosen = names if given.name == "all" else [given.name]
    show(measured(chosen, quick=given.quick), as_json=given.json)
    return 0


def measured(names: list[str], *, quick: bool) -> Iterator[Figure]:
    """Yield the figures of each benchmark in turn."""
    for name in names:
        yield from benchmark(name).figures(quick=quick)


def show(figures: Iterator[Figure], *, as_json: bool) -> None:
    """Print JSON lines for programs, a table for people."""
    if not as_json:
        print(f"{'figure':36} {'value':>10} {'reference':>10} {'unit':8} {'ratio':>7}  conditions")
    for figure in figures:
        if as_json:
            sys.stdout.write(msgspec.json.encode(figure).decode() + "\n")
        else:
            print(
                f"{figure.name:36} {shown(figure.value):>10} {shown(figure.reference):>10} "
                f"{figure.unit:8} {shown(figure.ratio):>7}  {figure.conditions}"
            )
        sys.stdout.flush()


def shown(number: float | None) -> str:
    """Write a number for a column; nothing when there is none."""
    return "" if number is None else f"{number:,.4g}" if number < 1e4 else f"{number:,.0f}"


if __name__ == "__main__":
    sys.exit(main())
