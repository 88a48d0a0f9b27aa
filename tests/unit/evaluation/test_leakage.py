from __future__ import annotations

import numpy as np
import polars as pl

from isbjerg.evaluation.leakage import suspects


def outcomes(columns, truth):
    return {f.subject: (f.outcome, f.severity) for f in suspects(pl.DataFrame(columns), truth)}


def test_the_target_in_disguise_blocks_and_its_neighbour_warns():
    rng = np.random.default_rng(0)
    delay = rng.normal(0, 1, 4000)
    late = delay > 0.5
    found = outcomes(
        {
            "delay": delay,
            "minus": -delay,
            "near": delay + rng.normal(0, 0.5, 4000),
            "noise": rng.normal(0, 1, 4000),
        },
        late,
    )
    assert found == {
        "delay": ("failed", "blocking"),
        "minus": ("failed", "blocking"),
        "near": ("failed", "warning"),
        "noise": ("passed", "info"),
    }


def test_being_missing_can_give_it_away():
    late = np.array([True, False, False] * 100)
    landed = [None if t else 5.0 for t in late]
    assert outcomes({"landed": landed}, late)["landed"] == ("failed", "blocking")


def test_texts_that_occur_once_know_nothing():
    late = np.random.default_rng(1).random(1000) < 0.3
    names = [f"tail{i}" for i in range(1000)]
    assert outcomes({"tail": names}, late)["tail"] == ("passed", "info")


def test_a_text_that_says_the_target_blocks():
    late = np.random.default_rng(1).random(1000) < 0.3
    said = ["delayed" if t else None for t in late]
    assert outcomes({"status": said}, late)["status"] == ("failed", "blocking")


def test_a_number_as_target_is_split_at_its_median():
    minutes = np.random.default_rng(2).normal(10, 30, 500)
    found = outcomes({"feature:copy": minutes, "flag": [True] * 500}, minutes)
    assert found == {"copy": ("failed", "blocking"), "flag": ("passed", "info")}


def test_one_class_is_not_applicable():
    assert outcomes({"x": [1, 2]}, np.array([True, True]))["x"] == ("not_applicable", "info")


def test_columns_without_a_value_pass():
    late = np.array([True, False] * 10)
    empty = pl.Series([None] * 20, dtype=pl.Float64)
    assert outcomes({"x": empty}, late)["x"] == ("passed", "info")
