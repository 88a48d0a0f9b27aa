"""One prediction, layer by layer, each beside the same work done the bare way."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import lightgbm
import msgspec
import numpy as np
import polars as pl
import sklearn.linear_model

from benchmarks.figures import Figure, against
from benchmarks.ledgers import ledger_layers
from benchmarks.measuring import interleaved, median, per_call_us, spread
from isbjerg.expressions.python import compile_function
from isbjerg.expressions.tree import Node, Type
from isbjerg.features.keys import key_text, match_text
from isbjerg.features.online import OnlineSlot
from isbjerg.features.sets import FeatureSet, Known, Slot, Step
from isbjerg.models import boosted, linear, predictors
from isbjerg.models.bundle import Unit, make
from isbjerg.models.encoding import fit as fit_encoder
from isbjerg.models.fitted import Fitted
from isbjerg.models.parameters import TREES_FILE
from isbjerg.times import HOUR_US

COLUMNS = tuple(f"c{number}" for number in range(10))
ROW = tuple(0.5 + number for number in range(10))


class Layer(NamedTuple):
    """The same work twice: as isbjerg does it, and bare."""

    name: str
    isbjerg: Callable[[], Any]
    bare: Callable[[], Any]
    bare_is: str
    calls: int = 2_000


def figures(*, quick: bool) -> Iterator[Figure]:
    """Yield microseconds per row for each layer that a request passes, except HTTP itself."""
    with tempfile.TemporaryDirectory() as folder:
        layers = [decode(), features(), *lookups(), *models(quick=quick)]
        for layer in layers:
            check_equal(layer)
            yield measured(layer, quick=quick)
        yield from ledger_layers(Path(folder), quick=quick)


def measured(layer: Layer, *, quick: bool) -> Figure:
    """Let both take turns."""
    calls = layer.calls // 10 if quick else layer.calls
    costs = interleaved(
        {
            "isbjerg": per_call_us(layer.isbjerg, calls),
            "bare": per_call_us(layer.bare, calls),
        },
        rounds=5 if quick else 21,
    )
    return against(
        f"single_row.{layer.name}",
        median(costs["isbjerg"]),
        median(costs["bare"]),
        unit="us",
        conditions=f"reference: {layer.bare_is}; {calls} calls, {spread(costs['isbjerg'])}",
    )


def check_equal(layer: Layer) -> None:
    """A benchmark of two ways that disagree measures nothing."""
    ours, theirs = layer.isbjerg(), layer.bare()
    if ours != theirs and not math.isclose(ours, theirs, rel_tol=1e-6):
        raise AssertionError(f"{layer.name}: isbjerg says {ours}, the bare way {theirs}.")


def decode() -> Layer:
    """Read a request's body."""
    body = json.dumps({"inputs": dict(zip(COLUMNS, ROW, strict=True))})
    return Layer(
        "decode",
        partial(msgspec.json.decode, body.encode()),
        partial(json.loads, body),
        "json.loads",
    )


def features() -> Layer:
    """Compute ten features."""
    function = compile_function(
        [(step.name, step.node) for step in steps()],
        [("column", name) for name in COLUMNS],
        [step.name for step in steps()],
    )

    # What a person writes who remembers null and zero, and forgets overflow.
    def by_hand(a, b, c, d, e, f, g, h, i, j):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202, PLR0917
        return (
            None if a is None or b is None or b == 0.0 else a / b,
            None if b is None else b + 1.0,
            None if c is None else c + 1.0,
            None if d is None else d + 1.0,
            None if e is None else e + 1.0,
            None if f is None else f + 1.0,
            None if g is None else g + 1.0,
            None if h is None else h + 1.0,
            None if i is None else i + 1.0,
            None if j is None else j + 1.0,
        )

    return Layer("features10", partial(function, *ROW), partial(by_hand, *ROW), "written by hand")


