"""A split at random: each row keeps its part, whatever comes in besides."""

from __future__ import annotations

from hashlib import blake2b

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.data.drawing import positions, split_at_random
from isbjerg.data.split import PARTS, Boundaries, Split, keep_groups_whole, split_by_time

_KEYS = st.lists(st.text(max_size=6), unique=True, max_size=60)


def parts_by_key(keys: list[str], parts: Split) -> dict[str, str]:
    return {keys[row]: name for name in PARTS for row in getattr(parts, name)}


def test_a_position_is_a_salted_hash_of_the_text() -> None:
    """What any other program with BLAKE2b reckons."""
    digest = blake2b(
        "tJFK\u00e9".encode(), digest_size=8, salt=(7).to_bytes(4, "little")
    ).hexdigest()
    (found,) = positions(pl.Series(["tJFK\u00e9"]), 7)
    assert found == pytest.approx(int(digest, 16) / 16**16, abs=1e-15)


@given(_KEYS, _KEYS, st.integers(0, 2**32 - 1))
@settings(max_examples=100, deadline=None)
def test_rows_that_come_in_later_move_none(keys: list[str], more: list[str], seed: int) -> None:
    later = [*more, *(k for k in keys if k not in more)]
    before = parts_by_key(keys, split_at_random(pl.Series(keys, dtype=pl.String), seed=seed))
    after = parts_by_key(later, split_at_random(pl.Series(later, dtype=pl.String), seed=seed))
    assert before.keys() == set(keys)
    assert {key: after[key] for key in keys} == before


def test_parts_have_about_the_size_asked_for_and_a_seed_its_own() -> None:
    texts = pl.Series([f"i{n:020d}" for n in range(20_000)])
    parts = split_at_random(texts, validation=0.1, test=0.3)
    # Of 20,000 rows, five standard deviations of a binomial are 212 at 0.1 and 324 at 0.3.
    assert abs(len(parts.validation) - 2_000) < 212
    assert abs(len(parts.test) - 6_000) < 324
    assert len(parts.train) == 20_000 - len(parts.validation) - len(parts.test)
    other = split_at_random(texts, validation=0.1, test=0.3, seed=1)
    # Two draws have the share 0.3 of their test rows in common, when they have nothing else.
    both = len(set(parts.test) & set(other.test)) / 6_000
    assert 0.25 < both < 0.35


def test_a_part_that_grows_keeps_its_rows() -> None:
    texts = pl.Series([str(n) for n in range(500)])
    small = split_at_random(texts, validation=0.2, test=0.1)
    large = split_at_random(texts, validation=0.2, test=0.4)
    assert set(small.test) < set(large.test)


def test_rows_of_one_text_stay_together() -> None:
    groups = [f"patient {n % 40}" for n in range(400)]
    by_group: dict[str, set[str]] = {}
    parts = split_at_random(pl.Series(groups), validation=0.3, test=0.3)
    for name in PARTS:
        for row in getattr(parts, name):
            by_group.setdefault(groups[row], set()).add(name)
    assert len(by_group) == 40
    assert all(len(names) == 1 for names in by_group.values())


def test_in_time_a_later_part_has_only_groups_that_are_new() -> None:
    time = pl.Datetime("us", "UTC")
    units = pl.DataFrame({"at": range(10), "known": range(10)}, schema={"at": time, "known": time})
    parts = split_by_time(units, at="at", label_known="known", boundaries=Boundaries(4, 7))
    kept = keep_groups_whole(parts, pl.Series(list("aabbacdcde")))
    # Rows 4 to 6 are of a, c, d: a was met in training. Rows 7 to 9 are of c, d, e: only e is new.
    assert kept.train.to_list() == [0, 1, 2, 3]
    assert kept.validation.to_list() == [5, 6]
    assert kept.test.to_list() == [9]
    assert kept.straddling == 3


def test_the_name_of_a_split_is_of_its_rows_and_nothing_else() -> None:
    keys = [f"k{n}" for n in range(50)]
    parts = split_at_random(pl.Series(keys))
    name = parts.hash(pl.Series(keys).gather)
    assert name == split_at_random(pl.Series(keys)).hash(pl.Series(keys).gather)
    assert name != split_at_random(pl.Series(keys), seed=1).hash(pl.Series(keys).gather)
    fewer = keys[:-1]
    assert name != split_at_random(pl.Series(fewer)).hash(pl.Series(fewer).gather)
