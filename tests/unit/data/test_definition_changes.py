"""Rescaled units and exchanged codes are told, ordinary change is not; conversions by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.data.definition_changes import definition_changes
from isbjerg.data.versions import new_facts
from isbjerg.findings import Finding

ROWS = 1200
START = datetime(2024, 1, 1, tzinfo=UTC)


def world(seed: int, rows: int = ROWS, first: int = 0) -> pl.DataFrame:
    """Trips with a distance in whole kilometres, a temperature, a price, a carrier, a state."""
    rng = np.random.default_rng(seed)
    return pl.DataFrame(
        {
            "id": range(first, first + rows),
            "km": np.round(rng.lognormal(6.5, 0.7, rows)),
            "celsius": np.round(rng.normal(12, 8, rows), 1),
            "euros": np.round(rng.gamma(2.0, 60.0, rows), 2),
            "rain": np.where(rng.random(rows) < 0.8, 0.0, np.round(rng.gamma(2, 3, rows), 1)),
            "carrier": rng.choice(["UA", "DL", "AA", "B6"], rows, p=[0.4, 0.3, 0.2, 0.1]),
            "sex": rng.choice(["M", "F"], rows),
            "open": rng.random(rows) < 0.3,
            "age": rng.integers(18, 80, rows),
            "at": [START + timedelta(minutes=int(m)) for m in rng.integers(0, 10**6, rows)],
        }
    )


def look(before: pl.DataFrame, read: pl.DataFrame) -> dict[str, Finding]:
    changes = new_facts(before, read, ["id"])
    found = definition_changes("trips", before, changes, ["id"])
    return {f.subject.removeprefix("trips."): f for f in found}


X = pl.col
EXCHANGES: dict[str, tuple[str, pl.Expr, str]] = {
    "miles": ("km", X("km") * 0.621371, "kilometres to miles"),
    "whole miles": ("km", (X("km") * 0.621371).round(), "kilometres to miles"),
    "fahrenheit": ("celsius", (X("celsius") * 1.8 + 32).round(1), "Celsius to Fahrenheit"),
    "kelvin": ("celsius", X("celsius") + 273.15, "Celsius to kelvin"),
    "cents": ("euros", (X("euros") * 100).round(), "euros to cents"),
    "inches, mostly none": ("rain", X("rain") * 0.393701, "centimetres to inches"),
    "crowns": ("euros", (X("euros") * 11.37).round(2), "new = 11.37 x old"),
    "sign": ("celsius", -X("celsius"), "the other sign"),
    "numbers for letters": (
        "carrier",
        X("carrier").replace({"UA": "1", "DL": "2", "AA": "3", "B6": "4"}),
        "4 were exchanged",
    ),
    "lower case": ("carrier", X("carrier").str.to_lowercase(), "4 were exchanged"),
    "swapped": ("sex", X("sex").replace({"M": "F", "F": "M"}), "2 were exchanged"),
    "inverted": ("open", ~X("open"), "2 were exchanged"),
    "another zone": ("at", X("at") + timedelta(hours=2), "2h later"),
}


@pytest.mark.parametrize("name", EXCHANGES)
def test_known_rows_that_mean_something_else_are_told(name: str) -> None:
    column, changed, told = EXCHANGES[name]
    found = look(world(1), world(1).with_columns(changed.alias(column)))
    assert list(found) == [column]
    assert told in found[column].message
    assert (found[column].code, found[column].severity) == ("definition.changed", "error")


def test_times_of_which_some_moved_are_in_no_other_zone() -> None:
    """Sixty of a hundred meetings were put off by an hour."""
    put_off = pl.when(X("id") % 10 < 6).then(X("at") + timedelta(hours=1)).otherwise(X("at"))
    assert look(world(1), world(1).with_columns(at=put_off)) == {}


@pytest.mark.parametrize(
    "name",
    [
        "miles",
        "fahrenheit",
        "kelvin",
        "cents",
        "numbers for letters",
        "lower case",
    ],
)
def test_new_rows_that_mean_something_else_are_told(name: str) -> None:
    column, changed, told = EXCHANGES[name]
    new = world(2, first=ROWS).with_columns(changed.alias(column))
    found = look(world(1), new)
    assert list(found) == [column]
    assert told in found[column].message
    assert "new rows" in found[column].message


def test_a_few_mistakes_do_not_hide_a_conversion() -> None:
    read = world(1).with_columns(
        pl.when(X("id") % 40 == 0).then(17.0).otherwise(X("km") * 0.621371).alias("km")
    )
    assert list(look(world(1), read)) == ["km"]
    half = world(1).with_columns(
        pl.when(X("id") % 2 == 0).then(X("km")).otherwise(X("km") * 0.621371).alias("km")
    )
    assert look(world(1), half) == {}


def test_what_is_personal_is_not_shown() -> None:
    read = world(1).with_columns(X("carrier").str.to_lowercase())
    changes = new_facts(world(1), read, ["id"])
    (told,) = definition_changes(
        "trips", world(1), changes, ["id"], hides=lambda name: name == "carrier"
    )
    assert "codes" not in told.evidence
    (shown,) = definition_changes("trips", world(1), changes, ["id"])
    assert ["UA", "ua"] in shown.evidence["codes"]


ORDINARY: dict[str, Callable[[np.random.Generator], pl.Expr]] = {
    "all a year older": lambda _: X("age") + 1,
    "a fee on top": lambda _: X("euros") + 2.5,
    "corrected at random": lambda r: X("celsius") + pl.Series(r.normal(0, 2, ROWS).round(1)),
    "some corrected": lambda r: (
        pl.when(pl.Series(r.random(ROWS) < 0.3)).then(X("euros") * 2).otherwise(X("euros"))
    ),
    "closed since": lambda r: X("open") & pl.Series(r.random(ROWS) < 0.5),
    "all closed": lambda _: X("open") & False,
    "another carrier": lambda r: (
        pl.when(pl.Series(r.random(ROWS) < 0.5)).then(pl.lit("WN")).otherwise(X("carrier"))
    ),
    "two merged": lambda _: X("carrier").replace({"B6": "AA"}),
    "one renamed": lambda _: X("carrier").replace({"B6": "WN"}),
    "each moved by its own": lambda r: (
        X("at") + pl.Series(r.integers(0, 10**9, ROWS)).cast(pl.Duration("us"))
    ),
}


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_corrections_are_no_other_definition(name: str) -> None:
    changed = ORDINARY[name](np.random.default_rng(3))
    column = changed.meta.root_names()[0]
    assert look(world(1), world(1).with_columns(changed.alias(column))) == {}


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    growth=st.floats(0.7, 1.5),
    shift=st.floats(-12, 12),
    shares=st.lists(st.floats(0.05, 1.0), min_size=5, max_size=5),
    rows=st.integers(100, 2000),
)
def test_ordinary_drift_of_new_rows_is_no_other_definition(
    seed: int, growth: float, shift: float, shares: list[float], rows: int
) -> None:
    rng = np.random.default_rng(seed)
    new = world(seed + 1, rows, first=ROWS).with_columns(
        (X("km") * growth).round(),
        (X("celsius") + shift).round(1),
        (X("euros") * growth).round(2),
        pl.Series(
            "carrier",
            rng.choice(["UA", "DL", "AA", "B6", "WN"], rows, p=np.array(shares) / sum(shares)),
        ),
        (X("age") + int(shift)),
    )
    assert look(world(seed), new) == {}


def test_codes_that_come_and_go_anyway_are_no_other_codes() -> None:
    weeks = [f"2024-W{n // 100:02}" for n in range(ROWS)]
    before = world(1).with_columns(week=pl.Series(weeks))
    later = [f"2024-W{12 + n // 100:02}" for n in range(ROWS)]
    new = world(2, first=ROWS).with_columns(week=pl.Series(later))
    assert look(before, new) == {}


def test_a_counter_that_goes_on_is_no_other_unit() -> None:
    before = world(1).with_columns(total=X("id").cast(pl.Float64) + 1000)
    new = world(2, first=ROWS).with_columns(total=X("id").cast(pl.Float64) + 1000)
    assert look(before, new) == {}


def test_few_rows_say_nothing() -> None:
    before = world(1, 12)
    assert look(before, before.with_columns(X("km") * 0.621371)) == {}
    assert look(world(1, 50), world(2, 50, first=50).with_columns(X("km") * 1000)) == {}
