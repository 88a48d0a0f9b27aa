"""Timelines by hand: versions, windows, and the newest fact through corrections."""

from __future__ import annotations

import numpy as np
import polars as pl

from isbjerg.features.groups import NOWHERE
from isbjerg.features.timelines import NO_FACT, Timelines
from isbjerg.features.versions import FOREVER, versions

PLACES = {"x": 0, "y": 1, "z": 2, None: NOWHERE}


def seen(*rows):
    """Build versions from facts: where, key, position, visible, row."""
    names = ["on", "key", "position", "visible", "_row"]
    facts = pl.DataFrame(rows, schema=names, orient="row")
    groups = np.array([PLACES[on] for on in facts["on"]], np.int32)
    return versions(facts.select("position", "visible", "_row"), groups, facts.select("key"))


def timelines(*rows):
    return Timelines(seen(*rows), pl.DataFrame({"key": [key for _, key, *_ in rows]}))


def until(*rows):
    found = seen(*rows)
    return dict(zip(found.row.tolist(), found.until.tolist(), strict=True))


def newest(lines, on, *times):
    groups = np.full(len(times), PLACES[on], np.int32)
    return lines.newest_before(groups, np.array(times)).tolist()


def inside(lines, on, span, *times):
    """Count what is in a window before each time."""
    groups, asked = np.full(len(times), PLACES[on], np.int32), np.array(times)
    entered, left = lines.entering.before(groups, asked), lines.leaving(span).before(groups, asked)
    return (entered - left).tolist()


def test_a_version_is_used_until_the_next_is_visible():
    found = until(("x", "a", 5, 5, 1), ("x", "b", 6, 6, 2), ("x", "a", 5, 9, 3))
    assert found == {1: 9, 2: FOREVER, 3: FOREVER}


def test_facts_of_different_keys_end_nowhere():
    assert seen(("x", "a", 5, 5, 1), ("x", "b", 5, 5, 2)).until is None


def test_of_versions_visible_together_only_the_last_is_used():
    facts = [("x", "a", 8, 9, 1), ("x", "a", 5, 5, 2), ("x", "a", 4, 9, 3)]
    assert until(*facts) == {1: 9, 2: 9, 3: FOREVER}
    lines = timelines(*facts)
    assert newest(lines, "x", 5, 6, 9, 10) == [NO_FACT, 1, 1, 2]
    assert inside(lines, "x", 100, 5, 6, 9, 10, 104, 105) == [0, 1, 1, 1, 1, 0]


def test_null_keys_are_one_key():
    found = until(("x", None, 5, 5, 1), ("x", "a", 6, 6, 2), ("x", None, 5, 9, 3))
    assert found == {1: 9, 2: FOREVER, 3: FOREVER}


def test_a_fact_that_is_never_known_replaces_nothing():
    found = seen(("x", "a", 5, 5, 1), ("x", "a", None, 9, 2))
    assert (found.until, found.row.tolist()) == (None, [1])


def test_a_fact_too_old_when_it_becomes_visible_never_enters():
    assert inside(timelines(("x", "a", 0, 10, 1)), "x", 10, 9, 10, 11, 12) == [0, 0, 0, 0]


def test_a_fact_placed_back_in_time_uncovers_an_older_one():
    # b stands at 20 until, at 30, it is corrected to have been at 5: then a, at 10, is newest.
    lines = timelines(("x", "a", 10, 10, 1), ("x", "b", 20, 20, 2), ("x", "b", 5, 30, 3))
    assert newest(lines, "x", 10, 11, 20, 21, 30, 31) == [NO_FACT, 0, 0, 1, 1, 0]


def test_a_fact_moved_elsewhere_leaves_nothing_behind():
    lines = timelines(("x", "a", 10, 10, 1), ("y", "a", 10, 30, 2), ("z", "c", 15, 15, 3))
    assert newest(lines, "x", 11, 30, 31) == [0, 0, NO_FACT]
    assert newest(lines, "y", 30, 31) == [NO_FACT, 1]
    assert newest(lines, "z", 15, 16) == [NO_FACT, 2]


def test_a_fact_moved_out_of_sight_is_no_longer_there():
    lines = timelines(("x", "a", 10, 10, 1), (None, "a", 10, 30, 2))
    assert newest(lines, "x", 30, 31) == [0, NO_FACT]
    assert inside(lines, "x", 100, 30, 31) == [1, 0]


def test_a_fact_that_comes_in_late_does_not_cover_a_newer_one():
    lines = timelines(("x", "a", 10, 50, 1), ("x", "b", 20, 20, 2), ("y", "c", 5, 60, 3))
    assert newest(lines, "x", 21, 51) == [1, 1]
    assert newest(lines, "y", 61) == [2]


def test_of_facts_at_one_time_the_larger_key_is_newest():
    lines = timelines(("x", "b", 5, 5, 1), ("x", "a", 5, 5, 2), ("x", None, 5, 5, 3))
    assert newest(lines, "x", 6) == [0]
