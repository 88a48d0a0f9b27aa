"""Assembly on small tables whose answers are worked out by hand."""

from __future__ import annotations

import polars as pl
import pytest

from isbjerg.data import shelf
from isbjerg.errors import ArgumentError, KnowledgeError
from isbjerg.expressions.tree import Node, Type
from isbjerg.features import desk
from isbjerg.features.assembly import assemble
from isbjerg.features.sets import FeatureSet, Known, Slot, Step

INSTANT = pl.Datetime("us", "UTC")
TEMPERATURE = Node("column", value="celsius", type=Type.FLOAT)


def weather(rows):
    """Build facts: origin, celsius, seen, live, row."""
    names = ["origin", "celsius", "seen", "_live_at", "_row"]
    types = [pl.String, pl.Float64, pl.Int64, pl.Int64, pl.Int64]
    frame = pl.DataFrame(rows, schema=dict(zip(names, types, strict=True)), orient="row")
    return frame.with_columns(pl.col("seen", "_live_at").cast(INSTANT))


def departures(rows):
    frame = pl.DataFrame(rows, schema={"origin": pl.String, "t": pl.Int64}, orient="row")
    return frame.with_columns(pl.col("t").cast(INSTANT))


def newest(**changes):
    given = {
        "name": "now",
        "kind": "newest",
        "source": "weather",
        "on": (("origin", "origin"),),
        "key": ("_row",),
        "known": (Known("seen", 10),),
        "value": TEMPERATURE,
        "type": Type.FLOAT,
    }
    return Slot(**{**given, **changes})


def past(aggregate, type_=Type.FLOAT, **changes):
    return newest(
        name=aggregate, kind="past", aggregate=aggregate, type=type_, **{"span_us": 100, **changes}
    )


def slots(units, facts, *wanted):
    whole = FeatureSet(columns=(("origin", Type.TEXT),), slots=wanted, steps=(), outputs=())
    frame = assemble(units, "t", whole, {"weather": facts})
    return [frame[f"slot:{slot.name}"].to_list() for slot in wanted]


def test_a_fact_counts_strictly_after_it_is_known():
    facts = weather([("JFK", 4.0, 90, None, 1), ("JFK", 6.0, 190, None, 2)])
    # Known at 100 and 200.
    units = departures([("JFK", 201), ("JFK", 100), ("JFK", 101), ("JFK", 200), ("LGA", 200)])
    assert slots(units, facts, newest()) == [[6.0, None, 4.0, 4.0, None]]


def test_a_live_fact_is_known_when_it_came_in_but_keeps_its_position():
    facts = weather([("JFK", 4.0, 90, 150, 1)])  # position 100, visible 150
    units = departures([("JFK", 150), ("JFK", 151), ("JFK", 161)])
    assert slots(units, facts, newest(max_age_us=60)) == [[None, 4.0, None]]


def test_a_window_is_open_at_its_end_and_closed_at_its_start():
    facts = weather(
        [("JFK", 4.0, 90, None, 1), ("JFK", None, 91, None, 2), ("JFK", 1.0, 140, None, 3)]
    )
    # Positions 100, 101 (null, not counted), 150; span 100.
    units = departures(
        [("JFK", 100), ("JFK", 150), ("JFK", 151), ("JFK", 200), ("JFK", 201), ("JFK", 251)]
    )
    counts, sums, means = slots(
        units, facts, past("count", Type.INTEGER), past("sum"), past("mean")
    )
    assert counts == [0, 1, 2, 2, 1, 0]
    assert sums == [0.0, 4.0, 5.0, 5.0, 1.0, 0.0]
    assert means == [None, 4.0, 2.5, 2.5, 1.0, None]


def test_a_correction_replaces_from_when_it_is_visible():
    facts = weather([("JFK", 4.0, 90, None, 1), ("JFK", 8.0, 90, 130, 2)])
    units = departures([("JFK", 130), ("JFK", 131)])
    same = {"key": ("origin", "seen")}
    assert slots(units, facts, newest(**same), past("sum", **same)) == [[4.0, 8.0], [4.0, 8.0]]


def test_a_correction_can_bring_an_older_fact_back():
    # The fact at 110 turns out to be LaGuardia's: JFK's newest is the one at 100 again.
    facts = weather(
        [("JFK", 4.0, 90, None, 1), ("JFK", 9.0, 100, None, 2), ("LGA", 9.0, 100, 150, 3)]
    )
    facts = facts.with_columns(reading=pl.Series(["a", "b", "b"]))
    units = departures([("JFK", 111), ("JFK", 150), ("JFK", 151), ("LGA", 150), ("LGA", 151)])
    assert slots(units, facts, newest(key=("reading",))) == [[9.0, 9.0, 4.0, None, 9.0]]


def test_windows_are_summed_for_some_units_at_a_time(monkeypatch):
    # 1, 2, 4 and 8 are known at 20, 30, 40 and 50: each sum tells which of them it holds.
    monkeypatch.setattr(desk, "_STRETCH", 2)
    facts = weather([("JFK", 2.0**i, 10 * (i + 1), None, i) for i in range(4)])
    units = departures([("JFK", t) for t in (51, 21, 41, 31, 20)])
    asked = past("sum"), past("count", Type.INTEGER), past("mean", span_us=20)
    assert slots(units, facts, *asked) == [
        [15.0, 1.0, 7.0, 3.0, 0.0],
        [4, 1, 3, 2, 0],
        [6.0, 1.0, 3.0, 1.5, None],  # 31 to 51, 1 to 21, 21 to 41, 11 to 31
    ]


