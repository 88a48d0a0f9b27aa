"""What came true of decisions: the truth of units as the facts tell it as of a time.

Settled outcomes are posted facts, landed flights are ingested ones; both are looked at here, so
it does not matter which way an outcome came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl

from isbjerg.data.versions import ROW
from isbjerg.expressions.polars import polars_type, to_polars
from isbjerg.expressions.tree import names
from isbjerg.features.sets import LIVE_AT
from isbjerg.models.bundle import Bundle
from isbjerg.monitoring.quality import Due
from isbjerg.statistics.bootstrap import Blocks, blocks_of, time_blocks
from isbjerg.storage.ledger import Prediction, unit_key
from isbjerg.workflows.lists import list_blocks
from isbjerg.workflows.project_files import Definitions
from isbjerg.workflows.stored_facts import facts_with_posted, physical
from isbjerg.workflows.truths import as_numbers
from isbjerg.workflows.units import TRUTH, outcome_known, typed_target
from isbjerg.workflows.workspace import Workspace


class _Decided(NamedTuple):
    """What of a decision is measured; the record itself holds much more."""

    at_us: int
    said: float | tuple[float, ...]
    list_: str


def due(
    workspace: Workspace,
    definitions: Definitions,
    bundle: Bundle,
    decided: Iterable[Prediction],
    *,
    immature: int,
    as_of_us: int,
) -> Due:
    """Join decisions that are due with what came true; the first decision about a unit counts.

    Parameters
    ----------
    workspace, definitions
        Where facts are, and what the target is.
    bundle : Bundle
        What answered: its classes, and what makes a list.
    decided : iterable of Prediction
        Decisions that are due, oldest first.
    immature : int
        How many there are after them.
    as_of_us : int
        What became known later is not used.
    """
    first: dict[str, _Decided] = {}
    for prediction in decided:
        if prediction.unit_key not in first:
            first[prediction.unit_key] = _measured(prediction, bundle)
    truth = _truth_of(workspace, definitions, list(first), as_of_us)
    told = truth.is_not_null().to_numpy()
    kept = [one for one, known in zip(first.values(), told, strict=True) if known]
    scores = np.array([one.said for one in kept], dtype=np.float64)
    return Due(
        decided=len(first),
        immature=immature,
        blocks=_blocks(kept, ranked=bool(bundle.unit.group)),
        truth=as_numbers(truth.drop_nulls(), bundle.classes),
        scores=scores.reshape(len(kept), len(bundle.classes)) if bundle.classes else scores,
    )


def _measured(prediction: Prediction, bundle: Bundle) -> _Decided:
    """Take what was answered; of classes, the probability of each, in the bundle's order."""
    said: float | tuple[float, ...] = prediction.score
    if bundle.classes:
        said = tuple((prediction.output or {}).get("probabilities", {}).values())
    group = bundle.unit.group
    lists = unit_key(prediction.inputs.get(name) for name in group) if group else ""
    return _Decided(prediction.at_us, said, lists)


def _blocks(kept: Sequence[_Decided], *, ranked: bool) -> Blocks:
    """Say which decisions belong together: those of a day; of a ranking, those of a list."""
    at_us = np.array([one.at_us for one in kept], dtype=np.int64)
    if not ranked:
        return time_blocks(at_us)
    names = np.array([one.list_ for one in kept], dtype=np.str_)
    return list_blocks(blocks_of(names).ids, at_us)


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
