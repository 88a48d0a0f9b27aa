"""What a run takes beside its bare fits; again unchanged, and with one feature changed."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import lightgbm
from sklearn.linear_model import LogisticRegression

from benchmarks.figures import Figure, against
from benchmarks.measuring import median
from isbjerg.examples.projects import draft_example
from isbjerg.project import Project

ROUNDS = 5
START_US = 1_790_000_000_000_000
REFERENCE = (
    "the same library fits, one after the other, on ready arrays, with the same parameters and "
    "threads, in the same process and in turn"
)


class Cost(NamedTuple):
    """Seconds by the clock, and of processors, those of child processes included."""

    wall: float
    processor: float


def figures(*, quick: bool) -> Iterator[Figure]:
    """Yield seconds of a run against those of its bare fits, and of the runs after it.

    The fits are LightGBM's training, the binning of rows included, and scikit-learn's logistic
    regression, on the very arrays that a run handed them.
    """
    as_of, rounds = ("2013-02-01", 1) if quick else ("2013-06-01", ROUNDS)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "flights"
        draft_example(folder, full=not quick)
        project = Project(folder, clock=_processor_clock)
        fits: list[Callable[[], object]] = []
        with _recorded(fits):
            project.run(as_of)  # reads the sources and loads the libraries
        stages: list[dict[str, float]] = []

        def run() -> None:
            stages.append(project.run(as_of, fresh=True).stages)

        def bare() -> None:
            for fit in fits:
                fit()

        whole, alone = _in_turn(run, bare, rounds)
        told = f"{rounds} rounds, {os.cpu_count()} cores; reference: {REFERENCE}"
        yield from _both("whole", whole, alone, told)
        for name in stages[-1]:
            seconds = median([found[name] for found in stages[1:]])
            yield against(
                f"run_overhead.{name.replace(' ', '_')}", seconds, alone.processor, unit="s",
                conditions="seconds of processors, other threads' too; reference: the bare fits",
            )  # fmt: skip
        again = "reference: the whole run"
        yield from _both("unchanged", _cost(lambda: project.run(as_of)), whole, again)
        _change_a_feature(folder / "features.py")
        yield from _both("one_feature", _cost(lambda: project.run(as_of)), whole, again)


def _both(name: str, cost: Cost, reference: Cost, told: str) -> Iterator[Figure]:
    for kind, own, other in zip(("by the clock", "of processors"), cost, reference, strict=True):
        of = f"run_overhead.{name}{'' if kind == 'by the clock' else '_processor'}"
        yield against(of, own, other, unit="s", conditions=f"seconds {kind}; {told}")


def _in_turn(run: Callable[[], None], bare: Callable[[], None], rounds: int) -> tuple[Cost, Cost]:
    """Measure two works in turn, and return the medians; the first round is thrown away."""
    found: dict[str, list[Cost]] = {"run": [], "bare": []}
    for _ in range(rounds + 1):
        found["run"].append(_cost(run))
        found["bare"].append(_cost(bare))
    whole, alone = (
        Cost(*(median(seconds) for seconds in zip(*costs[1:], strict=True)))
        for costs in found.values()
    )
    return whole, alone


def _cost(work: Callable[[], object]) -> Cost:
    wall, before = time.perf_counter(), os.times()
    work()
    spent = zip(os.times()[:4], before[:4], strict=True)
    return Cost(time.perf_counter() - wall, sum(now - then for now, then in spent))


@contextmanager
def _recorded(fits: list[Callable[[], object]]) -> Iterator[None]:
    """Keep what is needed to do each fit again: the arrays, the parameters, what it watches."""
    train, logistic = lightgbm.train, LogisticRegression.fit

    def trained(
        parameters: dict[str, Any],
        rows: lightgbm.Dataset,
        rounds: int,
        *,
        valid_sets: list[lightgbm.Dataset],
        callbacks: list[Any],
    ) -> lightgbm.Booster:
        arrays, later = _given(rows), [_given(watched) for watched in valid_sets]

        def again() -> object:
            data = lightgbm.Dataset(**arrays)
            watched = [data.create_valid(each["data"], each["label"]) for each in later]
            return train(parameters, data, rounds, valid_sets=watched, callbacks=callbacks)

        fits.append(again)
        return train(parameters, rows, rounds, valid_sets=valid_sets, callbacks=callbacks)

    def fitted(model: LogisticRegression, design: Any, truth: Any) -> LogisticRegression:
        fits.append(lambda: logistic(LogisticRegression(**model.get_params()), design, truth))
        return logistic(model, design, truth)

    with ExitStack() as stack:
        stack.enter_context(mock.patch.object(lightgbm, "train", trained))
        stack.enter_context(mock.patch.object(LogisticRegression, "fit", fitted))
        yield


def _given(rows: lightgbm.Dataset) -> dict[str, Any]:
    """Say what a dataset is made of; it forgets its rows once it has binned them."""
    names = ("data", "label", "categorical_feature", "feature_name", "params")
    return {name: getattr(rows, name) for name in names}


def _processor_clock() -> int:
    """Tell processor time as if it were the time of day, so that stages are in processor seconds."""
    return START_US + time.process_time_ns() // 1000


def _change_a_feature(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if "h >= 17" not in text:
        raise RuntimeError("features.py has no `h >= 17` any more: change another feature here.")
    path.write_text(text.replace("h >= 17", "h >= 16"), encoding="utf-8")
