"""How things are timed: in turn, several times, by their median.

Machines are shared and get warm. Two things measured one after the other differ for reasons
that are not theirs, so contenders take turns within a round, and the order changes from round
to round.
"""

from __future__ import annotations

import gc
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping, Sequence


def interleaved(works: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Let each work measure itself once per round, in an order that rotates.

    Parameters
    ----------
    works : mapping of str to callable
        Each does its work once and returns what it cost.
    rounds : int
        How often each is measured, after one round that is thrown away.
    """
    names = list(works)
    costs: dict[str, list[float]] = {name: [] for name in names}
    for round_number in range(rounds + 1):
        turn = round_number % len(names)
        for name in names[turn:] + names[:turn]:
            cost = works[name]()
            if round_number:
                costs[name].append(cost)
    return costs


def median(costs: Sequence[float]) -> float:
    """Return the middle cost; unlike the mean it does not move when a neighbour wakes up."""
    return statistics.median(costs)


def spread(costs: Sequence[float]) -> str:
    """Say how far the middle half of the rounds lies apart, against the median."""
    if len(costs) < 4:
        return f"{len(costs)} rounds"
    low, _, high = statistics.quantiles(costs, n=4)
    middle = statistics.median(costs)
    return f"{len(costs)} rounds, middle half +-{50 * (high - low) / middle:.0f} %"


def wall(work: Callable[[], object]) -> Callable[[], float]:
    """Time `work` by the wall clock, in seconds, with the collector quiet."""

    def timed() -> float:
        gc.collect()
        gc.disable()
        try:
            start = time.perf_counter()
            work()
            return time.perf_counter() - start
        finally:
            gc.enable()

    return timed


def per_call_us(work: Callable[[], object], calls: int) -> Callable[[], float]:
    """Time one call of many, in microseconds by the wall clock; the loop's own share is counted."""

    def repeated() -> None:
        for _ in range(calls):
            work()

    timed = wall(repeated)
    return lambda: 1e6 * timed() / calls


def process_cpu_s(command: Sequence[str]) -> Callable[[], float]:
    """Run a command and count the processor seconds it used itself, user and system.

    Waiting for a busy machine costs no processor time, which makes this steadier than the clock.
    """

    def timed() -> float:
        sink = os.open(os.devnull, os.O_RDWR)
        actions = [(os.POSIX_SPAWN_DUP2, sink, stream) for stream in (0, 1, 2)]
        try:
            process = os.posix_spawnp(
                command[0], list(command), dict(os.environ), file_actions=actions
            )
            _, status, usage = os.wait4(process, 0)
        finally:
            os.close(sink)
        if status:
            code = os.waitstatus_to_exitcode(status)
            raise RuntimeError(f"`{' '.join(command)}` ended with {code}: run it to see why.")
        return usage.ru_utime + usage.ru_stime

    return timed


def python(*words: str) -> list[str]:
    """Write the command that runs the Python of this environment."""
    return [sys.executable, *words]
