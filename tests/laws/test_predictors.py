"""What every kind of model must keep, whatever it is.

Each law runs over every kind and every kind of target; what does not apply says why. The
suite counts what ran, so that a law that silently stops running is noticed.
"""

from __future__ import annotations

import itertools
import math
import typing

import msgspec
import numpy as np
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression, Ridge

from isbjerg.errors import BundleError
from isbjerg.expressions.tree import Node, Type
from isbjerg.features.sets import FeatureSet, Known, Step
from isbjerg.models import (
    boosted,
    bundle,
    constant,
    encoding,
    linear,
    predictors,
    rule,
    sklearn_fit,
)
from isbjerg.models.fitted import Fitted, Kind

TYPES = {
    "hour": Type.INTEGER,
    "wind": Type.FLOAT,
    "evening": Type.BOOLEAN,
    "carrier": Type.TEXT,
    "gap": Type.DURATION,
}
KINDS = typing.get_args(Kind)
TARGETS = ("binary", "regression", "multiclass", "ranking")
CLASSES = ("AA", "B6", "UA")


def feature_set(names):
    columns = tuple((n, TYPES[n]) for n in names)
    steps = tuple(Step(f"f_{n}", Node("column", value=n, type=TYPES[n])) for n in names)
    return FeatureSet(
        columns=columns, slots=(), steps=steps, outputs=tuple(f"f_{n}" for n in names)
    )


def unit(target):
    type_ = Type.TEXT if target == "multiclass" else Type.BOOLEAN
    return bundle.Unit(
        source="flights",
        key=("id",),
        subject=None,
        at=Known("at"),
        target=Node("column", value="late", type=type_),
        group=("origin",) if target == "ranking" else (),
    )


def rows(seed, n=600):
    """Rows with nulls everywhere, texts that training may not have seen, and huge numbers."""
    rng = np.random.default_rng(seed)

    def holes(values, share=0.1):
        return [None if gone else v for v, gone in zip(values, rng.random(n) < share, strict=True)]

    wind = rng.normal(10, 5, n)
    wind[rng.random(n) < 0.01] = 1e300
    texts = ["UA", "B6", "AA", "é", ""] + ([f"new{seed}"] if seed > 1 else [])
    return pl.DataFrame(
        {
            "f_hour": pl.Series(holes(rng.integers(0, 24, n).tolist()), dtype=pl.Int64),
            "f_wind": pl.Series(holes(wind.tolist()), dtype=pl.Float64),
            "f_evening": pl.Series(holes((rng.random(n) < 0.4).tolist()), dtype=pl.Boolean),
            "f_carrier": pl.Series(holes(rng.choice(texts, n).tolist()), dtype=pl.String),
            "f_gap": pl.Series(
                holes(rng.integers(-(2**62), 2**62, n).tolist()), dtype=pl.Duration("us")
            ),
        }
    )


def truth_of(columns, target):
    rng = np.random.default_rng(9)
    score = columns["f_hour"].fill_null(12).to_numpy() / 24 + rng.normal(0, 0.3, columns.height)
    if target == "ranking":
        return np.maximum(np.round(10 * score) - 3, 0.0)
    if target == "multiclass":
        return np.digitize(score, (0.4, 0.7))
    return score > 0.6 if target == "binary" else score


def train_onnx(columns, truth, target, made, later):
    """Matrix products, whose sums depend on how many rows are multiplied at once."""
    estimator = Ridge() if target in {"regression", "ranking"} else LogisticRegression()
    classes = CLASSES if target == "multiclass" else ()
    features, types = columns.select(made.outputs), made.output_types
    own = sklearn_fit.fit(
        features, truth, target, types=types, estimator=estimator, classes=classes
    )
    fitted = sklearn_fit.carry(own, later.select(made.outputs), types, truth)
    assert isinstance(fitted, Fitted), fitted
    return fitted


def hours(columns):
    return columns["f_hour"].fill_null(24).to_numpy()


