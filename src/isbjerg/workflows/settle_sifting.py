"""Which rows of a file of outcomes are settled, and what is said of the others.

A row is settled when it is known by now, its target has a value, it keeps the contract, and no
other row of the file contradicts it. Of rows that say different things about one unit the one
that became known last counts; when several became known at that same time none of them is
taken, since the order of rows in a file says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from isbjerg.data.contract import Contract, RuleSeverity
from isbjerg.data.row_checking import check_rows
from isbjerg.findings import Finding
from isbjerg.workflows.outcome_files import ID, PLACE
from isbjerg.workflows.settle_facts import carrier_rows

VALUE, KNOWN_US = "\0value", "\0known_us"
"""Columns that hold the outcome of a row, and when it became known."""

_OWN = (VALUE, KNOWN_US, PLACE)
_SHOWN = 5


class Sifted(NamedTuple):
    """The rows to settle in the order in which they became known, and counts of all others."""

    known: pl.DataFrame
    not_yet_known: int
    without_value: int
    refused: int
    contradicting: int
    findings: tuple[Finding, ...]


def sift(
    rows: pl.DataFrame, target: Sequence[str], contract: Contract, key: Sequence[str], now_us: int
) -> Sifted:
    """Part the rows of a file of outcomes.

    Parameters
    ----------
    rows : DataFrame
        Of the file, with `VALUE` and `KNOWN_US`.
    target : sequence of str
        The target's columns.
    contract : Contract
        What each row must keep in the columns that it has.
    key : sequence of str
        Of the unit.
    now_us : int
        What became known later is not known yet.
    """
    told = rows.filter((pl.col(KNOWN_US) <= now_us).fill_null(value=False))
    there = pl.all_horizontal(pl.col(c).is_not_null() for c in target)
    mute = told.filter(pl.col(VALUE).is_null() & there)
    valued = told.filter(pl.col(VALUE).is_not_null())
    says = carrier_rows(valued.drop(ID, *_OWN, strict=False))
    checked = check_rows(contract, says, valued[PLACE])
    kept = valued.with_row_index("\0n").filter(~pl.col("\0n").is_in(list(checked.broken)))
    by = list(key) if set(key) <= set(rows.columns) else [ID]
    tied, several = _contradicting(kept.drop("\0n"), by)
    known = kept.drop("\0n").join(tied, on=PLACE, how="anti", maintain_order="left")
    findings = (
        _mute(mute, target),
        *checked.findings,
        _tied(tied, by),
        _several(several, by),
    )
    return Sifted(
        known=known.sort(KNOWN_US, maintain_order=True),
        not_yet_known=rows.height - valued.height - mute.height,
        without_value=mute.height,
        refused=len(checked.broken),
        contradicting=tied.height,
        findings=tuple(f for f in findings if f is not None),
    )


def _contradicting(rows: pl.DataFrame, by: list[str]) -> tuple[pl.DataFrame, int]:
    """Find the rows that no time puts in order, and count the keys where one does."""
    says = [c for c in rows.columns if c not in (*_OWN, ID)]
    one = pl.struct(by)
    repeated = rows.filter(one.is_duplicated())
    distinct = repeated.unique([*by, *says, KNOWN_US], maintain_order=True)
    several = distinct.filter(one.is_duplicated())
    last = several.filter(pl.col(KNOWN_US) == pl.col(KNOWN_US).max().over(by))
    tied = last.filter(one.is_duplicated()).select(by).unique()
    rows_tied = repeated.join(tied, on=by, how="semi", maintain_order="left")
    return rows_tied, several.select(by).n_unique() - tied.height


def _mute(rows: pl.DataFrame, target: Sequence[str]) -> Finding | None:
    columns = ", ".join(target)
    return _finding(
        rows,
        "no_outcome",
        subject=columns,
        severity="warning",
        what=f"{columns} is there, but the target has no value for it",
        mend=f"write the values that the target in features.py knows into {columns}",
    )


def _tied(rows: pl.DataFrame, by: Sequence[str]) -> Finding | None:
    name = ", ".join(by)
    return _finding(
        rows,
        "contradiction",
        subject=name,
        severity="error",
        what="Rows with the same key say different things, and none became known last: not settled",
        mend=f"keep one row for each {name}, or say when each became known",
    )


def _several(keys: int, by: Sequence[str]) -> Finding | None:
    if not keys:
        return None
    return Finding(
        code="settle.several",
        subject=", ".join(by),
        severity="warning",
        message=f"{keys:,} of the units are told in different ways; what became known last counts.",
        mend=f"keep one row for each {', '.join(by)} if that was not meant",
        evidence={"keys": keys},
    )


def _finding(
    rows: pl.DataFrame, code: str, *, subject: str, severity: RuleSeverity, what: str, mend: str
) -> Finding | None:
    if not rows.height:
        return None
    first = rows[PLACE].head(_SHOWN).to_list()
    shown = ", ".join(str(p) for p in first) + (", ..." if rows.height > len(first) else "")
    word = "row" if rows.height == 1 else "rows"
    return Finding(
        code=f"settle.{code}",
        subject=subject,
        severity=severity,
        message=f"{what}: {rows.height:,} {word}; {word} {shown}.",
        mend=mend,
        evidence={"count": rows.height, "first": first},
    )
