from __future__ import annotations

from typing import Any

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.expressions.tree import Node, Type
from isbjerg.features.facts import contributions
from isbjerg.features.keys import key_text
from isbjerg.features.sets import Known, Slot
from isbjerg.serving.facts import contributor, needed_columns
from isbjerg.storage.online import RegisteredSlot

SLOT = Slot(
    name="s",
    kind="newest",
    source="weather",
    on=(("origin", "origin"),),
    key=("origin", "hour"),
    known=(Known("hour", 3_600_000_000), Known("issued")),
    value=Node(
        "add",
        (
            Node("column", value="wind", type=Type.FLOAT),
            Node("column", value="gust", type=Type.FLOAT),
        ),
        type=Type.FLOAT,
    ),
    type=Type.FLOAT,
)

TIMES = st.none() | st.integers(-(10**15), 10**15)
FLOATS = st.none() | st.floats(-1e300, 1e300)


@settings(max_examples=100)
@given(
    origin=st.none() | st.sampled_from(["JFK", "", "Ærø\0"]),
    hour=TIMES,
    issued=TIMES,
    wind=FLOATS,
    gust=FLOATS,
    live_at=st.integers(-(10**15), 10**15),
)
def test_a_posted_fact_is_to_a_slot_what_an_ingested_one_is(live_at: int, **fact: Any) -> None:
    schema = {
        "origin": pl.String,
        "hour": pl.Datetime("us", "UTC"),
        "issued": pl.Datetime("us", "UTC"),
        "wind": pl.Float64,
        "gust": pl.Float64,
    }
    frame = pl.DataFrame({n: [fact[n]] for n in schema})
    frame = frame.select(
        pl.col(n).cast(pl.Int64).cast(t) if t == pl.Datetime("us", "UTC") else pl.col(n).cast(t)
        for n, t in schema.items()
    ).with_columns(
        pl.lit(live_at).cast(pl.Datetime("us", "UTC")).alias("_live_at"),
        pl.lit(7, pl.Int64).alias("_row"),
    )
    offline = contributions(frame, SLOT).rows()
    key = key_text(fact[c] for c in SLOT.key)
    online = contributor(SLOT).contribute(fact, key, 7, live_at)
    assert offline == ([] if online is None else [tuple(online)])


def test_what_slots_need_of_a_fact() -> None:
    registered = RegisteredSlot(SLOT, {"origin": Type.TEXT, "temp": Type.FLOAT})
    assert needed_columns([registered]) == {
        "origin": Type.TEXT,
        "hour": Type.INSTANT,
        "issued": Type.INSTANT,
        "wind": Type.FLOAT,
        "gust": Type.FLOAT,
    }
    assert needed_columns([RegisteredSlot(SLOT)])["origin"] is None
