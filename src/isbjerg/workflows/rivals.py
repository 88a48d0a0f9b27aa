"""Score models of earlier runs on this run's rows: the live one, or that of the run before."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.data.versions import DataVersion
from isbjerg.errors import IsbjergError
from isbjerg.features.assembly import assemble
from isbjerg.features.knowledge import Decision
from isbjerg.features.sets import FeatureSet
from isbjerg.workflows.bundles import load_bundle
from isbjerg.workflows.columns_read import slot_columns
from isbjerg.workflows.fitting import score
from isbjerg.workflows.preparing import Prepared
from isbjerg.workflows.truths import align_classes
from isbjerg.workflows.units import AT
from isbjerg.workflows.workspace import Workspace


def readable_set(
    workspace: Workspace, bundle: str, decision: Decision, versions: Mapping[str, DataVersion]
) -> FeatureSet | None:
    """Return what a bundle reads; ``None`` when the data does not hold it any more."""
    try:
        model, _ = load_bundle(workspace, bundle)
    except IsbjergError:
        return None
    made = model.feature_set
    types = {name: dict(version.schema) for name, version in versions.items()}
    own = types[decision.source.name]
    there = all(own.get(column) is type_ for column, type_ in made.columns) and all(
        set(slot_columns(slot)) <= set(types.get(slot.source, {})) for slot in made.slots
    )
    return made if there and model.unit.source == decision.source.name else None


def scores_of(
    workspace: Workspace, bundle: str, prepared: Prepared, units: pl.DataFrame
) -> NDArray[np.float64] | None:
    """Score a bundle on units; ``None`` when that is not possible any more."""
    own = [c for c in units.columns if not c.startswith(("slot:", "feature:"))]
    try:
        model, files = load_bundle(workspace, bundle)
        made = model.feature_set
        if not {c for c, _ in made.columns} <= set(own) or not _facts_there(made, prepared.facts):
            return None
        there = made in prepared.sets.values()  # then its features have been assembled already
        rows = units if there else assemble(units.select(own), AT, made, prepared.facts)
        scores = score(model, files, rows)
        return align_classes(scores, model.classes, prepared.classes)
    except (IsbjergError, pl.exceptions.PolarsError):
        return None


def _facts_there(made: FeatureSet, facts: Mapping[str, pl.DataFrame]) -> bool:
    return all(
        slot.source in facts and set(slot_columns(slot)) <= set(facts[slot.source].columns)
        for slot in made.slots
    )
