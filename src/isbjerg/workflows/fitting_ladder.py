"""Fit the rungs of a ladder, and use a core that a fit leaves idle.

Fits of one thread are put beside each other where there is a second core: boosted trees on
threads of their own, everything else here, in order. What comes of it does not depend on that; a
fit is told the same rows and the same number of threads either way.

Boosted trees only, since the other libraries change settings of the whole process while they fit
(which warnings are recorded, for one). And of one thread only, since LightGBM keeps the number of
its threads for the whole process: a model that is scored by one thread would change it under a
fit by four. Where fits have more threads of their own, one after the other
uses the cores as well. And not while the project is served here: the idle core is the server's.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from queue import Empty, SimpleQueue

from isbjerg.frame.frame import Frame
from isbjerg.models.definitions import Candidate
from isbjerg.workflows.caching import Remembering
from isbjerg.workflows.fitting import FittedRung, fit_rung
from isbjerg.workflows.fitting_candidates import fit_threads
from isbjerg.workflows.preparing import Prepared
from isbjerg.workflows.progress import Stages
from isbjerg.workflows.project_files import CONSTANT
from isbjerg.workflows.remembered_fits import Recalled, keep, recall
from isbjerg.workflows.workspace import Workspace

BESIDE_MAX = 2
"""Fits on threads of their own at once: each has its rows encoded in memory."""

Fit = Callable[[], FittedRung]


def fit_rungs(
    workspace: Workspace,
    frame: Frame,
    prepared: Prepared,
    remembering: Remembering,
    stages: Stages,
) -> dict[str, FittedRung]:
    """Fit the constant and every rung of the ladder.

    A stage lasts until its rung is there. Of rungs that are fitted side by side it tells the
    time that the run waited for them, so that the stages of a run add up to its time.

    Parameters
    ----------
    workspace : Workspace
        Where the project is, and whether a server is at work beside the run.
    frame : Frame
        Target, metric and seed.
    prepared : Prepared
        What the rungs learn from.
    remembering : Remembering
        Where fits of earlier runs are.
    stages : Stages
        Times each rung.
    """
    names, folder = [CONSTANT, *prepared.rungs], workspace.folder
    recalled = {name: recall(name, prepared, frame, folder, remembering) for name in names}

    def fit(name: str) -> Fit:
        return lambda: fit_rung(name, prepared, frame, folder)

    chosen = [] if workspace.serving.live_workers() else _to_fit_beside(prepared, recalled)
    beside = _begun({name: fit(name) for name in chosen})
    rungs: dict[str, FittedRung] = {}
    for index, name in enumerate(names):
        found = recalled[name]
        with stages.stage(f"fit {name}", f"Fitting {name}", 0.35 + 0.4 * index / len(names)):
            made = beside[name].result() if name in beside else found.rung or fit(name)()
            if found.rung is None:
                keep(found, made, remembering)
            rungs[name] = made
    return rungs


def _to_fit_beside(prepared: Prepared, recalled: Mapping[str, Recalled]) -> list[str]:
    """Choose the rungs to fit on threads of their own; none where that would save no time."""
    candidates = {
        name: rung
        for name, rung in prepared.rungs.items()
        if isinstance(rung, Candidate) and recalled[name].rung is None
    }
    idle = (os.cpu_count() or 1) > fit_threads() == 1
    if len(candidates) < 2 or not idle or not prepared.shelf.is_memory:  # noqa: PLR2004 - a pair
        return []
    return [
        name
        for name, rung in candidates.items()
        if rung.spec.kind == "boosted_trees" and rung.spec.search is None
    ]


def _begun(fits: Mapping[str, Fit]) -> dict[str, Future[FittedRung]]:
    """Begin fits on threads that end with the process: an interrupted run does not wait for them."""
    futures: dict[str, Future[FittedRung]] = {name: Future() for name in fits}
    waiting: SimpleQueue[str] = SimpleQueue()
    for name in fits:
        waiting.put(name)

    def work() -> None:
        while True:
            try:
                name = waiting.get_nowait()
            except Empty:
                return
            try:
                futures[name].set_result(fits[name]())
            except BaseException as fault:  # noqa: BLE001 - it is raised where the rung is asked for
                futures[name].set_exception(fault)

    for _ in range(min(BESIDE_MAX, len(fits))):
        threading.Thread(target=work, name="isbjerg-fit", daemon=True).start()
    return futures
