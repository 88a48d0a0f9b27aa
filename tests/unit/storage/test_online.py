from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from isbjerg.errors import ArgumentError, StoreError
from isbjerg.expressions.tree import Node, Type
from isbjerg.features.sets import Known, Slot
from isbjerg.storage.online import POSTED_ROW_FIRST, OnlineStore, SlotFact


def slot(name: str = "wind", source: str = "weather", type_: Type = Type.FLOAT) -> Slot:
    return Slot(
        name=name,
        kind="newest",
        source=source,
        on=(("origin", "origin"),),
        key=("origin", "hour"),
        known=(Known("hour", 10),),
        value=Node("column", value="wind", type=type_),
        type=type_,
    )


def fact(row: int, value: float | None = 1.0, on: str | None = "tJFK") -> SlotFact:
    return SlotFact(on, f"k{row}", row, row, row, value)


@pytest.fixture
def store(tmp_path: Path) -> OnlineStore:
    store = OnlineStore(tmp_path / "online.db")
    yield store
    store.close()


def test_a_slot_is_registered_once(store: OnlineStore) -> None:
    assert store.register(slot(), {"origin": Type.TEXT})
    assert not store.register(slot())
    store.register(slot("other", "planes"))
    assert [r.slot for r in store.slots("weather")] == [slot()]
    assert store.slots("weather")[0].columns == {"origin": Type.TEXT}
    assert [r.slot.name for r in store.slots()] == ["other", "wind"]


def test_feeding_again_changes_nothing(store: OnlineStore) -> None:
    store.register(slot())
    assert store.feed("wind", [fact(1), fact(2, None), fact(3, on=None)], data_version="v1") == 3
    assert store.feed("wind", [fact(2), fact(4)], data_version="v2") == 1
    assert store.fed("wind") == {"v1", "v2"}
    assert store.fed("other") == set()


def test_each_feed_is_a_generation(store: OnlineStore) -> None:
    store.register(slot())
    before = store.generation
    store.feed("wind", [fact(1)])
    store.feed("wind", [fact(2)])
    assert store.generation == before + 2


def test_a_feed_that_breaks_leaves_nothing(store: OnlineStore) -> None:
    def facts():
        yield fact(1)
        raise RuntimeError("the source broke")

    store.register(slot())
    with pytest.raises(RuntimeError):
        store.feed("wind", facts(), data_version="v1")
    assert store.fed("wind") == set()
    assert store.feed("wind", [fact(1)]) == 1


def test_posting_twice_is_posting_once_but_turning_back_is_news(store: OnlineStore) -> None:
    store.register(slot())
    given: list[int] = []

    def contribute(row: int):
        given.append(row)
        yield "wind", fact(row)

    told = []
    for wind in (1.0, 1.0, 2.0, 1.0):
        with store.posting("weather") as posting:
            assert [r.slot.name for r in posting.slots] == ["wind"]
            told.append(posting.add("k", {"wind": wind}, 55, contribute))
    assert told == [True, False, True, True]
    assert given == [POSTED_ROW_FIRST + n for n in (1, 2, 3)]
    posted = store.posted("weather")
    assert [(p.row, p.body, p.live_at_us) for p in posted] == [
        (POSTED_ROW_FIRST + n, {"wind": wind}, 55) for n, wind in ((1, 1.0), (2, 2.0), (3, 1.0))
    ]
    store.absorb([p.row for p in posted[:2]], "v9")
    assert [p.row for p in store.posted("weather")] == [POSTED_ROW_FIRST + 3]


def test_facts_are_posted_all_or_none(store: OnlineStore) -> None:
    store.register(slot())

    def post() -> None:
        with store.posting("weather") as posting:
            posting.add("k", {}, 1, lambda row: [("wind", fact(row))])
            raise RuntimeError("the second row is wrong")

    with pytest.raises(RuntimeError):
        post()
    assert store.posted("weather") == []


def test_two_stores_on_one_new_file_agree(tmp_path: Path) -> None:
    one, two = OnlineStore(tmp_path / "online.db"), OnlineStore(tmp_path / "online.db")
    one.register(slot())
    assert [r.slot.name for r in two.slots()] == ["wind"]
    one.close()
    two.close()


def test_many_may_make_the_file_at_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(OnlineStore, [tmp_path / "online.db"] * 8))
    for n, store in enumerate(stores):
        assert store.register(slot(f"slot{n}"))
        store.close()


def test_a_later_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "online.db"
    OnlineStore(path).close()
    db = sqlite3.connect(path)
    db.execute("PRAGMA user_version = 2")
    db.close()
    with pytest.raises(StoreError) as caught:
        OnlineStore(path)
    assert caught.value.kind_code == "ISB613"


def test_a_slot_that_is_asked_for_earlier_is_fed_again(store: OnlineStore) -> None:
    assert store.register(slot(), complete_from_us=100)
    store.feed("wind", [fact(1)], data_version="v1")
    assert not store.register(slot(), complete_from_us=200)
    assert store.fed("wind") == {"v1"}
    assert store.register(slot(), complete_from_us=50)
    assert store.fed("wind") == set()
    assert store.slots()[0].complete_from_us == 50
    assert store.register(slot())
    assert store.slots()[0].complete_from_us is None
    assert not store.register(slot(), complete_from_us=50)


def test_only_registered_slots_are_fed(store: OnlineStore) -> None:
    with pytest.raises(ArgumentError, match="registered"):
        store.feed("wind", [fact(1)])
