"""What learning of training rows and plain Python cost, against what they replace."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import polars as pl

import isbjerg as ib
from benchmarks.figures import Figure, against
from benchmarks.measuring import interleaved, median, spread, wall
from isbjerg.expressions.build import Expression
from isbjerg.expressions.inference import infer
from isbjerg.expressions.polars import to_polars
from isbjerg.expressions.tree import Node, Type
from isbjerg.features.learning import time_folds
from isbjerg.features.learning_rules import learn_plain, learn_target_mean

Contest = tuple[str, str, Callable[[], object], Callable[[], object]]


@ib.python_feature(returns="float")
def half_in_python(x: float) -> float:
    """Halve a number, the slow way."""
    return x / 2.0


@ib.feature
def half(x: Expression) -> Expression:
    """Halve a number."""
    return x / 2.0


def figures(*, quick: bool) -> Iterator[Figure]:
    """Yield the seconds of each way of learning, and of a table of what was learnt."""
    rows = 20_000 if quick else 1_000_000
    rng = np.random.default_rng(7)
    table = pl.DataFrame(
        {
            "x": rng.normal(size=rows),
            "k": pl.Series(rng.integers(0, 5_000, rows)).cast(pl.String),
            "y": (rng.random(rows) < 0.2).astype(np.float64),
        }
    )
    for name, reference, ours, theirs in (*_learning(table), *_computing(table)):
        works = {"isbjerg": wall(ours), "bare": wall(theirs)}
        costs = interleaved(works, rounds=3 if quick else 7)
        yield against(
            f"learning.{name}",
            median(costs["isbjerg"]),
            median(costs["bare"]),
            unit="s",
            conditions=f"{rows:,} rows; reference: {reference}; {spread(costs['isbjerg'])}",
        )


def _learning(table: pl.DataFrame) -> Iterator[Contest]:
    x, k, truth = table["x"], table["k"], table["y"].to_numpy()
    folds = time_folds(pl.Series(np.arange(table.height)))
    asked = {"smoothing": 20.0, "most": 50_000}
    yield "mean", "Series.mean", lambda: learn_plain(x, {"what": "mean"}), x.mean
    yield "std", "Series.std", lambda: learn_plain(x, {"what": "std"}), x.std
    yield (
        "target_mean",
        "one group_by, not cross-fitted",
        lambda: learn_target_mean(k, asked, truth, folds),
        lambda: table.group_by("k").agg(pl.col("y").mean()),
    )


def _computing(table: pl.DataFrame) -> Iterator[Contest]:
    keys = [str(n) for n in range(5_000)]
    column = Node("column", value="k", type=Type.TEXT)
    learnt = Node("map", (column,), [keys, [float(n) for n in range(5_000)], -1.0], Type.FLOAT)
    means = pl.DataFrame({"k": keys, "mean": [float(n) for n in range(5_000)]})
    yield (
        "map",
        "a left join",
        lambda: table.select(to_polars(learnt)),
        lambda: table.join(means, on="k", how="left", maintain_order="left"),
    )
    slow, fast = (
        to_polars(infer(f.node, columns={"x": Type.FLOAT})) for f in (half_in_python, half)
    )
    yield (
        "python_feature",
        "the same as an expression",
        lambda: table.select(slow),
        lambda: table.select(fast),
    )
