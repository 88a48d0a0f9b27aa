"""The check of a whole table against its contract.

Rows that break a rule of severity *error* are parted from the others, to be quarantined and
counted; nothing is repaired in silence. How often each rule is broken is counted in one pass;
only for those that are, it is then asked by which rows.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
import polars as pl

from isbjerg.data.carriers import schema_of
from isbjerg.data.contract import Contract, Field, RuleSeverity, bounds
from isbjerg.data.shelf import IN_MEMORY, Shelf
from isbjerg.expressions.tree import Type
from isbjerg.findings import Finding

BROKEN = "_broken"
"""Column of quarantined rows: the rules that each of them broke."""

_SHOWN = 5
"""So many row numbers stand in a finding."""


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """What a check found.

    Parameters
    ----------
    passed, failed : polars.DataFrame
        Rows that broke no rule of severity error, and the others with the column
        ``_broken``.
    findings : list of Finding
        The rules that did not hold, and one that says how many were checked.
    """

    passed: pl.DataFrame
    failed: pl.DataFrame
    findings: list[Finding]

    @property
    def blocked(self) -> bool:
        """Whether the table as a whole must not be used: a column is lost or of another type."""
        return any(f.blocks for f in self.findings)


class _Rule(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    subject: str
    severity: RuleSeverity
    promise: str
    broken: pl.Expr
    """Whether a row breaks the rule."""
    mend: str
    count: pl.Expr | None = None
    """How many rows do, where that can be counted without knowing which."""

    @property
    def breaches(self) -> pl.Expr:
        """How many rows break the rule."""
        return self.broken.sum() if self.count is None else self.count


class _Broken(msgspec.Struct, frozen=True):
    rule: _Rule
    rows: pl.Series
    """For each row of the table whether it breaks the rule."""


def check(contract: Contract, df: pl.DataFrame, shelf: Shelf = IN_MEMORY) -> Checked:
    """Check a table of carriers.

    Parameters
    ----------
    contract : Contract
        What the table promises.
    df : polars.DataFrame
        A read, or the units of a training; columns the contract does not name are told.
    shelf : Shelf, optional
        Where rows go that pass, when some do not.

    Returns
    -------
    Checked
        Row numbers in findings count from 0.

    Examples
    --------
    >>> promise = Contract(
    ...     table="loans",
    ...     key=("id",),
    ...     fields=(
    ...         Field(name="id", type=Type.INTEGER, required=True),
    ...         Field(name="amount", type=Type.FLOAT, minimum=0),
    ...     ),
    ... )
    >>> checked = check(promise, pl.DataFrame({"id": [1, 2, 2], "amount": [5.0, -1.0, 7.0]}))
    >>> checked.passed["id"].to_list(), checked.failed["_broken"].to_list()
    ([1], ['range:amount', 'key:id'])
    >>> checked.findings[1].message
    'amount must be at least 0: 1 of 3 rows (33.3%) is not; row 1.'
    """
    findings = list(_check_columns(contract, df))
    lost = {f.subject.split(".", 1)[1] for f in findings if f.code != "contract.extra"}
    rules = list(_rules(contract, lost))
    broken = _broken(df, rules)
    findings += [_told(b) for b in broken]
    findings += _check_rows(contract, df)
    findings.append(_summary(contract, df, rules, findings))
    return _part(df, [b for b in broken if b.rule.severity == "error"], findings, shelf)


def _broken(df: pl.DataFrame, rules: list[_Rule]) -> list[_Broken]:
    """Find the rules that do not hold, and for each the rows that break it."""
    counts = df.select(r.breaches.alias(str(i)) for i, r in enumerate(rules))
    found = [r for r, count in zip(rules, counts.iter_columns(), strict=True) if count.item()]
    rows = df.select(r.broken.fill_null(value=False).alias(str(i)) for i, r in enumerate(found))
    return [_Broken(r, mask) for r, mask in zip(found, rows.iter_columns(), strict=True)]


def _check_columns(contract: Contract, df: pl.DataFrame) -> Iterator[Finding]:
    found = schema_of(df)
    for field in contract.fields:
        kind = found.pop(field.name, None)
        if kind is None:
            needed = field.required or field.name in contract.key
            yield _column_finding(
                contract, field.name, "column", "the table lacks the column.", blocking=needed
            )
        elif kind is not field.type and (kind, field.type) != (Type.INTEGER, Type.FLOAT):
            message = f"the column is of type {kind}, promised is {field.type}."
            yield _column_finding(contract, field.name, "type", message, blocking=True)
    for name in found:
        if not name.startswith("_"):
            yield Finding(
                code="contract.extra",
                subject=f"{contract.table}.{name}",
                severity="info",
                message=f"{name}: the contract does not name the column.",
                mend="add it to the contract",
            )


def _column_finding(
    contract: Contract, name: str, rule: str, message: str, *, blocking: bool
) -> Finding:
    return Finding(
        code=f"contract.{rule}",
        subject=f"{contract.table}.{name}",
        severity="blocking" if blocking else "warning",
        message=f"{name}: {message}",
        mend="mend the source, or change the contract when the table has really changed",
    )


def _rules(contract: Contract, lost: set[str]) -> Iterator[_Rule]:
    if not lost & set(contract.key):
        yield from _key_rule(contract)
    for field in contract.fields:
        if field.name not in lost:
            yield from _field_rules(contract, field)


def _key_rule(contract: Contract) -> Iterator[_Rule]:
    one = pl.col(contract.key[0]) if len(contract.key) == 1 else pl.struct(list(contract.key))
    name = ", ".join(contract.key)
    yield _Rule(
        name="key",
        subject=f"{contract.table}.{name}",
        severity="error",
        promise=f"{name} must be new in each row",
        broken=~one.is_first_distinct(),
        count=pl.len() - one.n_unique(),
        mend="keep one row for each key in the source, or add a column to the key",
    )


def _field_rules(contract: Contract, field: Field) -> Iterator[_Rule]:
    column, subject = pl.col(field.name), f"{contract.table}.{field.name}"

    def rule(
        name: str,
        severity: RuleSeverity,
        promise: str,
        broken: pl.Expr,
        *,
        mend: str,
        count: pl.Expr | None = None,
    ) -> _Rule:
        return _Rule(
            name=name,
            subject=subject,
            severity=severity,
            promise=f"{field.name} must be {promise}",
            broken=broken,
            mend=mend,
            count=count,
        )

    if field.required or field.name in contract.key:
        mend = "mend the source, or write `required: false` in the contract"
        yield rule(
            "required", "error", "given", column.is_null(), mend=mend, count=column.null_count()
        )
    if field.unique:
        mend = "keep one row for each value, or write `unique: false` in the contract"
        repeated = column.is_not_null() & ~column.is_first_distinct()
        count = column.count() - column.drop_nulls().n_unique()
        yield rule("unique", "error", "new in each row", repeated, mend=mend, count=count)
    if field.minimum is not None or field.maximum is not None:
        mend = "mend the source, or widen `minimum` and `maximum` in the contract"
        yield rule("range", field.range_severity, bounds(field), _outside(field), mend=mend)
    if field.values is not None:
        mend = "mend the source, or add the new values to `validValues` in the contract"
        strange = ~column.is_in(list(field.values))
        promise = f"one of {len(field.values)} values"
        yield rule("values", field.values_severity, promise, strange, mend=mend)


def _outside(field: Field) -> pl.Expr:
    column = pl.col(field.name)
    tests = []
    if field.minimum is not None:
        tests.append(column < field.minimum)
    if field.maximum is not None:
        tests.append(column > field.maximum)
    return pl.any_horizontal(tests)


def _told(broken: _Broken) -> Finding:
    rule, mask = broken.rule, broken.rows
    count = int(mask.sum())
    rows = mask.arg_true().head(_SHOWN).to_list()
    share = count / len(mask)
    shown = ", ".join(str(r) for r in rows) + (", ..." if count > len(rows) else "")
    be, row = ("is", "row") if count == 1 else ("are", "rows")
    return Finding(
        code=f"contract.{rule.name}",
        subject=rule.subject,
        severity=rule.severity,
        message=f"{rule.promise}: {count:,} of {len(mask):,} rows ({share:.1%}) {be} not; "
        f"{row} {shown}.",
        mend=rule.mend,
        evidence={"count": count, "rows": len(mask), "share": share, "first": rows},
    )


def _check_rows(contract: Contract, df: pl.DataFrame) -> Iterator[Finding]:
    least = contract.rows_minimum
    if least is not None and df.height < least:
        yield Finding(
            code="contract.rows",
            subject=contract.table,
            severity="warning",
            message=f"The table has {df.height:,} rows, promised are at least {least:,}.",
            mend="look whether the source is complete, or lower `rowCount` in the contract",
            evidence={"rows": df.height, "minimum": least},
        )


def _summary(
    contract: Contract, df: pl.DataFrame, rules: list[_Rule], findings: list[Finding]
) -> Finding:
    failed = sum(f.failed and f.severity != "info" for f in findings)
    return Finding(
        code="contract.checked",
        subject=contract.table,
        outcome="passed",
        severity="info",
        message=f"{len(rules)} rules were checked on {df.height:,} rows; {failed} did not hold.",
        evidence={"rules": len(rules), "rows": df.height, "failed": failed},
    )


def _part(
    df: pl.DataFrame, broken: list[_Broken], findings: list[Finding], shelf: Shelf
) -> Checked:
    """Part the rows that break a rule of severity error from the others."""
    if not broken:
        return Checked(passed=df, failed=df.clear().with_columns(_no_text()), findings=findings)
    masks = pl.DataFrame([b.rows for b in broken])
    bad = masks.select(pl.any_horizontal(pl.all())).to_series()
    names = [
        pl.when(mask.name).then(pl.lit(f"{b.rule.name}:{b.rule.subject.split('.', 1)[1]}"))
        for b, mask in zip(broken, masks.iter_columns(), strict=True)
    ]
    why = masks.filter(bad).select(pl.concat_str(names, separator=", ", ignore_nulls=True))
    failed = shelf.filtered(df, bad).with_columns(why.to_series().alias(BROKEN))
    return Checked(passed=shelf.filtered(df, ~bad), failed=failed, findings=findings)


def _no_text() -> pl.Expr:
    return pl.lit(None, pl.String).alias(BROKEN)
