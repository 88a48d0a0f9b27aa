"""Look once whether what is live is still what was tested: fed as it was, as good as it was.

The predictions of a window, as the ledger holds them, are held against what the live model looked
like on its test rows. Each question is answered by a finding of :mod:`isbjerg.monitoring`; what
failed opens an alarm or is counted in the one that is open. Given again as of the same time a
watch replaces the one before and counts nothing twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import polars as pl

from isbjerg.errors import ArgumentError
from isbjerg.expressions.tree import names
from isbjerg.features.sets import LIVE_AT, FeatureSet, Known
from isbjerg.features.sources import Source
from isbjerg.findings import Finding
from isbjerg.models.fitted import Class
from isbjerg.monitoring import freshness, inputs, quality
from isbjerg.monitoring.alarms import Moves, moves
from isbjerg.monitoring.findings import LIVE, found
from isbjerg.monitoring.reference import Reference, read_reference
from isbjerg.monitoring.traffic import Traffic
from isbjerg.monitoring.volume import WEEK_HOURS, WINDOWS_MAX, judge_volume
from isbjerg.release.succession import retrain_every_us
from isbjerg.storage.catalog.records import Alarm, ModelVersion, Watch
from isbjerg.storage.ledger import REPLAY, Prediction
from isbjerg.times import DAY_US, HOUR_US, format_instant
from isbjerg.workflows.bundles import load_bundle
from isbjerg.workflows.project_files import Definitions
from isbjerg.workflows.promote import live_version
from isbjerg.workflows.realised import due
from isbjerg.workflows.stored_facts import facts_with_posted
from isbjerg.workflows.units import known_at
from isbjerg.workflows.workspace import Workspace

WINDOW_US = DAY_US
"""What is looked at when no window is named."""

ROWS_MIN = 50
"""Predictions below which nothing is concluded from their inputs."""

METRIC_SPAN_US = 14 * DAY_US
"""The metric is measured on due decisions of at least so long a time: days differ."""


class Window(NamedTuple):
    """From when, inclusive, until when, exclusive, decisions are looked at."""

    from_us: int
    until_us: int


class WatchReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a watch saw, and what it did to alarms.

    Parameters
    ----------
    as_of_us, from_us : int
        The window: decisions from `from_us`, inclusive, to `as_of_us`, exclusive.
    version : int or None
        The live model version.
    rung : str
        Its rung.
    predictions : int
        Its predictions in the window.
    findings : tuple of Finding
        Every question, with its answer.
    opened, lasting, closed : int
        Alarms that opened, were open already and still are right, and closed.
    alarms : tuple of Alarm
        What is open now, newest first.
    next_step : str
        What to do now.
    """

    as_of_us: int
    from_us: int
    version: int | None
    rung: str
    predictions: int
    findings: tuple[Finding, ...]
    opened: int
    lasting: int
    closed: int
    alarms: tuple[Alarm, ...]
    next_step: str = ""

    @property
    def failed(self) -> bool:
        """Whether something is wrong that is worth an alarm."""
        return bool(self.opened or self.lasting)


def watch(
    workspace: Workspace,
    definitions: Definitions,
    *,
    as_of_us: int | None = None,
    window_us: int = WINDOW_US,
) -> WatchReport:
    """Look once, and keep what was seen.

    Parameters
    ----------
    workspace : Workspace
        Where to look.
    definitions : Definitions
        The project.
    as_of_us : int, optional
        End of the window; the clock's time when not given. What became known later is not used.
    window_us : int
        Length of the window: whole hours.

    Raises
    ------
    ArgumentError
        When the window is not made of whole hours.
    """
    if window_us < HOUR_US or window_us % HOUR_US:
        raise ArgumentError(
            "`--window` must be whole hours.", mend="isbjerg watch --window 1d", got=window_us
        )
    until_us = workspace.clock() if as_of_us is None else as_of_us
    window = Window(until_us - window_us, until_us)
    with workspace.catalog.lease("watch", "isbjerg watch"):
        model = live_version(workspace)
        seen, findings = 0, [*_data(workspace, definitions, until_us)]
        if model is None:
            nothing = "Nothing is live, so there is nothing to watch but data."
            findings.insert(0, found("model", LIVE, "not_run", nothing, mend="isbjerg promote"))
        else:
            seen, of_model = _model(workspace, definitions, model, window)
            findings = [*of_model, *findings]
        what = moves(findings, [(a.code, a.subject) for a in workspace.catalog.alarms()])
        _keep(workspace, model, until_us, findings, what)
    return WatchReport(
        as_of_us=until_us,
        from_us=window.from_us,
        version=None if model is None else model.number,
        rung="" if model is None else model.rung,
        predictions=seen,
        findings=tuple(findings),
        opened=len(what.opened),
        lasting=len(what.lasting),
        closed=len(what.closed),
        alarms=tuple(workspace.catalog.alarms()),
        next_step=_next_step(what),
    )