def steps() -> tuple[Step, ...]:
    """Ten trees over ten columns: one quotient and nine sums."""
    column = [Node("column", value=name, type=Type.FLOAT) for name in COLUMNS]
    one = Node("literal", value=1.0, type=Type.FLOAT)
    ratio = Node("divide", (column[0], column[1]), type=Type.FLOAT)
    sums = [Node("add", (node, one), type=Type.FLOAT) for node in column[1:]]
    return tuple(Step(f"f{number}", node) for number, node in enumerate([ratio, *sums]))


def lookups() -> Iterator[Layer]:
    """Look up the newest fact, and the mean of a window, among 10,000 facts of 100 entities."""
    for kind in ("newest", "past"):
        slot = Slot(
            name="wind",
            kind="newest" if kind == "newest" else "past",
            source="weather",
            on=(("origin", "origin"),),
            key=("row",),
            known=(Known("at"),),
            value=Node("column", value="wind", type=Type.FLOAT),
            type=Type.FLOAT,
            aggregate=None if kind == "newest" else "mean",
            span_us=None if kind == "newest" else 24 * HOUR_US,
        )
        online = OnlineSlot(slot)
        for row in range(10_000):
            on, at_us = match_text([f"e{row % 100}"]), row // 100 * HOUR_US
            online.insert(on, key_text([row]), at_us, at_us, row, float(row % 7))
        asked = (("e42",), 100 * HOUR_US)
        answer = online.value(*asked)
        yield Layer(
            kind, partial(online.value, *asked), partial({asked: answer}.get, asked), "one dict"
        )


def models(*, quick: bool) -> Iterator[Layer]:
    """Score one row of ten features: a linear model, and 100 trees of 31 leaves."""
    rng = np.random.default_rng(7)
    matrix = rng.normal(size=(2_000 if quick else 20_000, 10))
    truth = matrix[:, 0] * matrix[:, 1] + matrix[:, 2] + rng.normal(size=len(matrix)) > 0
    table = pl.DataFrame(matrix, schema=[step.name for step in steps()])
    encoder = fit_encoder(table, [Type.FLOAT] * 10)
    one = np.asarray([ROW])

    weights = linear.fit(table, truth, "binary", encoder=encoder)
    scaled = (matrix - matrix.mean(axis=0)) / matrix.std(axis=0)
    logistic = sklearn.linear_model.LogisticRegression(max_iter=1_000).fit(scaled, truth)
    yield Layer(
        "linear",
        partial(predictor(weights).predict_one, ROW),
        partial(linear_bare, logistic, matrix.mean(axis=0), matrix.std(axis=0), one),
        "scikit-learn's predict_proba",
    )

    trees = boosted.fit(
        table,
        truth,
        "binary",
        encoder=encoder,
        validation=(table, truth),
        parameters={"num_iterations": 100, "num_leaves": 31, "learning_rate": 0.05},
    )
    booster = lightgbm.Booster(model_str=trees.files[TREES_FILE].decode())
    yield Layer(
        "boosted",
        partial(predictor(trees).predict_one, ROW),
        lambda: float(booster.predict(one, num_threads=1)[0]),
        "lightgbm's Booster.predict",
    )


def linear_bare(
    model: sklearn.linear_model.LogisticRegression,
    mean: np.ndarray[Any, Any],
    deviation: np.ndarray[Any, Any],
    row: np.ndarray[Any, Any],
) -> float:
    """Score a row as a notebook does."""
    return float(model.predict_proba((row - mean) / deviation)[0, 1])


def predictor(fitted: Fitted) -> predictors.Predictor:
    """Bundle a fitted model and load it as the server does."""
    feature_set = FeatureSet(
        columns=tuple((name, Type.FLOAT) for name in COLUMNS),
        slots=(),
        steps=steps(),
        outputs=tuple(step.name for step in steps()),
    )
    unit = Unit(
        source="rows",
        key=("c0",),
        subject=None,
        at=Known("c0"),
        target=Node("column", value="c0", type=Type.FLOAT),
    )
    bundle = make(fitted, rung="measured", feature_set=feature_set, unit=unit, contract=())
    return predictors.load(bundle, fitted.files)
