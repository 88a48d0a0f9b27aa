"""The space of a search: how it is read, where its points lie, what its border is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.errors import ArgumentError
from isbjerg.models.definitions import boosted_trees
from isbjerg.models.rungs import onnx, search
from isbjerg.models.search import Dimension, borders, read_space
from isbjerg.models.search_points import points


@settings(deadline=None, max_examples=100)
@given(st.integers(1, 50), st.integers(1, 500), st.booleans(), st.floats(0, 1, exclude_max=True))
def test_whole_numbers_stay_whole_and_inside(low, reach, log, place):
    found = Dimension("n", low, low + reach, whole=True, log=log).value(place)
    assert isinstance(found, int)
    assert low <= found <= low + reach


def test_every_whole_number_is_equally_likely():
    dimension = Dimension("n", 1, 4, whole=True)
    places = (np.arange(400) + 0.5) / 400
    assert np.bincount([dimension.value(p) for p in places]).tolist() == [0, 100, 100, 100, 100]


def test_points_leave_no_gap():
    """Of 16 points of a Halton sequence in base 2 each sixteenth has one, as random points never do."""
    found = points([Dimension("x", 0.0, 1.0)], 16, np.random.default_rng(3))
    assert sorted(int(p["x"] * 16) for p in found) == list(range(16))


def test_the_same_seed_gives_the_same_points_and_more_are_a_continuation():
    space = read_space({"a": (1, 100), "b": (0.01, 1.0, "log"), "c": ["x", "y", "z"]})
    first = points(space, 10, np.random.default_rng(1))
    assert points(space, 30, np.random.default_rng(1))[:10] == first
    assert points(space, 10, np.random.default_rng(2)) != first
    assert points(space, 0, np.random.default_rng(1)) == []


@pytest.mark.parametrize(
    "space",
    [
        {},
        {"a": (1,)},
        {"a": (2, 1)},
        {"a": (0.0, 1.0, "log")},
        {"a": (1, 2, "linear")},
        {"a": ("x", "y")},
        {"a": []},
        {"a": (0.0, float("inf"))},
        {"a": 5},
        {"a": (False, True)},
    ],
)
def test_what_is_no_space_is_refused(space):
    with pytest.raises(ArgumentError) as fault:
        read_space(space)
    assert fault.value.kind_code == "ISB434"
    assert fault.value.mend.startswith("over={")


def test_what_cannot_be_searched_is_refused():
    space = {"num_leaves": (4, 8)}
    with pytest.raises(ArgumentError, match="`budget` of `search`"):
        search(boosted_trees(), over=space, trials=3, budget="5s")
    with pytest.raises(ArgumentError, match="`trials` of `search` must lie in 1 to 1000"):
        search(boosted_trees(), over=space, trials=0)
    with pytest.raises(ArgumentError, match="`spec` of `search`"):
        search(onnx("m.onnx"), over=space)
    with pytest.raises(ArgumentError, match="`spec` of `search`"):
        search(search(boosted_trees(), over=space), over=space)
    assert search(boosted_trees(), over=space).search.trials == 20
    assert search(boosted_trees(), over=space, budget="2m").search.budget_us == 120_000_000


def test_borders_are_found_and_widened_into_spaces_that_hold_the_old_one():
    space = read_space(
        {"leaves": (8, 256), "rate": (0.01, 0.3, "log"), "rows": [10, 20, 40], "kind": ["a", "b"]}
    )
    chosen = {"leaves": 255, "rate": 0.0101, "rows": 40, "kind": "a"}
    found = borders(space, chosen)
    assert [(d.name, end) for d, end in found] == [
        ("leaves", "high"),
        ("rate", "low"),
        ("rows", "high"),
    ]
    for dimension, end in found:
        wider = read_space(eval("{" + dimension.widened(end) + "}"))[0]
        assert wider.name == dimension.name
        if dimension.choices:
            assert set(dimension.choices) < set(wider.choices)
        else:
            assert wider.low <= dimension.low * 1.01
            assert wider.high >= dimension.high * 0.99
            assert (wider.log, wider.whole) == (dimension.log, dimension.whole)
            assert not wider.end(chosen[dimension.name])
    assert borders(space, {"leaves": 100, "rate": 0.05, "rows": 20, "kind": "b"}) == []