def _keep(
    workspace: Workspace,
    model: ModelVersion | None,
    at_us: int,
    findings: list[Finding],
    what: Moves,
) -> None:
    open_ = {(a.code, a.subject): a.id for a in workspace.catalog.alarms()}
    workspace.catalog.record_watch(
        Watch(
            at_us=at_us,
            version=None if model is None else model.number,
            failed=len(what.opened) + len(what.lasting),
            findings=tuple(findings),
        ),
        failing=[*what.opened, *what.lasting],
        closing=[(open_[f.code, f.subject], _closing(f, at_us)) for f in what.closed],
    )


def _closing(finding: Finding, at_us: int) -> str:
    return f"passed as of {format_instant(at_us)}: {finding.message}"


def _next_step(what: Moves) -> str:
    worst = [*what.opened, *what.lasting]
    return next((f.mend for f in worst if f.mend.startswith("isbjerg ")), "")


def _model(
    workspace: Workspace, definitions: Definitions, model: ModelVersion, window: Window
) -> tuple[int, list[Finding]]:
    """Ask everything about the live model; return how many predictions were looked at, too."""
    reference = read_reference(model.card)
    made = [*_volume(workspace, window)]
    seen = 0
    if reference is None:
        message = f"{model.id} was registered without what it looked like when it was tested."
        made.append(found("model", LIVE, "not_run", message, mend="isbjerg retrain"))
    else:
        traffic = _traffic(workspace, model, reference, window)
        seen = traffic.rows
        made += _inputs(workspace, definitions, model, reference, traffic)
        made += _quality(workspace, definitions, model, reference, window)
    run = workspace.catalog.run(model.run)
    learnt_us = run.started_us if run.as_of_us is None else run.as_of_us
    made.append(
        freshness.judge_model_age(
            model.id,
            max(0, window.until_us - learnt_us),
            retrain_every_us(definitions.frame.retrain),
        )
    )
    return seen, made


