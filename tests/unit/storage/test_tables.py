from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from isbjerg.data.carriers import schema_of
from isbjerg.data.versions import DataVersion, as_facts, next_version
from isbjerg.errors import ArgumentError, StoreError
from isbjerg.expressions.tree import Type
from isbjerg.storage.layout import Store
from isbjerg.storage.tables import read_facts, sweep, write_part, write_parts, write_quarantine


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / ".isbjerg").create()


def _write(
    store: Store, parent: DataVersion | None, rows: pl.DataFrame, schema: dict[str, Type]
) -> DataVersion:
    first = parent.rows if parent else 0
    facts = as_facts(rows, first_row=first, ingested_us=10, live=parent is not None)
    part = write_part(store, "t", facts)
    return next_version(
        parent, table="t", key=["id"], parts=[part], schema=schema, source="s", at_us=10,
        live=parent is not None,
    )  # fmt: skip


def test_facts_come_back_in_the_types_of_the_version(store: Store) -> None:
    old = pl.DataFrame({"id": [1, 2], "x": [1, 2]})
    new = pl.DataFrame({"id": [1], "x": [0.5], "late": [True]})
    first = _write(store, None, old, schema_of(old))
    second = _write(store, first, new, {**schema_of(old), **schema_of(new)})
    facts = read_facts(store, second)
    assert facts.columns == ["id", "x", "late", "_live_at", "_row"]
    assert facts["x"].to_list() == [1.0, 2.0, 0.5]
    assert facts["late"].to_list() == [None, None, True]
    assert facts["_row"].to_list() == [0, 1, 2]
    assert facts["_live_at"].null_count() == 2
    assert read_facts(store, first).columns == ["id", "x", "_live_at", "_row"]
    assert read_facts(store, second, ["late"]).columns == ["late", "_live_at", "_row"]
    assert read_facts(store, second, ["_ingested_at"])["_ingested_at"].null_count() == 0


def test_equal_rows_give_equal_bytes(store: Store) -> None:
    n = 300_000  # more than two row groups
    one = pl.select(
        a=pl.int_range(n),
        x=pl.when(pl.int_range(n) % 7 > 0).then(pl.int_range(n) / 3),
        t=pl.format("text number {}", pl.int_range(n) % 1000),
        c=pl.format("{}", pl.int_range(n) % 3),
    )
    chunked = pl.concat([one[:1000], one[1000:77_777], one[77_777:]], rechunk=False)
    masked = one.with_columns(pl.when(pl.col("x").is_not_null()).then("x").alias("x"))
    parts = [write_part(store, "t", df) for df in (one, one.clone(), chunked, masked)]
    assert len({p.hash for p in parts}) == 1
    assert len(list(store.table("t").iterdir())) == 1


def test_a_damaged_or_missing_part_is_refused(store: Store) -> None:
    df = pl.DataFrame({"id": [1, 2]})
    version = _write(store, None, df, schema_of(df))
    path = store.part("t", version.parts[0].hash)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"?")
    with pytest.raises(StoreError) as caught:
        read_facts(store, version)
    assert caught.value.kind_code == "ISB602"
    path.unlink()
    with pytest.raises(StoreError) as caught:
        read_facts(store, version)
    assert caught.value.kind_code == "ISB601"


def test_sweep_removes_orphans_and_nothing_else(store: Store) -> None:
    df = pl.DataFrame({"id": [1, 2]})
    version = _write(store, None, df, schema_of(df))
    orphan = write_part(store, "t", pl.DataFrame({"id": [3]}))
    (store.table("t") / ".writing-x").write_bytes(b"half")
    gone = sweep(store, "t", {p.hash for p in version.parts})
    assert gone == sorted([".writing-x", f"{orphan.hash}.parquet"])
    assert read_facts(store, version).height == 2
    assert sweep(store, "never_read", set()) == []


def test_quarantined_rows_lie_beside_their_version(store: Store) -> None:
    path = write_quarantine(store, "t", "t@v1", pl.DataFrame({"id": [9], "_broken": ["key"]}))
    assert path == store.quarantine / "t" / "v1.parquet"
    assert pl.read_parquet(path)["id"].to_list() == [9]


def test_the_store_keeps_itself_out_of_version_control(store: Store) -> None:
    assert (store.folder / ".gitignore").read_text() == "*\n"


@pytest.mark.parametrize("name", ["../x", "a/b", "", "_x", "x.y"])
def test_no_table_name_leaves_the_store(store: Store, name: str) -> None:
    with pytest.raises(ArgumentError):
        store.table(name)


def test_a_table_larger_than_a_part_may_be_becomes_several(store: Store) -> None:
    rows = pl.DataFrame({"id": range(300_000)})
    facts = as_facts(rows, first_row=0, ingested_us=5, live=False)
    parts = write_parts(store, "t", facts, part_bytes=1)
    assert [part.rows for part in parts] == [131_072, 131_072, 37_856]
    assert write_parts(store, "t", facts, part_bytes=2**40) == [write_part(store, "t", facts)]
