"""Put into a ledger what a server would have answered, without a request for each.

The live bundle scores the units of a table with what was known at each decision, by the same
assembly that trains; parity of that with a server is held elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from isbjerg.features.assembly import assemble
from isbjerg.models.answers import read_score
from isbjerg.project import Project
from isbjerg.storage.ids import Ids
from isbjerg.storage.ledger import Prediction, unit_key
from isbjerg.storage.ledger_writer import LedgerWriter
from isbjerg.workflows.bundles import load_bundle
from isbjerg.workflows.columns_read import slot_columns
from isbjerg.workflows.fitting import score
from isbjerg.workflows.promote import live_version
from isbjerg.workflows.stored_facts import facts_with_posted

Record = dict[str, Any]


def answer(
    project: Project,
    units: pl.DataFrame,
    at: pl.Expr,
    *,
    twist: Callable[[Record], None] | None = None,
    copies: int = 1,
) -> int:
    """Record answers about units; return how many.

    Parameters
    ----------
    project : Project
        With a live model.
    units : DataFrame
        Rows of the unit's source.
    at : expression
        The time of the decision.
    twist : callable, optional
        Changes each record before it is written.
    copies : int
        How often each is asked, a microsecond apart.
    """
    with project._open() as workspace:
        model = live_version(workspace)
        assert model is not None
        bundle, files = load_bundle(workspace, model.bundle)
        made = bundle.feature_set
        read: dict[str, dict[str, None]] = {}
        for slot in made.slots:
            read.setdefault(slot.source, {}).update(dict.fromkeys(slot_columns(slot)))
        facts = {name: facts_with_posted(workspace, name, [*c]) for name, c in read.items()}
        rows = assemble(units.with_columns(at.alias("_at")).sort("_at"), "_at", made, facts)
        said = [
            read_score(tuple(s) if isinstance(s, list) else s, bundle.classes)
            for s in score(bundle, files, rows).tolist()
        ]
        asked = dict.fromkeys([*dict(made.columns), *bundle.unit.key, *bundle.unit.group])
        values = {
            "inputs": {name: _carriers(rows[name]) for name in asked},
            "slots": {s.name: _carriers(rows[f"slot:{s.name}"]) for s in made.slots},
            "features": {name: _carriers(rows[f"feature:{name}"]) for name in made.outputs},
        }
        ids, written = Ids(lambda: 0), []
        writer = LedgerWriter(workspace.store.ledger / "w1.db", lambda: 0)
        for place, at_us in enumerate(_carriers(rows["_at"])):
            for copy in range(copies):
                record: Record = {
                    group: {name: column[place] for name, column in columns.items()}
                    for group, columns in values.items()
                }
                answered, output = said[place]
                record |= {"score": answered, "output": output}
                record |= {"findings": [], "at_us": at_us + copy}
                if twist is not None:
                    twist(record)
                prediction = Prediction(
                    id=ids.draw(),
                    epoch=1,
                    unit_key=unit_key(record["inputs"][name] for name in bundle.unit.key),
                    subject=None,
                    received_us=at_us,
                    route="live",
                    why="the only route",
                    model_version=model.number,
                    bundle=model.bundle,
                    latency_us=1,
                    **record,
                )
                written.append(writer.append(prediction))
        for wait in written:
            wait.result()
        writer.close()
        return len(written)


def _carriers(column: pl.Series) -> list[Any]:
    return (column.to_physical() if column.dtype.is_temporal() else column).to_list()
