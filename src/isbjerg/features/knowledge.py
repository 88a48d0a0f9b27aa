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
from isbjerg.features.sources import Ahead, Source
from isbjerg.times import format_span


@dataclass(frozen=True)
class Decision:
    """Where units come from and when the decision about one is taken."""

    source: Source
    at: Known


def known_rule(source: Source, column: str, decision: Decision) -> Known:
    """Find when `column` of `source` becomes known.

    Raises
    ------
    DefinitionError
        When no rule names the column, or `ahead` has nothing to count back from; the mend is
        the line to write.

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
    rule = rules[pattern]
    if isinstance(rule, Known):
        return rule
    return _ahead(rule, source, column, decision)


def _ahead(rule: Ahead, source: Source, column: str, decision: Decision) -> Known:
    if rule.of is not None:
        return Known(rule.of, -rule.span_us)
    if source.name == decision.source.name:
        return Known(decision.at.column, decision.at.offset_us - rule.span_us)
    span = format_span(rule.span_us)
    raise DefinitionError(
        f"The column '{column}' of the source '{source.name}' is known {span} ahead, "
        "but not ahead of what: it is not the source of the unit.",
        mend=f'ib.ahead("{span}", of="<column of times>")',
        code="ISB211",
        source=source.name,
        column=column,
    )


def known_rules(source: Source, columns: Iterable[str], decision: Decision) -> tuple[Known, ...]:
    """Find the distinct rules of several columns, in a fixed order."""
    rules = {known_rule(source, c, decision) for c in columns}
    return tuple(sorted(rules, key=lambda k: (k.column, k.offset_us)))


def doubtful_columns(columns: Iterable[str], decision: Decision) -> dict[str, Known]:
    """List unit columns whose rule alone does not prove that they are known in time.

    They must be checked against the data; those known too late by their rule are refused here.

    Raises
    ------
    KnowledgeError
        When a column is known at or after the decision in every row.
    """
    doubtful: dict[str, Known] = {}
    for column in columns:
        rule = known_rule(decision.source, column, decision)
        if rule.column != decision.at.column:
            doubtful[column] = rule
        elif rule.offset_us >= decision.at.offset_us:
            raise known_too_late(column, rule, decision, share=1.0)
    return doubtful


def known_too_late(column: str, rule: Known, decision: Decision, *, share: float) -> KnowledgeError:
    """Say that a feature uses a column that is not known when the decision is taken."""
    return KnowledgeError(
        f"A feature uses '{column}', which is not known when the decision is taken.\n"
        f"Decision: {moment(decision.at)}\n"
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
