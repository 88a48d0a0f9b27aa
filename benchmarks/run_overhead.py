"""What a run takes beside its bare fits; again unchanged, and with one feature changed."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import lightgbm
from sklearn.linear_model import LogisticRegression

from benchmarks.figures import Figure, against
from isbjerg.examples.projects import draft_example
from isbjerg.project import Project
from isbjerg.workflows.train import RunReport

CONDITIONS = "processor seconds of the whole process, libraries loaded before"
START_US = 1_790_000_000_000_000


def figures(*, quick: bool) -> Iterator[Figure]:
    """Yield processor seconds of a run, of the fits inside it, and of the runs after it.

    The reference is what the libraries' own fits (LightGBM's training, scikit-learn's logistic
    regression, on the arrays they were handed) took in that very run, so that a busy machine
    slows both.
    """
    as_of = "2013-02-01" if quick else "2013-06-01"
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "flights"
        draft_example(folder, full=not quick)
        project = Project(folder, clock=_processor_clock)
        project.run(as_of)  # reads the sources and loads the libraries
        full, fits = _timed(project, as_of, fresh=True)
        whole = sum(full.stages.values())
        features = full.stages["features"]
        told = f"{CONDITIONS}; reference: the library fits within"
        yield against("run_overhead.full", whole, fits, unit="s", conditions=told)
        without = f"{told}; without assembling features"
        yield against(
            "run_overhead.unassembled", whole - features, fits, unit="s", conditions=without
        )
        for name, seconds in full.stages.items():
            yield against(
                f"run_overhead.{name.replace(' ', '_')}", seconds, whole, unit="s",
                conditions="reference: the whole run",
            )  # fmt: skip
        again = f"{CONDITIONS}; reference: the full run"
        unchanged, _ = _timed(project, as_of)
        seconds = sum(unchanged.stages.values())
        yield against("run_overhead.unchanged", seconds, whole, unit="s", conditions=again)
        _change_a_feature(folder / "features.py")
        changed, _ = _timed(project, as_of)
        seconds = sum(changed.stages.values())
        yield against("run_overhead.one_feature", seconds, whole, unit="s", conditions=again)


def _processor_clock() -> int:
    """Tell processor time as if it were the time of day, so that stages are in processor seconds."""
    return START_US + time.process_time_ns() // 1000


def _timed(project: Project, as_of: str, *, fresh: bool = False) -> tuple[RunReport, float]:
    """Run, and add up what the libraries' fits took in it."""
    spent: list[float] = []
    with _counting(spent):
        report = project.run(as_of, fresh=fresh)
    return report, sum(spent)


@contextmanager
def _counting(spent: list[float]) -> Iterator[None]:
    """Time the fits of the two libraries wherever they are called, the binning of rows included."""

    def counted(work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **options: Any) -> Any:
            start = time.process_time()
            try:
                return work(*args, **options)
            finally:
                spent.append(time.process_time() - start)

        return timed

    with ExitStack() as stack:
        for owner, name in ((lightgbm, "train"), (LogisticRegression, "fit")):
            stack.enter_context(mock.patch.object(owner, name, counted(getattr(owner, name))))
        yield


def _change_a_feature(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if "h >= 17" not in text:
        raise RuntimeError("features.py has no `h >= 17` any more: change another feature here.")
    path.write_text(text.replace("h >= 17", "h >= 16"), encoding="utf-8")
