from __future__ import annotations

import polars as pl
import pytest

from isbjerg.evaluation.blankness import blanks


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ([1, 2, None], "passed"),
        ([1, 1, None], "passed"),  # being missing is a difference too
        ([1, 1, 1], "failed"),
        ([None] * 3, "failed"),
        ([None] * 96 + [1, 2, 3, 4], "failed"),
        ([None] * 95 + [1, 2, 3, 4, 5], "passed"),
        ([], "passed"),
    ],
)
def test_a_feature_that_says_nothing_is_told(values, outcome):
    (finding,) = blanks(pl.DataFrame({"x": values}, schema={"x": pl.Int64}))
    assert finding.outcome == outcome
    assert (finding.mend != "") == (outcome == "failed")


def test_texts_and_truths_are_asked_too():
    found = blanks(pl.DataFrame({"a": ["x", "x"], "b": [True, False]}))
    assert [f.outcome for f in found] == ["failed", "passed"]
