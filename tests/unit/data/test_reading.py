from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from isbjerg.data.reading import fingerprint, read
from isbjerg.data.tables import csv, jsonl, parquet
from isbjerg.errors import ArgumentError, SourceError


def test_files_of_a_pattern_are_read_in_the_order_of_their_names(tmp_path: Path) -> None:
    pl.DataFrame({"x": [2]}).write_parquet(tmp_path / "b.parquet")
    pl.DataFrame({"x": [1.5]}).write_parquet(tmp_path / "a.parquet")
    assert read(parquet("*.parquet"), tmp_path)["x"].to_list() == [1.5, 2.0]
    assert read(parquet(str(tmp_path / "a.parquet")), Path("/"))["x"].to_list() == [1.5]


@pytest.mark.parametrize("name", ["a[1]", "what?", "star*", "[!x]"])
def test_a_name_that_looks_like_a_pattern_is_a_name(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    table = pl.DataFrame({"a": [7]})
    table.write_parquet(folder / f"{name}.parquet")
    table.write_csv(folder / f"{name}.csv")
    pl.DataFrame({"a": [8]}).write_parquet(folder / "a1.parquet")  # the pattern would take it
    for source in (parquet(f"{name}.parquet"), csv(f"{name}.csv")):
        assert read(source, folder)["a"].to_list() == [7]
        assert fingerprint(source, folder) is not None
    assert read(parquet(str(folder / f"{name}.parquet")), tmp_path)["a"].to_list() == [7]


def test_csv_takes_options_and_guesses_from_the_whole_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "code;x;at;when\n"
        + "007;1;2013-01-01T10:00:00Z;2013-01-01 10:00:00\n" * 200
        + "008;n/a;2013-01-01T10:00:00Z;2013-01-01 10:00:00\n009;1.5;;\n"
    )
    types = {"code": "text", "when": "local"}
    df = read(csv("t.csv", separator=";", null_values=("", "n/a"), types=types), tmp_path)
    assert df.schema == {
        "code": pl.String,
        "x": pl.Float64,
        "at": pl.Datetime("us", "UTC"),
        "when": pl.Datetime("us"),
    }
    assert df["code"][0] == "007"
    assert df["x"].null_count() == 1


def test_a_given_instant_is_parsed(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("at\n2013-01-01 10:00:00\n2013-01-01T12:00:00\n")
    df = read(csv("t.csv", types={"at": "instant"}), tmp_path)
    assert df["at"].dt.hour().to_list() == [10, 12]
    assert df["at"].dtype == pl.Datetime("us", "UTC")


def test_frames_are_taken_as_they_are() -> None:
    df = pl.DataFrame({"x": [1]})
    for frame in (df, df.lazy(), df.to_arrow()):
        assert read(frame, Path()).equals(df)


def test_pandas_frames_are_taken() -> None:
    pandas = pytest.importorskip("pandas")
    assert read(pandas.DataFrame({"x": [1]}), Path())["x"].to_list() == [1]


@pytest.mark.parametrize(
    ("table", "code"),
    [(parquet("no/*.parquet"), "ISB301"), (csv("bad.csv"), "ISB341"), ([1, 2], "ISB302")],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, table: object, code: str) -> None:
    (tmp_path / "bad.csv").write_text("a,b\n1,2,3\n")
    with pytest.raises(SourceError) as caught:
        read(table, tmp_path)
    assert caught.value.kind_code == code
    assert caught.value.mend


def test_files_that_do_not_fit_together_are_refused(tmp_path: Path) -> None:
    pl.DataFrame({"x": [1]}).write_parquet(tmp_path / "a.parquet")
    pl.DataFrame({"x": [[1]]}).write_parquet(tmp_path / "b.parquet")
    with pytest.raises(SourceError, match="do not fit together"):
        read(parquet("*.parquet"), tmp_path)


def test_a_fingerprint_changes_with_the_files_and_the_reading(tmp_path: Path) -> None:
    file = tmp_path / "t.csv"
    file.write_text("x\n1\n")
    first = fingerprint(csv("t.csv"), tmp_path)
    assert fingerprint(csv("t.csv"), tmp_path) == first
    assert fingerprint(csv("t.csv", null_values=("", "1")), tmp_path) != first
    os.utime(file, ns=(1, 1))
    assert fingerprint(csv("t.csv"), tmp_path) != first
    assert fingerprint(pl.DataFrame(), tmp_path) is None


def test_bad_options_are_refused() -> None:
    with pytest.raises(ArgumentError):
        csv("t.csv", separator="::")
    with pytest.raises(ArgumentError):
        csv("t.csv", types={"x": "duration"})


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("isbjerg.data.tables", "polars sqlalchemy"),
        ("isbjerg.data.contract", "polars sqlalchemy"),
        ("isbjerg.storage.blobs", "polars sqlalchemy"),
        ("isbjerg.storage.catalog.catalog", "polars alembic"),
    ],
)
def test_light_modules_load_no_heavy_library(module: str, heavy: str) -> None:
    code = f"import sys, {module}; print(sorted(set('{heavy}'.split()) & set(sys.modules)))"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"


