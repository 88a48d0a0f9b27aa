from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.unit.workflows.kit import SetClock, opened, us
from tests.workflows import small_project

from isbjerg.errors import ModelError
from isbjerg.storage.plans import ServingFolder
from isbjerg.workflows import fitting_ladder
from isbjerg.workflows.train import run

NOW = datetime(2024, 5, 1, tzinfo=UTC)
AS_OF = us(datetime(2024, 4, 8, tzinfo=UTC))
TWO_TREES = small_project.MODELS.replace("def trees", "def small_trees") + (
    "\n\n@ib.candidate(features=[f.wind, f.at_shop])\n"
    "def trees():\n    return ib.boosted_trees(num_iterations=30, num_leaves=4)\n"
)


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    folder = small_project.write_project(tmp_path / "orders")
    (folder / "models.py").write_text(TWO_TREES)
    return folder


def bundles(
    folder: Path, cores: int, patch: pytest.MonkeyPatch, *, served: bool = False
) -> tuple[list[str], object, set]:
    """Run with so many cores; return the stages, the bundles of all rungs, the threads they took."""
    threads, fit = set(), fitting_ladder.fit_rung

    def seen(*given: object) -> object:
        threads.add(threading.current_thread().name)
        return fit(*given)  # type: ignore[arg-type]

    patch.setattr(fitting_ladder.os, "cpu_count", lambda: cores)
    patch.setattr(fitting_ladder, "fit_threads", lambda: 1)
    patch.setattr(fitting_ladder, "fit_rung", seen)
    if served:
        patch.setattr(ServingFolder, "live_workers", lambda _: ["w1"])
    with opened(folder, SetClock(NOW)) as (workspace, definitions):
        report = run(workspace, definitions, as_of_us=AS_OF, fresh=True)
        made = workspace.catalog.run(report.run).report["bundles"]
    patch.undo()
    return list(report.stages), made, threads


def test_bundles_are_the_same_side_by_side_and_one_after_the_other(
    orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stages, beside, threads = bundles(orders, 2, monkeypatch)
    same_stages, alone, one = bundles(orders, 1, monkeypatch)
    assert beside == alone
    assert len(beside) == 5  # type: ignore[arg-type]
    assert stages == same_stages
    assert threads == {"MainThread", "isbjerg-fit"}
    assert one == {"MainThread"}


def test_the_core_of_a_server_is_left_to_it(orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, _, threads = bundles(orders, 2, monkeypatch, served=True)
    assert threads == {"MainThread"}


def test_a_fault_of_a_fit_beside_is_raised_and_ends_the_run(
    orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(name: str, *given: object) -> object:
        if name == "small_trees":
            raise ModelError("It cannot learn.", code="ISB436")
        return fit(name, *given)  # type: ignore[arg-type]

    fit = fitting_ladder.fit_rung
    monkeypatch.setattr(fitting_ladder.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(fitting_ladder, "fit_threads", lambda: 1)
    monkeypatch.setattr(fitting_ladder, "fit_rung", fails)
    with opened(orders, SetClock(NOW)) as (workspace, definitions):
        with pytest.raises(ModelError, match="cannot learn"):
            run(workspace, definitions, as_of_us=AS_OF)
        assert workspace.catalog.runs()[0].status == "failed"


def test_a_rung_alone_is_fitted_here(orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The second run finds every rung but the changed one.
    with opened(orders, SetClock(NOW)) as (workspace, definitions):
        run(workspace, definitions, as_of_us=AS_OF)
    (orders / "models.py").write_text(TWO_TREES.replace("iterations=30", "iterations=31"))
    monkeypatch.setattr(fitting_ladder.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(fitting_ladder, "fit_threads", lambda: 1)
    monkeypatch.setattr(fitting_ladder.threading, "Thread", None)
    with opened(orders, SetClock(NOW)) as (workspace, definitions):
        report = run(workspace, definitions, as_of_us=AS_OF)
    assert [r.made for r in report.reused if r.kind == "rungs"] == [("trees",)]
