"""Gather the evidence on the chosen rung and put it before the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.data.versions import DataVersion
from isbjerg.errors import IsbjergError
from isbjerg.evaluation.ladder import Ladder
from isbjerg.evaluation.sampling import Rows, Sample
from isbjerg.features.knowledge import Decision
from isbjerg.features.sets import FeatureSet
from isbjerg.findings import Finding
from isbjerg.frame.frame import Frame
from isbjerg.release.gate import Carried, Evidence, Policy, Verdict, judge
from isbjerg.statistics.bootstrap import Blocks
from isbjerg.storage.catalog.records import ModelVersion
from isbjerg.workflows.bundles import load_bundle
from isbjerg.workflows.fitting import FittedRung, check_parity
from isbjerg.workflows.holding_out import Part
from isbjerg.workflows.preparing import Prepared
from isbjerg.workflows.project_files import CONSTANT
from isbjerg.workflows.promote import live_version
from isbjerg.workflows.rivals import readable_set, scores_of
from isbjerg.workflows.standing_findings import Standing, of_tables_read
from isbjerg.workflows.truths import leakage
from isbjerg.workflows.workspace import Workspace


@dataclass(frozen=True)
class HeldOut:
    """Rows that no rung was fitted to: to choose among rungs on, or to measure on."""

    units: pl.DataFrame
    truth: NDArray[np.float64]
    blocks: Blocks


def held_out(prepared: Prepared, part: Part = "test") -> HeldOut:
    """Take the rows of a part, and which of them belong together."""
    units = prepared.part(part)
    truth = prepared.truth_of(units)
    return HeldOut(units, truth, prepared.blocks(units))


def judge_chosen(
    workspace: Workspace,
    frame: Frame,
    prepared: Prepared,
    ladder: Ladder,
    rungs: Mapping[str, FittedRung],
    *,
    found: tuple[Sequence[Finding], Standing],
    test: Rows,
    samples: Mapping[str, Mapping[str, Sample]],
    rng: np.random.Generator,
) -> Verdict:
    """Judge the rung that the ladder chose.

    Parameters
    ----------
    workspace : Workspace
        Where the live model is found.
    frame : Frame
        What is asked of it.
    prepared : Prepared
        The rows.
    ladder : Ladder
        The measurements of all rungs.
    rungs : mapping of str to FittedRung
        The rungs' bundles and scores.
    found : tuple of (sequence of Finding, mapping)
        What was found in the unit's table and the units; what stands of all tables.
    test : Rows
        The test rows, and the weights under which the rungs were drawn.
    samples : mapping of str to mapping of str to Sample
        Each rung's metrics there.
    rng : numpy.random.Generator
        For the rows of the parity check.
    """
    chosen, primary = rungs[ladder.chosen], frame.metric.primary
    units = prepared.part("test")
    own, baseline = samples[chosen.name][primary], None
    if chosen.name != CONSTANT:
        named = (chosen.name, CONSTANT)
        baseline = test.compared(own, samples[CONSTANT][primary], named)
    live = live_version(workspace)
    against, differs = None, ""
    if live is not None:
        differs = _differs(workspace, live, chosen)
        scores = None if differs else scores_of(workspace, live.bundle, prepared, units)
        if scores is not None:
            theirs = test.sample([primary], scores)[primary]
            against = test.compared(own, theirs, (chosen.name, f"{live.id} ({live.rung})"))
    evidence = Evidence(
        candidate=chosen.name,
        primary=primary,
        metrics=ladder.row(chosen.name).metrics,
        baseline=baseline,
        baseline_itself=chosen.name == CONSTANT,
        live=against,
        something_live=live is not None,
        live_differs=differs,
        live_fault="" if live is None else _fault(workspace, live),
        parity=check_parity(chosen, units, rng),
        carried=_carried(chosen),
        contract=of_tables_read(*found, frame.unit.source, chosen.carried.feature_set),
        leakage=tuple(_leakage(prepared, chosen)),
    )
    policy = Policy(guardrails=frame.metric.guardrails, margin=frame.release.margin)
    return judge(evidence, policy)


def _carried(chosen: FittedRung) -> Carried | None:
    found = chosen.carriage
    if found is None:
        return None
    return Carried(found.rows, found.differing, f"As ONNX, {found}.")


def _differs(workspace: Workspace, live: ModelVersion, chosen: FittedRung) -> str:
    """Say why the live model's numbers mean something else; empty when they do not."""
    try:
        bundle, _ = load_bundle(workspace, live.bundle)
    except IsbjergError:
        return ""  # it cannot be scored, which the gate says
    now, then = chosen.carried, bundle
    changed = [
        word
        for word, same in (
            ("target", (now.target_kind, now.unit.target) == (then.target_kind, then.unit.target)),
            ("lists", now.unit.group == then.unit.group),
            ("unit", (now.unit.source, now.unit.key) == (then.unit.source, then.unit.key)),
            ("time of the decision", now.unit.at == then.unit.at),
        )
        if not same
    ]
    if not changed:
        return ""
    return f"{live.id} ({live.rung}), which is live, has another {' and another '.join(changed)}."


def _fault(workspace: Workspace, live: ModelVersion) -> str:
    """Say why the live model cannot be loaded: it is damaged, or its Python code is not here."""
    try:
        load_bundle(workspace, live.bundle)
    except IsbjergError as fault:
        return fault.message
    return ""


def live_feature_set(
    workspace: Workspace, decision: Decision, versions: Mapping[str, DataVersion]
) -> FeatureSet | None:
    """Return what the live model reads; ``None`` when the data does not hold it any more."""
    live = live_version(workspace)
    if live is None:
        return None
    return readable_set(workspace, live.bundle, decision, versions)


def _leakage(prepared: Prepared, chosen: FittedRung) -> list[Finding]:
    names = chosen.carried.feature_set.outputs
    train = prepared.part("train")
    columns = train.select(pl.col(f"feature:{n}").alias(n) for n in names)
    return leakage(columns, prepared.truth_of(train), prepared.classes)
