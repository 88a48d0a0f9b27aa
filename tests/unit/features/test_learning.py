from __future__ import annotations

from fractions import Fraction
from math import sqrt

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from tests.properties.expression_strategies import carriers, same

import isbjerg as ib
from isbjerg.errors import ArgumentError, DefinitionError, MisuseError, TracingError, TypingError
from isbjerg.expressions.checking import check
from isbjerg.expressions.python import compile_function
from isbjerg.expressions.tree import Type, walk
from isbjerg.features import learning, learning_rules
from isbjerg.features.assembly import assemble
from isbjerg.features.knowledge import Decision
from isbjerg.features.learning import Training, learn, time_folds, without_learning
from isbjerg.features.resolving import resolve
from isbjerg.features.sets import Known

economical = settings(max_examples=60, deadline=None)
floats = st.floats(allow_nan=False, allow_infinity=False)


@ib.source(key="id", known={"*": ib.ahead("1h")})
def flights():
    raise NotImplementedError


DECISION = Decision(flights, Known("at", 0))
TYPES = {
    "flights": {
        "id": Type.INTEGER,
        "at": Type.INSTANT,
        "x": Type.FLOAT,
        "n": Type.INTEGER,
        "carrier": Type.TEXT,
    }
}


@ib.feature
def scaled(x):
    return (x - ib.learnt.mean(x)) / ib.learnt.std(x)


@ib.feature
def capped(x):
    return ib.minimum(x, ib.learnt.quantile(x, 0.75))


@ib.feature
def tenth(n):
    return ib.learnt.bucket(n, 4)


@ib.feature
def airline(carrier):
    return ib.learnt.vocabulary(carrier, 2, rows_min=2)


@ib.feature
def common(carrier):
    return ib.learnt.frequency(carrier)


@ib.feature
def risk(carrier):
    return ib.learnt.target_mean(carrier, smoothing=2.0)


@ib.feature
def surprising(r=risk, s=scaled):
    return r * s - ib.learnt.mean(r)


ALL = [scaled, capped, tenth, airline, common, risk, surprising]


