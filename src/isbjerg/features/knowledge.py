"""When columns become known, resolved from a source's rules.

A rule of `ahead` without a column counts back from the decision, so resolving needs to know
whether the source is the unit's and when its decisions are taken.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from isbjerg.errors import DefinitionError, KnowledgeError
from isbjerg.features.sets import Known
from isbjerg.features.sources import Afterwards, Ahead, KnownRule, Source
from isbjerg.times import format_span


@dataclass(frozen=True)
class Decision:
    """Where units come from and when the decision about one is taken; ``None``: undated."""

    source: Source
    at: Known | None


def known_rule(source: Source, column: str, decision: Decision) -> Known:
    """Find when `column` of `source` becomes known, where decisions have a time.

    Raises
    ------
    DefinitionError
        When no rule names the column, or its rule does not say when; the mend is the line to
        write.

    Examples
    --------
    >>> from isbjerg.features.sources import ahead, source
    >>> @source(key="id", known={"sched_*": ahead("30d"), "delay": "landed"})
    ... def flights(): ...
    >>> decision = Decision(flights, Known("sched_dep", -7200 * 10**6))
    >>> known_rule(flights, "delay", decision)
    Known(column='landed', offset_us=0)
    >>> known_rule(flights, "sched_arr", decision).column
    'sched_dep'
    """
    _, rule = declared_rule(source, column)
    if isinstance(rule, Known):
        return rule
    if isinstance(rule, Afterwards):
        at = "<column of times>" if decision.at is None else decision.at.column
        raise DefinitionError(
            f"The column '{column}' of the source '{source.name}' is known afterwards, "
            "but not how long after.",
            mend=f'"{column}": ib.after("{at}", "1d")',
            code="ISB211",
            source=source.name,
            column=column,
        )
    return _ahead(rule, source, column, decision)


def declared_rule(source: Source, column: str) -> tuple[str, KnownRule]:
    """Find the rule for a column, and the name or pattern under which it was declared.

    Raises
    ------
    DefinitionError
        When none names the column.
    """
    rules = dict(source.known)
    pattern = (
        column
        if column in rules
        else next((p for p, _ in source.known if fnmatchcase(column, p)), None)
    )
    if pattern is None:
        raise DefinitionError(
            f"The column '{column}' of the source '{source.name}' is used, "
            "but nothing says when it becomes known.",
            mend=f'known={{..., "{column}": ib.after("<column of times>", "1h")}}  '
            f"in @ib.source of {source.name}",
            code="ISB211",
            source=source.name,
            column=column,
        )
    return pattern, rules[pattern]


def _ahead(rule: Ahead, source: Source, column: str, decision: Decision) -> Known:
    if rule.of is not None:
        return Known(rule.of, -rule.span_us)
    if source.name == decision.source.name and decision.at is not None:
        return Known(decision.at.column, decision.at.offset_us - rule.span_us)
    span = format_span(rule.span_us)
    raise DefinitionError(
        f"The column '{column}' of the source '{source.name}' is known {span} ahead, "
        f"but not ahead of what: {_nothing_to_count_from(decision)}.",
        mend=f'ib.ahead("{span}", of="<column of times>")',
        code="ISB211",
        source=source.name,
        column=column,
    )


def _nothing_to_count_from(decision: Decision) -> str:
    return "decisions have no time" if decision.at is None else "it is not the source of the unit"


def known_rules(source: Source, columns: Iterable[str], decision: Decision) -> tuple[Known, ...]:
    """Find the distinct rules of several columns, in a fixed order."""
    rules = {known_rule(source, c, decision) for c in columns}
    return tuple(sorted(rules, key=lambda k: (k.column, k.offset_us)))


def doubtful_columns(columns: Iterable[str], decision: Decision) -> dict[str, Known]:
    """List unit columns whose rule alone does not prove that they are known in time.

    They must be checked against the data; those known too late by their rule are refused here.
    Undated decisions have none: what is not known beforehand is refused.

    Raises
    ------
    KnowledgeError
        When a column is known at or after the decision in every row.
    """
    if decision.at is None:
        for column in columns:
            _check_beforehand(column, decision)
        return {}
    doubtful: dict[str, Known] = {}
    for column in columns:
        rule = known_rule(decision.source, column, decision)
        if rule.column != decision.at.column:
            doubtful[column] = rule
        elif rule.offset_us >= decision.at.offset_us:
            raise known_too_late(column, rule, decision, share=1.0)
    return doubtful


def _check_beforehand(column: str, decision: Decision) -> None:
    """Refuse a column of which an undated decision cannot say that it is known."""
    pattern, rule = declared_rule(decision.source, column)
    if isinstance(rule, Ahead) and rule.of is None:
        return
    declared = "afterwards" if isinstance(rule, Afterwards) else "at a time"
    raise KnowledgeError(
        f"A feature uses '{column}', which is known {declared} by the rule \"{pattern}\", and "
        "decisions have no time.",
        mend=f"drop the parameter '{column}'; or say \"{column}\": ib.beforehand() in known of "
        f"{decision.source.name}; or name the time of decisions: [unit] at = ... in frame.toml",
        column=column,
    )


def check_outcome_unused(
    columns: Iterable[str], outcome: Iterable[str], decision: Decision
) -> None:
    """Refuse that features of undated decisions use what the target is made from.

    Where decisions have a time, the rule of each column says whether it is known. Without one,
    a pattern that says *beforehand* of every column says too much: the outcome's own columns
    count as known afterwards, unless they are declared by name.

    Raises
    ------
    KnowledgeError
        When a feature uses a column of the target that only a pattern declares.
    """
    used = set(columns)
    for column in outcome:
        if decision.at is not None or column not in used:
            continue
        pattern, _ = declared_rule(decision.source, column)
        if pattern != column:
            raise KnowledgeError(
                f"A feature uses '{column}', which the target is made from.",
                mend=f"drop the parameter '{column}'; or, if it is known when the decision is "
                f'taken: "{column}": ib.beforehand() in known of {decision.source.name}',
                column=column,
            )


def known_too_late(column: str, rule: Known, decision: Decision, *, share: float) -> KnowledgeError:
    """Say that a feature uses a column that is not known when the decision is taken."""
    taken = "" if decision.at is None else f"Decision: {moment(decision.at)}\n"
    return KnowledgeError(
        f"A feature uses '{column}', which is not known when the decision is taken.\n"
        f"{taken}"
        f"'{column}' is known: {moment(rule)}, too late in {share:.1%} of the rows",
        mend=f"drop the parameter '{column}', or use what was known by then: "
        f'p=ib.past({decision.source.name}, by="...", span="7d") and p.{column}.mean()',
        column=column,
        share=share,
    )


def moment(known: Known) -> str:
    """Write a time relative to a column, such as ``sched_dep_utc - 2h``.

    Examples
    --------
    >>> moment(Known("sched_dep_utc", -7200 * 10**6))
    'sched_dep_utc - 2h'
    """
    if known.offset_us == 0:
        return known.column
    sign = "+" if known.offset_us > 0 else "-"
    return f"{known.column} {sign} {format_span(abs(known.offset_us))}"
