"""What a run did to the primary metric against the run before it, on the same rows.

It is worked out while the run has its test rows at hand, and recorded with it: the journal only
reads.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from isbjerg.evaluation.comparison import Comparison
from isbjerg.evaluation.ladder import Ladder
from isbjerg.evaluation.sampling import Rows, Sample
from isbjerg.storage.catalog.records import Run
from isbjerg.workflows.fitting import FittedRung
from isbjerg.workflows.preparing import Prepared
from isbjerg.workflows.rivals import scores_of
from isbjerg.workflows.workspace import Workspace


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the primary metric since another run.

    Parameters
    ----------
    run : str
        The run before.
    comparison : Comparison or None
        This run's chosen rung against that run's, on this run's test rows.
    why : str
        Why there is no comparison.
    """

    run: str
    comparison: Comparison | None = None
    why: str = ""


def run_before(workspace: Workspace, parent: str | None = None) -> Run | None:
    """Return the run that a new one follows: the one named, else the newest that finished."""
    if parent is not None:
        return workspace.catalog.run(parent)
    found = (s.id for s in workspace.catalog.runs() if s.status == "finished")
    newest = next(found, None)
    return None if newest is None else workspace.catalog.run(newest)


def chosen_bundle(workspace: Workspace, run: Run) -> str | None:
    """Return the bundle of the rung that a run chose, if it was kept."""
    kept = run.report.get("bundles", {}).get(run.chosen)
    if kept is not None:
        return str(kept)
    models = workspace.catalog.model_versions()
    return next((m.bundle for m in models if m.run == run.id), None)


def effect(
    workspace: Workspace,
    before: Run,
    measure_hash: str,
    prepared: Prepared,
    ladder: Ladder,
    *,
    rungs: Mapping[str, FittedRung],
    test: Rows,
    samples: Mapping[str, Mapping[str, Sample]],
) -> Effect:
    """Compare the chosen rung with the one that an earlier run chose."""
    if before.measure_hash != measure_hash:
        return Effect(run=before.id, why="it measured something else")
    bundle = chosen_bundle(workspace, before)
    if bundle is None:
        return Effect(run=before.id, why="its model was not kept")
    own = samples[ladder.chosen][ladder.primary]
    chosen = rungs[ladder.chosen].bundle
    if chosen is not None and bundle == chosen.hash:
        theirs = own
    else:
        scores = scores_of(workspace, bundle, prepared, prepared.part("test"))
        if scores is None:
            return Effect(run=before.id, why="the data does not hold what its model reads any more")
        theirs = test.sample([ladder.primary], scores)[ladder.primary]
    names = (f"{ladder.chosen}", f"{before.id} ({before.chosen})")
    return Effect(run=before.id, comparison=test.compared(own, theirs, names))
