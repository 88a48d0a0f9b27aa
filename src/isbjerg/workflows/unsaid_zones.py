"""Times without a zone that decide what is known: hours of leakage, and nothing would look wrong.

A first read that rests on one is refused, while nothing stands on it: what is stored under a wrong
zone is wrong for good, and no correction. Tables that were taken in before are told of.
"""

from __future__ import annotations

from collections.abc import Mapping

from isbjerg.errors import SourceError
from isbjerg.expressions.tree import Type
from isbjerg.features.knowledge import Decision
from isbjerg.features.sets import Known
from isbjerg.features.sources import Ahead, Source
from isbjerg.findings import Finding


def check_zones(source: Source, schema: Mapping[str, Type], decision: Decision) -> None:
    """Refuse a table whose times decide what is known, and name no zone.

    Parameters
    ----------
    source : Source
        Whose rules are asked.
    schema : mapping of str to Type
        What its columns hold.
    decision : Decision
        When decisions are taken, and from which source.

    Raises
    ------
    SourceError
        Naming the columns, with the lines that say UTC, or another zone.
    """
    unsaid = _unsaid(source, schema, decision)
    if unsaid:
        raise SourceError(
            f"Times of '{source.name}' decide what is known when, and name no zone: {_listed(unsaid)}."
            "\nTaken as UTC, the time of another zone would show features what was not known yet, "
            "for hours.",
            mend=_mend(unsaid),
            code="ISB343",
            source=source.name,
            columns=unsaid,
        )


def unsaid_zones(source: Source, schema: Mapping[str, Type], decision: Decision) -> list[Finding]:
    """Tell of such columns in a table that was taken in before they were refused.

    Parameters
    ----------
    source : Source
        Whose rules are asked; a rule may have come to rest on such a column since.
    schema : mapping of str to Type
        What its columns hold.
    decision : Decision
        When decisions are taken, and from which source.

    Examples
    --------
    >>> from isbjerg.features.sources import source
    >>> @source(key="id", known={"*": "landed"})
    ... def flights(): ...
    >>> columns = {"id": Type.INTEGER, "landed": Type.LOCAL}
    >>> (found,) = unsaid_zones(flights, columns, Decision(flights, None))
    >>> print(found.message)
    Times decide what is known when, and name no zone: 'landed'. They are taken as UTC.
    """
    unsaid = _unsaid(source, schema, decision)
    if not unsaid:
        return []
    return [
        Finding(
            code="source.zone_unsaid",
            subject=source.name,
            severity="warning",
            message=f"Times decide what is known when, and name no zone: {_listed(unsaid)}. "
            "They are taken as UTC.",
            mend=f"if they are not UTC: a source of another name than {source.name}, where "
            "table is read and the zone said: " + _placed(unsaid),
            evidence={"columns": unsaid},
        )
    ]


def _unsaid(source: Source, schema: Mapping[str, Type], decision: Decision) -> list[str]:
    decides = {rule.column for _, rule in source.known if isinstance(rule, Known)}
    decides |= {rule.of for _, rule in source.known if isinstance(rule, Ahead) and rule.of}
    if decision.at is not None and decision.source.name == source.name:
        decides.add(decision.at.column)
    return [name for name, kind in schema.items() if kind is Type.LOCAL and name in decides]


def _listed(columns: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in columns)


def _mend(columns: list[str]) -> str:
    types = ", ".join(f'"{name}": "instant"' for name in columns)
    return (
        f"types={{{types}}} in sources.py, if they are UTC; else, of the table "
        f"that ib.read gives: {_placed(columns)}"
    )


def _placed(columns: list[str]) -> str:
    names = ", ".join(f'"{name}"' for name in columns)
    return (
        f'table.with_columns(pl.col({names}).cast(pl.Datetime("us")).dt.replace_time_zone('
        '"America/New_York", ambiguous="latest", non_existent="null"))'
    )
