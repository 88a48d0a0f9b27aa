"""What one row costs when another library's model answers through ONNX, against the library itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from benchmarks.figures import Figure, against
from benchmarks.measuring import interleaved, median, spread, wall
from isbjerg.expressions.tree import Type
from isbjerg.models import sklearn_fit
from isbjerg.models.fitted import Fitted
from isbjerg.models.onnx_parameters import OnnxParameters
from isbjerg.models.onnx_predictor import OnnxPredictor

ESTIMATORS: dict[str, Any] = {
    "logistic": LogisticRegression(),
    "forest": RandomForestClassifier(100, max_depth=12),
    "histogram_trees": HistGradientBoostingClassifier(),
}
NUMBERS = [f"n{i}" for i in range(8)]
TYPES = [*([Type.FLOAT] * len(NUMBERS)), Type.TEXT]


def figures(*, quick: bool) -> Iterator[Figure]:
    """Yield microseconds of a single row, of isbjerg and of scikit-learn."""
    rows = 1_000 if quick else 10_000
    rng = np.random.default_rng(7)
    table = pl.DataFrame({n: rng.normal(size=rows) for n in NUMBERS}).with_columns(
        pl.Series("shop", rng.choice(list("abcdef"), rows))
    )
    truth = (table["n0"].to_numpy() + rng.normal(size=rows) > 0).astype(float)
    asked = 5 if quick else 50
    for name, estimator in ESTIMATORS.items():
        own = sklearn_fit.fit(table, truth, "binary", types=TYPES, estimator=estimator)
        carried = sklearn_fit.carry(own, table, TYPES, truth)
        if not isinstance(carried, Fitted):
            continue
        works = {
            "isbjerg": wall(_singly(_predictor(carried, table), table[:asked])),
            "scikit-learn": wall(_own(own, table[:asked])),
        }
        costs = interleaved(works, rounds=3 if quick else 7)
        yield against(
            f"rungs.{name}",
            median(costs["isbjerg"]) / asked * 1e6,
            median(costs["scikit-learn"]) / asked * 1e6,
            unit="us",
            conditions=f"{asked} rows singly; {carried.carriage}; {spread(costs['isbjerg'])}",
        )


def _predictor(carried: Fitted, table: pl.DataFrame) -> OnnxPredictor:
    parameters = msgspec.convert(carried.parameters, OnnxParameters)
    model = carried.files["model.onnx"]
    return OnnxPredictor(model, parameters, carried.encoder, table.columns, "binary")


def _singly(predictor: OnnxPredictor, table: pl.DataFrame) -> Any:
    rows = table.rows()
    return lambda: [predictor.predict_one(row) for row in rows]


def _own(own: sklearn_fit.FittedEstimator, table: pl.DataFrame) -> Any:
    rows = [table[i : i + 1] for i in range(table.height)]
    return lambda: [own.score(row) for row in rows]
