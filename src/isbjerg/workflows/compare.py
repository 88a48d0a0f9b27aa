"""Two runs side by side: what differs between them, and what it did.

Numbers are compared only when both runs measure the same thing. Where they do, both chosen
models are scored again on the test rows that the two have in common, with the bundles as they
were kept, so that the difference is paired and has an interval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import polars as pl

from isbjerg.data.versions import DataVersion
from isbjerg.errors import IsbjergError
from isbjerg.evaluation.comparison import Comparison
from isbjerg.evaluation.sampling import Rows
from isbjerg.features.assembly import assemble
from isbjerg.frame.hashes import measure_hash
from isbjerg.models.bundle import Bundle
from isbjerg.storage.catalog.records import MetricRow, Run
from isbjerg.times import format_instant
from isbjerg.workflows.bundles import load_bundle
from isbjerg.workflows.changes import Change, changes
from isbjerg.workflows.columns_read import columns_of_the_split, columns_read
from isbjerg.workflows.contracts import read_contract
from isbjerg.workflows.effects import chosen_bundle
from isbjerg.workflows.fitting import score
from isbjerg.workflows.looks import Looked, rows_looked_at
from isbjerg.workflows.parting import blocks, part_units
from isbjerg.workflows.preparing import facts_of, merged
from isbjerg.workflows.project_files import Definitions
from isbjerg.workflows.truths import align_classes, as_numbers
from isbjerg.workflows.units import AT, TRUTH, select_units, typed_target
from isbjerg.workflows.workspace import Workspace

Kept = tuple[Bundle, dict[str, bytes]]
"""A bundle with its files."""


class MetricLine(msgspec.Struct, frozen=True, kw_only=True):
    """One metric of both runs' chosen rungs, as recorded, and their paired difference."""

    metric: str
    before: float | None
    after: float | None
    paired: Comparison | None = None


class CompareReport(msgspec.Struct, frozen=True, kw_only=True):
    """Two runs side by side.

    Parameters
    ----------
    before, after : Run
        The runs; differences are told from the second's side.
    changes : tuple of Change
        What differs, by kind.
    metrics : tuple of MetricLine
        The chosen rungs' numbers as each run recorded them.
    rows : str
        Which rows the paired differences are of.
    not_compared : str
        Why there are no paired differences; empty when there are.
    """

    before: Run
    after: Run
    changes: tuple[Change, ...]
    metrics: tuple[MetricLine, ...]
    rows: str = ""
    not_compared: str = ""


class NotComparableError(Exception):
    """Carries why two runs cannot be scored on the same rows; it does not leave this module."""


def compare_runs(
    workspace: Workspace, definitions: Definitions, before: str, after: str
) -> CompareReport:
    """Compare two runs.

    Parameters
    ----------
    workspace : Workspace
        Where they are recorded.
    definitions : Definitions
        The project as it is now: it says when a decision is taken.
    before, after : str
        Their ids.

    Raises
    ------
    StoreError
        When there is no such run.
    """
    workspace = workspace.within(definitions.frame.memory_bytes)
    first, second = workspace.catalog.run(before), workspace.catalog.run(after)
    recorded = [_recorded(workspace, run) for run in (first, second)]
    names = [name for name in recorded[1] if name in recorded[0]]
    paired: dict[str, Comparison] = {}
    rows = why = ""
    try:
        rows, paired = _paired(workspace, definitions, first, second, names)
    except NotComparableError as reason:
        why = str(reason)
    except (IsbjergError, pl.exceptions.PolarsError) as fault:
        why = f"scoring them again failed: {str(fault).splitlines()[0]}"
    lines = [
        MetricLine(
            metric=name,
            before=_value(recorded[0], name),
            after=_value(recorded[1], name),
            paired=paired.get(name),
        )
        for name in dict.fromkeys([*recorded[1], *recorded[0]])
    ]
    return CompareReport(
        before=first,
        after=second,
        changes=changes(workspace, first, second),
        metrics=tuple(lines),
        rows=rows,
        not_compared=why,
    )


def _recorded(workspace: Workspace, run: Run) -> dict[str, MetricRow]:
    """Read what a run recorded of the rung it chose, the primary metric first."""
    return {m.metric: m for m in workspace.catalog.metrics(run.id) if m.rung == run.chosen}


def _value(metrics: Mapping[str, MetricRow], name: str) -> float | None:
    return metrics[name].value if name in metrics else None


