"""CatBoost's trees, carried as ONNX: the same answers, the same bytes, the reserved names."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine

from isbjerg.errors import ModelError
from isbjerg.expressions.tree import Type
from isbjerg.models import catboost_fit
from isbjerg.models.fitted import Fitted

NAMES = [f"n{i}" for i in range(6)]
TYPES = [Type.FLOAT] * 6 + [Type.TEXT]


def table(load):
    x, y = load(return_X_y=True)
    rng = np.random.default_rng(1)
    columns = pl.DataFrame(x[:, :6], schema=NAMES).with_columns(
        pl.when(pl.Series(rng.random(len(x)) < 0.1)).then(None).otherwise(pl.col("n1")).alias("n1"),
        pl.Series("shop", rng.choice(["a", "b"], len(x))),
    )
    mixed = rng.permutation(len(x))
    return columns[mixed], y[mixed].astype(float)


def fit(load, kind, *, classes=(), threads=1, **parameters):
    columns, truth = table(load)
    own = catboost_fit.fit(
        columns[:100],
        truth[:100],
        kind,
        types=TYPES,
        validation=(columns[100:140], truth[100:140]),
        parameters={"iterations": 60, "depth": 4, **parameters},
        threads=threads,
        classes=classes,
    )
    return own, catboost_fit.carry(own, columns[140:], TYPES, truth[:100])


@pytest.mark.parametrize(
    ("load", "kind", "classes"),
    [
        (load_breast_cancer, "binary", ()),
        (load_diabetes, "regression", ()),
        (load_wine, "multiclass", ("a", "b", "c")),
    ],
)
def test_trees_are_carried_whatever_the_target(load, kind, classes):
    own, carried = fit(load, kind, classes=classes)
    assert isinstance(carried, Fitted), carried
    assert carried.carriage.differing == 0
    assert "trees of at most 60" in carried.notes[0]
    columns, _ = table(load)
    theirs = own.estimator.predict if kind == "regression" else own.estimator.predict_proba
    said = theirs(own.inputs.table(columns))
    wanted = said[:, 1] if kind == "binary" else said
    assert own.score(columns).tolist() == wanted.tolist()


def test_threads_do_not_change_a_byte():
    one, two = (fit(load_breast_cancer, "binary", threads=n)[1] for n in (1, 2))
    assert one.files == two.files


def test_a_class_that_came_only_later_is_left_out():
    _, _carried = fit(load_wine, "multiclass", classes=("a", "b", "c"))
    columns, truth = table(load_wine)
    later = truth[100:140].copy()
    later[:5] = 3.0
    catboost_fit.fit(
        columns[:100], truth[:100], "multiclass", types=TYPES,
        validation=(columns[100:140], later), parameters={"iterations": 5}, classes=("a", "b", "c"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"task_type": "GPU"}, "is set by isbjerg"),
        ({"dept": 3}, "CatBoost refuses"),
        ({"depth": 99}, "CatBoost refuses"),
    ],
)
def test_parameters_are_checked(parameters, words):
    with pytest.raises(ModelError, match=words) as fault:
        fit(load_breast_cancer, "binary", **parameters)
    assert fault.value.kind_code == "ISB433"
    assert "/" not in str(fault.value.mend)
