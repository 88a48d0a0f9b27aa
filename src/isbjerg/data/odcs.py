"""Contracts as files of the Open Data Contract Standard 3.1.

`to_odcs` writes a contract, `from_odcs` reads one that people may have changed. What
isbjerg does not enforce is kept as it stands, and told; what cannot be a contract is refused,
all faults at once with their lines. References: https://bitol-io.github.io/open-data-contract-standard/
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import msgspec
import yaml

from isbjerg.data.contract import PERSONAL, Contract, Field
from isbjerg.data.odcs_lines import Lines
from isbjerg.errors import ArgumentError, ProjectError
from isbjerg.expressions.tree import INTEGER_MAX, INTEGER_MIN, Type
from isbjerg.findings import Finding
from isbjerg.times import format_span, parse_span

API_VERSION = "v3.1.0"

_LOGICAL = {
    Type.BOOLEAN: ("boolean", "BOOLEAN"),
    Type.INTEGER: ("integer", "BIGINT"),
    Type.FLOAT: ("number", "DOUBLE"),
    Type.TEXT: ("string", "VARCHAR"),
    Type.INSTANT: ("timestamp", "TIMESTAMP WITH TIME ZONE"),
    Type.LOCAL: ("timestamp", "TIMESTAMP"),
    Type.DURATION: ("integer", "INTERVAL"),
}
_TYPES = {
    "boolean": Type.BOOLEAN,
    "integer": Type.INTEGER,
    "number": Type.FLOAT,
    "string": Type.TEXT,
    "timestamp": Type.LOCAL,
    "date": Type.LOCAL,
}
_KNOWN, _PERSONAL, _RANGE = "isbjergKnown", "isbjergPersonalData", "isbjergRangeSeverity"
_TYPE = "isbjergType"
_LISTED = {Type.TEXT: str, Type.INTEGER: int}
"""Types whose values may be listed, and what such a list holds."""

_ENFORCED = {"minimum", "maximum", "timezone"}


class OdcsContract(msgspec.Struct, frozen=True, kw_only=True):
    """A contract as read from a file.

    Parameters
    ----------
    contract : Contract
        What isbjerg enforces.
    document : dict
        The file as it stands; give it to `to_odcs` to keep what isbjerg does not know.
    unenforced : list of Finding
        Rules of the file that isbjerg does not check; each is *not run*.
    """

    contract: Contract
    document: dict[str, Any]
    unenforced: list[Finding]


def to_odcs(contract: Contract, document: dict[str, Any] | None = None) -> str:
    """Write a contract as YAML.

    Parameters
    ----------
    contract : Contract
        What the table promises.
    document : dict, optional
        A file read before; everything in it that isbjerg does not know stays.

    Examples
    --------
    >>> text = to_odcs(Contract(table="t", key=("id",), fields=(Field(name="id", type="integer"),)))
    >>> print(text.splitlines()[0])
    apiVersion: v3.1.0
    """
    out = copy.deepcopy(document) if document else {}
    out.setdefault("apiVersion", API_VERSION)
    out.setdefault("kind", "DataContract")
    out.setdefault("id", f"isbjerg-{contract.table}")
    out.setdefault("name", contract.table)
    out["version"], out["status"] = contract.version, contract.status
    tables = out.setdefault("schema", [])
    if not tables:
        tables.append({"name": contract.table, "logicalType": "object", "physicalType": "table"})
    table = tables[0]
    before = {p["name"]: p for p in table.get("properties", [])}
    table["properties"] = [
        _property(contract, field, before.get(field.name, {})) for field in contract.fields
    ]
    _write_quality(table, "rowCount", _row_count(contract), "warning")
    return yaml.safe_dump(out, sort_keys=False, allow_unicode=True, width=100)


def _row_count(contract: Contract) -> dict[str, Any] | None:
    least = contract.rows_minimum
    return None if least is None else {"mustBeGreaterOrEqualTo": least}


def _property(contract: Contract, field: Field, before: dict[str, Any]) -> dict[str, Any]:
    out = {"name": field.name, **before}
    if _type_of(before) is not field.type:
        out["logicalType"], out["physicalType"] = _LOGICAL[field.type]
        _set(out, "logicalTypeOptions", "timezone", field.type is Type.INSTANT or None)
    if field.description:
        out["description"] = field.description
    out["required"] = field.required
    if field.unique or "unique" in before:
        out["unique"] = field.unique
    for name in ("primaryKey", "primaryKeyPosition"):
        out.pop(name, None)
    if field.name in contract.key:
        out["primaryKey"] = True
        out["primaryKeyPosition"] = contract.key.index(field.name) + 1
    for name in ("minimum", "maximum"):
        _set(out, "logicalTypeOptions", name, getattr(field, name))
    values = None
    if field.values is not None:
        values = {"arguments": {"validValues": list(field.values)}, "mustBe": 0}
    if field.type in _LISTED:
        _write_quality(out, "invalidValues", values, field.values_severity)
    _set_custom(out, _KNOWN, _known_text(field.known) if field.known else None)
    _set_class(out, field.personal)
    _set_custom(out, _TYPE, "duration" if field.type is Type.DURATION else None)
    severity = field.range_severity
    _set_custom(out, _RANGE, severity if severity != "error" else None)
    return out


def _set_class(out: dict[str, Any], personal: str | None) -> None:
    """Write one of our classes where the standard has its place, a project's own word beside it."""
    standard = personal in PERSONAL
    if standard:
        out["classification"] = personal
    elif out.get("classification") in PERSONAL:
        del out["classification"]
    _set_custom(out, _PERSONAL, None if standard else personal)


