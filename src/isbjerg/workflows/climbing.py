"""Climb the ladder: fit every rung, choose one, measure all, put the chosen one before the gate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
from numpy.typing import NDArray

from isbjerg.canonical import sha256
from isbjerg.evaluation.classes import ClassLine, class_lines
from isbjerg.evaluation.curves import Curves, curves
from isbjerg.evaluation.ladder import Ladder, climb_samples, measured_samples
from isbjerg.evaluation.metrics import REPLICATES
from isbjerg.evaluation.sampling import Rows, Sample
from isbjerg.findings import Finding
from isbjerg.frame.frame import Frame
from isbjerg.release.gate import Verdict
from isbjerg.workflows.caching import Remembering, name_of, read_array, write_array
from isbjerg.workflows.fitting import FittedRung
from isbjerg.workflows.fitting_ladder import fit_rungs
from isbjerg.workflows.judging import HeldOut, held_out, judge_chosen
from isbjerg.workflows.preparing import Prepared
from isbjerg.workflows.progress import Stages
from isbjerg.workflows.rung_findings import reasons
from isbjerg.workflows.standing_findings import Standing
from isbjerg.workflows.truths import usual_metrics
from isbjerg.workflows.workspace import Workspace

EVALUATIONS = "evaluations"

Samples = Mapping[str, Mapping[str, Sample]]


@dataclass(frozen=True)
class Climbed:
    """Every rung as it was fitted, the ladder they make, and what the gate said of its answer.

    Of a multiclass target also each class apart, as the answer names it.

    `test` and `samples` are the rows they were measured on, and what was measured there.
    """

    rungs: dict[str, FittedRung]
    ladder: Ladder
    verdict: Verdict
    test: Rows
    samples: Samples
    classes: tuple[ClassLine, ...] = ()
    curves: Curves | None = None


def climb_ladder(
    workspace: Workspace,
    frame: Frame,
    prepared: Prepared,
    found: tuple[Sequence[Finding], Standing],
    remembering: Remembering,
    *,
    stages: Stages,
) -> Climbed:
    """Fit, choose, measure, judge.

    Parameters
    ----------
    workspace : Workspace
        Where the live model is found.
    frame : Frame
        What is asked for.
    prepared : Prepared
        What the rungs learn from.
    found : tuple of (sequence of Finding, mapping)
        What was found in the unit's table and the units; what stands of all tables.
    remembering : Remembering
        Where fits and evaluations of earlier runs are.
    stages : Stages
        Times each part.
    """
    rungs = fit_rungs(workspace, frame, prepared, remembering, stages)
    with stages.stage("evaluate", "Choosing a rung, then measuring each", 0.78):
        ladder, test, samples = choose_and_measure(frame, prepared, rungs, remembering)
    with stages.stage("gate", "Asking the gate", 0.92):
        verdict = judge_chosen(
            workspace,
            frame,
            prepared,
            ladder,
            rungs,
            found=found,
            test=test,
            samples=samples,
            rng=np.random.default_rng(frame.seed),
        )
    classes = _class_lines(prepared, rungs[ladder.chosen])
    drawn = curves(frame.target.kind, test.truth, rungs[ladder.chosen].scores)
    return Climbed(rungs, ladder, verdict, test, samples, classes, drawn)


def _class_lines(prepared: Prepared, chosen: FittedRung) -> tuple[ClassLine, ...]:
    if not prepared.classes:
        return ()
    train, test = (prepared.truth_of(prepared.part(part)) for part in ("train", "test"))
    return class_lines(test, chosen.scores, prepared.classes, train)


def choose_and_measure(
    frame: Frame,
    prepared: Prepared,
    rungs: Mapping[str, FittedRung],
    remembering: Remembering,
) -> tuple[Ladder, Rows, Samples]:
    """Choose on validation rows that no fit looked at; measure on test rows, which chose nothing."""
    primary = frame.metric.primary
    before = _rows(held_out(prepared, "choosing"), frame.seed, "validation rows")
    test = _rows(held_out(prepared), frame.seed, "rows")
    choosing = {
        name: _sampled(before, [primary], rung.choosing, remembering, (name, frame.seed))
        for name, rung in rungs.items()
    }
    wanted = [primary, *_metrics(frame, len(prepared.classes))]
    samples = {
        name: _sampled(test, wanted, rung.scores, remembering, (name, frame.seed))
        for name, rung in rungs.items()
    }
    chosen = climb_samples(before, choosing, primary=primary, evaluated_only=reasons(rungs))
    return measured_samples(chosen, test, samples), test, samples


def _rows(part: HeldOut, seed: int, word: str) -> Rows:
    return Rows.draw(part.truth, part.blocks, np.random.default_rng(seed), word=word)


def _sampled(
    rows: Rows,
    metrics: list[str],
    scores: NDArray[np.float64],
    remembering: Remembering,
    of: tuple[str, int],
) -> dict[str, Sample]:
    """Work metrics out, or take them from a run that scored the same rows the same."""
    rung, seed = of
    lists = [] if rows.blocks.lists is None else [rows.blocks.lists]
    arrays = (scores, rows.truth, rows.blocks.ids, *lists)
    key = name_of(
        piece="evaluation",
        of=[sha256(np.ascontiguousarray(array).tobytes()) for array in arrays],
        shape=list(scores.shape),
        blocks=rows.blocks.count,
        metrics=metrics,
        replicates=REPLICATES,
        seed=seed,
    )
    kept = remembering.find(EVALUATIONS, f"{rung} on {rows.word}", key)
    if kept is not None:
        return _read(kept)
    made = rows.sample(metrics, scores)
    remembering.keep(key, lambda: _write(made))
    return made


class _Kept(msgspec.Struct, frozen=True):
    metric: str
    value: bytes
    replicates: bytes | None


def _write(samples: Mapping[str, Sample]) -> bytes:
    kept = [
        _Kept(
            s.metric,
            write_array(np.array(s.value)),
            None if s.replicates is None else write_array(s.replicates),
        )
        for s in samples.values()
    ]
    return msgspec.msgpack.encode(kept)


def _read(content: bytes) -> dict[str, Sample]:
    kept = msgspec.msgpack.decode(content, type=list[_Kept])
    return {
        k.metric: Sample(
            k.metric,
            float(read_array(k.value)),
            None if k.replicates is None else read_array(k.replicates),
        )
        for k in kept
    }


def _metrics(frame: Frame, classes: int) -> list[str]:
    """List what is measured besides the primary metric: guardrails, then the usual ones."""
    usual = usual_metrics(frame.target.kind, classes)
    wanted = [rail.metric for rail in frame.metric.guardrails] + usual
    return [m for m in dict.fromkeys(wanted) if m != frame.metric.primary]
