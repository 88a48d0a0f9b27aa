"""The rows that can be learnt from: decisions that were taken and whose outcome is known.

A unit's own columns are taken from the first version of its row that says when the decision is
taken (an outcome may come in before the row itself), its outcome from the newest that stood at
the run's time; it is known since the first of the versions that have told it unchanged since. A row whose outcome is not known as of the run's time is left out and counted: it
is never taken for a negative.

Decisions without a time all stand at one instant, `UNDATED_US`, the same in every run.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import NamedTuple

import msgspec
import polars as pl

from isbjerg.data.checking import check
from isbjerg.data.contract import Contract
from isbjerg.data.shelf import IN_MEMORY, Shelf
from isbjerg.data.versions import INGESTED_AT, without_duplicates
from isbjerg.data.versions import newest as newest_of
from isbjerg.errors import DataError, DefinitionError
from isbjerg.expressions.inference import infer
from isbjerg.expressions.polars import to_polars
from isbjerg.expressions.tree import Node, Type, names
from isbjerg.features.definitions import Feature
from isbjerg.features.knowledge import (
    Decision,
    doubtful_columns,
    known_rules,
    known_too_late,
)
from isbjerg.features.resolving import ColumnTypes
from isbjerg.features.sets import LIVE_AT, ROW, Known
from isbjerg.findings import Finding
from isbjerg.times import DAY_US, format_instant

AT = "_at"
"""Column of units: the decision time."""

TRUTH = "_truth"
"""Column of units: the target."""

TRUTH_KNOWN = "_truth_known"
"""Column of units: when the target became known."""


_TARGETS: dict[str, tuple[tuple[Type, ...], str]] = {
    "binary": ((Type.BOOLEAN,), "a comparison"),
    "regression": ((Type.INTEGER, Type.FLOAT), "a number"),
    "multiclass": (
        (Type.TEXT, Type.INTEGER, Type.BOOLEAN),
        "a text, a whole number or a comparison",
    ),
    "ranking": ((Type.BOOLEAN, Type.INTEGER, Type.FLOAT), "a comparison or a number"),
}
"""Types that the target may have for each kind, and how to give one."""

UNDATED_US = 0
"""Where decisions without a time stand: what follows from them is the same in every run."""

_UNDATED = pl.lit(UNDATED_US, pl.Int64)


_PLACE = "_place"
"""Column of units while they are chosen: their row among the first versions."""


class UnitCounts(msgspec.Struct, frozen=True):
    """How many rows of the unit's source can be learnt from, and why the rest cannot."""

    rows: int
    usable: int
    undecided: int
    without_outcome: int
    breaking: int = 0
    """Rows that break the contract as it stands now."""
    older: int = 0
    """Rows decided before the window of time that is learnt from."""

    def say(self) -> str:
        """Tell the counts in a sentence.

        Examples
        --------
        >>> UnitCounts(100, 80, 5, 15).say()
        '80 of 100 rows can be learnt from; 5 had no decision yet, 15 have no known outcome.'
        >>> UnitCounts(100, 100, 0, 0).say()
        '100 of 100 rows can be learnt from.'
        """
        left_out = {
            "had no decision yet": self.undecided,
            "have no known outcome": self.without_outcome,
            "break the contract": self.breaking,
            "are older than the window": self.older,
        }
        told = ", ".join(f"{rows:,} {why}" for why, rows in left_out.items() if rows)
        return (
            f"{self.usable:,} of {self.rows:,} rows can be learnt from{'; ' if told else ''}{told}."
        )


class Selected(NamedTuple):
    """The rows to learn from.

    Parameters
    ----------
    units : DataFrame
        In order of time: the columns asked for, ``_at`` (instant), ``_truth``,
        ``_truth_known`` (instant).
    counts : UnitCounts
        What was left out.
    findings : tuple of Finding
        What the contract found in them.
    """

    units: pl.DataFrame
    counts: UnitCounts
    findings: tuple[Finding, ...]


def typed_target(target: Feature, decision: Decision, types: ColumnTypes, kind: str) -> Node:
    """Type the target over the unit's columns.

    Raises
    ------
    DefinitionError
        When its type does not fit the kind that the frame says.
    """
    node = infer(target.row_value(), columns=types[decision.source.name])
    fits, wanted = _TARGETS[kind]
    if node.type not in fits:
        raise DefinitionError(
            f"The target '{target.name}' gives values of type {node.type}, "
            f"but frame.toml says kind = '{kind}'.",
            mend=f"return {wanted} in {target.place}, or change kind in [target]",
            code="ISB216",
        )
    return node


def known_at(rules: Sequence[Known]) -> pl.Expr:
    """Say when all of several things are known: the latest of their times, null if one is."""
    times = [pl.col(k.column).dt.epoch("us") + pl.lit(k.offset_us, dtype=pl.Int64) for k in rules]
    return reduce(lambda a, b: pl.when(a >= b).then(a).when(a < b).then(b), times)


