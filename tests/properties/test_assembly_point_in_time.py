"""Offline and online assembly against the row-by-row oracle, exactly equal.

Times come from a tiny grid, so that ties on every boundary (visible, superseded, leaving the
window, too old) are frequent; so do keys, so that corrections are.
"""

from __future__ import annotations

import random

import polars as pl
from hypothesis import event, given, settings
from hypothesis import strategies as st
from tests.properties.point_in_time_oracle import value_at, visible

from isbjerg.expressions.tree import Node, Type
from isbjerg.features.assembly import assemble
from isbjerg.features.facts import contributions
from isbjerg.features.keys import key_text
from isbjerg.features.online import OnlineSlot
from isbjerg.features.sets import FeatureSet, Known, Slot
from isbjerg.serving.facts import contributor
from isbjerg.times import grid_point

INSTANT = pl.Datetime("us", "UTC")

VALUES = {
    "number": (Type.FLOAT, pl.Float64),
    "whole": (Type.INTEGER, pl.Int64),
    "flag": (Type.BOOLEAN, pl.Boolean),
    "label": (Type.TEXT, pl.String),
}
FACT_SCHEMA = {
    "place": pl.String,
    "gate": pl.Int64,
    "share": pl.Float64,
    "id": pl.String,
    "number_of": pl.Int64,
    "seen": INSTANT,
    "told": INSTANT,
    **{name: dtype for name, (_, dtype) in VALUES.items()},
    "_live_at": INSTANT,
    "_row": pl.Int64,
}
UNIT_SCHEMA = {"place": pl.String, "at_gate": pl.Int64, "share": pl.Float64, "t": INSTANT}

