from __future__ import annotations

import multiprocessing

from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.storage.ids import Ids, drawn_at_us
from isbjerg.times import system_clock


@settings(deadline=None, max_examples=100)
@given(st.lists(st.integers(0, 2**48 * 1000 - 1), min_size=2, max_size=50))
def test_ids_grow_whatever_the_clock_does(times: list[int]) -> None:
    clock = iter(times)
    ids = Ids(lambda: next(clock))
    drawn = [ids.draw() for _ in times]
    assert drawn == sorted(set(drawn))
    assert all(len(one) == 26 for one in drawn)


def test_a_full_millisecond_runs_over_into_the_next() -> None:
    ids = Ids(lambda: 5_000)
    first = ids.draw()
    ids._count = 32**5 - 1
    second = ids.draw()
    assert first < second
    assert (drawn_at_us(first), drawn_at_us(second)) == (5_000, 6_000)


def test_the_count_is_spelt_in_order() -> None:
    ids = Ids(lambda: 0, bytes)
    drawn = []
    for count in (0, 30, 31, 1022, 1023, 32_766, 32_767, 1_048_575, 1_048_576):
        ids._millisecond, ids._count, ids._head = 0, count, "x"
        drawn.append(ids.draw())
    assert drawn == sorted(set(drawn))


def _draw(_: int) -> list[str]:
    ids = Ids(system_clock)
    return [ids.draw() for _ in range(2_000)]


def test_processes_draw_different_ids() -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        drawn = [one for some in pool.map(_draw, range(4)) for one in some]
    assert len(set(drawn)) == len(drawn)