def train(kind, target):
    columns, later = rows(1), rows(2)
    truth, later_truth = truth_of(columns, target), truth_of(later, target)
    classes = CLASSES if target == "multiclass" else ()
    alone = "carrier" if classes else "hour"
    names = [alone] if kind == "rule" else list(TYPES)
    made = feature_set(names)
    if kind == "constant":
        fitted = constant.fit(truth, target, classes=classes)
    elif kind == "rule" and classes:
        said = columns["f_carrier"]
        fitted = rule.fit_classes(truth, classes, said, type_=Type.TEXT, of=Type.TEXT)
    elif kind == "rule":
        fitted = rule.fit(truth, target, type_=Type.INTEGER)
    elif kind == "onnx":
        fitted = train_onnx(columns, truth, target, made, later)
    else:
        encoder = encoding.fit(columns, made.output_types)
        if kind == "linear":
            fitted = linear.fit(columns, truth, target, encoder=encoder, classes=classes)
        else:
            fitted = boosted.fit(
                columns,
                truth,
                target,
                encoder=encoder,
                validation=(later, later_truth),
                parameters={"n_estimators": 40, "min_data_in_leaf": 10},
                seed=3,
                classes=classes,
                lists=(hours(columns), hours(later)) if target == "ranking" else None,
            )
    manifest = bundle.make(fitted, rung=kind, feature_set=made, unit=unit(target), contract=())
    return manifest.to_files(fitted.files)


@pytest.fixture(scope="module")
def trained():
    return {(k, t): train(k, t) for k, t in itertools.product(KINDS, TARGETS)}


def carriers(columns, outputs):
    plain = columns.select(pl.col(n).to_physical() if n == "f_gap" else pl.col(n) for n in outputs)
    return plain.rows()


def open_(files):
    manifest = bundle.from_files(files)
    return manifest, predictors.load(manifest, files)


def one_row_equals_many(files, columns):
    """A replayed prediction must reproduce, wherever it was first made, within what is stated."""
    manifest, predictor = open_(files)
    many = predictor.predict_many(columns)
    single = [predictor.predict_one(r) for r in carriers(columns, manifest.feature_set.outputs)]
    numbers = itertools.chain(*single) if manifest.classes else single
    assert all(type(s) is float for s in numbers)
    allowed = manifest.tolerance
    if allowed is None:
        assert np.array(single).tobytes() == many.tobytes()
    else:
        assert manifest.kind == "onnx"
        pairs = zip(np.ravel(single).tolist(), many.ravel().tolist(), strict=True)
        assert all(allowed.allows(a, b) for a, b in pairs)


def answers_are_finite(files, columns):
    """NaN and infinity do not exist outside a matrix."""
    manifest, predictor = open_(files)
    many = predictor.predict_many(columns)
    classes = (len(manifest.classes),) if manifest.classes else ()
    assert many.shape == (columns.height, *classes)
    assert np.isfinite(many).all()
    if manifest.target_kind in {"binary", "multiclass"}:
        assert ((many >= 0) & (many <= 1)).all()
    if manifest.classes:
        np.testing.assert_allclose(many.sum(axis=1), 1.0, atol=1e-12)


def empty_tables_are_answered(files, columns):
    """No rows is a table as well."""
    manifest, predictor = open_(files)
    classes = (len(manifest.classes),) if manifest.classes else ()
    assert predictor.predict_many(columns.clear()).shape == (0, *classes)


def prefixed_columns_are_the_same(files, columns):
    """Assembly names features 'feature:NAME'."""
    _, predictor = open_(files)
    prefixed = columns.rename({n: f"feature:{n}" for n in columns.columns})
    assert predictor.predict_many(prefixed).tobytes() == predictor.predict_many(columns).tobytes()


def files_round_trip(files, columns):
    """What is read is what was written, byte for byte."""
    manifest = bundle.from_files(files)
    rest = {n: c for n, c in files.items() if n != bundle.MANIFEST}
    assert manifest.to_files(rest) == files
    assert bundle.from_files(files, expected_hash=manifest.hash) == manifest


def tampering_is_refused(files, columns):
    """One changed byte anywhere, one file more or less, another hash: none is loaded."""
    with pytest.raises(BundleError):
        bundle.from_files(files, expected_hash="0" * 64)
    with pytest.raises(BundleError):
        bundle.from_files({**files, "more.txt": b""})
    for name, content in files.items():
        with pytest.raises(BundleError):
            bundle.from_files({n: c for n, c in files.items() if n != name})
        if name != bundle.MANIFEST:
            changed = content[:50] + bytes([content[50] ^ 1]) + content[51:]
            with pytest.raises(BundleError):
                bundle.from_files({**files, name: changed})