def _set(out: dict[str, Any], group: str, name: str, value: Any) -> None:
    options = dict(out.pop(group, {}))
    options.pop(name, None)
    if value is not None:
        options[name] = value
    if options:
        out[group] = options


def _set_custom(out: dict[str, Any], name: str, value: Any) -> None:
    rest = [c for c in out.pop("customProperties", []) if c.get("property") != name]
    if value is not None:
        rest.append({"property": name, "value": value})
    if rest:
        out["customProperties"] = rest


def _write_quality(
    out: dict[str, Any], metric: str, promise: dict[str, Any] | None, severity: str
) -> None:
    """Put our rule where it stood, or at the end; leave the rules of others alone."""
    rules = list(out.pop("quality", []))
    at = next((i for i, r in enumerate(rules) if _reads(r) == metric), None)
    if promise is None and at is not None:
        del rules[at]
    elif promise is not None:
        rule = {"metric": metric, **promise, "severity": severity}
        if at is None:
            rules.append(rule)
        else:
            rules[at] = {**rules[at], **rule}
    if rules:
        out["quality"] = rules


def _reads(rule: dict[str, Any]) -> str | None:
    """Say which metric of a rule isbjerg enforces, or ``None``."""
    metric = rule.get("metric")
    arguments = rule.get("arguments") or {}
    if metric == "invalidValues" and set(arguments) == {"validValues"} and rule.get("mustBe") == 0:
        return "invalidValues"
    if metric == "rowCount" and "mustBeGreaterOrEqualTo" in rule:
        return "rowCount"
    return None


def _ours(holder: dict[str, Any], metric: str) -> dict[str, Any]:
    rules: list[dict[str, Any]] = holder.get("quality", [])
    return next((r for r in rules if _reads(r) == metric), {})


def _known_text(known: tuple[str, int]) -> str:
    column, after_us = known
    sign = "-" if after_us < 0 else "+"
    return f"{column} {sign} {format_span(abs(after_us))}" if after_us else column


def _known(text: str) -> tuple[str, int]:
    column, sign, span = (*text.split(" "), "", "")[:3]
    return column, parse_span(span) * (-1 if sign == "-" else 1) if sign else 0


