from __future__ import annotations

from isbjerg.examples.projects import template_files
from isbjerg.frame.reading import read_frame
from isbjerg.workflows.unacted import unacted


def test_the_flights_promises_that_nothing_acts_on_are_told():
    told = unacted(read_frame(template_files("flights")["frame.toml"]))
    assert [f.subject for f in told] == ["slices", "value", "budget"]
    assert {f.outcome for f in told} == {"not_run"}


def test_a_frame_that_promises_nothing_more_is_told_nothing():
    frame = read_frame(
        """
objective = "Know who will be late."
unit = { source = "flights", at = "sched_dep_utc" }
target = { feature = "late", kind = "binary" }
metric = { primary = "brier" }
"""
    )
    assert unacted(frame) == ()


def test_a_canary_is_told_too():
    frame = read_frame(
        """
objective = "Know who will be late."
unit = { source = "flights", at = "sched_dep_utc" }
target = { feature = "late", kind = "binary" }
metric = { primary = "brier" }
release = { strategy = "canary", shares = [0.1, 1.0] }
"""
    )
    assert [f.subject for f in unacted(frame)] == ["release"]
