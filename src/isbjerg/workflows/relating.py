"""What the columns of the unit's table alone say about the target, on training rows only."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from isbjerg.data.contract import Contract
from isbjerg.data.versions import DataVersion
from isbjerg.errors import DataError, DefinitionError, KnowledgeError
from isbjerg.evaluation.relations import relations
from isbjerg.expressions.tree import names
from isbjerg.features.knowledge import check_outcome_unused, doubtful_columns, known_rule, moment
from isbjerg.features.sets import Known
from isbjerg.findings import Finding
from isbjerg.reports.profile_page import SetAside, TargetProfile
from isbjerg.workflows.columns_read import columns_of_the_split
from isbjerg.workflows.parting import part_units
from isbjerg.workflows.preparing import facts_of
from isbjerg.workflows.project_files import Definitions
from isbjerg.workflows.truths import as_numbers, leakage, learn_classes
from isbjerg.workflows.units import TRUTH, check_known_in_time, select_units, typed_target
from isbjerg.workflows.workspace import Workspace

_TWO = (0.0, 1.0)


def asked_of_target(definitions: Definitions, version: DataVersion) -> list[Any]:
    """Gather everything that an answer about the target follows from, besides the rows."""
    frame, decision = definitions.frame, definitions.decision
    types = {decision.source.name: dict(version.schema)}
    target = typed_target(definitions.target, decision, types, frame.target.kind)
    known: list[Known | None] = []
    for column, _ in version.schema:
        try:
            known.append(known_rule(decision.source, column, decision))
        except DefinitionError:
            known.append(None)
    declared = [[pattern, repr(rule)] for pattern, rule in decision.source.known]
    return [target, known, declared, repr(decision.at), frame.target, frame.split, frame.window_us]


def relate(
    workspace: Workspace,
    definitions: Definitions,
    version: DataVersion,
    as_of_us: int,
    personal: Callable[[str], str | None],
) -> TargetProfile:
    """Say of each column of the unit's table how much it alone says about the target.

    Columns known only after the decision are named and not looked at, nor is what the target is
    made from. Training rows are those of a run at the same time.

    Parameters
    ----------
    workspace : Workspace
        Where the table is.
    definitions : Definitions
        The project.
    version : DataVersion
        Of the unit's source.
    as_of_us : int
        What became known later is not looked at.
    personal : callable
        From a column to its class of personal data, when its values may not be shown.
    """
    frame, decision = definitions.frame, definitions.decision
    kind = frame.target.kind
    schema = dict(version.schema)
    target = typed_target(definitions.target, decision, {decision.source.name: schema}, kind)
    facts = facts_of(workspace, version, list(schema))
    outcome = names(target, "column")
    aside = []
    for column in schema:
        why = "it is the key" if column in decision.source.key else None
        why = why or _too_late(facts, column, outcome, definitions)
        if why is not None:
            aside.append(SetAside(column, why))
    said = {a.column for a in aside}
    usable = [c for c in schema if c not in said]
    asked = [*usable, *columns_of_the_split(frame)]
    window = frame.window_us
    try:
        units, _, _ = select_units(
            facts,
            decision,
            target,
            asked,
            as_of_us=as_of_us,
            contract=Contract(table=version.table, key=version.key, fields=()),
            since_us=None if window is None else as_of_us - window,
            shelf=workspace.shelf,
        )
        train = units[part_units(units, frame, decision.source.key).train]
    except DataError as fault:
        return TargetProfile(
            name=definitions.target.name,
            kind=kind,
            rows=0,
            as_of_us=as_of_us,
            relations=(),
            aside=tuple(aside),
            findings=(_not_run(definitions, fault),),
        )
    classes = learn_classes(train[TRUTH], kind)
    truth = as_numbers(train[TRUTH], classes)
    columns = train.select(usable)
    how = _measured_as(kind, truth)
    suspects = leakage(columns, truth, classes) if usable else []
    return TargetProfile(
        name=definitions.target.name,
        kind=kind,
        rows=train.height,
        as_of_us=as_of_us,
        mean=None if classes else float(truth.mean()),
        classes=tuple(
            (str(one), int(n))
            for one, n in zip(classes, np.bincount(truth.astype(int)), strict=False)
        ),
        relations=tuple(relations(columns, truth, how, hides=lambda c: personal(c) is not None)),
        aside=tuple(aside),
        findings=tuple(
            msgspec.structs.replace(f, severity="warning", subject=f"{version.table}.{f.subject}")
            for f in suspects
            if f.failed
        ),
    )


def _measured_as(kind: str, truth: Any) -> str:
    if kind != "ranking":
        return kind
    return "binary" if np.isin(truth, _TWO).all() else "regression"


def _too_late(facts: Any, column: str, outcome: Any, definitions: Definitions) -> str | None:
    """Say why a column is not known at the decision, or ``None`` when it is."""
    decision = definitions.decision
    if column in outcome:
        return "the target is made from it"
    try:
        doubtful_columns([column], decision)
        check_outcome_unused([column], outcome, decision)
        check_known_in_time(facts, [column], decision)
    except DefinitionError:
        return "nothing says when it is known"
    except KnowledgeError as fault:
        share = fault.facts.get("share")
        if decision.at is None or share is None:
            return "known only after the decision"
        rule = known_rule(decision.source, column, decision)
        rows = "every row" if share == 1.0 else f"{share:.1%} of the rows"
        return f"known at {moment(rule)}: after the decision in {rows}"
    return None


def _not_run(definitions: Definitions, fault: DataError) -> Finding:
    return Finding(
        code="profile.target",
        subject=definitions.target.name,
        outcome="not_run",
        severity="info",
        message=fault.message,
        mend=fault.mend or "",
    )
