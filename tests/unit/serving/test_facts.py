from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.data.contract import Field
from isbjerg.expressions.tree import Node, Type
from isbjerg.features.facts import contributions
from isbjerg.features.keys import key_text
from isbjerg.features.sets import Known, Slot
from isbjerg.serving.answers import Refusal
from isbjerg.serving.facts import PostingFacts, contributor, needed_columns
from isbjerg.storage.online import OnlineStore, RegisteredSlot

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


class Ticking:
    """A clock that counts, and remembers what was known at each of its ticks."""

    def __init__(self) -> None:
        self.now, self.known = 0, list[int]()
        self.until: Callable[[int], int] = lambda now: now

    def __call__(self) -> int:
        self.now += 1
        self.known.append(self.until(1_000))
        return self.now


def post(store: OnlineStore, row: dict[str, Any], clock: Ticking) -> Any:
    posting = PostingFacts(store, clock, replay=False)
    clock.until = posting.known_until
    body = msgspec.json.encode({"rows": [row]})
    return msgspec.json.decode(asyncio.run(posting.handle(body, "weather")).body)


ROW = {"origin": "JFK", "hour": "1970-01-01T00:00:00Z", "issued": None, "wind": 1, "gust": 2}


def test_no_decision_falls_between_when_a_fact_is_known_and_its_commit(tmp_path: Path) -> None:
    """A decision at that time would miss what every later reckoning says that it saw."""
    store, clock = OnlineStore(tmp_path / "online.db"), Ticking()
    store.register(SLOT, {"origin": Type.TEXT})
    assert post(store, ROW, clock) == {"accepted": 1, "duplicates": 0}
    (fact,) = store.posted("weather")
    assert fact.live_at_us == clock.now
    assert clock.known[-1] < fact.live_at_us  # known strictly before: not seen, here and there
    assert clock.until(1_000) == 1_000  # committed
    store.close()


def test_a_fact_without_its_key_is_refused(tmp_path: Path) -> None:
    store, clock = OnlineStore(tmp_path / "online.db"), Ticking()
    store.register(SLOT, {"origin": Type.TEXT})
    with pytest.raises(Refusal) as caught:
        post(store, {**ROW, "origin": None}, clock)
    assert (caught.value.code, caught.value.field) == ("ISB707", "origin")
    assert store.posted("weather") == []
    assert clock.until(1_000) == 1_000
    store.close()


def test_slots_that_know_a_source_by_different_keys_each_get_their_own(tmp_path: Path) -> None:
    other = msgspec.structs.replace(SLOT, name="a", key=("hour", "issued"))
    store, clock = OnlineStore(tmp_path / "online.db"), Ticking()
    for slot in (SLOT, other):
        store.register(slot, {"origin": Type.TEXT})
    post(store, {**ROW, "issued": ROW["hour"]}, clock)
    store.close()
    db = sqlite3.connect(tmp_path / "online.db")
    found = dict(
        db.execute("SELECT name, fact_key FROM slot_facts JOIN slots ON slots.id = slot_facts.slot")
    )
    db.close()
    assert found == {"s": key_text(["JFK", 0]), "a": key_text([0, 0])}


TYPES = {"origin": Type.TEXT, "hour": Type.INSTANT, "issued": Type.INSTANT, "wind": Type.FLOAT}
CONTRACT = (
    Field(name="origin", type=Type.TEXT, values=("JFK", "LGA"), values_severity="error"),
    Field(name="wind", type=Type.FLOAT, minimum=0, required=True),
    Field(name="gust", type=Type.FLOAT, maximum=100, range_severity="warning"),
    Field(name="remark", type=Type.TEXT, required=True),
)


@pytest.fixture
def promised(tmp_path: Path) -> Iterator[OnlineStore]:
    store = OnlineStore(tmp_path / "online.db")
    store.register(SLOT, {"origin": Type.TEXT}, complete_from_us=3)
    assert store.slots("weather")[0].contract == ()  # nothing was promised yet
    store.promise("weather", {**TYPES, "gust": Type.FLOAT, "remark": Type.TEXT}, CONTRACT)
    yield store
    store.close()


@pytest.mark.parametrize(
    ("change", "field", "rule"),
    [
        ({"wind": -1.5}, "wind", "contract.range"),
        ({"wind": None}, "wind", "contract.required"),
        ({"origin": "Ann's home"}, "origin", "contract.values"),
        ({"remark": None}, "remark", "contract.required"),
    ],
)
def test_a_fact_that_breaks_an_error_rule_is_refused_with_all_that_came_with_it(
    promised: OnlineStore, change: dict[str, Any], field: str, rule: str
) -> None:
    posting = PostingFacts(promised, Ticking(), replay=False)
    body = msgspec.json.encode({"rows": [ROW, {**ROW, **change}]})
    with pytest.raises(Refusal) as caught:
        asyncio.run(posting.handle(body, "weather"))
    refusal = caught.value
    assert (refusal.status, refusal.code, refusal.field) == (422, "ISB712", field)
    assert refusal.message.startswith(f"Row 1, weather.{field}: ")
    assert rule in refusal.message
    assert refusal.mend
    assert not any(word in repr(refusal.answer()) for word in ("Ann", "-1.5"))
    assert promised.posted("weather") == []


def test_a_fact_that_breaks_a_warning_rule_is_taken_and_told(promised: OnlineStore) -> None:
    """What it does not say, such as a remark, is not asked for."""
    told = post(promised, {**ROW, "gust": 120.0}, Ticking())
    assert (told["accepted"], told["duplicates"]) == (1, 0)
    (finding,) = told["findings"]
    assert (finding["code"], finding["subject"]) == ("contract.range", "weather.gust")
    assert (finding["severity"], finding["evidence"]) == ("warning", {"count": 1, "first": [0]})
    assert post(promised, {**ROW, "gust": 12.0}, Ticking()) == {"accepted": 1, "duplicates": 0}


def test_a_promise_is_to_all_slots_of_the_source_and_changes_nothing_else(
    promised: OnlineStore,
) -> None:
    promised.register(msgspec.structs.replace(SLOT, name="later", source="sea"))
    (weather,), (sea,) = promised.slots("weather"), promised.slots("sea")
    assert (weather.slot, weather.complete_from_us, weather.contract) == (SLOT, 3, CONTRACT)
    assert (sea.contract, sea.columns) == ((), {})