times = st.integers(-9, 9)
early, late = st.integers(-9, 2), st.integers(-4, 12)
numbers = st.one_of(
    st.none(),
    st.sampled_from([0.1, -0.0, 2.0**-41, 3 * 2.0**-41, 2.0**62, -(2.0**62), 2.0**61.5, 1e-300]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.floats(-1e6, 1e6),
)
wholes = st.one_of(
    st.none(), st.integers(-5, 5), st.integers(-(2**63), 2**63 - 1), st.just(2**62 - 1)
)


@st.composite
def scenes(draw):
    """Draw a slot, facts and units; places and keys are few, so that many match."""
    places = st.sampled_from(draw(st.sampled_from(["J", "JK", "JK", ["\0", "å", "", None]])))
    gates = st.sampled_from(draw(st.sampled_from([[7], [7], [-1, 2**62, None]])))
    shares = st.sampled_from([0.0, -0.0] if draw(st.booleans()) else [-1.5, 1e300, None])
    units = st.fixed_dictionaries({"place": places, "at_gate": gates, "share": shares, "t": late})
    fact = {
        "place": places,
        "gate": gates,
        "share": shares,
        "id": st.sampled_from(draw(st.sampled_from(["a", "ab", ["a", "a\0", "b", None]]))),
        "number_of": st.sampled_from([-2, 0, 10, None]),
        "seen": early if draw(st.booleans()) else early | st.none(),
        "told": early,
        "number": numbers,
        "whole": wholes,
        "flag": st.booleans() | st.none(),
        "label": st.sampled_from(["x", "y", "", None]),
        "_live_at": draw(st.sampled_from([st.none(), st.none() | early, early])),
    }
    most = draw(st.sampled_from([1, 4, 7, 10]))
    rows = draw(st.lists(st.fixed_dictionaries(fact), min_size=most - 1, max_size=most))
    numbering = draw(st.permutations(range(len(rows))))
    facts = [{**row, "_row": number} for row, number in zip(rows, numbering, strict=True)]
    return draw(slots()), facts, draw(st.lists(units, min_size=3, max_size=8))


ons = st.sampled_from(
    [
        (),
        (),
        *[(("place", "place"),)] * 4,
        (("gate", "at_gate"),),
        (("place", "place"), ("gate", "at_gate")),
        (("share", "share"), ("place", "place")),
    ]
)
keys = st.sampled_from([("id",)] * 4 + [("id", "number_of"), ("number_of", "id"), ("_row",)])
knowns = st.sampled_from(
    [
        (Known("told"),),
        (Known("told", 2),),
        (Known("seen"), Known("told", -1)),
    ]
)


@st.composite
def slots(draw):
    column = draw(st.sampled_from(sorted(VALUES)))
    type_ = VALUES[column][0]
    common = {
        "name": "s",
        "source": "facts",
        "on": draw(ons),
        "key": draw(keys),
        "known": draw(knowns),
        "value": Node("column", value=column, type=type_),
        "refresh_us": draw(st.sampled_from([0, 0, 1, 3, 4])),
    }
    if draw(st.booleans()):
        age = draw(st.sampled_from([None, None, None, 0, 1, 3, 8]))
        return Slot(kind="newest", type=type_, max_age_us=age, **common)
    aggregates = ["count"] if type_ is Type.TEXT else ["count", "sum", "mean"]
    chosen = draw(st.sampled_from(aggregates))
    result = {"count": [Type.INTEGER], "mean": [Type.FLOAT], "sum": [Type.FLOAT]}
    if type_ is Type.INTEGER:
        result["sum"] = [Type.FLOAT, Type.INTEGER]
    return Slot(
        kind="past",
        aggregate=chosen,
        type=draw(st.sampled_from(result[chosen])),
        span_us=draw(st.sampled_from([0, 2, 5, 8, 100, 100])),
        **common,
    )


def table(rows, schema):
    return pl.DataFrame(
        [[row[c] for c in schema] for row in rows],
        schema={c: pl.Int64 if t == INSTANT else t for c, t in schema.items()},
        orient="row",
    ).cast(schema)


def offline(slot, facts, units):
    columns = tuple((ours, Type.TEXT) for _, ours in slot.on)
    wanted = FeatureSet(columns=columns, slots=(slot,), steps=(), outputs=())
    frame = assemble(table(units, UNIT_SCHEMA), "t", wanted, {"facts": table(facts, FACT_SCHEMA)})
    assert frame.drop("slot:s").equals(table(units, UNIT_SCHEMA), null_equal=True)
    return frame["slot:s"].to_list()


def filled(slot, facts):
    online = OnlineSlot(slot)
    for row in contributions(table(facts, FACT_SCHEMA), slot).rows():
        online.insert(*row)
    return online


def asked(slot, unit):
    return tuple(unit[ours] for _, ours in slot.on)


def same(got, wanted):
    """Equal, of the same type, and of the same sign at zero."""
    return [(type(v), repr(v)) for v in got] == [(type(v), repr(v)) for v in wanted]


@given(scenes())
@settings(max_examples=300)
def test_offline_equals_the_oracle(scene):
    slot, facts, units = scene
    got = offline(slot, facts, units)
    wanted = [value_at(slot, facts, unit, unit["t"]) for unit in units]
    event(f"{slot.kind}: {'some' if any(wanted) else 'no'} value")
    assert same(got, wanted), (got, wanted)


@given(scenes(), st.randoms(use_true_random=False))
@settings(max_examples=300)
def test_online_equals_the_oracle_in_any_order_of_insertion(scene, rng: random.Random):
    slot, facts, units = scene
    rows = contributions(table(facts, FACT_SCHEMA), slot).rows()
    online = OnlineSlot(slot)
    for row in rng.sample(rows, len(rows)) + rows[:3]:
        online.insert(*row)
        online.value(asked(slot, units[0]), units[0]["t"])  # reading in between changes nothing
    assert len(online) == len(rows)
    got = [online.value(asked(slot, unit), unit["t"]) for unit in units]
    wanted = [value_at(slot, facts, unit, unit["t"]) for unit in units]
    assert same(got, wanted), (got, wanted)


@given(scenes())
@settings(max_examples=200)
def test_what_is_not_visible_yet_changes_nothing(scene):
    """Live, a server has seen only what is visible; it must answer as the back-test does."""
    slot, facts, units = scene
    for unit in units[:2]:
        g = grid_point(unit["t"], slot.refresh_us)
        seen = [f for f in facts if (at := visible(slot, f)) is not None and at < g]
        everything = value_at(slot, facts, unit, unit["t"])
        assert same([filled(slot, seen).value(asked(slot, unit), unit["t"])], [everything])
        assert same(offline(slot, seen, [unit]), [everything])


@given(scenes(), times, times, st.randoms(use_true_random=False))
@settings(max_examples=200)
def test_eviction_changes_no_later_value(scene, before, earlier, rng):
    slot, facts, units = scene
    online = filled(slot, facts)
    dropped = online.evict(earlier) + online.evict(before)
    assert len(online) + dropped == len(filled(slot, facts))
    for again in (False, True):
        if again:  # the feed repeats some of what it sent before
            rows = contributions(table(facts, FACT_SCHEMA), slot).rows()
            for row in rng.sample(rows, len(rows) // 2):
                online.insert(*row)
        for unit in units:
            if unit["t"] >= max(before, earlier):
                got = online.value(asked(slot, unit), unit["t"])
                assert same([got], [value_at(slot, facts, unit, unit["t"])])


@given(scenes(), st.none() | times)
@settings(max_examples=100)
def test_a_posted_fact_contributes_as_an_ingested_one(scene, live_at):
    slot, facts, _ = scene
    facts = [{**fact, "_live_at": 0 if live_at is None else live_at} for fact in facts]
    posted = contributor(slot)
    one_by_one = [
        posted.contribute(fact, key_text(fact[c] for c in slot.key), fact["_row"], fact["_live_at"])
        for fact in facts
    ]
    wanted = contributions(table(facts, FACT_SCHEMA), slot).rows()
    assert same([tuple(c) for c in one_by_one if c is not None], wanted)


moved = st.tuples(
    st.sampled_from("ab"), st.sampled_from("JJK"), st.integers(-4, 4), st.integers(-4, 6)
)


@given(st.lists(moved, min_size=3, max_size=8), st.sampled_from([None, 2]))
@settings(max_examples=150)
def test_corrections_that_move_facts(rows, max_age):
    """Facts of two keys, moved in time and place again and again, asked for at every time."""
    rest = dict.fromkeys(FACT_SCHEMA)
    facts = [
        {**rest, "id": key, "place": place, "told": told, "_live_at": live, "whole": n, "_row": n}
        for n, (key, place, told, live) in enumerate(rows)
    ]
    whole = Node("column", value="whole", type=Type.INTEGER)
    slot = Slot(
        name="s", kind="newest", source="facts", on=(("place", "place"),), key=("id",),
        known=(Known("told"),), value=whole, type=Type.INTEGER, max_age_us=max_age,
    )  # fmt: skip
    rest = {"at_gate": None, "share": None}
    units = [{**rest, "place": place, "t": t} for t in range(-5, 9) for place in "JK"]
    wanted = [value_at(slot, facts, unit, unit["t"]) for unit in units]
    online = filled(slot, facts)
    assert [online.value((unit["place"],), unit["t"]) for unit in units] == wanted
    assert offline(slot, facts, units) == wanted
