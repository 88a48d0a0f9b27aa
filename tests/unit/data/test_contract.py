from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.data.checking import check
from isbjerg.data.contract import Contract, Field, check_row
from isbjerg.data.drafting import draft_contract
from isbjerg.expressions.tree import Type

PROMISE = Contract(
    table="loans",
    key=("id",),
    fields=(
        Field(name="id", type=Type.INTEGER, required=True),
        Field(name="amount", type=Type.FLOAT, required=True, minimum=0, maximum=100),
        Field(name="town", type=Type.TEXT, values=("Aarhus", "Odense")),
        Field(name="size", type=Type.TEXT, values=("s", "l"), values_severity="error"),
        Field(name="age", type=Type.INTEGER, minimum=18, range_severity="warning"),
        Field(name="code", type=Type.TEXT, unique=True),
    ),
    rows_minimum=2,
)
GOOD = {"id": 1, "amount": 5.0, "town": "Aarhus", "size": "s", "age": 30, "code": "x"}


def _table(*changes):
    rows = [{**GOOD, "id": i, "code": str(i), **c} for i, c in enumerate(changes)]
    schema = {
        "id": pl.Int64, "amount": pl.Float64, "town": pl.String, "size": pl.String,
        "age": pl.Int64, "code": pl.String,
    }  # fmt: skip
    return pl.DataFrame(rows, schema=schema)


@pytest.mark.parametrize(
    ("change", "code", "severity"),
    [
        ({"amount": None}, "contract.required", "error"),
        ({"id": None}, "contract.required", "error"),
        ({"amount": "5"}, "contract.type", "error"),
        ({"amount": True}, "contract.type", "error"),
        ({"age": 20.0}, "contract.type", "error"),
        ({"amount": 100.5}, "contract.range", "error"),
        ({"age": 17}, "contract.range", "warning"),
        ({"town": "Secretville"}, "contract.values", "warning"),
        ({"size": "secret"}, "contract.values", "error"),
    ],
)
def test_a_row_is_checked(change, code, severity) -> None:
    findings = check_row(PROMISE, {**GOOD, **change}, list(GOOD))
    assert [(f.code, f.severity) for f in findings] == [(code, severity)]
    assert "ecret" not in findings[0].message + str(findings[0].evidence)


def test_only_the_columns_asked_for_are_checked() -> None:
    assert check_row(PROMISE, GOOD, list(GOOD)) == []
    assert check_row(PROMISE, {}, ["town"]) == []
    assert [f.subject for f in check_row(PROMISE, {}, ["amount"])] == ["loans.amount"]
    assert check_row(PROMISE, {**GOOD, "amount": 7}, ["amount"]) == [], "7 is a float too"


def test_rows_that_break_an_error_are_parted_and_told() -> None:
    table = _table({}, {"amount": -1.0, "size": "m"}, {"town": "Nyborg"}, {"id": 0}, {"age": 9})
    checked = check(PROMISE, table)
    assert checked.passed["code"].to_list() == ["0", "2", "4"]
    assert checked.failed["_broken"].to_list() == ["range:amount, values:size", "key:id"]
    told = {f.code + " " + f.subject: f for f in checked.findings}
    assert told["contract.range loans.amount"].evidence == {
        "count": 1, "rows": 5, "share": 0.2, "first": [1],
    }  # fmt: skip
    assert told["contract.values loans.town"].severity == "warning"
    assert told["contract.range loans.age"].evidence["first"] == [4]
    assert not checked.blocked
    assert "Nyborg" not in str(checked.findings)
    last = checked.findings[-1]
    assert (last.outcome, last.evidence["failed"]) == ("passed", 5)


def test_at_most_five_row_numbers_are_shown() -> None:
    checked = check(PROMISE, _table(*[{"amount": -1.0}] * 7))
    finding = checked.findings[0]
    assert finding.evidence["first"] == [0, 1, 2, 3, 4]
    assert finding.message.endswith("7 of 7 rows (100.0%) are not; rows 0, 1, 2, 3, 4, ....")