def newer_formats_are_refused(files, columns):
    """A version from tomorrow is not guessed at."""
    plain = msgspec.json.decode(files[bundle.MANIFEST])
    known = {("format_version",): 2, ("feature_set", "semantics_version"): 1}
    for path, version in known.items():
        newer = msgspec.json.decode(msgspec.json.encode(plain))
        holder = newer
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = version + 1
        with pytest.raises(BundleError, match=f"reads up to {version}") as caught:
            bundle.from_files({**files, bundle.MANIFEST: msgspec.json.encode(newer)})
        assert caught.value.kind_code == "ISB411"


def training_again_gives_the_same_bytes(files, columns):
    """Otherwise no run could be reproduced."""
    manifest = bundle.from_files(files)
    assert train(manifest.kind, manifest.target_kind) == files


def wrong_parameters_are_refused(files, columns):
    """A manifest that hashes well may still lie about its model."""
    manifest = bundle.from_files(files)
    with pytest.raises(BundleError):
        predictors.load(msgspec.structs.replace(manifest, parameters={"value": "x"}), {})


LAWS = (
    one_row_equals_many,
    answers_are_finite,
    empty_tables_are_answered,
    prefixed_columns_are_the_same,
    files_round_trip,
    tampering_is_refused,
    newer_formats_are_refused,
    training_again_gives_the_same_bytes,
    wrong_parameters_are_refused,
)


def test_every_kind_keeps_every_law(trained, capsys):
    columns = rows(5)
    ran = 0
    for law, (key, files) in itertools.product(LAWS, trained.items()):
        try:
            law(files, columns)
        except BaseException as fault:
            fault.add_note(f"law {law.__name__} of {key}")
            raise
        ran += 1
    with capsys.disabled():
        print(f"\npredictors: {ran} laws ran, 0 not applicable")  # noqa: T201
    assert ran == len(LAWS) * len(KINDS) * len(TARGETS) == 180


def test_the_trees_answer_as_lightgbms_own_package_does(trained):
    import lightgbm

    files = trained["boosted_trees", "binary"]
    manifest, predictor = open_(files)
    columns = rows(7)
    theirs = lightgbm.Booster(model_str=files["trees.txt"].decode())
    matrix = manifest.encoder.encode_many(columns)
    assert predictor.predict_many(columns).tobytes() == theirs.predict(matrix).tobytes()


def test_the_linear_model_answers_as_scikit_learn_does():
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, (500, 3))
    y = x @ [1.0, -2.0, 0.5] + rng.logistic(size=500) > 0
    columns = pl.DataFrame(x, schema=["a", "b", "c"])
    encoder = encoding.fit(columns, [Type.FLOAT] * 3)
    fitted = linear.fit(columns, y, "binary", encoder=encoder)
    weights = msgspec.convert(fitted.parameters, predictors.LinearWeights)
    ours = [1 / (1 + math.exp(-t)) for t in weights.sum_many(encoder.encode_many(columns))]
    theirs = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y).predict_proba(x)[:, 1]
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_the_trees_of_several_classes_answer_as_lightgbms_own_package_does(trained):
    import lightgbm

    files = trained["boosted_trees", "multiclass"]
    manifest, predictor = open_(files)
    columns = rows(7)
    theirs = lightgbm.Booster(model_str=files["trees.txt"].decode())
    matrix = manifest.encoder.encode_many(columns)
    assert predictor.predict_many(columns).tobytes() == theirs.predict(matrix).tobytes()


@pytest.mark.parametrize("classes", [2, 4])
def test_the_linear_model_of_several_classes_answers_as_scikit_learn_does(classes):
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, (500, 3))
    y = (x @ rng.normal(size=(3, classes)) + rng.gumbel(size=(500, classes))).argmax(axis=1)
    names = tuple("abcd"[:classes])
    columns = pl.DataFrame(x, schema=["f_x", "f_y", "f_z"])
    encoder = encoding.fit(columns, [Type.FLOAT] * 3)
    fitted = linear.fit(columns, y, "multiclass", encoder=encoder, classes=names)
    made = FeatureSet(
        columns=tuple((n, Type.FLOAT) for n in "xyz"),
        slots=(),
        steps=tuple(Step(f"f_{n}", Node("column", value=n, type=Type.FLOAT)) for n in "xyz"),
        outputs=("f_x", "f_y", "f_z"),
    )
    manifest = bundle.make(
        fitted, rung="linear", feature_set=made, unit=unit("multiclass"), contract=()
    )
    ours = predictors.load(manifest, manifest.to_files({})).predict_many(columns)
    theirs = make_pipeline(StandardScaler(), LogisticRegression()).fit(x, y).predict_proba(x)
    np.testing.assert_allclose(ours, theirs, atol=2e-4)