def from_odcs(text: str, name: str) -> OdcsContract:
    """Read a contract from YAML.

    Parameters
    ----------
    text : str
        Content of the file.
    name : str
        How the file is called in messages.

    Raises
    ------
    ProjectError
        When the file is not such a contract: mend the lines that the message names.
    """
    lines = Lines(text, name)
    document = lines.document
    faults = list(_faults(document))
    if faults:
        raise contract_faults(name, [(lines.at(path), fault) for path, fault in faults])
    table = document["schema"][0]
    keys = sorted(
        (p for p in table["properties"] if p.get("primaryKey")),
        key=lambda p: p.get("primaryKeyPosition", 1),
    )
    rule = _ours(table, "rowCount")
    contract = Contract(
        table=table["name"],
        key=tuple(p["name"] for p in keys),
        fields=tuple(_field(p) for p in table["properties"]),
        version=str(document["version"]),
        status=document["status"],
        rows_minimum=rule.get("mustBeGreaterOrEqualTo"),
    )
    return OdcsContract(
        contract=contract, document=document, unenforced=list(_unenforced(table, lines))
    )


def contract_faults(name: str, faults: list[tuple[int, str]]) -> ProjectError:
    """Build the error that tells all faults of a contract file."""
    told = "\n".join(f"{name}:{line}: {fault}" for line, fault in sorted(faults))
    return ProjectError(
        f"The contract '{name}' has {len(faults)} fault(s).\n{told}",
        code="ISB220",
        mend="edit the lines named; https://bitol-io.github.io/open-data-contract-standard/",
        faults=faults,
    )


def _field(prop: dict[str, Any]) -> Field:
    custom = {c["property"]: c["value"] for c in prop.get("customProperties", [])}
    options = prop.get("logicalTypeOptions") or {}
    rule = _ours(prop, "invalidValues") if _type_of(prop) in _LISTED else {}
    values = (rule.get("arguments") or {}).get("validValues")
    number = _type_of(prop) in (Type.INTEGER, Type.FLOAT)
    return Field(
        name=prop["name"],
        type=_type_of(prop) or Type.TEXT,
        required=bool(prop.get("required", False)),
        unique=bool(prop.get("unique", False)),
        minimum=options.get("minimum") if number else None,
        maximum=options.get("maximum") if number else None,
        values=tuple(values) if values is not None else None,
        range_severity="warning" if custom.get(_RANGE) == "warning" else "error",
        values_severity="warning" if rule.get("severity", "warning") == "warning" else "error",
        known=_known(custom[_KNOWN]) if _KNOWN in custom else None,
        personal=custom.get(_PERSONAL) or _class(prop),
        description=prop.get("description", ""),
    )


def _class(prop: dict[str, Any]) -> str | None:
    """Read the standard's own place for a class; other words of other people are left alone."""
    found = prop.get("classification")
    return found if found in PERSONAL else None


def _type_of(prop: dict[str, Any]) -> Type | None:
    custom = {c.get("property"): c.get("value") for c in prop.get("customProperties", [])}
    if custom.get(_TYPE) == "duration":
        return Type.DURATION
    kind = _TYPES.get(prop.get("logicalType", ""))
    zoned = (prop.get("logicalTypeOptions") or {}).get("timezone", False)
    return Type.INSTANT if kind is Type.LOCAL and zoned else kind


_Fault = tuple[tuple[str | int, ...], str]


def _faults(document: Any) -> Iterator[_Fault]:
    if not isinstance(document, dict):
        yield (), "a contract is a mapping of names to values"
        return
    if not str(document.get("apiVersion", "")).startswith("v3."):
        yield ("apiVersion",), f"apiVersion must be {API_VERSION}"
    if document.get("kind") != "DataContract":
        yield ("kind",), "kind must be DataContract"
    for name in ("id", "version", "status"):
        if not document.get(name):
            yield (), f"{name} must be given"
    tables = document.get("schema")
    if not isinstance(tables, list) or len(tables) != 1 or not isinstance(tables[0], dict):
        yield ("schema",), "schema must hold exactly one table"
        return
    yield from _table_faults(tables[0])