@pytest.mark.parametrize(
    ("table", "code", "blocked"),
    [
        (_table({}, {}).drop("amount"), "contract.column", True),
        (_table({}, {}).drop("id"), "contract.column", True),
        (_table({}, {}).drop("town"), "contract.column", False),
        (_table({}, {}).with_columns(pl.col("age").cast(pl.String)), "contract.type", True),
        (_table({}, {}).with_columns(pl.lit(1).cast(pl.Int64).alias("new")), "contract.extra", False),
        (_table({}), "contract.rows", False),
    ],
)  # fmt: skip
def test_the_table_as_a_whole_is_checked(table, code, blocked) -> None:
    checked = check(PROMISE, table)
    assert checked.findings[0].code == code
    assert checked.blocked is blocked
    assert checked.failed.height == 0


def test_whole_numbers_fit_a_column_of_floats_and_nulls_repeat() -> None:
    table = _table({"code": None}, {"code": None}).with_columns(pl.col("amount").cast(pl.Int64))
    assert [f.code for f in check(PROMISE, table).findings] == ["contract.checked"]


_VALUE = st.fixed_dictionaries(
    {
        "amount": st.one_of(st.none(), st.floats(-10, 110)),
        "town": st.sampled_from([None, "Aarhus", "Nyborg"]),
        "size": st.sampled_from([None, "s", "m"]),
        "age": st.one_of(st.none(), st.integers(10, 20)),
    }
)


@given(st.lists(_VALUE, min_size=2, max_size=8))
@settings(max_examples=100, deadline=None)
def test_a_table_and_its_rows_one_by_one_agree(changes) -> None:
    table = _table(*changes)
    errors = {
        i
        for i, row in enumerate(table.to_dicts())
        if any(f.severity == "error" for f in check_row(PROMISE, row, list(GOOD)))
    }
    assert set(check(PROMISE, table).failed["id"].to_list()) == errors


def test_a_draft_is_cautious() -> None:
    n = 200
    df = pl.DataFrame(
        {
            "id": range(n),
            "x": [float(i % 10) for i in range(n)],
            "signed": [-50 if i else 1234 for i in range(n)],
            "gap": [None, *range(1, n)],
            "town": ["Aarhus" if i % 2 else "Odense" for i in range(n)],
            "name": [f"person {i}" for i in range(n)],
            "few": ["only once" if i == 0 else None for i in range(n)],
            "_row": range(n),
        }
    )
    draft = draft_contract(df, "t", ["id"], {"x": ("id", 5)})
    f = {field.name: field for field in draft.fields}
    assert list(f) == ["id", "x", "signed", "gap", "town", "name", "few"]
    assert (f["id"].minimum, f["id"].maximum, f["id"].required) == (None, None, True)
    # 0..9 widened by 9; -50..1234 widened by 1284 and rounded outwards to two digits.
    assert (f["x"].minimum, f["x"].maximum, f["x"].known) == (0, 18, ("id", 5))
    assert (f["signed"].minimum, f["signed"].maximum) == (-1400, 2600)
    assert not f["gap"].required
    assert (f["town"].values, f["town"].values_severity) == (("Aarhus", "Odense"), "warning")
    assert f["name"].values is None
    assert f["few"].values is None
    assert draft.rows_minimum == 100


_COLUMN = st.one_of(
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=4, max_size=4),
    st.lists(st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)), min_size=4, max_size=4),
    st.lists(st.one_of(st.none(), st.text(max_size=3)), min_size=4, max_size=4),
)  # fmt: skip


@given(_COLUMN)
@settings(max_examples=150, deadline=None)
def test_a_table_passes_its_own_draft(values) -> None:
    if all(v is None for v in values):
        values[0] = 1
    df = pl.DataFrame({"id": [1, 2, 3, 4], "c": values}, strict=False)
    checked = check(draft_contract(df, "t", ["id"]), df)
    assert [f.code for f in checked.findings] == ["contract.checked"]
