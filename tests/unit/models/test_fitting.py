from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from isbjerg.errors import ArgumentError, ModelError, TypingError
from isbjerg.expressions.tree import Type
from isbjerg.models import boosted, constant, encoding, linear, rule
from isbjerg.models.booster import Booster


def test_the_constant_is_the_mean_whatever_the_order():
    values = [1e16, 1.0, -1e16, 3.0]
    assert constant.fit(np.array(values), "regression").parameters == {"value": 1.0}
    assert constant.fit(np.array(values[::-1]), "regression").parameters == {"value": 1.0}


@pytest.mark.parametrize("truth", [[], [1.0, np.nan]])
def test_rows_without_an_outcome_cannot_be_learnt_from(truth):
    with pytest.raises(ModelError) as caught:
        constant.fit(np.array(truth), "regression")
    assert caught.value.kind_code == "ISB402"


@pytest.mark.parametrize("truth", [[True, True], [0.0, 2.0]])
def test_a_binary_target_has_two_classes(truth):
    with pytest.raises(ModelError) as caught:
        constant.fit(np.array(truth), "binary")
    assert caught.value.kind_code == "ISB403"


def test_a_rule_scores_with_a_number():
    with pytest.raises(TypingError, match="Got text"):
        rule.fit(np.array([0, 1]), "binary", type_=Type.TEXT)


def test_ridge_finds_a_line():
    x = np.linspace(0, 10, 200)
    columns = pl.DataFrame({"x": x})
    encoder = encoding.fit(columns, [Type.FLOAT])
    fitted = linear.fit(columns, 3 * x + 1, "regression", encoder=encoder, penalty=1e-9)
    term = fitted.parameters["terms"][0]
    assert term["weight"] / term["deviation"] == pytest.approx(3)
    assert fitted.parameters["intercept"] == pytest.approx(16)


def test_a_column_without_any_value_has_no_weight():
    columns = pl.DataFrame(
        {"x": [None] * 40, "y": [0.0, 1.0] * 20}, schema_overrides={"x": pl.Float64}
    )
    encoder = encoding.fit(columns, [Type.FLOAT, Type.FLOAT])
    fitted = linear.fit(columns, np.array([0, 1] * 20), "binary", encoder=encoder)
    assert fitted.parameters["terms"][0]["weight"] == 0.0
    assert fitted.parameters["terms"][1]["weight"] > 0.5


def test_a_penalty_is_above_zero():
    columns = pl.DataFrame({"x": [0.0, 1.0]})
    encoder = encoding.fit(columns, [Type.FLOAT])
    with pytest.raises(ArgumentError, match="penalty"):
        linear.fit(columns, np.array([0, 1]), "binary", encoder=encoder, penalty=0.0)


def boost(threads=1, seed=1, **parameters):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 3))
    y = x[:, 0] + rng.normal(size=4000) > 0
    columns = pl.DataFrame(x, schema=["a", "b", "c"])
    encoder = encoding.fit(columns[:3000], [Type.FLOAT] * 3)
    return boosted.fit(
        columns[:3000],
        y[:3000],
        "binary",
        encoder=encoder,
        validation=(columns[3000:], y[3000:]),
        parameters=parameters,
        seed=seed,
        threads=threads,
    )


def test_training_stops_when_later_rows_stop_gaining():
    fitted = boost()
    assert 5 < fitted.parameters["trees"] < 300
    assert fitted.files["trees.txt"].count(b"Tree=") == fitted.parameters["trees"]


def test_the_number_of_threads_does_not_change_the_trees():
    assert boost(threads=2).files == boost(threads=1).files


def test_a_sampled_fit_depends_on_the_seed_alone():
    sampled = {"bagging_fraction": 0.5, "bagging_freq": 1, "n_estimators": 10}
    assert boost(**sampled).files == boost(**sampled).files
    assert boost(seed=2, **sampled).files != boost(**sampled).files


def test_patience_of_none_grows_all_trees():
    assert boost(early_stopping_round=0, n_estimators=7).parameters["trees"] == 7


@pytest.mark.parametrize("name", ["seed", "random_state", "n_jobs", "deterministic", "linear_tree"])
def test_what_isbjerg_sets_is_refused(name):
    with pytest.raises(ArgumentError) as caught:
        boosted.check_parameters({name: 1}, "binary")
    assert caught.value.kind_code == "ISB407"


def test_an_objective_fits_the_target():
    with pytest.raises(ArgumentError, match="objective"):
        boosted.check_parameters({"objective": "poisson"}, "binary")
    asked = boosted.check_parameters({"objective": "poisson"}, "regression")
    assert asked["objective"] == "poisson"


@pytest.mark.parametrize("low_rows", [40, 160])
def test_a_number_never_missing_in_training_goes_with_most_rows_not_with_zero(low_rows):
    """scikit-learn's histogram trees do the same; LightGBM alone would read a null as 0.0."""
    x = np.repeat([-5.0, 5.0], [low_rows, 200 - low_rows])
    truth = np.where(x < 0, 10.0, 20.0)
    table = pl.DataFrame({"x": x})
    encoder = encoding.fit(table, [Type.FLOAT])
    stump = boosted.fit(
        table,
        truth,
        "regression",
        encoder=encoder,
        validation=(table, truth),
        parameters={"num_leaves": 2, "num_iterations": 1, "learning_rate": 1.0},
    )
    booster = Booster(stump.files[boosted.FILE], 1)
    most = -5.0 if low_rows > 100 else 5.0
    assert booster.predict_one([np.nan]) == booster.predict_one([most])
    assert booster.predict_one([-5.0]) != booster.predict_one([5.0])
    assert booster.predict_many(np.array([[np.nan]]))[0] == booster.predict_one([np.nan])
