"""A request's row to carriers: what is needed, of the right type, within the contract.

The bundle says which columns it needs and what they must keep. What breaks an *error* rule is
refused with the column's name; what breaks a *warning* rule is answered, and the finding goes
into the record. Columns that the bundle does not need are neither used nor kept; where one of them
may be another one's name misspelt, the answer says so.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import msgspec

from isbjerg.data.contract import Contract, Field, check_row
from isbjerg.data.unread import unread
from isbjerg.errors import TypingError
from isbjerg.expressions.tree import Type
from isbjerg.expressions.values import to_carrier, type_of_value
from isbjerg.features.keys import Carrier
from isbjerg.findings import Finding
from isbjerg.models.bundle import Bundle
from isbjerg.serving.answers import Refusal

_EXACT: dict[Type, type] = {Type.BOOLEAN: bool, Type.FLOAT: float, Type.TEXT: str}
"""Types whose JSON value is its own carrier: no conversion, no look at the value."""

_REFUSING = frozenset({"error", "blocking"})


class _Column(NamedTuple):
    """What one column must be, and what can be seen of its contract in passing."""

    name: str
    kind: Type | None
    exact: type | None
    nullable: bool
    optional: bool
    minimum: float | None
    maximum: float | None
    values: frozenset[Any] | None

    def suspect(self, value: Any) -> bool:
        """Say whether the contract has something to say, without saying what."""
        return (
            (self.minimum is not None and value < self.minimum)
            or (self.maximum is not None and value > self.maximum)
            or (self.values is not None and value not in self.values)
        )


class InputReader:
    """Read rows for one bundle.

    Parameters
    ----------
    bundle : Bundle
        Its feature set, unit and contract.
    """

    def __init__(self, bundle: Bundle) -> None:
        unit = bundle.unit
        types = bundle.asked
        fields = {field.name: field for field in bundle.contract}
        self._columns = [_column(n, t, fields.get(n), n in unit.key) for n, t in types.items()]
        self._names = tuple(types)
        self._contract = Contract(table=unit.source, key=unit.key, fields=bundle.contract)

    def read(self, row: dict[str, Any]) -> tuple[dict[str, Carrier], list[dict[str, Any]]]:
        """Return the carriers of a row, and what the contract flagged.

        Raises
        ------
        Refusal
            When a column is missing, has the wrong type, or breaks an error rule.
        """
        read: dict[str, Carrier] = {}
        suspect = False
        missing: list[str] = []
        for column in self._columns:
            name = column.name
            value: Any = row.get(name)
            if value is not None and type(value) is not column.exact:
                value = read_value(value, column.kind, f"Column '{name}'", name)
            if value is None:
                self._check_null(column, row)
                if name not in row:
                    missing.append(name)
            elif column.suspect(value):
                suspect = True
            read[name] = value
        findings = self._judge(check_row(self._contract, read, self._names)) if suspect else []
        if missing and len(row) > len(self._columns) - len(missing):
            more = len(row) - (len(self._columns) - len(missing))
            findings.append(msgspec.to_builtins(unread(self._contract.table, missing, more)))
        return read, findings

    def _check_null(self, column: _Column, row: dict[str, Any]) -> None:
        given = column.name in row
        if not (column.nullable if given else column.optional):
            raise Refusal(
                422,
                "ISB707",
                f"Column '{column.name}' {'is null' if given else 'is missing'}.",
                mend=f"send all of: {', '.join(self._names)}",
                field=column.name,
            )

    @staticmethod
    def _judge(findings: list[Finding]) -> list[dict[str, Any]]:
        for finding in findings:
            if finding.failed and finding.severity in _REFUSING:
                raise Refusal(
                    422,
                    "ISB712",
                    f"{finding.subject}: {finding.message}",
                    mend=finding.mend,
                    field=finding.subject.rpartition(".")[2],
                )
        return [msgspec.to_builtins(finding) for finding in findings if finding.failed]


def _column(name: str, type_: Type | None, field: Field | None, key: bool) -> _Column:  # noqa: FBT001 - the row's key, or not
    exact = None if type_ is None else _EXACT.get(type_)
    if field is None:  # no promise: it may be null, but a forgotten column must be seen
        return _Column(name, type_, exact, not key, False, None, None, None)  # noqa: FBT003
    nullable = not field.required and not key
    values = None if field.values is None else frozenset(field.values)
    return _Column(name, type_, exact, nullable, nullable, field.minimum, field.maximum, values)


def read_value(value: Any, type_: Type | None, place: str, column: str) -> Carrier:
    """Turn what JSON carries into a carrier; of the value's own type when none is known.

    Raises
    ------
    Refusal
        When it is not of the type; it names the place and the column, never the value.
    """
    try:
        found = type_ or type_of_value(value)
        return None if found is None else to_carrier(value, found)
    except TypingError as fault:
        raise Refusal(
            422, "ISB708", f"{place}: {fault.message}", mend=fault.mend or "", field=column
        ) from None
