from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.data import versions
from isbjerg.data.versions import (
    Part,
    as_facts,
    conform,
    merge_schema,
    new_facts,
    newest,
    next_version,
    without_duplicates,
)
from isbjerg.errors import SourceError
from isbjerg.expressions.tree import Type
from isbjerg.features import sets

SCHEMA = {"a": pl.Int64, "b": pl.String, "x": pl.Float64}


def test_the_names_are_those_that_assembly_uses() -> None:
    assert (versions.ROW, versions.LIVE_AT) == (sets.ROW, sets.LIVE_AT)


_ROW = st.tuples(
    st.one_of(st.none(), st.integers(0, 3)),
    st.sampled_from(["p", "q", None]),
    st.one_of(st.none(), st.sampled_from([0.0, -0.0, 1.5])),
)
_READ = st.lists(_ROW, max_size=8)


def _unique(rows):
    seen = {}
    for row in rows:
        seen.setdefault(row[:2], row)
    return list(seen.values())


@given(_READ, _READ)
@settings(max_examples=200, deadline=None)
def test_new_facts_agree_with_a_dictionary(before, after) -> None:
    before, after = _unique(before), _unique(after)
    old = {r[:2]: r[2] for r in before}
    changes = new_facts(
        pl.DataFrame(before, schema=SCHEMA, orient="row"),
        pl.DataFrame(after, schema=SCHEMA, orient="row"),
        ["a", "b"],
    )
    assert changes.new.rows() == [r for r in after if r[:2] not in old]
    expected = [r for r in after if r[:2] in old and old[r[:2]] != r[2]]
    assert changes.corrected.rows() == expected
    assert changes.vanished == len(old.keys() - {r[:2] for r in after})
    assert changes.unchanged == len(after) - changes.rows.height


@given(st.lists(_ROW, max_size=8), st.lists(_READ, max_size=3))
@settings(max_examples=100, deadline=None)
def test_the_newest_of_all_parts_is_the_last_read_and_what_vanished(first, reads) -> None:
    facts = as_facts(
        pl.DataFrame(_unique(first), schema=SCHEMA, orient="row"),
        first_row=0,
        ingested_us=0,
        live=False,
    )
    world = {r[:2]: r[2] for r in _unique(first)}
    for read in map(_unique, reads):
        incoming = pl.DataFrame(read, schema=SCHEMA, orient="row")
        changes = new_facts(newest(facts, ["a", "b"]), incoming, ["a", "b"])
        part = as_facts(changes.rows, first_row=facts.height, ingested_us=1, live=True)
        facts = pl.concat([facts, part])
        world.update({r[:2]: r[2] for r in read})
        again = new_facts(newest(facts, ["a", "b"]), incoming, ["a", "b"])
        assert not again.any
    assert {r[:2]: r[2] for r in newest(facts, ["a", "b"]).rows()} == world
    assert facts["_row"].to_list() == list(range(facts.height))


def test_all_but_the_first_of_a_key_are_parted() -> None:
    df = pl.DataFrame({"a": [1, 2, 1, 1], "b": [1, 1, 1, 2]})
    kept, repeated = without_duplicates(df, ["a", "b"])
    assert (kept.height, repeated.height) == (3, 1)
    kept, repeated = without_duplicates(df, ["a"])
    assert (kept["b"].to_list(), repeated["b"].to_list()) == ([1, 1], [1, 2])


def test_a_new_column_corrects_the_rows_in_which_it_has_a_value() -> None:
    old = pl.DataFrame({"id": [1, 2]})
    read = pl.DataFrame({"id": [1, 2], "x": [None, 5.0]})
    changes = new_facts(old, read, ["id"])
    assert changes.corrected["id"].to_list() == [2]


def test_a_lost_column_counts_as_null() -> None:
    old = pl.DataFrame({"id": [1, 2], "x": [None, 5.0]})
    changes = new_facts(old, pl.DataFrame({"id": [1, 2]}), ["id"])
    assert changes.corrected["id"].to_list() == [2]


def test_schemas_widen_and_never_narrow() -> None:
    old = pl.DataFrame({"x": [1], "e": pl.Series([None], dtype=pl.String), "t": ["a"]})
    read = pl.DataFrame({"x": [0.5], "e": [1], "n": [True]})
    merged = merge_schema({"x": Type.INTEGER, "e": Type.TEXT, "t": Type.TEXT}, read, old)
    assert merged == {
        "x": Type.FLOAT,
        "e": Type.INTEGER,
        "t": Type.TEXT,
        "n": Type.BOOLEAN,
    }
    assert conform(read, merged).row(0) == (0.5, 1, None, True)
    assert merge_schema(merged, pl.DataFrame({"x": [1]}), old)["x"] is Type.FLOAT


def test_a_changed_type_is_refused() -> None:
    old = pl.DataFrame({"x": [1]})
    with pytest.raises(SourceError) as caught:
        merge_schema({"x": Type.INTEGER}, pl.DataFrame({"x": ["n/a"]}), old)
    assert caught.value.kind_code == "ISB303"


def test_a_source_may_not_use_our_names() -> None:
    with pytest.raises(SourceError) as caught:
        as_facts(pl.DataFrame({"_row": [1]}), first_row=0, ingested_us=0, live=True)
    assert caught.value.kind_code == "ISB304"


def test_live_rows_carry_when_they_came_and_a_backfill_does_not() -> None:
    rows = pl.DataFrame({"x": [1, 2]})
    live = as_facts(rows, first_row=7, ingested_us=5, live=True)
    backfill = as_facts(rows, first_row=7, ingested_us=5, live=False)
    assert live["_live_at"].to_physical().to_list() == [5, 5]
    assert backfill["_live_at"].null_count() == 2
    assert backfill["_ingested_at"].to_physical().to_list() == [5, 5]
    assert live["_row"].to_list() == [7, 8]
    assert live.schema == backfill.schema


def test_a_version_lists_the_parts_of_its_parent_and_its_own() -> None:
    def following(parent, name, rows):
        return next_version(
            parent, table="t", key=["id"], parts=[Part(name, rows, 1)],
            schema={"id": Type.INTEGER}, source="s", at_us=0, live=False,
        )  # fmt: skip

    second = following(following(None, "a", 2), "b", 1)
    assert (second.id, second.parent, second.rows) == ("t@v2", "t@v1", 3)
    assert [p.hash for p in second.parts] == ["a", "b"]
