"""Timelines by hand: versions, windows, and the newest fact through corrections."""

from __future__ import annotations

import polars as pl

from isbjerg.features.timelines import FOREVER, newest, versions, window


def seen(*rows):
    """Build sightings: on, key, position, visible, row."""
    names = ["_on", "_key", "position", "visible", "_row"]
    frame = pl.DataFrame(rows, schema=names, orient="row")
    return frame.with_columns(place=pl.int_range(pl.len(), dtype=pl.UInt32))


def changes(timeline, *columns):
    return timeline.select("_on", "change_at", *columns).sort("_on", maintain_order=True).rows()


def test_a_version_is_used_until_the_next_is_visible():
    found = versions(seen(("x", "a", 5, 5, 1), ("x", "b", 6, 6, 2), ("x", "a", 5, 9, 3)))
    assert sorted(found.select("_row", "until").rows()) == [(1, 9), (2, FOREVER), (3, FOREVER)]


def test_of_versions_visible_together_only_the_last_is_used():
    facts = versions(seen(("x", "a", 8, 9, 1), ("x", "a", 5, 5, 2), ("x", "a", 4, 9, 3)))
    assert sorted(facts.select("_row", "until").rows()) == [(1, 9), (2, 9), (3, FOREVER)]
    assert changes(newest(facts), "place") == [("x", 5, 1), ("x", 9, 2)]
    sums = changes(window(facts, pl.Series([1.0, 2.0, 4.0]), 100), "total")
    assert [(at, total / 2**40) for _, at, total in sums][-2:] == [(9, 4.0), (104, 0.0)]


def test_null_keys_are_one_key():
    found = versions(seen(("x", None, 5, 5, 1), ("x", "a", 6, 6, 2), ("x", None, 5, 9, 3)))
    assert sorted(found.select("_row", "until").rows()) == [(1, 9), (2, FOREVER), (3, FOREVER)]


def test_a_fact_too_old_when_it_becomes_visible_never_enters():
    timeline = window(versions(seen(("x", "a", 0, 10, 1))), pl.Series([1.0]), 10)
    assert timeline.is_empty()


def test_a_fact_placed_back_in_time_uncovers_an_older_one():
    # b stands at 20 until, at 30, it is corrected to have been at 5: then a, at 10, is newest.
    facts = seen(("x", "a", 10, 10, 1), ("x", "b", 20, 20, 2), ("x", "b", 5, 30, 3))
    assert changes(newest(versions(facts)), "place") == [
        ("x", 10, 0),
        ("x", 20, 1),
        ("x", 30, 0),
    ]


def test_a_fact_moved_elsewhere_leaves_nothing_behind():
    facts = seen(("x", "a", 10, 10, 1), ("y", "a", 10, 30, 2), ("z", "c", 15, 15, 3))
    assert changes(newest(versions(facts)), "place", "position") == [
        ("x", 10, 0, 10),
        ("x", 30, None, None),
        ("y", 30, 1, 10),
        ("z", 15, 2, 15),
    ]


def test_a_fact_that_comes_in_late_does_not_cover_a_newer_one():
    facts = seen(("x", "a", 10, 50, 1), ("x", "b", 20, 20, 2), ("y", "c", 5, 60, 3))
    assert changes(newest(versions(facts)), "place") == [("x", 20, 1), ("x", 50, 1), ("y", 60, 2)]