def table(rows: int, seed: int = 3) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    at = 1_700_000_000_000_000 + np.sort(rng.integers(0, rows // 2, rows)) * 60_000_000
    x = np.round(rng.normal(5, 2, rows), 3)
    return pl.DataFrame(
        {
            "id": np.arange(rows),
            "_at": pl.Series(at).cast(pl.Datetime("us", "UTC")),
            "x": [None if i % 7 == 3 else v for i, v in enumerate(x.tolist())],
            "n": rng.integers(0, 9, rows),
            "carrier": [[None, "UA", "B6", "DL", "XX"][i] for i in rng.integers(0, 5, rows)],
            "_truth": rng.random(rows) < 0.3,
        }
    )


def fit(units: pl.DataFrame, rows: int, features=ALL) -> learning.Fitted:
    made = resolve(features, DECISION, TYPES)
    assembled = assemble(units, "_at", without_learning(made), {})
    train = units[:rows]
    truth = train["_truth"].cast(pl.Float64).to_numpy()
    training = Training(np.arange(rows), truth, time_folds(train["_at"]))
    return learn(assembled, made, {"rung": made}, training)


def test_numbers_are_what_their_definitions_say():
    values = np.array([0.1, 0.2, 0.3, 1e16, -1e16])
    exact = sum(map(Fraction, values.tolist())) / 5
    assert learning_rules.mean_of(values) == float(exact)
    deviations = (values - float(exact)) ** 2
    variance = sum(map(Fraction, deviations.tolist())) / 5
    assert learning_rules.std_of(values) == sqrt(float(variance))
    assert learning_rules.mean_of(np.array([1.7e308, 1.7e308, 1.5e308])) == pytest.approx(
        1.6333333333e308
    )
    assert learning_rules.std_of(np.array([1e308, -1e308])) == pytest.approx(1e308)
    assert learning_rules.mean_of(np.array([])) is None
    assert learning_rules.mean_of(np.array([5e-324, 5e-324])) == 5e-324


@given(
    st.lists(floats, min_size=1, max_size=40), st.sampled_from([0.0, 0.07, 0.25, 0.5, 0.99, 1.0])
)
@economical
def test_quantiles_are_numpys_inverted_cdf(values, q):
    ordered = np.sort(np.array(values))
    made = learning_rules.quantile_of(ordered, Fraction(repr(q)))
    # NumPy's own rounding of q * n may differ where that is whole in decimals, as 0.07 * 100
    if (Fraction(repr(q)) * len(values)).denominator > 1 or q in {0.0, 0.25, 0.5, 1.0}:
        assert made == np.quantile(ordered, q, method="inverted_cdf")
    assert np.mean(ordered <= made) >= q - 1e-12


@given(st.lists(floats, min_size=1, max_size=60), st.randoms(use_true_random=False))
@economical
def test_rows_in_another_order_teach_the_same_bits(values, random):
    shuffled = random.sample(values, len(values))
    for what in ({"what": "mean"}, {"what": "std"}, {"what": "bucket", "count": 5}):
        one, other = (
            learning_rules.learn_plain(pl.Series("v", v, pl.Float64), what)
            for v in (values, shuffled)
        )
        assert one == other


def test_target_means_by_hand():
    """Six rows in two folds: UA 1, 0 | 1; B6 0 | -; null - | 1. The mean of all is 0.6."""
    keys = pl.Series("v", ["UA", "UA", "B6", "UA", None])
    truth, folds = np.array([1.0, 0.0, 0.0, 1.0, 1.0]), np.array([0, 0, 0, 1, 1])
    made, crossed = learning_rules.learn_target_mean(
        keys, {"smoothing": 2.0, "most": 10}, truth, folds
    )
    assert made.floats == {"UA": (2 + 1.2) / 5, "B6": (0 + 1.2) / 3}
    assert (made.other, made.missing) == (0.6, (1 + 1.2) / 3)
    # fold 0 learns of fold 1: UA has one row, late; B6 none. Fold 1 of fold 0: UA 1 of 2; null none.
    first = (1 + 1.2) / 3
    assert crossed.to_list() == [first, first, 0.6, (1 + 1.2) / 4, 0.6]


def test_categories_beyond_those_kept_get_the_mean_of_all():
    keys = pl.Series("v", ["a", "a", "b", "c", "a", "b"])
    truth, folds = np.array([1.0, 0.5, 0.0, 1.0, 1.0, 0.0]), np.array([0, 1, 0, 1, 0, 1])
    made, crossed = learning_rules.learn_target_mean(
        keys, {"smoothing": 1.0, "most": 1}, truth, folds
    )
    assert list(made.floats) == ["a"]
    assert [crossed[2], crossed[3], crossed[5]] == [made.other] * 3


def test_fitted_sets_hold_nothing_to_learn_and_serve_what_tables_hold():
    """The row function gives every row that was not learnt of what the table gives."""
    units = table(400)
    fitted = fit(units, 300)
    made = fitted.sets["rung"]
    for step in made.steps:
        check(step.node)
    function = compile_function(
        [(s.name, s.node) for s in made.steps],
        [("column", c) for c, _ in made.columns],
        made.outputs,
    )
    later = fitted.units[300:]
    rows = later.select(c for c, _ in made.columns).rows()
    expected = [function(*row) for row in rows]
    columns = [carriers(later[f"feature:{name}"]) for name in made.outputs]
    for one, other in zip(expected, zip(*columns, strict=True), strict=True):
        assert all(map(same, one, other))


def test_a_training_row_differs_only_where_its_outcome_was_part_of_what_was_learnt():
    units = table(400)
    fitted = fit(units, 300)
    again = assemble(units, "_at", fitted.sets["rung"], {})
    own = {
        name
        for name in fitted.sets["rung"].outputs
        if not fitted.units[f"feature:{name}"].equals(again[f"feature:{name}"])
    }
    assert own == {"risk", "surprising"}
    assert fitted.units[300:].equals(again[300:].select(fitted.units.columns))
    assert fitted.units["id"].to_list() == units["id"].to_list()


def test_rows_outside_the_training_part_teach_nothing():
    units = table(400)
    other = units.with_columns(
        pl.when(pl.col("id") < 300).then(pl.col(c)).otherwise(pl.col(c).reverse()).alias(c)
        for c in ("x", "n", "carrier", "_truth")
    )
    one, two = fit(units, 300), fit(other, 300)
    assert one.sets == two.sets
    assert one.units[:300].equals(two.units[:300])


def test_training_rows_in_another_order_teach_the_same_set():
    units = table(300)
    shuffled = units.sample(fraction=1.0, shuffle=True, seed=4)
    assert fit(units, 300).sets["rung"].hash == fit(shuffled, 300).sets["rung"].hash


def test_what_only_learning_needed_is_not_asked_of_a_request():
    @ib.feature
    def typical(x, n):
        return n.to_float() - ib.learnt.mean(x)

    made = fit(table(50), 50, [typical]).sets["rung"]
    assert made.columns == (("n", Type.INTEGER),)


def test_a_category_of_pure_noise_gains_nothing():
    """250 categories of 8 rows each and an outcome that does not depend on them.

    With each row's own outcome in the mean, the mean separates the training rows well and the test
    rows not at all; without it, it separates neither. The area under the curve of a score that
    knows nothing lies within 0.5 +- 3 / sqrt(12 n) of n positives or so: 0.04 for 2,000 rows.
    """
    rng = np.random.default_rng(8)
    keys = pl.Series("v", rng.integers(0, 250, 2000))
    truth = (rng.random(2000) < 0.5).astype(np.float64)
    folds = time_folds(pl.Series(np.arange(2000)))
    made, crossed = learning_rules.learn_target_mean(
        keys, {"smoothing": 2.0, "most": 1000}, truth, folds
    )
    naive = np.array([made.floats[k] for k in keys.to_list()])
    assert area(naive, truth) > 0.65
    assert abs(area(crossed.to_numpy(), truth) - 0.5) < 0.05


def test_beside_a_signal_noise_does_no_harm():
    """A noisy category of two rows each, beside a number that says something.

    scikit-learn's logistic regression stands for any model: with each row's own outcome in the mean
    it leans on the noise and loses on the test rows; cross-fitted it keeps what the number alone gives.
    """
    rng = np.random.default_rng(21)
    signal, keys = rng.normal(size=4000), np.tile(np.arange(1000), 4)
    truth = (rng.random(4000) < 1 / (1 + np.exp(-signal))).astype(np.float64)
    train, test = np.arange(2000), np.arange(2000, 4000)
    made, crossed = learning_rules.learn_target_mean(
        pl.Series("v", keys[train]),
        {"smoothing": 1.0, "most": 5000},
        truth[train],
        time_folds(pl.Series(train)),
    )
    served = np.array([made.floats[k] for k in keys.tolist()])

    def tested(taught: np.ndarray) -> float:
        model = LogisticRegression(C=1e3).fit(np.c_[signal[train], taught], truth[train])
        score = model.predict_proba(np.c_[signal[test], served[test]])[:, 1]
        return area(score, truth[test])

    alone = area(signal[test], truth[test])
    assert tested(crossed.to_numpy()) > alone - 0.01
    assert tested(served[train]) < alone - 0.05


def area(score: np.ndarray, truth: np.ndarray) -> float:
    """Measure how often a positive lies above a negative; ties are half."""
    positive, negative = score[truth == 1][:, None], score[truth == 0][None, :]
    return float(np.mean((positive > negative) + 0.5 * (positive == negative)))


def test_folds_keep_moments_together_and_are_about_even():
    at = pl.Series(np.repeat(np.arange(100), 3))
    folds = time_folds(at)
    assert (folds.reshape(100, 3).min(axis=1) == folds.reshape(100, 3).max(axis=1)).all()
    assert np.bincount(folds).tolist() == [30] * 10
    assert time_folds(pl.Series([5, 5, 5])).tolist() == [0, 0, 0]
    assert time_folds(pl.Series([], dtype=pl.Int64)).tolist() == []


def test_all_training_rows_at_one_moment_get_the_mean_of_all():
    """There is no other stretch of time to learn of, so nothing can leak."""
    keys = pl.Series("v", ["a", "b"])
    made = learning_rules.learn_target_mean(
        keys, {"smoothing": 1.0, "most": 9}, np.array([1.0, 0.0]), np.array([0, 0])
    )
    assert made[1].to_list() == [0.5, 0.5]


def test_an_all_null_column_teaches_null():
    units = table(60).with_columns(
        x=pl.lit(None, dtype=pl.Float64), carrier=pl.lit(None, dtype=pl.String)
    )
    fitted = fit(units, 60)
    assert fitted.units["feature:scaled"].null_count() == 60
    assert fitted.units["feature:airline"].null_count() == 60
    assert fitted.units["feature:common"].null_count() == 60
    assert fitted.units["feature:risk"].null_count() == 0


def test_what_was_learnt_is_told():
    told = {f"{one.feature} {one.name}": one for one in fit(table(400), 300).learned}
    assert "scaled learnt.mean(x)" in told
    assert told["scaled learnt.mean(x)"].rows == 300 - table(400)[:300]["x"].null_count()
    assert told["risk learnt.target_mean(carrier, 2.0, 50000)"].says.startswith("4: '")


def test_a_feature_that_learns_is_tried_with_what_it_would_learn():
    assert scaled.with_learnt(4.0, 2.0)(5.0) == 0.5
    assert scaled.with_learnt(4.0, 0.0)(5.0) is None
    assert tenth.with_learnt([2, 5])(5) == 1
    assert airline.with_learnt(["UA"])("XX") == "other"
    assert airline.with_learnt(["UA"])(None) is None
    assert common.with_learnt({"UA": 0.5})("XX") == 0.0
    assert risk.with_learnt({"UA": 0.5, None: 0.1, ...: 0.2})("XX") == 0.2
    assert risk.with_learnt({"UA": 0.5, None: 0.1, ...: 0.2})(None) == 0.1


def test_a_feature_that_learns_says_how_it_is_tried():
    with pytest.raises(TypingError, match=r"learns of training rows") as fault:
        scaled(5.0)
    assert fault.value.kind_code == "ISB123"
    assert fault.value.mend == "scaled.with_learnt(12.5, 12.5)(x=...)"
    with pytest.raises(ArgumentError, match="learns 2 value"):
        scaled.with_learnt(1.0)
    with pytest.raises(ArgumentError, match="list of edges"):
        tenth.with_learnt("many")


def test_learning_where_it_cannot_be_is_refused():
    with pytest.raises(MisuseError, match="what is predicted would change"):

        @ib.target
        def late(x):
            return x > ib.learnt.mean(x)

    with pytest.raises(TracingError, match="past facts"):
        scaled.row_value()


@pytest.mark.parametrize(
    "ask",
    [
        lambda x: ib.learnt.quantile(x, 1.5),
        lambda x: ib.learnt.bucket(x, 1),
        lambda x: ib.learnt.vocabulary(x, 0),
        lambda x: ib.learnt.target_mean(x, smoothing=0),
        lambda x: ib.learnt.frequency(x, most=10**9),
    ],
)
def test_arguments_out_of_range(ask):
    with pytest.raises(ArgumentError, match="must"):
        ask(ib.lit(1.0))


def test_types_that_do_not_fit_are_told_with_place_and_mend():
    @ib.feature
    def odd(carrier):
        return ib.learnt.mean(carrier)

    with pytest.raises(DefinitionError, match=r"learnt\.mean` was given text"):
        resolve([odd], DECISION, TYPES)


def test_a_target_that_is_no_number_has_no_mean():
    made = resolve([risk], DECISION, TYPES)
    units = table(40)
    training = Training(np.arange(40), None, time_folds(units["_at"]))
    with pytest.raises(DefinitionError, match="no number") as fault:
        learn(units, made, {"rung": made}, training)
    assert fault.value.kind_code == "ISB224"


def test_sets_that_learn_nothing_stay_as_they_are():
    @ib.feature
    def plain(x):
        return x

    made = resolve([plain], DECISION, TYPES)
    units = table(10)
    fitted = learn(units, made, {"rung": made}, Training(np.arange(5), None, np.zeros(5, np.int64)))
    assert fitted.sets["rung"] is made
    assert fitted.units is units
    assert not [n for s in made.steps for n in walk(s.node) if n.op == "learn"]
