"""Assembly: the features of many units, each as known at its own decision time.

There is one assembly. Training, back-tests and batch scoring call it on tables; the server
computes the same values one by one with :mod:`isbjerg.features.online` and the generated
Python function. What a fact is, when it is visible and what a slot sees is written in
:mod:`isbjerg.features.sets`; this module only looks up timelines and evaluates the steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from isbjerg.data.shelf import IN_MEMORY, Shelf
from isbjerg.errors import ArgumentError, KnowledgeError
from isbjerg.expressions.polars import polars_column, to_polars
from isbjerg.expressions.tree import names
from isbjerg.features.desk import LookupDesk
from isbjerg.features.sets import FeatureSet, Slot, Step

PLAIN = ("column", "slot", "feature")
"""Operations that only name a column that is there."""


def assemble(
    units: pl.DataFrame,
    at: str,
    feature_set: FeatureSet,
    facts: Mapping[str, pl.DataFrame],
    shelf: Shelf = IN_MEMORY,
) -> pl.DataFrame:
    """Compute a feature set for units, using only what was known when each was decided.

    Parameters
    ----------
    units : DataFrame
        One row for each decision, in carriers, with the columns of the feature set.
    at : str
        Name of the instant column with the decision times; any order, repeats allowed.
    feature_set : FeatureSet
        What to compute.
    facts : mapping of str to DataFrame
        For each source of a slot its facts: columns in carriers, ``_live_at``, ``_row``.
    shelf : Shelf, optional
        Where columns go that are too large for memory.

    Returns
    -------
    DataFrame
        `units`, rows and order kept, and the columns ``slot:NAME`` and ``feature:NAME``. A
        slot without a matching fact is null, or 0 for ``count`` and ``sum``.

    Raises
    ------
    KnowledgeError
        When a decision time is null: without it nothing can be said to be known. Drop or
        quarantine those rows first.
    ArgumentError
        When `facts` lacks a source: read it, or pass an empty table of its columns.

    Notes
    -----
    Slots that look at the same facts in the same way share the work (see
    :mod:`isbjerg.features.desk`): one order of the facts, one search of the units. Adding a fact
    that is visible at or after a unit's grid point changes nothing for that unit.
    """
    _check(units, at, feature_set, facts)
    columns = units.width + len(feature_set.slots) + len(feature_set.steps)
    shelf = shelf.of(8 * units.height * columns)
    looked_up = _with_slots(units, at, feature_set.slots, facts, shelf)
    return _with_steps(looked_up, feature_set.steps, shelf)


def _check(
    units: pl.DataFrame, at: str, feature_set: FeatureSet, facts: Mapping[str, pl.DataFrame]
) -> None:
    unknown = units[at].null_count()
    if unknown:
        raise KnowledgeError(
            f"{unknown} of {units.height} units have no decision time: '{at}' is null.",
            code="ISB311",
            mend=f"units.drop_nulls('{at}')",
            column=at,
            rows=unknown,
        )
    missing = sorted({s.source for s in feature_set.slots} - set(facts))
    if missing:
        raise ArgumentError(
            f"`facts` of `assemble` lacks {len(missing)} of the sources that the slots name.\n"
            f"Missing: {missing}\nFound: {sorted(facts)}",
            mend="read the source first, or pass its table without rows",
            missing=missing,
        )


def _with_slots(
    units: pl.DataFrame,
    at: str,
    slots: Sequence[Slot],
    facts: Mapping[str, pl.DataFrame],
    shelf: Shelf,
) -> pl.DataFrame:
    """Look every slot up."""
    if not slots:
        return units
    desk = LookupDesk(units, at, facts)
    return units.with_columns(
        shelf.put(desk.value(slot).alias(f"slot:{slot.name}")) for slot in slots
    )


def _with_steps(table: pl.DataFrame, steps: Sequence[Step], shelf: Shelf) -> pl.DataFrame:
    """Evaluate the steps, those that do not need each other at once, or else one by one."""
    if not shelf.is_memory:
        return _with_steps_one_by_one(table, steps, shelf)
    layer_of: dict[str, int] = {}
    layers: list[list[pl.Expr]] = []
    for step in steps:
        layer = 1 + max((layer_of[name] for name in names(step.node, "feature")), default=-1)
        layer_of[step.name] = layer
        if layer == len(layers):
            layers.append([])
        layers[layer].append(to_polars(step.node).alias(f"feature:{step.name}"))
    for layer_steps in layers:
        table = table.with_columns(layer_steps)
    return table


def _with_steps_one_by_one(
    table: pl.DataFrame, steps: Sequence[Step], shelf: Shelf
) -> pl.DataFrame:
    """Evaluate each step over the columns it reads: planning takes longer the more there are."""
    columns = dict(zip(table.columns, table.iter_columns(), strict=True))
    for step in steps:
        read = [columns[polars_column(op, n)] for op in PLAIN for n in names(step.node, op)]
        rows = pl.DataFrame(read) if read else table
        name = f"feature:{step.name}"
        made = rows.with_columns(to_polars(step.node).alias(name)).get_column(name)
        columns[name] = made if step.node.op in PLAIN else shelf.put(made)
    return pl.DataFrame(list(columns.values()))
