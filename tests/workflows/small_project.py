"""A whole project that runs in about a second: orders that come late when the wind blows.

600 orders in 40 days at four shops; one looked-up source (the wind in a city), one window over
the past, and a ladder of a rule, a linear model and small trees. Lateness depends on the shop
and the wind, so the gate has something to pass.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

START = datetime(2024, 3, 1, tzinfo=UTC)
DAYS = 40
ORDERS = 600
AS_OF = "2024-04-08"
"""When runs stand: the last orders lie behind it still, their past is in the windows."""

SHOPS = ("north", "south", "east", "west")
_TROUBLE = {"north": -1.5, "south": -0.5, "east": 0.5, "west": 1.5}

FRAME = """\
objective = "Tell customers when their order will come more than 30 minutes late."
owner     = "Deliveries"
decision  = "Send a message when it is likely."

[unit]
source  = "orders"
at      = "placed"
subject = "customer"

[target]
feature = "late"
kind    = "binary"

[metric]
primary    = "average_precision"
guardrails = { brier = "<= 0.24" }

[split]
validation = 0.15
test       = 0.25
"""

SOURCES = """\
import isbjerg as ib


@ib.source(
    key="order_id",
    known={
        "order_id": ib.ahead("1h"),
        "placed": ib.ahead("1h"),
        "customer": ib.ahead("1h"),
        "shop": ib.ahead("1h"),
        "city": ib.ahead("1h"),
        "amount": ib.ahead("1h"),
        "minutes_late": "delivered",
        "delivered": "delivered",
    },
)
def orders():
    return ib.parquet("data/orders.parquet")


@ib.source(key=["city", "hour"], known={"*": ib.after("hour", "1h")})
def weather():
    return ib.parquet("data/weather.parquet")
"""

FEATURES = """\
import isbjerg as ib

from sources import orders, weather


@ib.target
def late(minutes_late):
    return minutes_late > 30


@ib.feature
def at_shop(shop):
    return shop


@ib.feature
def size(amount):
    return amount


@ib.feature
def wind(w=ib.newest(weather, on="city", max_age="12h")):
    return w.wind


@ib.feature
def shop_late_7d(past=ib.past(orders, by="shop", span="7d", refresh="5m")):
    return past[late].mean()


@ib.feature
def shop_orders_7d(past=ib.past(orders, by="shop", span="7d")):
    return past.count()
"""

MODELS = """\
import isbjerg as ib

import features as f


@ib.rule
def windy(w=f.wind):
    return ib.when(w > 10.0).then(0.7).otherwise(0.3)


@ib.candidate(features=[f.wind, f.at_shop, f.size, f.shop_late_7d])
def linear():
    return ib.linear()


@ib.candidate(features=[f.wind, f.at_shop, f.size, f.shop_late_7d, f.shop_orders_7d])
def trees():
    return ib.boosted_trees(num_iterations=20, num_leaves=4)
"""


def orders(count: int = ORDERS) -> pl.DataFrame:
    """Make the first `count` orders; the same ones each time."""
    rng = np.random.default_rng(5)
    minutes = np.sort(rng.choice(DAYS * 1440, ORDERS, replace=False))
    shops = rng.choice(SHOPS, ORDERS)
    cities = np.where(np.isin(shops, ("north", "south")), "A", "B")
    gusts = np.array([_wind(c, int(m) // 60 - 1) for c, m in zip(cities, minutes, strict=True)])
    trouble = np.array([_TROUBLE[s] for s in shops]) + 0.5 * (gusts - 10.0)
    late = 30.0 + 15.0 * (trouble + rng.normal(0, 0.5, ORDERS))
    placed = [START + timedelta(minutes=int(m)) for m in minutes]
    waits = [timedelta(minutes=60 + max(0.0, float(x))) for x in late]
    return pl.DataFrame(
        {
            "order_id": range(1, ORDERS + 1),
            "placed": placed,
            "customer": [f"c{n % 97}" for n in range(ORDERS)],
            "shop": shops.tolist(),
            "city": cities.tolist(),
            "amount": np.round(rng.gamma(2.0, 20.0, ORDERS), 2).tolist(),
            "minutes_late": np.round(late, 1).tolist(),
            "delivered": [p + w for p, w in zip(placed, waits, strict=True)],
        }
    ).head(count)


def weather() -> pl.DataFrame:
    """Make the wind, every hour in both cities."""
    hours = range(-6, DAYS * 24)
    return pl.DataFrame(
        [
            {"city": city, "hour": START + timedelta(hours=h), "wind": _wind(city, h)}
            for city in ("A", "B")
            for h in hours
        ]
    )


def _wind(city: str, hour: int) -> float:
    """Blow in waves of some days, each city in its own time."""
    phase = 0.0 if city == "A" else 1.7
    return round(10.0 + 6.0 * float(np.sin(hour / 9.0 + phase)), 2)


def write_project(folder: Path, *, count: int = ORDERS) -> Path:
    """Write the project with its first `count` orders."""
    (folder / "data").mkdir(parents=True)
    texts = {
        "frame.toml": FRAME,
        "sources.py": SOURCES,
        "features.py": FEATURES,
        "models.py": MODELS,
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    orders(count).write_parquet(folder / "data" / "orders.parquet")
    weather().write_parquet(folder / "data" / "weather.parquet")
    return folder
