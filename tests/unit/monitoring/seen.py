"""A reference of 24 days and windows of traffic, drawn from the same laws unless told otherwise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl

from isbjerg.evaluation.metrics import Measured
from isbjerg.monitoring.bins import bins_of
from isbjerg.monitoring.reference import SCORE, Reference, count_by_day
from isbjerg.monitoring.traffic import Traffic
from isbjerg.times import DAY_US

DAYS, ROWS = 24, 300
Row = dict[str, Any]


def rows(rng: np.random.Generator, count: int) -> list[Row]:
    """Draw one day: a distance, a shop, a wind that wanders from day to day and lacks at times."""
    level, lacking = rng.normal(0, 0.4), rng.beta(1, 30)
    wind = rng.normal(level, 1.0, count)
    gone = rng.random(count) < lacking
    shop = rng.choice(["a", "b", "c"], count, p=[0.5, 0.3, 0.2])
    far = rng.gamma(3.0, 300.0, count)
    return [
        {
            "distance": float(far[i]),
            "shop": str(shop[i]),
            "wind": None if gone[i] else float(wind[i]),
            "score": float(1 / (1 + np.exp(-wind[i]))),
        }
        for i in range(count)
    ]


def reference(seed: int = 0) -> Reference:
    rng = np.random.default_rng(seed)
    drawn = [row for _ in range(DAYS) for row in rows(rng, ROWS)]
    places = np.repeat(np.arange(DAYS), ROWS)
    columns = {
        "column:distance": [r["distance"] for r in drawn],
        "column:shop": [r["shop"] for r in drawn],
        "feature:distance": [r["distance"] for r in drawn],
        "slot:wind": [r["wind"] for r in drawn],
        "feature:wind": [r["wind"] for r in drawn],
        SCORE: [r["score"] for r in drawn],
    }
    counted = {}
    for name, values in columns.items():
        column = pl.Series(values)
        bins = None if name.startswith("slot:") else bins_of(column)
        counted[name] = count_by_day(column, places, DAYS, bins)
    return Reference(
        days=tuple(range(DAYS)),
        rows=(ROWS,) * DAYS,
        counted=counted,
        metrics={"brier": Measured("brier", 0.15, 0.14, 0.16, n=DAYS * ROWS, blocks=DAYS)},
        primary="brier",
        constant=0.3,
        constant_metric=0.21,
        broken={"contract.values orders.shop": 0.001},
        delay_us=DAY_US,
        with_outcome=0.95,
    )


def window(
    made: Reference, *, seed: int, days: int = 1, twist: Callable[[Row], None] | None = None
) -> Traffic:
    """Count a window of traffic, each record changed by `twist`."""
    rng = np.random.default_rng(1_000 + seed)
    traffic = Traffic(made)
    for day in range(days):
        for row in rows(rng, ROWS):
            row["findings"] = []
            if twist is not None:
                twist(row)
            values = {"column": row, "slot": row, "feature": row}
            traffic.see((100 + day) * DAY_US, row["score"], values, row["findings"])
    return traffic
