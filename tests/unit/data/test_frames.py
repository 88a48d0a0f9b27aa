from __future__ import annotations

import datetime as dt
import decimal

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from isbjerg.data.carriers import to_carriers
from isbjerg.data.frames import read_frame
from isbjerg.errors import SourceError
from isbjerg.expressions.tree import Type

OSLO_MIDNIGHT = dt.datetime(2023, 12, 31, 23, tzinfo=dt.UTC)

PANDAS = {
    "strings of pandas 3": (pd.Series(["a", None]), ["a", None]),
    "texts as objects": (pd.Series(["a", None], dtype=object), ["a", None]),
    "texts of arrow": (pd.array(["a", None], dtype="string[pyarrow]"), ["a", None]),
    "categories of texts": (pd.Categorical(["x", None]), ["x", None]),
    "categories of numbers": (pd.Categorical([3, 1]), [3, 1]),
    "nullable integers": (pd.array([1, None], dtype="Int64"), [1, None]),
    "nullable booleans": (pd.array([True, None], dtype="boolean"), [True, None]),
    "booleans as objects": (pd.Series([True, None], dtype=object), [True, None]),
    "NaN": (pd.Series([1.5, float("nan")]), [1.5, None]),
    "sparse": (pd.arrays.SparseArray([0.0, 2.0]), [0.0, 2.0]),
    "decimals": (pd.Series([decimal.Decimal("1.25"), None], dtype=object), [1.25, None]),
    "times with a zone": (
        pd.to_datetime(["2024-01-01", None]).tz_localize("Europe/Oslo"),
        [OSLO_MIDNIGHT, None],
    ),
    "times and NaT": (pd.to_datetime(["2024-01-01", None]), [dt.datetime(2024, 1, 1), None]),
    "days": (pd.Series([dt.date(2024, 1, 1), None], dtype=object), [dt.datetime(2024, 1, 1), None]),
    "spans": (pd.to_timedelta([1, None], unit="s"), [dt.timedelta(seconds=1), None]),
}


@pytest.mark.parametrize("name", PANDAS)
def test_columns_of_pandas_keep_their_values(name: str) -> None:
    values, expected = PANDAS[name]
    table, findings = to_carriers(read_frame(pd.DataFrame({"x": values})))
    assert table["x"].to_list() == expected
    assert not findings


@pytest.mark.parametrize(
    "values",
    [
        pd.Series([[1], None]),
        pd.Series([{"a": 1}, None]),
        pd.Series([b"x", None], dtype=object),
        pd.period_range("2024-01", periods=2, freq="M"),
        pd.interval_range(0, 2),
    ],
)
def test_nested_values_of_pandas_are_left_out_and_told(values: object) -> None:
    table, findings = to_carriers(read_frame(pd.DataFrame({"id": [1, 2], "x": values})))
    assert table.columns == ["id"]
    assert [(f.code, f.subject) for f in findings] == [("ingest.column_left_out", "x")]


def test_an_index_with_a_name_is_a_column() -> None:
    named = pd.DataFrame({"x": [5, 6]}, index=pd.Index(["a", "b"], name="id"))
    assert read_frame(named).to_dict(as_series=False) == {"id": ["a", "b"], "x": [5, 6]}
    filtered = pd.DataFrame({"x": [5, 6]}, index=[7, 9])
    assert read_frame(filtered).columns == ["x"]


def test_an_index_that_is_a_column_too_takes_no_other_with_it() -> None:
    levels = pd.MultiIndex.from_arrays(
        [["a", "b"], [1, 2], [True, False]], names=["id", "day", None]
    )
    table = pd.DataFrame({"id": ["a", "b"], "x": [5, 6]}, index=levels)
    assert sorted(read_frame(table).columns) == ["day", "id", "x"]
    assert read_frame(table)["day"].to_list() == [1, 2]
    kept = pd.DataFrame({"id": [1, 2]}).set_index("id", drop=False)
    assert read_frame(kept).to_dict(as_series=False) == {"id": [1, 2]}


def test_an_index_that_says_otherwise_than_its_column_is_refused() -> None:
    table = pd.DataFrame({"id": [1, 2]}, index=pd.Index([2, 1], name="id"))
    with pytest.raises(SourceError, match="say different things") as told:
        read_frame(table)
    assert told.value.kind_code == "ISB306"


@pytest.mark.parametrize(
    ("table", "told"),
    [
        (pd.DataFrame({"id": [1, 2], "x": pd.Series(["secret", 1], dtype=object)}), "'x'"),
        (pd.DataFrame({"x": [1j, 2]}), "complex128"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "['a']"),
        (pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["a", "a"]), "['a']"),
        (pa.table({"m": pa.array([(1, 2, 3)], pa.month_day_nano_interval())}), "'m'"),
    ],
)
def test_a_column_that_cannot_be_taken_is_named_and_its_values_are_not(
    table: object, told: str
) -> None:
    with pytest.raises(SourceError) as caught:
        read_frame(table)
    assert caught.value.kind_code == "ISB306"
    assert told in caught.value.message
    assert "secret" not in str(caught.value)


def test_arrow_of_any_shape_is_taken() -> None:
    table = pa.table(
        {
            "word": pa.array(["a", "b"]).dictionary_encode(),
            "large": pa.array(["a", None], pa.large_string()),
            "price": pa.array([decimal.Decimal("1.25"), None], pa.decimal256(40, 2)),
            "at": pa.array([1_000, None], pa.timestamp("ns", "Europe/Oslo")),
            "empty": pa.nulls(2),
        }
    )
    first = read_frame(table)
    (batch,) = table.to_batches()
    assert read_frame(batch).equals(first)
    assert read_frame(pa.RecordBatchReader.from_batches(table.schema, [batch])).equals(first)
    carriers, findings = to_carriers(first)
    assert carriers["price"].to_list() == [1.25, None]
    assert carriers["at"].to_physical().to_list() == [1, None]
    assert carriers["word"].to_list() == ["a", "b"]
    assert carriers["empty"].dtype == pl.String
    assert not findings


def test_a_lazy_frame_that_stops_is_a_source_that_cannot_be_read() -> None:
    lazy = pl.LazyFrame({"x": [1]}).select("y")
    with pytest.raises(SourceError, match="cannot be collected"):
        read_frame(lazy)


def test_carriers_are_what_frames_become() -> None:
    frame = pd.DataFrame({"at": pd.to_datetime(["2024-01-01"]).tz_localize("UTC"), "n": [1]})
    table, _ = to_carriers(read_frame(frame), {"n": Type.FLOAT})
    assert table.dtypes == [pl.Datetime("us", "UTC"), pl.Float64]
