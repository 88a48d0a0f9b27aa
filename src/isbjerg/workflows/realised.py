"""What came true of decisions: the truth of units as the facts tell it as of a time.

Settled outcomes are posted facts, landed flights are ingested ones; both are looked at here, so
it does not matter which way an outcome came.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.data.versions import ROW
from isbjerg.expressions.polars import polars_type, to_polars
from isbjerg.expressions.tree import names
from isbjerg.features.sets import LIVE_AT
from isbjerg.models.fitted import Class
from isbjerg.monitoring.quality import Due
from isbjerg.storage.ledger import Prediction
from isbjerg.workflows.project_files import Definitions
from isbjerg.workflows.stored_facts import facts_with_posted, physical
from isbjerg.workflows.truths import as_numbers
from isbjerg.workflows.units import TRUTH, outcome_known, typed_target
from isbjerg.workflows.workspace import Workspace


def due(
    workspace: Workspace,
    definitions: Definitions,
    decided: Sequence[Prediction],
    *,
    immature: int,
    as_of_us: int,
    classes: Sequence[Class] = (),
) -> Due:
    """Join decisions that are due with what came true; the first decision about a unit counts.

    Parameters
    ----------
    workspace, definitions
        Where facts are, and what the target is.
    decided : sequence of Prediction
        Decisions that are due, oldest first.
    immature : int
        How many there are after them.
    as_of_us : int
        What became known later is not used.
    classes : sequence
        The bundle's, of a multiclass target.
    """
    first: dict[str, Prediction] = {}
    for prediction in decided:
        first.setdefault(prediction.unit_key, prediction)
    truth = _truth_of(workspace, definitions, list(first), as_of_us)
    told = truth.is_not_null().to_numpy()
    kept = [p for p, known in zip(first.values(), told, strict=True) if known]
    return Due(
        decided=len(first),
        immature=immature,
        at_us=np.array([p.at_us for p in kept], dtype=np.int64),
        truth=as_numbers(truth.drop_nulls(), tuple(classes)),
        scores=_scores(kept, classes),
    )


def _scores(kept: Sequence[Prediction], classes: Sequence[Class]) -> NDArray[np.float64]:
    """Return what was answered; of classes, the probability of each, in the bundle's order."""
    if not classes:
        return np.array([p.score for p in kept], dtype=np.float64)
    said = [list((p.output or {}).get("probabilities", {}).values()) for p in kept]
    return np.array(said, dtype=np.float64).reshape(len(kept), len(classes))


def _truth_of(
    workspace: Workspace, definitions: Definitions, units: Sequence[str], as_of_us: int
) -> pl.Series:
    """Return the outcome of each unit, null where it is not known."""
    decision = definitions.decision
    source, key = decision.source.name, list(decision.source.key)
    version = workspace.catalog.latest_data_version(source)
    if version is None or not units:
        return pl.Series(TRUTH, [None] * len(units), pl.Boolean)
    types = {source: dict(version.schema)}
    target = typed_target(definitions.target, decision, types, definitions.frame.target.kind)
    known = outcome_known(target, decision)
    read = dict.fromkeys([*key, *names(target, "column"), *known.meta.root_names()])
    facts = facts_with_posted(workspace, source, [*read])
    live_us = pl.col(LIVE_AT).dt.epoch("us")
    known_us = pl.max_horizontal(known, live_us)
    newest = (
        facts.filter(known.is_not_null() & (known_us < as_of_us))
        .sort(ROW, maintain_order=True)
        .unique(key, keep="last", maintain_order=True)
        .select(*key, to_polars(target).alias(TRUTH))
    )
    values = [msgspec.json.decode(unit) for unit in units]
    asked = pl.DataFrame(
        [
            pl.Series(name, [v[place] for v in values], physical(types[source][name])).cast(
                polars_type(types[source][name])
            )
            for place, name in enumerate(key)
        ]
    )
    joined = asked.join(newest, on=key, how="left", maintain_order="left")
    return joined[TRUTH]
