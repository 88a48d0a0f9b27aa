"""The check of single rows that come in outside a source's read: posted facts, settled outcomes.

Such a row is judged by what it says. A column that it does not name is not missing, since a fact
may tell one thing of many; a column that it names as null is. Rules that compare rows (repeated
keys, unique values) are those of a whole table and not asked here: a later row about the same
key is a correction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from isbjerg.data.contract import Contract, Field, check_row
from isbjerg.expressions.tree import Type
from isbjerg.findings import Finding

_SHOWN = 5


class RowsChecked(msgspec.Struct, frozen=True, kw_only=True):
    """What a check of rows found.

    Parameters
    ----------
    broken : dict of int to Finding
        By its place, each row that breaks a rule of severity error, with the first such rule.
    findings : tuple of Finding
        One for each rule and column that did not hold, with how many rows and which.
    """

    broken: dict[int, Finding]
    findings: tuple[Finding, ...]


def check_rows(
    contract: Contract, rows: Iterable[Mapping[str, Any]], places: Iterable[int] | None = None
) -> RowsChecked:
    """Check rows of carriers, each in the columns that it has.

    Parameters
    ----------
    contract : Contract
        What the table promises.
    rows : iterable of mappings of str to carrier
        The rows.
    places : iterable of int, optional
        Their numbers, for people; counted from 0 when not given.

    Examples
    --------
    >>> promise = Contract(
    ...     table="loans", key=("id",), fields=(Field(name="amount", type=Type.FLOAT, minimum=0),)
    ... )
    >>> checked = check_rows(promise, [{"id": 1}, {"id": 2, "amount": -1.0}])
    >>> list(checked.broken), checked.findings[0].message
    ([1], "'amount' must be at least 0: 1 row is not; row 1.")
    """
    given = list(rows)
    numbers = range(len(given)) if places is None else list(places)
    broken: dict[int, Finding] = {}
    found: dict[tuple[str, str], tuple[Finding, list[int]]] = {}
    for place, (number, row) in enumerate(zip(numbers, given, strict=True)):
        for finding in check_row(contract, row, row.keys()):
            if finding.severity == "error":
                broken.setdefault(place, finding)
            found.setdefault((finding.code, finding.subject), (finding, []))[1].append(number)
    told = tuple(_told(finding, at) for finding, at in found.values())
    return RowsChecked(broken=broken, findings=told)


def promise_of(
    table: str, key: Iterable[str], fields: Iterable[Field], types: Mapping[str, Type] | None = None
) -> Contract:
    """Form what single rows must keep: the contract's fields, in the types that columns have.

    Parameters
    ----------
    table : str
        Name of the source.
    key : iterable of str
        Columns that are never missing.
    fields : iterable of Field
        Of the contract.
    types : mapping of str to Type, optional
        Of the table's columns, where they are known: a value that does not fit cannot be held.
    """
    held = dict(types or {})
    typed = [msgspec.structs.replace(f, type=held.pop(f.name, f.type)) for f in fields]
    typed += [Field(name=name, type=kind) for name, kind in held.items()]
    return Contract(table=table, key=tuple(key), fields=tuple(typed))


def _told(finding: Finding, places: list[int]) -> Finding:
    count, first = len(places), places[:_SHOWN]
    shown = ", ".join(str(p) for p in first) + (", ..." if count > len(first) else "")
    be, row = ("is", "row") if count == 1 else ("are", "rows")
    return msgspec.structs.replace(
        finding,
        message=f"{finding.message.rstrip('.')}: {count:,} {row} {be} not; {row} {shown}.",
        evidence={"count": count, "first": first},
    )