def test_a_grid_looks_from_its_last_point():
    facts = weather([("JFK", 4.0, 90, None, 1)])
    units = departures([("JFK", 149), ("JFK", 150), ("JFK", -1)])
    assert slots(units, facts, newest(refresh_us=50)) == [[None, 4.0, None]]


def test_nulls_match_nothing_and_no_facts_mean_no_value():
    facts = weather([(None, 4.0, 90, None, 1)])
    units = departures([(None, 500), ("JFK", 500)])
    wanted = [newest(), past("count", Type.INTEGER, span_us=1000), past("mean", span_us=1000)]
    assert slots(units, facts, *wanted) == [[None, None], [0, 0], [None, None]]
    assert slots(units, facts.clear(), *wanted) == [[None, None], [0, 0], [None, None]]
    assert slots(units.clear(), facts, *wanted) == [[], [], []]


@pytest.mark.parametrize("dtype", [pl.Int64, pl.Boolean, pl.Float64, INSTANT, pl.Duration("us")])
def test_any_type_can_be_matched_and_any_counted(dtype):
    facts = weather([("1", 4.0, 90, None, 1), ("0", 5.0, 90, None, 2), (None, 6.0, 95, None, 3)])
    kind = pl.col("origin").cast(pl.Int64).cast(dtype)
    units = departures([("1", 500), ("0", 500), (None, 500)]).with_columns(kind)
    counted = Node("column", value="origin", type=Type.INTEGER)
    many = past("count", Type.INTEGER, value=counted, span_us=1000)
    assert slots(units, facts.with_columns(kind), newest(), many) == [[4.0, 5.0, None], [1, 1, 0]]


def test_sides_of_different_types_match_nothing():
    units = departures([("1", 500)]).with_columns(pl.col("origin").cast(pl.Int64))
    assert slots(units, weather([("1", 4.0, 90, None, 1)]), newest()) == [[None]]


def test_steps_see_columns_slots_and_earlier_steps():
    now = Node("slot", value="now", type=Type.FLOAT)
    known = Step(
        "known", Node("not", (Node("is_null", (now,), type=Type.BOOLEAN),), type=Type.BOOLEAN)
    )
    zero = Node("literal", value=0.0, type=Type.FLOAT)
    celsius = Step("celsius", Node("fill_null", (now, zero), type=Type.FLOAT))
    twice = Node("feature", value="celsius", type=Type.FLOAT)
    double = Step("double", Node("add", (twice, twice), type=Type.FLOAT))
    whole = FeatureSet(
        columns=(("origin", Type.TEXT),),
        slots=(newest(),),
        steps=(known, celsius, double),
        outputs=("double", "known"),
    )
    units = departures([("LGA", 500), ("JFK", 500)])
    frame = assemble(units, "t", whole, {"weather": weather([("JFK", 4.0, 90, None, 1)])})
    assert frame.columns == [
        "origin", "t", "slot:now", "feature:known", "feature:celsius", "feature:double",
    ]  # fmt: skip
    assert frame["feature:known"].to_list() == [False, True]
    assert frame["feature:double"].to_list() == [0.0, 8.0]


def test_steps_on_the_shelf_are_those_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(shelf, "_SMALL_BYTES", 0)
    origin = Node("column", value="origin", type=Type.TEXT)
    seven = Node("literal", value=7.0, type=Type.FLOAT)
    sum_of = (
        Node("feature", value="seven", type=Type.FLOAT),
        Node("slot", value="now", type=Type.FLOAT),
    )
    whole = FeatureSet(
        columns=(("origin", Type.TEXT),),
        slots=(newest(),),
        steps=(
            Step("from", origin),
            Step("seven", seven),  # reads no column, and has a value in each row
            Step("both", Node("add", sum_of, type=Type.FLOAT)),
        ),
        outputs=("from", "both"),
    )
    units = departures([("LGA", 500), ("JFK", 500)])
    facts = {"weather": weather([("JFK", 4.0, 90, None, 1)])}
    found = assemble(units, "t", whole, facts, shelf.Shelf(tmp_path, memory_bytes=1))
    assert found.equals(assemble(units, "t", whole, facts))
    assert found["feature:both"].to_list() == [None, 11.0]


def test_a_unit_without_a_time_is_refused():
    units = departures([("JFK", None), ("JFK", 5)])
    with pytest.raises(KnowledgeError, match="1 of 2 units have no decision time") as refused:
        slots(units, weather([]), newest())
    assert refused.value.kind_code == "ISB311"
    assert refused.value.mend == "units.drop_nulls('t')"


def test_a_missing_source_is_named():
    whole = FeatureSet(columns=(), slots=(newest(),), steps=(), outputs=())
    with pytest.raises(ArgumentError, match="Missing: \\['weather'\\]"):
        assemble(departures([("JFK", 5)]), "t", whole, {})
