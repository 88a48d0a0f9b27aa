from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.expressions.tree import Node, Type
from isbjerg.features.online import OnlineSlot
from isbjerg.features.sets import Slot
from isbjerg.storage import following
from isbjerg.storage.following import Follower
from isbjerg.storage.online import OnlineStore, SlotFact


def newest(type_: Type, name: str = "newest") -> Slot:
    return Slot(
        name=name,
        kind="newest",
        source="s",
        on=(("o", "o"),),
        key=("k",),
        known=(),
        value=Node("column", value="v", type=type_),
        type=type_,
    )


PAST = Slot(
    name="past",
    kind="past",
    source="s",
    on=(("o", "o"),),
    key=("k",),
    known=(),
    value=Node("column", value="v", type=Type.FLOAT),
    type=Type.FLOAT,
    aggregate="mean",
    span_us=20,
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[OnlineStore]:
    store = OnlineStore(tmp_path / "online.db")
    yield store
    store.close()


@pytest.fixture
def follower(store: OnlineStore) -> Iterator[Follower]:
    follower = Follower(store.path)
    yield follower
    follower.close()


@pytest.mark.parametrize(
    ("type_", "value"),
    [
        (Type.BOOLEAN, True),
        (Type.BOOLEAN, None),
        (Type.INTEGER, 2**63 - 1),
        (Type.FLOAT, 3.0),
        (Type.FLOAT, -0.0),
        (Type.FLOAT, 5e-324),
        (Type.TEXT, "Ærø\0 7"),
        (Type.INSTANT, -1),
    ],
)
def test_a_value_comes_back_as_it_was(
    store: OnlineStore, follower: Follower, type_: Type, value: object
) -> None:
    store.register(newest(type_))
    store.feed("newest", [SlotFact("tx", "k", 1, 1, 1, value)])  # type: ignore[arg-type]
    found = follower.read_through(newest(type_)).value(("x",), 2)
    assert type(found) is type(value)
    assert found == value
    if isinstance(value, float):
        assert struct.pack("d", found) == struct.pack("d", value)


def test_a_key_is_loaded_when_asked_for_and_followed_from_then_on(
    store: OnlineStore, follower: Follower
) -> None:
    store.register(newest(Type.FLOAT))
    store.feed("newest", [SlotFact("ta", "1", 1, 1, 1, 1.0), SlotFact("tb", "2", 1, 1, 2, 2.0)])
    cached = follower.read_through(newest(Type.FLOAT))
    assert cached.value(("a",), 9) == 1.0
    store.feed("newest", [SlotFact("ta", "3", 2, 2, 3, 3.0), SlotFact("tb", "4", 2, 2, 4, 4.0)])
    assert cached.value(("a",), 9) == 1.0  # one request sees one state
    follower.follow()
    assert (cached.value(("a",), 9), cached.value(("b",), 9)) == (3.0, 4.0)
    assert cached.value(("a",), 2) == 1.0  # and the past stays as it was
    assert (cached.value(("c",), 9), cached.value((None,), 9)) == (None, None)


def test_a_correction_that_moves_a_fact_to_another_key_is_seen(
    store: OnlineStore, follower: Follower
) -> None:
    store.register(PAST)
    store.feed("past", [SlotFact("ta", "1", 1, 1, 1, 8.0), SlotFact("tb", "1", 1, 5, 2, 9.0)])
    cached = follower.read_through(PAST)
    assert [cached.value(("a",), at) for at in (2, 5, 6)] == [8.0, 8.0, None]
    assert [cached.value(("b",), at) for at in (2, 5, 6)] == [None, None, 9.0]
    store.feed("past", [SlotFact(None, "1", 1, 7, 3, 9.0)])
    follower.follow()
    assert [cached.value(("b",), at) for at in (7, 8)] == [9.0, None]


def test_a_late_version_does_not_take_the_place_of_one_that_was_not_loaded(
    store: OnlineStore, follower: Follower
) -> None:
    """A backfill brings an older version of a fact that has moved to another key since."""
    for slot in (PAST, newest(Type.FLOAT)):
        store.register(slot)
        store.feed(
            slot.name, [SlotFact("ta", "1", 0, 0, 1, 8.0), SlotFact("tb", "2", 0, 5, 2, 9.0)]
        )
        follower.follow()
        cached = follower.read_through(slot)
        assert cached.value(("a",), 9) == 8.0
        store.feed(slot.name, [SlotFact("ta", "2", 1, 1, 3, 4.0)])
        follower.follow()
        both = 6.0 if slot is PAST else 4.0
        assert [cached.value(("a",), at) for at in (5, 6)] == [both, 8.0]
        assert cached.value(("b",), 6) == 9.0


def test_plans_that_share_a_slot_share_its_memory(follower: Follower) -> None:
    one = follower.read_through(PAST)
    assert follower.read_through(PAST) is one
    follower.keep(["past"])
    assert follower.read_through(PAST) is one
    follower.keep([])
    assert follower.read_through(PAST) is not one


def test_a_large_feed_and_too_many_keys_empty_the_memory(
    store: OnlineStore, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "FOLLOW_ROWS_MAX", 2)
    monkeypatch.setattr(following, "KEYS_MAX", 3)
    cached = follower.read_through(newest(Type.FLOAT))
    assert cached.value(("a",), 9) is None
    store.register(newest(Type.FLOAT))
    store.feed("newest", [SlotFact("ta", str(n), n, n, n, float(n)) for n in range(5)])
    follower.follow()
    assert not cached._loaded
    assert cached.value(("a",), 9) == 4.0
    for key in "bcde":
        cached.value((key,), 9)
    assert len(cached._loaded) <= 3
    assert cached.value(("a",), 9) == 4.0


def test_facts_that_keep_coming_do_not_fill_the_memory(
    store: OnlineStore, follower: Follower, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "FOLLOWED_MAX", 10)
    store.register(PAST)
    follower.follow()
    cached = follower.read_through(PAST)
    for n in range(100):
        store.feed("past", [SlotFact("ta", str(n), n, n, n, float(n))])
        follower.follow()
        # the mean of what became known in the last 20: n - 20 .. n - 1, at the time n
        known = range(max(0, n - 20), n)
        assert cached.value(("a",), n) == (sum(known) / len(known) if known else None)
        assert len(cached._online) <= 10 + PAST.span_us + 3


def test_keys_of_the_last_span_are_loaded_before_they_are_asked_for(
    store: OnlineStore, follower: Follower
) -> None:
    store.register(PAST)
    facts = [("told", 5, 1.0), ("ta", 95, 2.0), ("tb", 100, 3.0), (None, 100, 4.0)]
    store.feed("past", [SlotFact(on, str(n), at, at, n, v) for n, (on, at, v) in enumerate(facts)])
    follower.follow()
    cached = follower.read_through(PAST)
    asyncio.run(cached.warm(10**6))  # long after the newest fact, as in a replay
    assert set(cached._loaded) == {"ta", "tb"}
    assert [cached.value((on,), 101) for on in ("a", "b", "old")] == [2.0, 3.0, None]
    cached.forget()
    asyncio.run(cached.warm(24))
    assert "told" in cached._loaded
    assert [cached.value((on,), 25) for on in ("a", "old")] == [None, 1.0]


FACTS = st.lists(
    st.tuples(
        st.sampled_from(["ta", "tb", None]),
        st.sampled_from("1234"),
        st.integers(0, 30),
        st.integers(0, 10),
        st.one_of(st.none(), st.floats(-1e6, 1e6)),
    ),
    max_size=20,
)


@settings(deadline=None, max_examples=100)
@given(batches=st.lists(FACTS, max_size=4), asked=st.lists(st.integers(0, 60), max_size=3))
def test_reading_through_is_reading_everything(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list], asked: list[int]
) -> None:
    store = OnlineStore(tmp_path_factory.mktemp("online") / "online.db")
    follower, row = Follower(store.path), 0
    slots = [PAST, newest(Type.FLOAT)]
    whole = [OnlineSlot(slot) for slot in slots]
    for slot in slots:
        store.register(slot)
    for batch in batches:
        facts = [
            SlotFact(o, k, p, p + late, row + n, v) for n, (o, k, p, late, v) in enumerate(batch)
        ]
        row += len(batch)
        for slot, online in zip(slots, whole, strict=True):
            store.feed(slot.name, facts)
            for fact in facts:
                online.insert(*fact)
        follower.follow()
        for at in asked:
            for key in ("a", "b"):
                found = [follower.read_through(slot).value((key,), at) for slot in slots]
                assert found == [online.value((key,), at) for online in whole]
    follower.close()
    store.close()


def test_of_a_key_only_what_can_matter_is_loaded(store: OnlineStore, follower: Follower) -> None:
    span_us = PAST.span_us
    store.register(PAST)
    store.feed("past", [SlotFact("ta", str(n), n, n, n, 1.0) for n in range(10 * span_us)])
    follower.follow()
    cached = follower.read_through(PAST)
    late = cached.value(("a",), 9 * span_us)
    assert len(cached._online) <= 2.25 * span_us
    loaded = dict(cached._loaded)
    cached.value(("a",), 9 * span_us - span_us // 8)  # a little out of order
    assert cached._loaded == loaded
    early = cached.value(("a",), 3 * span_us)  # an earlier time loads more
    whole = OnlineSlot(PAST)
    for n in range(10 * span_us):
        whole.insert("ta", str(n), n, n, n, 1.0)
    assert (late, early) == (whole.value(("a",), 9 * span_us), whole.value(("a",), 3 * span_us))


def test_a_slot_says_from_when_it_is_complete(store: OnlineStore, follower: Follower) -> None:
    cached = follower.read_through(PAST)
    assert cached.complete_from_us is None
    store.register(PAST, complete_from_us=77)
    follower.follow()
    assert cached.complete_from_us == 77
