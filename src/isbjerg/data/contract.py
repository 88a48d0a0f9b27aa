"""What a table promises, and the check of one row.

The same contract is enforced at ingest and at training (on tables, by
:mod:`isbjerg.data.checking`) and at serving (on one row, here). This module imports nothing
heavy, and no finding of a text column ever holds one of its values.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal

import msgspec

from isbjerg.expressions.tree import Type
from isbjerg.findings import Finding

RuleSeverity = Literal["error", "warning"]
"""An *error* quarantines the row, or refuses the request; a *warning* is only told."""

PERSONAL = ("public", "internal", "personal", "sensitive", "identifier")
"""Classes of personal data, from what anybody may see to what names a person by itself."""

HIDDEN = frozenset({"personal", "sensitive", "identifier"})
"""Classes whose values are never shown in a report."""

_PYTHON: dict[Type, tuple[type, ...]] = {
    Type.BOOLEAN: (bool,),
    Type.INTEGER: (int,),
    Type.FLOAT: (float, int),
    Type.TEXT: (str,),
    Type.INSTANT: (int,),
    Type.LOCAL: (int,),
    Type.DURATION: (int,),
}

_MENDS = {
    "required": "give it a value, or write `required: false` in the contract",
    "type": "send it as that type",
    "range": "mend the value, or widen `minimum` and `maximum` in the contract",
    "values": "mend the value, or add it to `validValues` in the contract",
}
"""What to do about a row that breaks a rule."""


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """What one column promises.

    Parameters
    ----------
    name : str
        Of the column.
    type : Type
        Of its values.
    required : bool
        Whether a missing value is an error.
    unique : bool
        Whether a repeated value is an error.
    minimum, maximum : int or float, optional
        Bounds of a number, both allowed themselves.
    values : tuple of str or int, optional
        The only values allowed.
    range_severity, values_severity : {"error", "warning"}
        What breaking the bounds or the values means.
    known : tuple of (str, int), optional
        When the value becomes known: a column, and microseconds after it.
    personal : str, optional
        Class of personal data: one of `PERSONAL`, or a word of the project's own.
    description : str
        For people.
    """

    name: str
    type: Type
    required: bool = False
    unique: bool = False
    minimum: int | float | None = None
    maximum: int | float | None = None
    values: tuple[str | int, ...] | None = None
    range_severity: RuleSeverity = "error"
    values_severity: RuleSeverity = "warning"
    known: tuple[str, int] | None = None
    personal: str | None = None
    description: str = ""


class Contract(msgspec.Struct, frozen=True, kw_only=True):
    """What a table promises.

    Parameters
    ----------
    table : str
        Name of the source.
    key : tuple of str
        Columns that identify a row; together never missing and never repeated.
    fields : tuple of Field
        The columns, in order.
    version : str
        Of the contract, for people.
    status : str
        ``draft`` until somebody has read it, then ``active``.
    rows_minimum : int, optional
        A read with fewer rows is told as a warning.
    """

    table: str
    key: tuple[str, ...]
    fields: tuple[Field, ...]
    version: str = "1.0.0"
    status: str = "draft"
    rows_minimum: int | None = None

    @property
    def types(self) -> dict[str, Type]:
        """Type of each column."""
        return {f.name: f.type for f in self.fields}


def check_row(
    contract: Contract, row: Mapping[str, Any], columns: Collection[str]
) -> list[Finding]:
    """Check one row, as a prediction server does with a request.

    Parameters
    ----------
    contract : Contract
        What the table promises.
    row : mapping of str to carrier
        Values in carriers; a column that is not there counts as missing.
    columns : collection of str
        Columns to look at: those the model was trained with.

    Returns
    -------
    list of Finding
        What does not hold; empty when everything does. Whether the row must be refused
        stands in the severities.

    Examples
    --------
    >>> promise = Contract(
    ...     table="loans",
    ...     key=("id",),
    ...     fields=(Field(name="amount", type=Type.FLOAT, required=True, minimum=0),),
    ... )
    >>> [f.message for f in check_row(promise, {"amount": -1.0}, ["amount"])]
    ["'amount' must be at least 0."]
    >>> [f.code for f in check_row(promise, {}, ["amount"])]
    ['contract.required']
    """
    findings: list[Finding] = []
    for field in contract.fields:
        if field.name in columns:
            findings += _check_value(contract, field, row.get(field.name))
    return findings


def _check_value(contract: Contract, field: Field, value: Any) -> list[Finding]:
    subject = f"{contract.table}.{field.name}"
    if value is None:
        if field.required or field.name in contract.key:
            return [_row_finding("required", subject, "error", f"'{field.name}' must be given.")]
        return []
    if not fits(value, field.type):
        message = f"'{field.name}' must be of type {field.type}."
        return [_row_finding("type", subject, "error", message)]
    findings = []
    if outside(field, value):
        message = f"'{field.name}' must be {bounds(field)}."
        findings.append(_row_finding("range", subject, field.range_severity, message))
    if field.values is not None and value not in field.values:
        message = f"'{field.name}' must be one of the {len(field.values)} values of the contract."
        findings.append(_row_finding("values", subject, field.values_severity, message))
    return findings


def _row_finding(rule: str, subject: str, severity: RuleSeverity, message: str) -> Finding:
    return Finding(
        code=f"contract.{rule}",
        subject=subject,
        severity=severity,
        message=message,
        mend=_MENDS[rule],
    )


def fits(value: Any, kind: Type) -> bool:
    """Say whether a carrier value is of a type; a whole number fits float.

    Examples
    --------
    >>> fits(1, Type.FLOAT), fits(True, Type.INTEGER), fits(1.0, Type.INTEGER)
    (True, False, False)
    """
    return isinstance(value, _PYTHON[kind]) and (kind is Type.BOOLEAN or type(value) is not bool)


def outside(field: Field, value: float) -> bool:
    """Say whether a number breaks the bounds of its field."""
    below = field.minimum is not None and value < field.minimum
    return below or (field.maximum is not None and value > field.maximum)


def bounds(field: Field) -> str:
    """Write the bounds of a field as words.

    Examples
    --------
    >>> bounds(Field(name="x", type=Type.FLOAT, minimum=0, maximum=1.5))
    'at least 0 and at most 1.5'
    """
    words = []
    if field.minimum is not None:
        words.append(f"at least {field.minimum}")
    if field.maximum is not None:
        words.append(f"at most {field.maximum}")
    return " and ".join(words)
