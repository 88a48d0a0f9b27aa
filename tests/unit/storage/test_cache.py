from __future__ import annotations

from pathlib import Path

import pytest
from tests.unit.workflows.kit import SetClock

from isbjerg.storage.cache import Cache
from isbjerg.storage.durable import WRITING


@pytest.fixture
def clock() -> SetClock:
    return SetClock("2024-01-01")


@pytest.fixture
def cache(tmp_path: Path, clock: SetClock) -> Cache:
    return Cache(tmp_path / "cache", clock)


def files(cache: Cache) -> list[Path]:
    return sorted(p for p in cache.folder.rglob("*") if p.is_file())


def test_an_entry_is_found_by_what_it_was_made_from(cache: Cache) -> None:
    cache.put(cache.key(a=1, b=[2]), b"ice")
    assert cache.get(cache.key(b=[2], a=1)) == b"ice"
    assert cache.get(cache.key(a=1, b=[3])) is None


@pytest.mark.parametrize("keep", [0, 10, 40, 47, -1])
def test_a_damaged_entry_is_none(cache: Cache, keep: int) -> None:
    key = cache.key(a=1)
    cache.put(key, b"ice" * 10)
    (path,) = files(cache)
    path.write_bytes(path.read_bytes()[:keep])
    assert cache.get(key) is None
    assert files(cache) == [], "it is not looked at again"


def test_a_changed_byte_is_noticed_wherever_it_is(cache: Cache) -> None:
    key = cache.key(a=1)
    cache.put(key, b"ice")
    (path,) = files(cache)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert cache.get(key) is None, place


def test_the_longest_unused_goes_first(tmp_path: Path, clock: SetClock) -> None:
    roomy = Cache(tmp_path / "cache", clock)
    keys = [roomy.key(n=n) for n in range(4)]
    for n, key in enumerate(keys):
        clock.set(f"2024-01-0{n + 1}")
        roomy.put(key, bytes(1000))
    clock.set("2024-01-09")
    assert roomy.get(keys[0]) is not None, "used again, so the second is the longest unused"
    narrow = Cache(tmp_path / "cache", clock, bytes_max=2200)
    assert narrow.trim() <= 2200
    assert [roomy.get(key) is not None for key in keys] == [True, False, False, True]


def test_no_more_is_written_than_the_bound(tmp_path: Path, clock: SetClock) -> None:
    cache = Cache(tmp_path / "cache", clock, bytes_max=2500)
    for n in range(5):
        cache.put(cache.key(n=n), bytes(1000))
    assert len(files(cache)) == 2


def test_what_a_killed_run_left_is_swept(cache: Cache) -> None:
    cache.put(cache.key(a=1), b"ice")
    (path,) = files(cache)
    left = path.parent / f"{WRITING}abc"
    left.write_bytes(b"half")
    cache.trim()
    assert files(cache) == [path]


def test_a_folder_that_cannot_be_written_costs_nothing_but_time(
    tmp_path: Path, clock: SetClock
) -> None:
    (tmp_path / "cache").write_bytes(b"a file where the folder should be")
    cache = Cache(tmp_path / "cache", clock)
    cache.put(cache.key(a=1), b"ice")
    assert cache.get(cache.key(a=1)) is None
    assert cache.trim() == 0
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
