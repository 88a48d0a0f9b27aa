"""One slot online, by hand: what is kept, what is dropped, what is refused."""

from __future__ import annotations

import pytest

from isbjerg.errors import ArgumentError
from isbjerg.expressions.tree import Node, Type
from isbjerg.features.online import OnlineSlot
from isbjerg.features.sets import Slot


def online(**changes):
    given = {
        "name": "s",
        "kind": "past",
        "source": "flights",
        "on": (("carrier", "carrier"),),
        "key": ("id",),
        "known": (),
        "value": Node("column", value="delay", type=Type.FLOAT),
        "type": Type.FLOAT,
        "aggregate": "sum",
        "span_us": 100,
    }
    return OnlineSlot(Slot(**{**given, **changes}))


def newest(**changes):
    return online(kind="newest", aggregate=None, span_us=None, **changes)


def fill(slot, *facts):
    """Insert facts of carrier UA: key, position, visible, row, value."""
    for key, position, visible, row, value in facts:
        slot.insert("tUA", f"t{key}", position, visible, row, value)
    return slot


def test_a_repeated_row_counts_once():
    slot = fill(online(), ("a", 10, 10, 1, 2.0), ("a", 10, 10, 1, 2.0))
    assert len(slot) == 1
    assert slot.value(("UA",), 11) == 2.0


def test_a_late_fact_corrects_every_later_value():
    slot = fill(online(), ("a", 10, 10, 1, 2.0), ("b", 50, 50, 2, 4.0))
    assert [slot.value(("UA",), t) for t in (10, 11, 51, 111, 151)] == [0.0, 2.0, 6.0, 4.0, 0.0]
    fill(slot, ("c", 20, 20, 3, 1.0))
    assert [slot.value(("UA",), t) for t in (11, 21, 51, 111, 121)] == [2.0, 3.0, 7.0, 5.0, 4.0]


def test_a_version_between_two_others_splits_the_first():
    slot = fill(newest(), ("a", 10, 10, 1, 1.0), ("a", 10, 30, 3, 3.0))
    fill(slot, ("a", 10, 20, 2, 2.0))
    assert [slot.value(("UA",), t) for t in (10, 20, 21, 30, 31)] == [None, 1.0, 2.0, 2.0, 3.0]


def test_a_correction_may_move_a_fact_to_nothing():
    slot = fill(online(), ("a", 10, 10, 1, 2.0))
    slot.insert(None, "ta", 10, 30, 2, 2.0)
    assert [slot.value(("UA",), t) for t in (30, 31)] == [2.0, 0.0]


def test_an_unknown_and_a_null_value_match_nothing():
    slot = fill(online(aggregate="mean"), ("a", 10, 10, 1, 2.0))
    assert slot.value(("DL",), 11) is None
    assert slot.value((None,), 11) is None
    assert fill(newest(), ("a", 10, 10, 1, 2.0)).value((None,), 11) is None


def test_eviction_drops_what_left_the_window_and_refuses_earlier_questions():
    slot = fill(online(), ("a", 10, 10, 1, 2.0), ("b", 50, 50, 2, 4.0))
    assert slot.evict(before_us=111) == 1  # a counts for 10 < g <= 110
    assert slot.value(("UA",), 111) == 4.0
    with pytest.raises(ArgumentError, match="be at or after the eviction at 111"):
        slot.value(("UA",), 110)


def test_eviction_keeps_a_newest_fact_without_max_age():
    slot = fill(newest(), ("a", 10, 10, 1, 1.0), ("a", 10, 20, 2, 2.0), ("b", 5, 5, 3, 3.0))
    assert slot.evict(before_us=10**9) == 1  # only the first version of a
    assert slot.value(("UA",), 10**9) == 2.0


def test_eviction_leaves_no_room_for_a_superseded_version_to_return():
    # The correction moved the fact out of the window; its first version is sent again.
    slot = fill(online(), ("a", 20, 20, 1, 2.0), ("a", -500, 21, 2, 2.0))
    assert slot.evict(before_us=30) == 1
    fill(slot, ("a", 20, 20, 1, 2.0))
    assert slot.value(("UA",), 30) == 0.0


def test_what_is_counted_may_be_large():
    """Random ids of 64 bits: three in four are 2**62 or more, and all are facts."""
    ids = Node("column", value="id", type=Type.INTEGER)
    counts = online(aggregate="count", value=ids, type=Type.INTEGER)
    fill(counts, ("a", 10, 10, 1, 2**63 - 1), ("b", 10, 10, 2, -(2**63)), ("c", 10, 10, 3, None))
    assert counts.value(("UA",), 11) == 2


def test_an_integer_sum_beyond_64_bits_is_null():
    slot = online(type=Type.INTEGER)
    fill(slot, *((str(n), 10, 10, n, 2**61) for n in range(4)))
    assert slot.value(("UA",), 11) is None
    slot.insert("tUA", "tx", 10, 10, 9, -1)
    assert slot.value(("UA",), 11) == 2**63 - 1
