"""Rows that are here although they say that they are not known yet."""

from __future__ import annotations

import polars as pl

from isbjerg.errors import DefinitionError
from isbjerg.features.knowledge import Decision, known_rule, moment
from isbjerg.features.sets import Known
from isbjerg.features.sources import Source
from isbjerg.findings import Finding


def told_of_future(
    source: Source, rows: pl.DataFrame, decision: Decision, now_us: int
) -> list[Finding]:
    """Say of how many rows a time lies ahead at which a value of them should become known.

    The rows are kept: they count as known from that time on, as they say. A plan that lies ahead
    is no contradiction, as long as its rule says so (`ahead`).

    Parameters
    ----------
    source : Source
        Whose rules are asked.
    rows : polars.DataFrame
        In carriers: the rows that are new.
    decision : Decision
        What `ahead` counts back from.
    now_us : int
        What time it is.
    """
    rules: dict[Known, list[str]] = {}
    for column in rows.columns:
        try:
            rules.setdefault(known_rule(source, column, decision), []).append(column)
        except DefinitionError:
            continue  # nothing is declared of it: it cannot be used
    findings = []
    for rule, columns in rules.items():
        if rule.column not in rows.columns or not isinstance(rows[rule.column].dtype, pl.Datetime):
            continue
        known_us = rows[rule.column].dt.epoch("us") + rule.offset_us
        late = int((known_us > now_us).sum())
        if late:
            findings.append(_future(source, late, rule, columns))
    return findings


def _future(source: Source, rows: int, rule: Known, columns: list[str]) -> Finding:
    return Finding(
        code="ingest.future",
        subject=f"{source.name}.{rule.column}",
        severity="warning",
        message=f"{rows:,} {'row is' if rows == 1 else 'rows are'} here already, and "
        f"{'says' if rows == 1 else 'say'} that {', '.join(columns[:3])}"
        f"{', ...' if len(columns) > 3 else ''} become known at {moment(rule)}, "  # noqa: PLR2004
        "which lies ahead. They are kept, and not used before that time.",
        mend=f"look at the years and the time zone of {rule.column}; if it is a plan: "
        f'ib.ahead("30d", of="{rule.column}")',
        evidence={"rows": rows, "columns": columns},
    )
