"""Benjamini and Hochberg's adjustment, against SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import false_discovery_control

from isbjerg.statistics.multiplicity import benjamini_hochberg

PROBABILITIES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40)


@settings(deadline=None, max_examples=100)
@given(PROBABILITIES)
def test_it_is_what_scipy_says(probabilities: list[float]) -> None:
    assert benjamini_hochberg(probabilities) == pytest.approx(
        false_discovery_control(probabilities), abs=1e-12
    )


def test_the_example_of_the_paper() -> None:
    # Benjamini and Hochberg (1995), section 3.2: 15 probabilities, four of which are flagged at 5 %.
    given_ = [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.3240]
    given_ += [0.4262, 0.5719, 0.6528, 0.7590, 1.0]
    assert sum(np.array(benjamini_hochberg(given_)) <= 0.05) == 4


def test_nothing_stays_nothing() -> None:
    assert benjamini_hochberg([]) == []