def select_units(
    facts: pl.DataFrame,
    decision: Decision,
    target: Node,
    columns: Sequence[str],
    *,
    as_of_us: int,
    contract: Contract,
    since_us: int | None = None,
    shelf: Shelf = IN_MEMORY,
) -> Selected:
    """Choose the units that can be learnt from as of a time.

    Parameters
    ----------
    facts : DataFrame
        Facts of the unit's source: its columns, ``_live_at``, ``_ingested_at``, ``_row``.
    decision : Decision
        When the decision about a row is taken.
    target : Node
        Typed target over the source's columns.
    columns : sequence of str
        Columns of the unit to keep.
    as_of_us : int
        Only decisions before this time, and outcomes known before it.
    contract : Contract
        As it stands now: rows may be older than its rules.
    since_us : int, optional
        Only decisions at this time or later: `window` of ``[freshness]``.
    shelf : Shelf, optional
        Where columns go that are too large for memory.

    Raises
    ------
    DataError
        When no row is left.

    Notes
    -----
    A correction that came in after `as_of_us` is not looked at: the outcome is the one that
    stood then.
    """
    key = list(decision.source.key)
    kept = list(dict.fromkeys([*key, *columns]))
    shelf = shelf.of(int(facts.estimated_size()))
    first, newest = _versions(facts, decision, kept, as_of_us, shelf)
    outcome = _told_since(facts, newest, _told_by(target, decision), key)
    units = _judged(first, outcome, decision, target, same=newest is first)
    older = 0
    if since_us is not None:
        older = units.filter(pl.col(AT) < since_us).height
        units = units.filter(pl.col(AT).is_null() | (pl.col(AT) >= since_us))
    decided = units.filter(pl.col(AT) < as_of_us)
    usable = decided.filter(
        pl.col("_ever") & pl.col(TRUTH).is_not_null() & (pl.col(TRUTH_KNOWN) < as_of_us)
    )
    versions = [first] if newest is first else [first, newest]
    breaking, findings = _breaking(contract, versions, key, shelf)
    keeping = usable
    if breaking.height:
        keeping = usable.join(breaking, on=key, how="anti", nulls_equal=True, maintain_order="left")
    instant = pl.Datetime("us", "UTC")
    chosen = shelf.sorted(
        keeping.drop("_ever").with_columns(pl.col(AT, TRUTH_KNOWN).cast(instant)), [AT, *key]
    )
    counts = UnitCounts(
        rows=units.height + older,
        usable=keeping.height,
        undecided=units.height - decided.height,
        without_outcome=decided.height - usable.height,
        breaking=usable.height - keeping.height,
        older=older,
    )
    if not chosen.height:
        raise DataError(
            f"There is no row to learn from as of {format_instant(as_of_us)}: {counts.say()}",
            mend=_mend(units, decision),
            code="ISB312",
        )
    asked = shelf.taken(first.select(c for c in kept if c not in key), chosen[_PLACE])
    units = chosen.hstack(asked).select(*kept, AT, TRUTH, TRUTH_KNOWN)
    return Selected(units, counts, findings)


