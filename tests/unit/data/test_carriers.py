from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from isbjerg.data.carriers import DTYPES, schema_of, to_carriers
from isbjerg.expressions.tree import Type


@pytest.mark.parametrize(
    ("values", "dtype", "kind", "expected"),
    [
        ([True, None], pl.Boolean, Type.BOOLEAN, [True, None]),
        ([1, None], pl.UInt8, Type.INTEGER, [1, None]),
        ([1.5, None], pl.Float32, Type.FLOAT, [1.5, None]),
        ([Decimal("1.25")], pl.Decimal(10, 2), Type.FLOAT, [1.25]),
        (["a"], pl.Categorical, Type.TEXT, ["a"]),
        (["a"], pl.Enum(["a", "b"]), Type.TEXT, ["a"]),
        ([date(2013, 1, 1)], pl.Date, Type.LOCAL, [datetime(2013, 1, 1)]),
        ([datetime(2013, 1, 1)], pl.Datetime("ms"), Type.LOCAL, [datetime(2013, 1, 1)]),
        ([timedelta(seconds=1)], pl.Duration("ns"), Type.DURATION, [timedelta(seconds=1)]),
        ([None], pl.Null, Type.TEXT, [None]),
    ],
)
def test_each_type_has_one_carrier(values, dtype, kind, expected) -> None:
    table, findings = to_carriers(pl.DataFrame({"c": pl.Series(values, dtype=dtype)}))
    assert schema_of(table) == {"c": kind}
    assert table["c"].to_list() == expected
    assert findings == []


def test_a_zoned_time_becomes_utc() -> None:
    # 2013-07-01 in New York is four hours behind UTC.
    noon = pl.Series([datetime(2013, 7, 1, 12)]).dt.replace_time_zone("America/New_York")
    table, _ = to_carriers(pl.DataFrame({"t": noon}))
    assert table["t"].dtype == pl.Datetime("us", "UTC")
    assert table["t"].dt.hour().to_list() == [16]


@pytest.mark.parametrize(
    ("column", "lost"),
    [
        (pl.Series("c", [1.0, float("nan"), float("inf"), float("-inf"), None]), 3),
        (pl.Series("c", [2**63, 5], dtype=pl.UInt64), 1),
        (pl.Series("c", [253_402_300_800_000, 0], dtype=pl.Int64).cast(pl.Datetime("ms")), 1),
    ],
)
def test_what_a_carrier_cannot_hold_becomes_null_and_is_counted(column, lost) -> None:
    table, findings = to_carriers(column.to_frame())
    assert table["c"].null_count() == column.null_count() + lost
    assert [f.evidence["lost"] for f in findings] == [lost]


def test_a_column_of_lists_is_left_out_and_told() -> None:
    table, findings = to_carriers(pl.DataFrame({"x": [1], "l": [[1]]}))
    assert table.columns == ["x"]
    assert [(f.code, f.subject) for f in findings] == [("ingest.column_left_out", "l")]


def test_earlier_types_steer_what_cannot_be_seen() -> None:
    df = pl.DataFrame({"whole": [1, 2], "empty": [None, None]})
    table, _ = to_carriers(df, {"whole": Type.FLOAT, "empty": Type.INSTANT})
    assert schema_of(table) == {"whole": Type.FLOAT, "empty": Type.INSTANT}
    assert set(DTYPES) == set(Type)


def test_decimals_that_lose_digits_are_told() -> None:
    exact = pl.Series("price", ["1.10", "2.25", None]).cast(pl.Decimal(38, 2))
    table, findings = to_carriers(exact.to_frame())
    assert table["price"].to_list() == [1.1, 2.25, None]
    assert not findings
    long = pl.Series("price", ["12345678901234567.89", "2.25", None]).cast(pl.Decimal(38, 2))
    _, (told,) = to_carriers(long.to_frame())
    assert (told.code, told.evidence["rounded"]) == ("ingest.rounded", 1)
