"""From data versions to rows that can be learnt from: units, features as known, split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.canonical import content_hash, sha256
from isbjerg.data.contract import Contract, Field
from isbjerg.data.shelf import IN_MEMORY, Shelf
from isbjerg.data.split import Split as Parts
from isbjerg.data.versions import INGESTED_AT, DataVersion
from isbjerg.evaluation.blankness import blanks
from isbjerg.expressions.code import collecting_code_faults
from isbjerg.expressions.tree import Node, names
from isbjerg.features.definitions import Feature
from isbjerg.features.facts import key_text
from isbjerg.features.knowledge import check_outcome_unused
from isbjerg.features.learning import (
    Learned,
    Training,
    learn,
    learnable,
    without_learning,
)
from isbjerg.features.resolving import resolve
from isbjerg.features.sets import FeatureSet
from isbjerg.findings import Finding
from isbjerg.frame.frame import Frame
from isbjerg.models.bundle import Unit
from isbjerg.models.fitted import Class
from isbjerg.statistics.bootstrap import Blocks
from isbjerg.storage.tables import read_facts
from isbjerg.workflows.assembling import ReadWhenAsked, assemble_remembered
from isbjerg.workflows.caching import NOTHING_KEPT, Remembering, rows_name
from isbjerg.workflows.columns_read import (
    check_columns_of_the_split,
    columns_of_the_split,
    columns_read,
)
from isbjerg.workflows.holding_out import Cut, Part, uncut
from isbjerg.workflows.lists import (
    Lists,
    check_group,
    cut_between_lists,
    number_lists,
    of_whole_lists,
    rows_in_parts,
    told_of_lists,
)
from isbjerg.workflows.one_outcome import check_both_outcomes, told_of_one_outcome
from isbjerg.workflows.parting import blocks, cut, folds, part_units, parting_findings
from isbjerg.workflows.project_files import CONSTANT, Definitions, Rung
from isbjerg.workflows.truths import as_numbers, learn_classes, told_of_classes
from isbjerg.workflows.units import (
    AT,
    TRUTH,
    UnitCounts,
    check_known_in_time,
    select_units,
    typed_target,
)
from isbjerg.workflows.workspace import Workspace

NOTHING = FeatureSet(columns=(), slots=(), steps=(), outputs=())
"""Feature set of the constant."""


@dataclass(frozen=True)
class Prepared:
    """Everything the rungs learn from.

    Parameters
    ----------
    units : DataFrame
        Assembled units in order of time, all rungs' features among the columns.
    parts : Parts
        Which rows are for training, validation and test.
    split : str
        Name of these parts: the hash of the keys in each.
    frame : Frame
        What was asked for.
    sets : mapping of str to FeatureSet
        Feature set of each rung, the constant first.
    rungs : mapping of str to Rung
        The rungs of models.py by name.
    unit : Unit
        What one prediction is about.
    contract : tuple of Field
        What a request must keep, for any rung.
    counts : UnitCounts
        What was left out.
    findings : tuple of Finding
        What the contract, as it stands now, found in the units.
    facts : mapping of str to DataFrame
        Facts of each source, read when they are asked for.
    versions : mapping of str to str
        Data version of each source that was read.
    asked : mapping of str to FeatureSet
        Of rungs whose features learn of training rows: the set before it learnt.
    learned : tuple of Learned
        What the features learnt.
    code_findings : tuple of Finding
        On how many rows which Python feature failed.
    classes : tuple
        Classes of the training rows of a multiclass target, else empty.
    torn : int
        Rows of a ranking that are left out, because their list lies in two parts.
    shelf : Shelf
        Where parts of the units go that are too large for memory.
    """

    units: pl.DataFrame
    parts: Parts
    split: str
    frame: Frame
    sets: Mapping[str, FeatureSet]
    rungs: Mapping[str, Rung]
    unit: Unit
    contract: tuple[Field, ...]
    counts: UnitCounts
    findings: tuple[Finding, ...]
    facts: Mapping[str, pl.DataFrame]
    asked: Mapping[str, FeatureSet]
    learned: tuple[Learned, ...]
    versions: Mapping[str, str]
    code_findings: tuple[Finding, ...]
    classes: tuple[Class, ...] = ()
    torn: int = 0
    shelf: Shelf = IN_MEMORY

    @cached_property
    def name(self) -> str:
        """Name of all that rungs learn from: data versions, rows, outcomes and their parts."""
        cut, parts = self.validation, self.parts
        rows = (parts.train, cut.tuning, cut.choosing, parts.test)
        timed = self.unit.at is not None or any(made.slots for made in self.sets.values())
        of_rows = rows_name(self.units, [*self.unit.key, TRUTH, *([AT] if timed else [])])
        parted = [sha256(part.to_numpy().tobytes()) for part in rows]
        # The split names the groups, by which chance is reckoned and rows are folded.
        return content_hash([dict(self.versions), of_rows, parted, self.frame.split])

    @cached_property
    def validation(self) -> Cut:
        """The validation rows: those for tuning a fit, and those for choosing among rungs."""
        found = cut(self.units, self.parts, self.frame, self.unit.key)
        if self.lists is None or found.tuning is found.choosing:
            return found
        return cut_between_lists(self.lists, found, self.parts.validation)

    @cached_property
    def lists(self) -> Lists | None:
        """Number the list of each unit, for a ranking."""
        return number_lists(self.units, self.unit.group) if self.unit.group else None

    def lists_of(self, first: Part, second: Part) -> tuple[Lists, Lists] | None:
        """Give the lists of two parts numbers; ``None`` unless it is a ranking."""
        group = self.unit.group
        if not group:
            return None
        return number_lists(self.part(first), group), number_lists(self.part(second), group)

    def part(self, name: Part) -> pl.DataFrame:
        """Take the units of a part.

        They are asked for many times, by each rung, and so kept where tables are in memory.
        """
        if name not in self._taken:
            rows = {
                "train": self.parts.train,
                "tuning": self.validation.tuning,
                "choosing": self.validation.choosing,
                "test": self.parts.test,
            }
            taken = self.shelf.taken(self.units, rows[name])
            if not self.shelf.is_memory:
                return taken
            self._taken[name] = taken
        return self._taken[name]

    @cached_property
    def _taken(self) -> dict[Part, pl.DataFrame]:
        return {}

    def truth_of(self, units: pl.DataFrame) -> NDArray[np.float64]:
        """Say what came true of some units, as models are told it."""
        return as_numbers(units[TRUTH], self.classes)

    def blocks(self, units: pl.DataFrame) -> Blocks:
        """Say which of these units belong together when chance is reckoned."""
        return blocks(units, self.frame, self.unit.key)


def prepare(
    workspace: Workspace,
    definitions: Definitions,
    contract: Contract,
    versions: Mapping[str, DataVersion],
    as_of_us: int,
    *,
    beside: FeatureSet | None = None,
    remembering: Remembering = NOTHING_KEPT,
) -> Prepared:
    """Choose units, assemble every rung's features as known, part them.

    Parameters
    ----------
    workspace : Workspace
        Where the facts are.
    definitions : Definitions
        The rungs.
    contract : Contract
        Of the unit's source.
    versions : mapping of str to DataVersion
        Of each source.
    as_of_us : int
        What became known later is not used.
    beside : FeatureSet, optional
        Of a model to be compared: its columns and facts are read too, its features are not
        assembled.
    remembering : Remembering
        Where results of earlier runs are.

    Raises
    ------
    DefinitionError
        When features do not fit the data.
    KnowledgeError
        When a feature uses what is not known at the decision.
    DataError
        When there is nothing to learn from.
    """
    decision, frame = definitions.decision, definitions.frame
    types = {name: dict(version.schema) for name, version in versions.items()}
    target = typed_target(definitions.target, decision, types, frame.target.kind)
    check_group(frame.target.group, types[decision.source.name], decision.source.name)
    check_columns_of_the_split(frame, types[decision.source.name])
    rungs = {rung.name: rung for rung in definitions.rungs}
    sets = {name: resolve(outputs_of(rung), decision, types) for name, rung in rungs.items()}
    everything = merged(list(sets.values()))
    given = [c for c, _ in everything.columns]
    check_outcome_unused(given, names(target, "column"), decision)
    also = beside or NOTHING
    facts = ReadWhenAsked(
        columns_read(definitions, everything, also, target),
        lambda source, read: facts_of(workspace, versions[source], read),
    )
    own = facts[decision.source.name]
    check_known_in_time(own, [*given, *frame.target.group], decision)
    columns = [*given, *(c for c, _ in also.columns), *columns_of_the_split(frame)]
    window_us = frame.window_us
    units, counts, findings = select_units(
        own,
        decision,
        target,
        columns,
        as_of_us=as_of_us,
        contract=_of_columns(contract, columns_read(definitions, everything, NOTHING, target)),
        since_us=None if window_us is None else as_of_us - window_us,
        shelf=workspace.shelf,
    )
    parted = part_units(units, frame, decision.source.key)
    parts = of_whole_lists(units, parted, frame.target)
    check_both_outcomes(units[TRUTH], parts, frame)
    with collecting_code_faults() as faults:
        assembled = assemble_remembered(
            units,
            AT,
            without_learning(everything),
            facts,
            remembering,
            versions,
            unit=(decision.source.name, decision.source.key),
            timed=decision.at is not None or bool(everything.slots),
            shelf=workspace.shelf,
        )
        fitted = learn(
            assembled, everything, sets, _training(assembled, parts.train.to_numpy(), definitions)
        )
    return Prepared(
        units=fitted.units,
        parts=parts,
        split=parts.hash(partial(_keys_at, units.select(decision.source.key))),
        frame=frame,
        sets={CONSTANT: NOTHING, **fitted.sets},
        rungs=rungs,
        unit=_unit(definitions, target),
        contract=contract.fields,
        counts=counts,
        findings=findings,
        facts=facts,
        asked={rung: made for rung, made in sets.items() if learnable(made.steps)},
        learned=fitted.learned,
        versions={source: versions[source].id for source in facts},
        code_findings=tuple(faults.taken()),
        torn=rows_in_parts(parted) - rows_in_parts(parts),
        classes=learn_classes(units[TRUTH][parts.train], definitions.frame.target.kind),
        shelf=workspace.shelf.of(int(fitted.units.estimated_size())),
    )


def _keys_at(keys: pl.DataFrame, rows: pl.Series) -> pl.Series:
    """Write the keys of some rows as texts."""
    some = keys[rows]
    return some.select(key_text(some, some.columns)).to_series()


def _unit(definitions: Definitions, target: Node) -> Unit:
    decision, frame = definitions.decision, definitions.frame
    return Unit(
        source=decision.source.name,
        key=decision.source.key,
        subject=frame.unit.subject,
        at=decision.at,
        target=target,
        group=frame.target.group,
        holdout=frame.target.holdout,
    )


def _training(units: pl.DataFrame, rows: NDArray[np.int64], definitions: Definitions) -> Training:
    """Take what features may learn of: the training rows, their outcomes, their folds."""
    frame, key = definitions.frame, definitions.decision.source.key
    read = dict.fromkeys([AT, TRUTH, *key, *columns_of_the_split(frame)])
    train = units.select(*read)[rows]
    truth = train[TRUTH]
    # Classes may be whole numbers; their mean would depend on how they happen to be numbered.
    number = frame.target.kind != "multiclass"
    return Training(
        rows=rows,
        truth=truth.cast(pl.Float64).to_numpy() if number else None,
        folds=folds(train, frame, key),
    )


def outputs_of(rung: Rung) -> tuple[Feature, ...]:
    """List what a rung's feature set puts out: a rule its score, a candidate its features."""
    return (rung,) if isinstance(rung, Feature) else rung.features