def _table_faults(table: dict[str, Any]) -> Iterator[_Fault]:
    where: tuple[str | int, ...] = ("schema", 0)
    if not isinstance(table.get("name"), str):
        yield where, "the table must have a name"
    properties = table.get("properties")
    if not isinstance(properties, list) or not all(isinstance(p, dict) for p in properties):
        yield (*where, "properties"), "properties must be a list of columns"
        return
    seen: set[Any] = set()
    for i, prop in enumerate(properties):
        at = (*where, "properties", i)
        name = prop.get("name")
        if not isinstance(name, str):
            yield at, "the column must have a name"
        elif name in seen:
            yield (*at, "name"), f"the column '{name}' stands here twice"
        seen.add(name)
        yield from _property_faults(prop, at)
    if not any(p.get("primaryKey") for p in properties):
        yield (*where, "properties"), "at least one column must have `primaryKey: true`"


def _property_faults(prop: dict[str, Any], at: tuple[str | int, ...]) -> Iterator[_Fault]:
    if _type_of(prop) is None:
        kinds = ", ".join(_TYPES)
        yield (*at, "logicalType"), f"logicalType must be one of {kinds}"
    for name in ("required", "unique", "primaryKey"):
        if not isinstance(prop.get(name, False), bool):
            yield (*at, name), f"{name} must be true or false"
    options = prop.get("logicalTypeOptions") or {}
    for name in ("minimum", "maximum"):
        number = isinstance(options.get(name, 0), int | float)
        if _type_of(prop) in (Type.INTEGER, Type.FLOAT) and not number:
            yield (*at, "logicalTypeOptions", name), f"{name} must be a number"
    yield from _values_faults(prop, at)
    for i, custom in enumerate(prop.get("customProperties", [])):
        if custom.get("property") == _KNOWN and not _is_known(custom.get("value")):
            where = (*at, "customProperties", i)
            yield where, f"{_KNOWN} must be a column, or a column and a span: 'landed_utc + 1h'"


def _values_faults(prop: dict[str, Any], at: tuple[str | int, ...]) -> Iterator[_Fault]:
    kind = _LISTED.get(_type_of(prop) or Type.BOOLEAN)
    for i, rule in enumerate(prop.get("quality", [])):
        if kind is None or _reads(rule) != "invalidValues":
            continue
        values = rule["arguments"]["validValues"]
        if not isinstance(values, list) or not all(_fits_list(v, kind) for v in values):
            word = "texts, in quotes" if kind is str else "whole numbers of 64 bits"
            where = (*at, "quality", i, "arguments", "validValues")
            yield where, f"validValues must be a list of {word}"


def _fits_list(value: Any, kind: type) -> bool:
    if kind is str:
        return isinstance(value, str)
    return type(value) is int and INTEGER_MIN <= value <= INTEGER_MAX


def _is_known(value: Any) -> bool:
    if not isinstance(value, str) or len(value.split(" ")) not in (1, 3):
        return False
    try:
        _known(value)
    except ArgumentError:
        return False
    return len(value.split(" ")) == 1 or value.split(" ")[1] in ("+", "-")


def _unenforced(table: dict[str, Any], lines: Lines) -> Iterator[Finding]:
    where = ("schema", 0)
    for i, rule in enumerate(table.get("quality", [])):
        if _reads(rule) != "rowCount":
            yield _not_run(
                table["name"], rule.get("metric", "rule"), lines.at((*where, "quality", i))
            )
    for i, prop in enumerate(table["properties"]):
        at = (*where, "properties", i)
        subject = f"{table['name']}.{prop['name']}"
        for j, rule in enumerate(prop.get("quality", [])):
            if _reads(rule) != "invalidValues" or _type_of(prop) not in _LISTED:
                yield _not_run(subject, rule.get("metric", "rule"), lines.at((*at, "quality", j)))
        options = prop.get("logicalTypeOptions") or {}
        enforced = _ENFORCED if _type_of(prop) in (Type.INTEGER, Type.FLOAT) else {"timezone"}
        for name in options.keys() - enforced:
            yield _not_run(subject, name, lines.at((*at, "logicalTypeOptions", name)))


def _not_run(subject: str, what: str, line: int) -> Finding:
    return Finding(
        code="contract.unenforced",
        subject=subject,
        outcome="not_run",
        severity="info",
        message=f"Line {line}: isbjerg does not check '{what}'.",
        mend="check it with `datacontract test`",
    )