def test_a_folder_is_all_its_files_but_hidden_ones(tmp_path: Path) -> None:
    for name in ("year=2013/a", "year=2014/b", "_tmp/c", ".hidden/d"):
        (tmp_path / "data" / name).parent.mkdir(parents=True)
        pl.DataFrame({"x": [name[-1]]}).write_parquet(tmp_path / "data" / f"{name}.parquet")
    (tmp_path / "data" / "readme.txt").write_text("no table")
    assert read(parquet("data"), tmp_path)["x"].to_list() == ["a", "b"]
    assert fingerprint(parquet("data"), tmp_path) is not None
    with pytest.raises(SourceError, match="has no file that ends in"):
        read(csv("data"), tmp_path)


def test_json_lines_are_read_with_the_types_they_have(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text(
        '{"id": 1, "code": "007", "at": "2013-01-01T10:00:00Z", "x": 1}\n\n'
        '{"id": 2, "code": "12", "at": null, "x": 2.5, "tags": ["a"], "ok": true}\n'
    )
    df = read(jsonl("t.jsonl"), tmp_path)
    assert df.schema == {
        "id": pl.Int64,
        "code": pl.String,
        "at": pl.Datetime("us", "UTC"),
        "x": pl.Float64,
        "tags": pl.List(pl.String),
        "ok": pl.Boolean,
    }
    assert df["code"].to_list() == ["007", "12"]
    assert df["ok"].to_list() == [None, True]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("nonsense", "Line 2 of 't.jsonl' is not JSON"),
        ("[1, 2]", "Line 2 of 't.jsonl' is no object"),
        ('{"id": 2}{"id": 3}', "Line 2 of 't.jsonl' is not JSON"),
    ],
)
def test_a_line_that_is_no_object_is_told_with_its_number(
    tmp_path: Path, line: str, told: str
) -> None:
    (tmp_path / "t.jsonl").write_text(f'{{"id": 1}}\n{line}\n')
    with pytest.raises(SourceError) as caught:
        read(jsonl("t.jsonl"), tmp_path)
    assert told in caught.value.message
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(SourceError, match="is empty"):
        read(jsonl("empty.jsonl"), tmp_path)


SECONDS = 1_700_000_000  # 2023-11-14 22:13:20 UTC
INSTANT = "2023-11-14T22:13:20+00:00"


@pytest.mark.parametrize(
    ("unit", "number"), [("s", 1), ("ms", 10**3), ("us", 10**6), ("ns", 10**9)]
)
def test_epoch_numbers_are_times_where_it_is_declared(
    tmp_path: Path, unit: str, number: int
) -> None:
    table = pl.DataFrame({"id": [1, 2], "at": [SECONDS * number, None]})
    table.write_csv(tmp_path / "t.csv")
    table.write_parquet(tmp_path / "t.parquet")
    table.write_ndjson(tmp_path / "t.jsonl")
    types = {"at": f"epoch_{unit}"}
    sources = (
        csv("t.csv", types=types),
        parquet("t.parquet", types=types),
        jsonl("t.jsonl", types=types),
    )
    for source in sources:
        first, missing = read(source, tmp_path)["at"].to_list()
        assert first.isoformat() == INSTANT
        assert missing is None
    assert read(csv("t.csv"), tmp_path)["at"].dtype == pl.Int64


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["soon"], "epoch_s"),
        ([2**62], "epoch_s"),
        ([2], "boolean"),
        ([1.5], "integer"),
        ([SECONDS], "instant"),
    ],
)
def test_what_does_not_fit_its_declared_type_is_refused_without_its_value(
    tmp_path: Path, values: list[object], kind: str
) -> None:
    pl.DataFrame({"at": values}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(SourceError) as caught:
        read(parquet("t.parquet", types={"at": kind}), tmp_path)
    assert "'at'" in caught.value.message
    assert str(values[0]) not in caught.value.message


def test_a_fraction_of_a_second_is_kept(tmp_path: Path) -> None:
    pl.DataFrame({"at": [1.5]}).write_parquet(tmp_path / "t.parquet")
    at = read(parquet("t.parquet", types={"at": "epoch_s"}), tmp_path)["at"]
    assert at.to_physical().to_list() == [1_500_000]
