from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from isbjerg.reports import svg


def test_ticks_are_round_and_inside() -> None:
    for low, high in ((0.0, 1.0), (0.121, 0.137), (-350.0, 9000.0), (1e-9, 2e-9)):
        found = svg.ticks(low, high)
        assert 3 <= len(found) <= 8, (low, high)
        room = (high - low) * 1e-6
        assert all(low - room <= tick <= high + room for tick in found)


def test_one_value_still_has_an_axis() -> None:
    low, high = svg.span([0.0, 0.0])
    assert low < 0.0 < high


def test_a_figure_is_well_formed_and_quotes_names() -> None:
    rows = [
        svg.Interval("<script>alert(1)</script>", 0.5, 0.4, 0.6),
        svg.Interval("b", 0.7, None, None),
    ]
    drawn = svg.intervals('a "title" & more', "brier", rows)
    tree = ET.fromstring(drawn)
    texts = [element.text for element in tree.iter() if element.text]
    assert "<script>alert(1)</script>" in texts
    assert "<script" not in drawn


def test_points_stand_where_they_belong() -> None:
    axis = svg.Axis("x", 0.0, 1.0)
    drawn = svg.curve("c", axis, axis, [(0.0, 0.0), (1.0, 1.0)])
    assert 'points="52.0,258.0 408.0,12.0"' in drawn


@pytest.mark.parametrize("edges", [[(0.0, 3), (1.0, 5), (2.0, 0)]])
def test_bars_are_as_many_as_bins(edges: list[tuple[float, int]]) -> None:
    drawn = svg.bars("b", svg.Axis("x", 0.0, 2.0), svg.Axis("n", 0.0, 5.0), edges)
    assert drawn.count("<rect") == 2
