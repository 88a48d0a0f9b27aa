"""Assembly: the features of many units, each as known at its own decision time.

There is one assembly. Training, back-tests and batch scoring call it on tables; the server
computes the same values one by one with :mod:`isbjerg.features.online` and the generated
Python function. What a fact is, when it is visible and what a slot sees is written in
:mod:`isbjerg.features.sets`; this module only looks up timelines and evaluates the steps.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import polars as pl

from isbjerg.errors import ArgumentError, KnowledgeError
from isbjerg.expressions.polars import polars_type, to_polars
from isbjerg.expressions.tree import Type, names
from isbjerg.features.facts import contributions, match_text
from isbjerg.features.fixed_point import SCALE
from isbjerg.features.sets import FIXED_POINT_BITS, FeatureSet, Slot, Step
from isbjerg.features.timelines import build


def assemble(
    units: pl.DataFrame, at: str, feature_set: FeatureSet, facts: Mapping[str, pl.DataFrame]
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
    The units are sorted by time once; each slot costs one sort of its facts and one as-of
    join. Adding a fact that is visible at or after a unit's grid point changes nothing for
    that unit.
    """
    _check(units, at, feature_set, facts)
    slots = [(s, facts[s.source]) for s in feature_set.slots]
    return _with_steps(_with_slots(units, at, slots), feature_set.steps)


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
    units: pl.DataFrame, at: str, slots: Sequence[tuple[Slot, pl.DataFrame]]
) -> pl.DataFrame:
    """Look every slot up, with the units in order of time, and put them back in theirs."""
    if not slots:
        return units
    order = units[at].cast(pl.Int64).arg_sort()
    back = order.arg_sort()
    sorted_units = units[order]
    looked_up: list[pl.Series] = []
    for slot, facts in slots:
        asked = _ask(sorted_units, at, slot)
        found = _look_up(asked, build(contributions(facts, slot), slot))
        values = found.select(_read(slot).cast(polars_type(slot.type)))
        looked_up.append(values.to_series()[back].alias(f"slot:{slot.name}"))
    return units.with_columns(looked_up)


def _ask(units: pl.DataFrame, at: str, slot: Slot) -> pl.DataFrame:
    """Say for each unit what it matches and from which grid point it looks."""
    t = pl.col(at).cast(pl.Int64)
    grid = t - t % slot.refresh_us if slot.refresh_us else t
    match = match_text(units, [column for _, column in slot.on])
    return units.select(grid.alias("g"), match.alias("_on"))


def _look_up(asked: pl.DataFrame, timeline: pl.DataFrame) -> pl.DataFrame:
    """Find the last change strictly before each grid point."""
    return asked.join_asof(
        timeline,
        left_on="g",
        right_on="change_at",
        by="_on",
        strategy="backward",
        allow_exact_matches=False,
        check_sortedness=False,  # both sides are sorted here
    )


def _read(slot: Slot) -> pl.Expr:
    """Read a slot's value from the state found; see :func:`fixed_point.from_fixed`."""
    if slot.kind == "newest":
        value = pl.col("value")
        if slot.max_age_us is None:
            return value
        age = pl.col("g") - pl.col("position")
        return pl.when(age <= slot.max_age_us).then(value)
    count = pl.col("count").fill_null(0)
    total = pl.col("total").fill_null(0)
    if slot.aggregate == "count":
        return count
    if slot.aggregate == "sum" and slot.type is not Type.FLOAT:
        return (total // pl.lit(2**FIXED_POINT_BITS, pl.Int128)).cast(pl.Int64, strict=False)
    summed = total.cast(pl.Float64) / SCALE
    if slot.aggregate == "sum":
        return summed
    return pl.when(count > 0).then(summed / count.cast(pl.Float64))


def _with_steps(table: pl.DataFrame, steps: Sequence[Step]) -> pl.DataFrame:
    """Evaluate the steps, those that do not need each other at once."""
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
