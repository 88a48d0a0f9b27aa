"""Fixed-point values by hand; 2**-40 is the unit."""

from __future__ import annotations

import pytest

from isbjerg.features.fixed_point import to_fixed


@pytest.mark.parametrize(
    ("value", "fixed"),
    [
        (None, None),
        (1, 2**40),
        (True, 2**40),
        (False, 0),
        (-1.5, -3 * 2**39),
        (0.5 * 2**-40, 0),  # half a unit goes to the even neighbour
        (1.5 * 2**-40, 2),
        (2.5 * 2**-40, 2),
        (2.0**62, None),
        (-(2.0**62), None),
        (2**62 - 1, (2**62 - 1) * 2**40),
        (2**62, None),
        ("text", 0),
    ],
)
def test_by_hand(value, fixed):
    assert to_fixed(value) == fixed


def test_sums_do_not_depend_on_order():
    # As floats: (0.1 + 0.2) + 0.3 != 0.1 + (0.2 + 0.3).
    tenths = [to_fixed(v) for v in (0.1, 0.2, 0.3)]
    assert sum(tenths) == sum(reversed(tenths))
