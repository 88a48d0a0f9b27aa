"""Profiles of tables; expected numbers are counted by hand or taken from NumPy and Polars."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.data.carriers import to_carriers
from isbjerg.data.column_profile import histogram, profile_column
from isbjerg.data.distributions import LEVELS
from isbjerg.data.profile import profile_table
from isbjerg.data.time_profile import Rule, profile_time
from isbjerg.data.untidy import untidy_names, untidy_texts
from isbjerg.expressions.tree import Type

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@settings(max_examples=100)
@given(
    st.lists(
        st.one_of(st.none(), st.integers(-(2**52), 2**52), st.sampled_from([0, 1, 7])),
        min_size=1,
        max_size=60,
    )
)
def test_numbers_are_what_polars_says_of_them(values: list[int | None]) -> None:
    column = pl.Series("n", values, dtype=pl.Int64)
    found = profile_column(column, Type.INTEGER).profile
    present = column.drop_nulls()
    assert found.missing == column.null_count()
    assert found.distinct == present.n_unique()
    assert sum(b.rows for b in found.bins) == len(present)
    if len(present):
        assert found.quantiles == tuple(present.quantile(q, "nearest") for q in LEVELS)
        assert found.mean == pytest.approx(present.mean())
        assert found.bins[0].low == present.min()
        assert found.bins[-1].high == present.max()
    if len(present) > 1:
        assert found.deviation == pytest.approx(present.std())


@settings(max_examples=100)
@given(st.lists(st.floats(-1e9, 1e9, allow_nan=False), min_size=30, max_size=200, unique=True))
def test_bins_hold_what_numpy_counts_between_their_edges(values: list[float]) -> None:
    ordered = np.sort(np.array(values))
    bins = histogram(ordered, whole=False, distinct=len(values))
    edges = [b.low for b in bins] + [bins[-1].high]
    assert [b.rows for b in bins] == np.histogram(ordered, edges)[0].tolist()


def test_texts_are_counted_and_equal_counts_stand_by_value() -> None:
    found = profile_column(pl.Series("t", ["b", "a", None, "c", "c"]), Type.TEXT).profile
    assert found.top == (("c", 2), ("a", 1), ("b", 1))
    assert (found.missing, found.distinct) == (1, 3)


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        (pl.Series("x", ["anna@example.org", "bob"]), Type.TEXT),
        (pl.Series("x", [1.5, 2.5]), Type.FLOAT),
        (pl.Series("x", [START], dtype=pl.Datetime("us", "UTC")), Type.INSTANT),
        (pl.Series("x", [True, False]), Type.BOOLEAN),
    ],
)
def test_personal_columns_are_counted_and_never_shown(column: pl.Series, kind: Type) -> None:
    found = profile_column(column, kind, personal="sensitive").profile
    assert found.distinct == len(column)
    assert (found.top, found.bins, found.quantiles) == ((), (), ())
    assert (found.mean, found.deviation) == (None, None)


def codes(values: list[str], *, hidden: bool = False) -> list[str]:
    texts = pl.DataFrame({"value": values}).group_by("value", maintain_order=True).len("rows")
    found = list(untidy_texts("t", "c", texts, hidden=hidden))
    if hidden:
        assert not any(repr(v) in f.message for f in found for v in values)
    return [f.code.removeprefix("profile.") for f in found]


PAIRS = [f"{a};{b}" for a in "abcde" for b in "vwxyz"]


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["1.5", "2", "1,200", "-3e5"], ["numbers_as_text"]),
        (["0800", "0900"], []),  # codes
        (["12", "none of it", "many"], []),
        (["1/2/2024", "13.02.2024", "2024-03-01"], ["dates_as_text"]),
        (["A", "N/A", " ? "], ["missing_as_text", "blanks"]),
        (["Oslo", "oslo", "Bergen"], ["mixed_case"]),
        (PAIRS, ["several_values"]),
        ([f"{n}, {n + 1} Main St" for n in range(40)], []),  # no piece comes again
        (["plain", "words"], []),
    ],
)
def test_untidy_texts_are_told(values: list[str], told: list[str], *, hidden: bool) -> None:
    assert codes(values, hidden=hidden) == told


@pytest.mark.parametrize(
    ("names", "wide"),
    [
        (["sales_jan", "sales_feb", "sales_mar"], 1),
        (["2021", "2022", "2023"], 1),
        (["y2021_01", "y2021_02", "y2021_03", "x_q1"], 1),
        (["jan", "sales_feb", "cost_mar"], 0),
        (["market", "marital", "margin", "decision", "august_body"], 0),
        (["sales_jan", "sales_feb"], 0),
    ],
)
def test_columns_that_are_one_thing_at_other_times_are_told(names: list[str], wide: int) -> None:
    assert len(list(untidy_names("t", names))) == wide


def test_a_column_that_begins_is_told_and_one_that_comes_and_goes_is_not() -> None:
    rows = 480
    df = pl.DataFrame(
        {
            "at": [START + n * HOUR for n in range(rows)],
            "begins": [None] * 100 + [1.0] * (rows - 100),
            "ends": [1.0] * 380 + [None] * 100,
            "odd": [None if n % 2 else 1.0 for n in range(rows)],
        }
    )
    found = profile_table(df, "t", ["at"], at="at")
    told = {f.subject: f.code for f in found.findings if f.code != "profile.constant"}
    assert told == {"t.begins": "profile.begins", "t.ends": "profile.ends"}
    odd = found.columns[3].missing_over_time
    assert odd == (0.5,) * 24


def test_time_is_told_with_its_gaps_and_when_columns_are_known() -> None:
    """Twice a day for 40 days but for three and one; known 2 h after, in the last row never."""
    days = [n for n in range(40) if n not in {5, 6, 7, 20}]
    at = [START + n * DAY + h * HOUR for n in days for h in (9, 15)]
    known = [t + 2 * HOUR for t in at[:-1]] + [None]
    df = pl.DataFrame({"at": at, "known": known})
    found = profile_time(df, "at", [Rule(("x",), "known", "known", 0)])
    assert found is not None
    assert (found.unit, len(found.periods), found.rhythm) == ("day", 40, "day")
    assert [p.rows for p in found.periods[4:9]] == [2, 0, 0, 0, 2]
    assert [(g.until_us - g.from_us) // 86_400_000_000 for g in found.gaps] == [3, 1]
    (late,) = found.late
    assert (late.half_us, late.most_us, late.never) == (7_200_000_000, 7_200_000_000, 1)


def test_a_single_row_and_a_table_without_rows_have_a_profile() -> None:
    df = pl.DataFrame({"id": [1], "at": [START]})
    found = profile_table(df, "t", ["id"], at="at")
    assert found.time is not None
    assert found.time.rhythm is None
    empty = profile_table(df.clear(), "t", ["id"], at="at")
    assert (empty.rows, empty.time) == (0, None)
    assert [c.distinct for c in empty.columns] == [0, 0]


def test_every_carrier_has_a_profile() -> None:
    df, _ = to_carriers(
        pl.DataFrame(
            {
                "b": [True, False, None],
                "i": [1, 2, 3],
                "f": [0.5, None, 1.5],
                "t": ["x", "", None],
                "at": [START, START + DAY, None],
                "wall": [datetime(2024, 1, 1), datetime(2024, 1, 2), None],
                "span": [HOUR, DAY, None],
            }
        )
    )
    found = {c.name: c for c in profile_table(df, "t", ["i"], at="at").columns}
    assert found["b"].top == (("false", 1), ("true", 1))
    assert found["span"].quantiles[-1] == 86_400_000_000
    assert found["wall"].mean is None
    assert found["t"].top == (("", 1), ("x", 1))
