"""Keep with a model version what it looked like on its test rows, for `isbjerg watch`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.evaluation.ladder import Ladder
from isbjerg.expressions.tree import Type
from isbjerg.features.sets import FeatureSet
from isbjerg.findings import Finding
from isbjerg.monitoring.bins import bins_of
from isbjerg.monitoring.reference import SCORE, Counted, Reference, count_by_day
from isbjerg.times import DAY_US
from isbjerg.workflows.fitting import FittedRung
from isbjerg.workflows.preparing import Prepared
from isbjerg.workflows.project_files import CONSTANT
from isbjerg.workflows.units import AT, TRUTH_KNOWN

DELAY_QUANTILE = 0.95
"""An outcome is due when so many of the outcomes before were known after the same time."""

PARTS = 20
"""Into so many parts rows without a time are counted: they differ as chance lets them."""

_TIMES = (Type.INSTANT, Type.LOCAL, Type.DURATION)


def reference_of(
    prepared: Prepared,
    ladder: Ladder,
    rungs: Mapping[str, FittedRung],
    contract: Sequence[Finding],
) -> Reference:
    """Count the test rows of the chosen rung by days; where rows have no time, by equal parts.

    Parameters
    ----------
    prepared : Prepared
        The rows.
    ladder : Ladder
        What was measured, and what was chosen.
    rungs : mapping of str to FittedRung
        The scores.
    contract : sequence of Finding
        What the contract found in the unit's table.
    """
    units = prepared.part("test")
    chosen = rungs[ladder.chosen]
    dated = prepared.unit.at is not None
    day = units[AT].to_physical().to_numpy() // DAY_US
    if not dated:
        day = np.arange(units.height) % PARTS
    days, places = np.unique(day, return_inverse=True)
    places = places.reshape(-1)
    counted = _counted(units, chosen.carried.feature_set, prepared.unit.key, places, len(days))
    answers = pl.Series(SCORE, _countable(chosen.scores))
    counted[SCORE] = count_by_day(answers, places, len(days), bins_of(answers))
    metrics = ladder.row(chosen.name).metrics
    return Reference(
        days=tuple(int(d) for d in days),
        rows=tuple(int(n) for n in np.bincount(places, minlength=len(days))),
        counted=counted,
        metrics=metrics,
        primary=ladder.primary,
        constant=_constant(rungs),
        constant_metric=_constant_metric(ladder),
        broken={
            f"{f.code} {f.subject}": float(f.evidence.get("share", 0.0))
            for f in contract
            if f.failed
        },
        delay_us=_delay_us(prepared.units) if dated else 0,
        with_outcome=_with_outcome(prepared),
    )


def _counted(
    units: pl.DataFrame,
    made: FeatureSet,
    key: Sequence[str],
    places: NDArray[np.int64],
    days: int,
) -> dict[str, Counted]:
    shaped = {f"column:{n}": n for n, t in made.columns if n not in key and t not in _TIMES}
    named = {f"column:{n}": n for n, _ in made.columns}
    named |= {f"slot:{slot.name}": f"slot:{slot.name}" for slot in made.slots}
    outputs = {f"feature:{n}": f"feature:{n}" for n in made.outputs}
    shaped |= outputs
    return {
        name: count_by_day(
            units[column], places, days, bins_of(units[column]) if name in shaped else None
        )
        for name, column in (named | outputs).items()
    }


def _countable(scores: NDArray[np.float64]) -> NDArray[np.float64] | NDArray[np.int64]:
    """Turn answers into one number each: of several classes, the place of the most probable."""
    return scores if scores.ndim == 1 else np.argmax(scores, axis=1)


def _constant(rungs: Mapping[str, FittedRung]) -> float | None:
    scores = rungs[CONSTANT].scores if CONSTANT in rungs else np.empty(0)
    return float(scores[0]) if scores.ndim == 1 and len(scores) else None


def _constant_metric(ladder: Ladder) -> float | None:
    rows = (row.metrics for row in ladder.rows if row.rung == CONSTANT)
    return next((m[ladder.primary].value for m in rows if ladder.primary in m), None)


def _delay_us(units: pl.DataFrame) -> int:
    waits = (units[TRUTH_KNOWN] - units[AT]).dt.total_microseconds()
    found = waits.quantile(DELAY_QUANTILE, interpolation="higher")
    return 0 if found is None else max(0, int(found))


def _with_outcome(prepared: Prepared) -> float:
    counts = prepared.counts
    decided = counts.usable + counts.breaking + counts.without_outcome
    return (counts.usable + counts.breaking) / decided if decided else 1.0