def _versions(
    facts: pl.DataFrame, decision: Decision, kept: Sequence[str], as_of_us: int, shelf: Shelf
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Find of each unit the first version that says anything, and the newest as of a time.

    They are one and the same table when every row has one version.
    """
    key = list(decision.source.key)
    in_order = facts[INGESTED_AT].is_sorted() and facts[ROW].is_sorted()
    ordered = facts if in_order else shelf.sorted(facts, [INGESTED_AT, ROW])
    silent = ordered.select(_says_nothing(decision, [c for c in kept if c not in key])).to_series()
    said = ordered
    if silent.any():
        said = shelf.sorted(ordered.with_columns(silent.alias(_PLACE)), [_PLACE]).drop(_PLACE)
    first = without_duplicates(said, key, shelf)[0]
    live_us = ordered[LIVE_AT].dt.epoch("us")
    standing = shelf.filtered(ordered, live_us.is_null() | (live_us < as_of_us))
    return first, newest_of(standing, key, shelf)


def _told_by(target: Node, decision: Decision) -> list[str]:
    """Name the columns that tell the outcome, and when it was known."""
    columns = names(target, "column")
    rules = [] if decision.at is None else known_rules(decision.source, columns, decision)
    return list(dict.fromkeys([*columns, *(rule.column for rule in rules)]))


def _told_since(
    facts: pl.DataFrame, newest: pl.DataFrame, told_by: Sequence[str], key: Sequence[str]
) -> pl.DataFrame:
    """Let the newest versions count from when they tell this outcome: others may have told it before.

    A correction of another column, such as a category that is spelt otherwise now, says nothing
    new about the outcome.
    """
    corrected = newest.filter(pl.col(LIVE_AT).is_not_null()).select(*key, _upto=ROW)
    if not corrected.height:
        return newest
    versions = (
        facts.select(*key, *(c for c in told_by if c not in key), LIVE_AT, INGESTED_AT, ROW)
        .join(corrected, on=list(key), how="semi", nulls_equal=True)
        .sort(INGESTED_AT, ROW)
    )
    by = list(key)
    upto = versions.join(corrected, on=by, how="left", nulls_equal=True, maintain_order="left")
    last = (upto[ROW] == upto["_upto"]).alias("_last")
    changed = reduce(
        lambda a, b: a | b,
        (pl.col(c).ne_missing(pl.col(c).shift(1).over(by)) for c in told_by),
        pl.int_range(pl.len()).over(by) == 0,
    )
    stretches = versions.with_columns(last, changed.alias("_changed")).with_columns(
        pl.col("_changed").cum_sum().over(by).alias("_stretch")
    )
    since = stretches.group_by([*by, "_stretch"], maintain_order=True).agg(
        pl.col(LIVE_AT).first().alias("_since"), pl.col("_last").any()
    )
    told = newest.join(
        since.filter("_last").select(*by, "_since", _seen=True),
        on=by,
        how="left",
        nulls_equal=True,
        maintain_order="left",
    )
    seen = pl.col("_seen").fill_null(value=False)
    return told.with_columns(pl.when(seen).then("_since").otherwise(LIVE_AT).alias(LIVE_AT)).drop(
        "_since", "_seen"
    )


def _judged(
    first: pl.DataFrame, newest: pl.DataFrame, decision: Decision, target: Node, *, same: bool
) -> pl.DataFrame:
    """Say of each unit when it is decided, what came of it, when that is known, and its place."""
    key = list(decision.source.key)
    at = _UNDATED if decision.at is None else known_at([decision.at])
    units = first.select(*key, at.alias(AT), pl.int_range(pl.len(), dtype=pl.UInt32).alias(_PLACE))
    outcome_at = outcome_known(target, decision)
    outcomes = newest.select(
        *key,
        to_polars(target).alias(TRUTH),
        pl.max_horizontal(outcome_at, pl.col(LIVE_AT).dt.epoch("us")).alias(TRUTH_KNOWN),
        outcome_at.is_not_null().alias("_ever"),
    )
    if same:
        return units.hstack(outcomes.drop(key))
    return units.join(outcomes, on=key, how="left", nulls_equal=True, maintain_order="left")


def _mend(units: pl.DataFrame, decision: Decision) -> str:
    """Name the day from which on outcomes are known, if there is one; else where to look."""
    if decision.at is None:
        return "give the source rows whose outcome is known"
    known = units.filter(pl.col(TRUTH).is_not_null() & pl.col("_ever") & pl.col(AT).is_not_null())
    latest = known.select(pl.max_horizontal(AT, TRUTH_KNOWN).max()).item()
    if latest is None:
        return f"isbjerg data show {decision.source.name}"
    return f"isbjerg run --as-of {format_instant(int(latest) + DAY_US)[:10]}"


def _says_nothing(decision: Decision, columns: Sequence[str]) -> pl.Expr:
    """Say which versions of a row tell its outcome only: settled for a unit nobody predicted."""
    if decision.at is not None:
        return known_at([decision.at]).is_null()
    return pl.all_horizontal(pl.lit(value=bool(columns)), *(pl.col(c).is_null() for c in columns))


def outcome_known(target: Node, decision: Decision) -> pl.Expr:
    """Say when the target is known; of undated decisions: as soon as it is there."""
    if decision.at is None:
        return _UNDATED
    return known_at(known_rules(decision.source, names(target, "column"), decision))


def _breaking(
    contract: Contract, versions: Sequence[pl.DataFrame], key: Sequence[str], shelf: Shelf
) -> tuple[pl.DataFrame, tuple[Finding, ...]]:
    """Find the keys whose first or newest row breaks the contract in a column that is read."""
    there = set(versions[0].columns)
    promise = msgspec.structs.replace(
        contract,
        key=tuple(key),
        fields=tuple(f for f in contract.fields if f.name in there),
        rows_minimum=None,
    )
    broken, findings = [], {}
    for rows in versions:
        checked = check(promise, rows, shelf)
        broken.append(checked.failed.select(key))
        failed = [f for f in checked.findings if f.failed and f.code != "contract.extra"]
        findings.update({(f.code, f.subject): f for f in failed})
    return pl.concat(broken).unique(), tuple(findings.values())


def check_known_in_time(facts: pl.DataFrame, columns: Sequence[str], decision: Decision) -> None:
    """Refuse columns of the unit which the data shows to be known too late.

    Raises
    ------
    KnowledgeError
        When in any row a plain column of the unit is known at or after the decision, or never.
    """
    if decision.at is None:
        return  # what is not known beforehand was refused by its rule
    decided = facts.filter(known_at([decision.at]).is_not_null())
    for column, rule in doubtful_columns(columns, decision).items():
        late = decided.select(
            (known_at([rule]) >= known_at([decision.at])).fill_null(value=True).mean()
        ).item()
        if late:
            raise known_too_late(column, rule, decision, share=float(late))