def _paired(
    workspace: Workspace,
    definitions: Definitions,
    before: Run,
    after: Run,
    metrics: Sequence[str],
) -> tuple[str, dict[str, Comparison]]:
    """Score both chosen models on the rows they have in common."""
    if before.measure_hash != after.measure_hash:
        raise NotComparableError(
            "they measure different things: the unit, the target, the metric, "
            "the costs or the split is another (see frame)"
        )
    kept = [_kept(workspace, run) for run in (before, after)]
    newer = max((before, after), key=lambda run: (run.as_of_us or 0, run.number))
    units, facts = _units(workspace, definitions, newer, [model for model, _ in kept])
    common, told = _common(definitions, units, before, after)
    classes = kept[1][0].classes
    scores = [
        align_classes(
            score(model, files, assemble(common, AT, model.feature_set, facts)),
            model.classes,
            classes,
        )
        for model, files in kept
    ]
    rows = Rows.draw(
        as_numbers(common[TRUTH], classes),
        blocks(common, definitions.frame, definitions.decision.source.key),
        np.random.default_rng(after.seed),
        word="rows",
    )
    samples = [rows.sample(metrics, said) for said in scores]
    names = (f"{after.id} ({after.chosen})", f"{before.id} ({before.chosen})")
    return told, {m: rows.compared(samples[1][m], samples[0][m], names) for m in metrics}


def _kept(workspace: Workspace, run: Run) -> Kept:
    bundle = chosen_bundle(workspace, run)
    if run.status != "finished" or bundle is None:
        raise NotComparableError(f"the model that {run.id} chose was not kept")
    return load_bundle(workspace, bundle)


def _common(
    definitions: Definitions, units: pl.DataFrame, before: Run, after: Run
) -> tuple[pl.DataFrame, str]:
    """Find the units that are test rows of both: to those, neither was fitted or chosen.

    Rows that were drawn at random keep their part whatever other rows there are.
    """
    first, second = rows_looked_at(before), rows_looked_at(after)
    if first is None or second is None:
        raise NotComparableError("one of them did not record which rows it was tested on")
    newer = part_units(units, definitions.frame, definitions.decision.source.key)
    common = units[newer.test]
    if definitions.frame.split_how == "random":
        return common, f"the {common.height:,} test rows"
    if not first.overlaps(second):
        raise NotComparableError(f"they share no test rows: {_say(first)}, and {_say(second)}")
    start = max(r.from_us or 0 for r in (first, second))
    end = min(r.until_us or 0 for r in (first, second))
    times = common[AT].to_physical()
    common = common.filter((times >= start) & (times <= end))
    if not common.height:
        raise NotComparableError("no row of the test rows they have in common is there any more")
    told = f"{common.height:,} rows from {format_instant(start)} to {format_instant(end)}"
    return common, told


def _say(rows: Looked) -> str:
    return f"{format_instant(rows.from_us or 0)} to {format_instant(rows.until_us or 0)}"


def _units(
    workspace: Workspace, definitions: Definitions, run: Run, models: Sequence[Bundle]
) -> tuple[pl.DataFrame, dict[str, pl.DataFrame]]:
    """Choose the units of a run again, with all that the models read."""
    versions: dict[str, DataVersion] = {
        table: workspace.catalog.data_version(name) for table, name in run.data_versions.items()
    }
    decision, frame = definitions.decision, definitions.frame
    types = {name: dict(version.schema) for name, version in versions.items()}
    target = typed_target(definitions.target, decision, types, frame.target.kind)
    if measure_hash(frame, target=target) != run.measure_hash:
        raise NotComparableError(
            "the project measures something else now than they did: check out frame.toml and "
            "features.py as they were to compare them"
        )
    both = merged([model.feature_set for model in models])
    read = columns_read(definitions, both, both, target)
    facts = {name: facts_of(workspace, versions[name], columns) for name, columns in read.items()}
    units, _, _ = select_units(
        facts[decision.source.name],
        decision,
        target,
        [*(column for column, _ in both.columns), *columns_of_the_split(frame)],
        as_of_us=run.as_of_us or 0,
        contract=read_contract(workspace, frame.unit.source),
        since_us=None if frame.window_us is None else (run.as_of_us or 0) - frame.window_us,
        shelf=workspace.shelf,
    )
    return units, facts
