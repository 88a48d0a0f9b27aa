from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.data.split import Boundaries, boundaries_by_fraction, split_by_time
from isbjerg.errors import ArgumentError

TIME = pl.Datetime("us", "UTC")
_TIMES = st.one_of(st.none(), st.integers(0, 40))


def _units(rows) -> pl.DataFrame:
    return pl.DataFrame(rows, schema={"at": TIME, "known": TIME}, orient="row")


@given(
    st.lists(st.tuples(_TIMES, _TIMES), max_size=20),
    st.integers(1, 15), st.integers(1, 15), st.one_of(st.none(), st.integers(1, 10)),
)  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_every_row_is_accounted_for_and_none_leaks(rows, first, second, last) -> None:
    until = None if last is None else first + second + last
    bounds = Boundaries(first, first + second, until)
    done = split_by_time(_units(rows), at="at", label_known="known", boundaries=bounds)
    parts = {"train": done.train, "validation": done.validation, "test": done.test}
    edges = {
        "train": (0, first), "validation": (first, first + second),
        "test": (first + second, 10**9 if until is None else until),
    }  # fmt: skip
    for name, (start, end) in edges.items():
        inside = [i for i, (at, _) in enumerate(rows) if at is not None and start <= at < end]
        kept = [i for i in inside if rows[i][1] is not None and rows[i][1] < end]
        assert parts[name].to_list() == kept
        assert done.unlabelled[name] == sum(rows[i][1] is None for i in inside)
        assert done.purged[name] == len(inside) - len(kept) - done.unlabelled[name]
    total = sum(map(len, parts.values())) + sum(done.purged.values())
    assert total + sum(done.unlabelled.values()) + done.outside == len(rows)


def test_rows_of_one_moment_stay_together() -> None:
    units = _units([(0, 0), (1, 1), (2, 2), (2, 2), (2, 2), (3, 3)])
    bounds = boundaries_by_fraction(units, "at", validation=0.34, test=0.17)
    assert bounds == Boundaries(2, 3)
    done = split_by_time(units, at="at", label_known="known", boundaries=bounds)
    assert [len(p) for p in (done.train, done.validation, done.test)] == [2, 3, 1]


@pytest.mark.parametrize("times", [[], [5] * 10, [1, 2]])
def test_too_few_times_are_refused(times) -> None:
    with pytest.raises(ArgumentError):
        boundaries_by_fraction(_units([(t, t) for t in times]), "at")


def test_bad_arguments_are_refused() -> None:
    units = _units([(i, i) for i in range(10)])
    with pytest.raises(ArgumentError):
        boundaries_by_fraction(units, "at", validation=0.6, test=0.5)
    for bounds in (Boundaries(5, 5), Boundaries(5, 8, 8)):
        with pytest.raises(ArgumentError):
            split_by_time(units, at="at", label_known="known", boundaries=bounds)
    with pytest.raises(ArgumentError):
        split_by_time(
            pl.DataFrame({"at": [1], "known": [1]}),
            at="at", label_known="known", boundaries=Boundaries(1, 2),
        )  # fmt: skip