def merged(sets: Sequence[FeatureSet]) -> FeatureSet:
    """Join feature sets over one unit, so that what they share is computed once."""
    columns = dict(c for s in sets for c in s.columns)
    slots = {slot.name: slot for s in sets for slot in s.slots}
    steps = {step.name: step for s in sets for step in s.steps}
    outputs = dict.fromkeys(name for s in sets for name in s.outputs)
    return FeatureSet(
        columns=tuple(columns.items()),
        slots=tuple(slots.values()),
        steps=tuple(steps.values()),
        outputs=tuple(outputs),
    )


def _of_columns(contract: Contract, read: Mapping[str, Sequence[str]]) -> Contract:
    """Keep the promise of the columns that the rungs read.

    What is read for a model to be compared with does not decide which rows there are.
    """
    own = set(read[contract.table])
    return msgspec.structs.replace(
        contract, fields=tuple(field for field in contract.fields if field.name in own)
    )


def facts_of(workspace: Workspace, version: DataVersion, columns: Sequence[str]) -> pl.DataFrame:
    """Read facts of a data version, with the time at which they came in."""
    return read_facts(
        workspace.store, version, [*columns, INGESTED_AT], verify=False, shelf=workspace.shelf
    )


def feature_findings(prepared: Prepared) -> tuple[Finding, ...]:
    """Ask whether features say anything in the training rows, and what parts have in common."""
    outputs = dict.fromkeys(name for made in prepared.sets.values() for name in made.outputs)
    train = prepared.part("train")
    blank = blanks(train.select(pl.col(f"feature:{name}").alias(name) for name in outputs))
    parting = parting_findings(prepared.units, prepared.parts, prepared.frame)
    return (*blank, *prepared.code_findings, *parting, *uncut(prepared.validation))


def target_findings(prepared: Prepared) -> tuple[Finding, ...]:
    """Say which classes are rare or were never seen in training, and which lists were torn."""
    if prepared.lists is not None:
        return told_of_lists(prepared.lists, prepared.torn)
    later = pl.concat(
        [prepared.units[TRUTH][p] for p in (prepared.parts.validation, prepared.parts.test)]
    )
    truth, parts = prepared.units[TRUTH], prepared.parts
    return (
        *told_of_classes(truth[parts.train], later, prepared.classes),
        *told_of_one_outcome(truth, parts, prepared.frame),
    )