def _volume(workspace: Workspace, window: Window) -> tuple[Finding, ...]:
    span = workspace.ledger.span()
    if span is None:
        nothing = "No server has answered yet; batches come when they are asked for."
        return (found("volume", "predictions", "not_run", nothing, mend="isbjerg serve"),)
    first, last = window.from_us // HOUR_US, window.until_us // HOUR_US
    earliest = first - WINDOWS_MAX * max(WEEK_HOURS, last - first)
    hours = workspace.ledger.hours(earliest * HOUR_US, last * HOUR_US)
    known_from = max(earliest, span[0] // HOUR_US + 1)
    return judge_volume(hours, first=first, last=last, known_from=known_from)


def _traffic(
    workspace: Workspace, model: ModelVersion, reference: Reference, window: Window
) -> Traffic:
    traffic = Traffic(reference)
    classes = load_bundle(workspace, model.bundle)[0].classes
    for p in workspace.ledger.scan(
        since_us=window.from_us, until_us=window.until_us, model_version=model.number
    ):
        if p.route == REPLAY:
            continue  # a back-test is nobody's question
        values = {"column": p.inputs, "slot": p.slots, "feature": p.features}
        traffic.see(p.at_us, _countable(p, classes), values, p.findings)
    return traffic


def _countable(prediction: Prediction, classes: Sequence[Class]) -> float | int:
    """Turn an answer into one number: of classes, the place of the one that was said."""
    if not classes:
        return prediction.score
    return classes.index((prediction.output or {})["class"])


def _inputs(
    workspace: Workspace,
    definitions: Definitions,
    model: ModelVersion,
    reference: Reference,
    traffic: Traffic,
) -> list[Finding]:
    if traffic.rows < ROWS_MIN:
        few = f"{traffic.rows:,} predictions of {model.id}, at least {ROWS_MIN} are asked for."
        return [
            found(code, subject, "not_run", few)
            for code, subject in (
                ("missing", "columns"),
                ("contract", "requests"),
                ("scores", LIVE),
            )
        ]
    seed = definitions.frame.seed
    bundle, _ = load_bundle(workspace, model.bundle)
    wiring = _wiring(bundle.feature_set, bundle.unit.source)
    return [
        *inputs.judge_missing(reference, traffic, wiring),
        *inputs.judge_contract(reference, traffic),
        *inputs.judge_columns(reference, traffic, wiring, lambda: np.random.default_rng(seed)),
        quality.judge_scores(reference, traffic, model.id, np.random.default_rng(seed)),
    ]


def _wiring(made: FeatureSet, source: str) -> inputs.Wiring:
    """Follow each step down to the columns and slots that it is made of."""
    below: dict[str, dict[str, None]] = {}
    for step in made.steps:
        found_: dict[str, None] = {}
        found_.update(dict.fromkeys(f"column:{n}" for n in names(step.node, "column")))
        found_.update(dict.fromkeys(f"slot:{n}" for n in names(step.node, "slot")))
        for other in names(step.node, "feature"):
            found_.update(below.get(other, {}))
        below[step.name] = found_
    return inputs.Wiring(
        source=source,
        looked_up={slot.name: slot.source for slot in made.slots},
        made_of={
            **{name: tuple(found_) for name, found_ in below.items()},
            **{f"slot:{s.name}": tuple(f"column:{unit}" for _, unit in s.on) for s in made.slots},
        },
    )


def _quality(
    workspace: Workspace,
    definitions: Definitions,
    model: ModelVersion,
    reference: Reference,
    window: Window,
) -> list[Finding]:
    """Measure on decisions whose outcomes are due as of the window's end."""
    length_us = max(window.until_us - window.from_us, METRIC_SPAN_US)
    mature_us = window.until_us - reference.delay_us
    decided = (
        p
        for p in workspace.ledger.scan(
            since_us=mature_us - length_us, until_us=mature_us, model_version=model.number
        )
        if p.route != REPLAY
    )
    young = sum(workspace.ledger.hours(mature_us, window.until_us).values())
    bundle, _ = load_bundle(workspace, model.bundle)
    seen = due(workspace, definitions, bundle, decided, immature=young, as_of_us=window.until_us)
    rng = np.random.default_rng(definitions.frame.seed)
    rails = definitions.frame.metric.guardrails
    return [
        quality.judge_outcomes(reference, seen),
        *quality.judge_metric(reference, seen, model.id, guardrails=rails, rng=rng),
    ]


def _data(workspace: Workspace, definitions: Definitions, at_us: int) -> list[Finding]:
    """Ask how old each source is, and what of it waits for an ingest."""
    allowed_us = retrain_every_us(definitions.frame.retrain)
    made = []
    with workspace.online() as online:
        waiting = {name: online.posted(name) for name in definitions.sources}
    for name, source in definitions.sources.items():
        age_us = _age(workspace, source, at_us) if source.refresh_us else None
        made.append(freshness.judge_data_age(name, age_us, source.refresh_us))
        posted = waiting[name]
        oldest_us = min((fact.live_at_us for fact in posted), default=0)
        waited_us = max(0, at_us - oldest_us) if posted else 0
        made.append(freshness.judge_posted(name, len(posted), waited_us, allowed_us))
    return made


def _age(workspace: Workspace, source: Source, at_us: int) -> int | None:
    """Say how long ago the newest fact of a source became known, as of a time."""
    version = workspace.catalog.latest_data_version(source.name)
    if version is None:
        return None
    there = dict(version.schema)
    rules = [k for _, k in source.known if isinstance(k, Known) and k.column in there]
    facts = facts_with_posted(workspace, source.name, [*{k.column: None for k in rules}])
    live_us = pl.col(LIVE_AT).dt.epoch("us")
    times = [known_at([k]) for k in rules] or [pl.lit(version.at_us, dtype=pl.Int64)]
    known = facts.select(pl.max_horizontal(*times, live_us).alias("_known"))["_known"]
    newest = known.filter(known < at_us).max()
    return None if newest is None else at_us - int(newest)  # type: ignore[arg-type]
