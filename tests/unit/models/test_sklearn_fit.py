"""Any estimator is fitted as scikit-learn fits it, and carried only if it answers alike."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Lasso, LogisticRegression, Ridge
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, SVR, LinearSVC

from isbjerg.errors import ModelError
from isbjerg.expressions.tree import Type
from isbjerg.models import sklearn_fit
from isbjerg.models.fitted import EvaluatedOnly, Fitted
from isbjerg.models.onnx_check import check_model

NUMBERS = [f"n{i}" for i in range(8)]
TYPES = [Type.FLOAT] * 8 + [Type.TEXT]


def table(load):
    """Eight real numbers, one with holes, and a text that is sometimes missing."""
    x, y = load(return_X_y=True)
    rng = np.random.default_rng(0)
    columns = pl.DataFrame(x[:, :8], schema=NUMBERS)
    holes = pl.Series(rng.random(len(x)) < 0.05)
    texts = [None if rng.random() < 0.05 else str(s) for s in rng.choice(list("abcd"), len(x))]
    columns = columns.with_columns(
        pl.when(holes).then(None).otherwise(pl.col("n0")).alias("n0"),
        pl.Series("shop", texts, dtype=pl.String),
    )
    mixed = rng.permutation(len(x))
    return columns[mixed], y[mixed].astype(float)


def by_name():
    """What a user writes who knows scikit-learn: columns by their names."""
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    texts = OneHotEncoder(handle_unknown="ignore")
    return ColumnTransformer([("texts", texts, ["shop"]), ("numbers", numbers, NUMBERS)])


def fit(estimator, load, kind, *, rows=120, classes=(), **options):
    columns, truth = table(load)
    own = sklearn_fit.fit(
        columns[:rows],
        truth[:rows],
        kind,
        types=TYPES,
        estimator=estimator,
        classes=classes,
        **options,
    )
    return own, sklearn_fit.carry(own, columns[rows:], TYPES, truth[:rows])


CARRIED = {
    "LogisticRegression": LogisticRegression(max_iter=1000),
    "RandomForest": RandomForestClassifier(20),
    "ExtraTrees": ExtraTreesClassifier(20),
    "HistGradientBoosting": HistGradientBoostingClassifier(max_iter=30),
    "GradientBoosting": GradientBoostingClassifier(n_estimators=20),
    "AdaBoost": AdaBoostClassifier(n_estimators=10),
    "calibrated SVC": CalibratedClassifierCV(SVC(), ensemble=False),
    "LinearSVC": LinearSVC(),
    "KNN": KNeighborsClassifier(),
    "MLP": MLPClassifier(max_iter=500, random_state=1),
    "GaussianNB": GaussianNB(),
    "Pipeline": make_pipeline(by_name(), LogisticRegression(max_iter=1000)),
}


@pytest.mark.parametrize("name", CARRIED)
def test_classifiers_are_carried(name):
    _own, carried = fit(CARRIED[name], load_breast_cancer, "binary")
    assert isinstance(carried, Fitted), carried
    assert carried.carriage.differing == 0
    assert carried.carriage.edges > 40
    assert carried.carriage.largest < 1e-5
    check_model(carried.files["model.onnx"])


@pytest.mark.parametrize(
    "estimator",
    [
        Ridge(),
        RandomForestRegressor(20),
        HistGradientBoostingRegressor(max_iter=20),
        GradientBoostingRegressor(n_estimators=20),
        SVR(),
        KNeighborsRegressor(),
        make_pipeline(by_name(), Lasso()),
    ],
    ids=lambda e: type(e).__name__,
)
def test_regressors_are_carried(estimator):
    _, carried = fit(estimator, load_diabetes, "regression", rows=300)
    assert isinstance(carried, Fitted), carried
    assert carried.tolerance.absolute == pytest.approx(1e-5 * 77, rel=0.1)  # the target's deviation


@pytest.mark.parametrize(
    "estimator", [LogisticRegression(max_iter=500), RandomForestClassifier(10)]
)
def test_classes_are_carried(estimator):
    _own, carried = fit(estimator, load_wine, "multiclass", classes=("a", "b", "c"))
    assert isinstance(carried, Fitted), carried
    assert carried.classes == ("a", "b", "c")
    assert carried.parameters.get("column", -1) is None


class NobodysOwn(ClassifierMixin, BaseEstimator):
    """An estimator that no converter knows."""

    def fit(self, x, y):
        self.inner_ = LogisticRegression(max_iter=1000).fit(x, y)
        self.classes_ = self.inner_.classes_
        return self

    def predict(self, x):
        return self.inner_.predict(x)

    def predict_proba(self, x):
        return self.inner_.predict_proba(x)


def test_an_estimator_without_a_converter_is_evaluated_only():
    _own, only = fit(NobodysOwn(), load_breast_cancer, "binary")
    assert isinstance(only, EvaluatedOnly)
    assert only.why == "skl2onnx has no converter for NobodysOwn"
    columns, _ = table(load_breast_cancer)
    twin, _ = fit(LogisticRegression(max_iter=1000), load_breast_cancer, "binary")
    assert only.score(columns).tolist() == twin.score(columns).tolist()


def test_an_onnx_form_that_answers_otherwise_is_not_released():
    """Trees that split on scaled numbers.

    scikit-learn scales in double precision, ONNX in single: a row that lies on a threshold
    changes sides. Every estimator here has a converter.
    """
    pipeline = make_pipeline(by_name(), HistGradientBoostingClassifier(max_iter=30))
    _, only = fit(pipeline, load_breast_cancer, "binary", rows=300)
    assert isinstance(only, EvaluatedOnly)
    assert only.why.startswith("its ONNX form answers otherwise: ")
    assert "rows" in only.why
    assert only.mend.startswith("take out the step")


def test_thresholds_of_histogram_trees_are_rounded_so_that_no_row_changes_sides():
    """Values of single precision next to each other: a threshold between them has no number."""
    low = np.float32(0.1)
    values = np.array([low, np.nextafter(low, np.float32(1.0))] * 200, dtype=np.float64)
    from isbjerg.models.sklearn_convert import rounded_down

    between = (values[0] + values[1]) / 2.0
    assert np.float32(between) in (np.float32(values[0]), np.float32(values[1]))
    held = rounded_down(np.array([between, values[1], 1e300, -1e300]))
    assert held[0] == values[0]
    assert held[1] == values[1]
    assert held[2] == np.finfo(np.float32).max
    assert held[3] == -np.inf


def test_seeds_are_set_where_they_exist_and_the_users_object_stays_as_it_was():
    mine = make_pipeline(by_name(), RandomForestClassifier(10))
    first, _ = fit(mine, load_breast_cancer, "binary", seed=7)
    again, _ = fit(mine, load_breast_cancer, "binary", seed=7)
    other, _ = fit(mine, load_breast_cancer, "binary", seed=8)
    columns, _ = table(load_breast_cancer)
    assert first.score(columns).tolist() == again.score(columns).tolist()
    assert first.score(columns).tolist() != other.score(columns).tolist()
    assert mine[-1].random_state is None
    assert not hasattr(mine[-1], "estimators_")


def test_what_cannot_be_fitted_is_told_with_a_mend():
    with pytest.raises(ModelError, match="needs a classifier; Ridge is none") as fault:
        fit(Ridge(), load_breast_cancer, "binary")
    assert fault.value.kind_code == "ISB433"
    with pytest.raises(ModelError, match="`depht` is no parameter of RandomForest"):
        fit(RandomForestClassifier(), load_breast_cancer, "binary", parameters={"depht": 3})
    with pytest.raises(ModelError, match="Pipeline cannot be fitted: ValueError") as fault:
        fit(make_pipeline(StandardScaler(), LogisticRegression()), load_breast_cancer, "binary")
    assert "encode=True" in fault.value.mend
    _own, carried = fit(
        make_pipeline(StandardScaler(), LogisticRegression()),
        load_breast_cancer,
        "binary",
        encode=True,
    )
    assert isinstance(carried, Fitted)
    with pytest.raises(ModelError, match="LinearSVC gives none"):
        fit(LinearSVC(), load_wine, "multiclass", classes=("a", "b", "c"))


def test_the_scores_are_those_of_scikit_learn_itself():
    """The same default encoding, written by hand with scikit-learn's own steps."""
    columns, truth = table(load_breast_cancer)
    numbers = columns.select(NUMBERS[1:])
    own = sklearn_fit.fit(
        numbers[:120], truth[:120], "binary", types=[Type.FLOAT] * 7, estimator=LogisticRegression()
    )
    theirs = make_pipeline(StandardScaler(), LogisticRegression())
    theirs.fit(numbers[:120].to_numpy(), truth[:120])
    np.testing.assert_allclose(
        own.score(numbers), theirs.predict_proba(numbers.to_numpy())[:, 1], atol=1e-5
    )
