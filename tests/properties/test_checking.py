"""A check against the row-by-row reading of the same contract: every rule, every row."""

from __future__ import annotations

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.data.checking import check
from isbjerg.data.contract import Contract, Field
from isbjerg.expressions.tree import Type

SCHEMA = {"id": pl.Int64, "share": pl.Float64, "code": pl.String, "n": pl.Int64}
rows = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from([1, 2, 3, None]),
            "share": st.sampled_from([0.0, -0.0, 1.5, -1.0, None]),
            "code": st.sampled_from(["a", "b", "", None]),
            "n": st.integers(-2, 3) | st.none(),
        }
    ),
    max_size=8,
)
keys = st.sampled_from([("id",), ("share",), ("id", "code"), ("share", "n")])


def broken_rows(key, table):
    """Say of each rule which rows break it, written from the contract's meaning alone."""
    found = {}
    for number, row in enumerate(table):

        def breaks(rule, number=number):
            found.setdefault(rule, []).append(number)

        if any(all(row[c] == other[c] for c in key) for other in table[:number]):
            breaks("contract.key")
        for name in {*key, "code"}:
            if row[name] is None:
                breaks(f"contract.required {name}")
        if row["n"] is not None and row["n"] in [other["n"] for other in table[:number]]:
            breaks("contract.unique n")
        if row["share"] is not None and not 0 <= row["share"] <= 1:
            breaks("contract.range share")
        if row["code"] is not None and row["code"] not in ("a", "b"):
            breaks("contract.values code")
    return found


@given(keys, rows)
@settings(max_examples=200, deadline=None)
def test_a_check_finds_what_reading_row_by_row_finds(key, table):
    fields = (
        Field(name="id", type=Type.INTEGER),
        Field(name="share", type=Type.FLOAT, minimum=0, maximum=1),
        Field(name="code", type=Type.TEXT, required=True, values=("a", "b")),
        Field(name="n", type=Type.INTEGER, unique=True),
    )
    contract = Contract(table="t", key=key, fields=fields)
    df = pl.DataFrame(table, schema=SCHEMA).with_columns(_place=pl.int_range(pl.len()))
    checked = check(contract, df)
    told = {
        f.code if f.code == "contract.key" else f"{f.code} {f.subject.partition('.')[2]}": f
        for f in checked.findings
        if f.failed
    }
    wanted = broken_rows(key, table)
    assert {rule: f.evidence["count"] for rule, f in told.items()} == {
        rule: len(rows) for rule, rows in wanted.items()
    }
    assert {rule: f.evidence["first"] for rule, f in told.items()} == {
        rule: rows[:5] for rule, rows in wanted.items()
    }
    errors = {n for rule, rows in wanted.items() if told[rule].severity == "error" for n in rows}
    assert set(checked.failed["_place"]) == errors
    assert checked.passed["_place"].to_list() == sorted(set(range(len(table))) - errors)
