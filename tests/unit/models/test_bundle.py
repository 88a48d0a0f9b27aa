from __future__ import annotations

import contextlib
import json
from pathlib import Path

import msgspec
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isbjerg.canonical import canonical_json
from isbjerg.data.contract import Field
from isbjerg.errors import BundleError
from isbjerg.expressions.tree import Node, Type
from isbjerg.features.sets import FeatureSet, Known, Step
from isbjerg.models import bundle, predictors
from isbjerg.models.encoding import Encoder, Encoding
from isbjerg.models.fitted import Fitted, Tolerance
from isbjerg.models.onnx_parameters import OnnxInput, OnnxParameters

GOLDEN = Path(__file__).parents[2] / "golden" / "bundle-v1"
GOLDEN_2 = GOLDEN.with_name("bundle-v2")


def column(name, type_):
    return Node("column", value=name, type=type_)


SET = FeatureSet(
    columns=(("hour", Type.INTEGER), ("carrier", Type.TEXT)),
    slots=(),
    steps=(
        Step(
            "evening",
            Node(
                "greater_equal",
                (column("hour", Type.INTEGER), Node("literal", value=17, type=Type.INTEGER)),
                type=Type.BOOLEAN,
            ),
        ),
        Step("airline", column("carrier", Type.TEXT)),
    ),
    outputs=("evening", "airline"),
    format_version=1,
)
UNIT = bundle.Unit(
    "flights",
    ("flight_id",),
    "tail_number",
    Known("sched_dep_utc", -7_200_000_000),
    Node(
        "greater",
        (column("arr_delay", Type.INTEGER), Node("literal", value=30, type=Type.INTEGER)),
        type=Type.BOOLEAN,
    ),
)
FITTED = Fitted(
    kind="linear",
    target_kind="binary",
    encoder=Encoder(
        (
            Encoding("evening", Type.BOOLEAN, "numeric"),
            Encoding("airline", Type.TEXT, "category", ("UA", "B6")),
        )
    ),
    parameters={
        "intercept": -2.0,
        "terms": [
            {"type": "number", "mean": 0.5, "deviation": 0.5, "weight": 0.5, "missing": 0.25},
            {"type": "category", "weights": [0.0, -0.125, 0.75, -0.5]},
        ],
    },
)


def made(**changes):
    return bundle.make(
        msgspec.structs.replace(FITTED, **changes),
        rung="schedule",
        feature_set=SET,
        unit=UNIT,
        contract=(Field(name="hour", type=Type.INTEGER, required=True, minimum=0, maximum=23),),
    )


OF_CLASSES = Fitted(
    kind="linear",
    target_kind="multiclass",
    classes=("early", "late", "on time"),
    encoder=FITTED.encoder,
    parameters={
        "intercepts": [-1.0, 0.5, 0.25],
        "terms": [
            {
                "type": "number",
                "mean": 0.5,
                "deviation": 0.5,
                "weights": [0.5, 0.0, -0.5],
                "missing": [0.25, 0.0, 0.0],
            },
            {
                "type": "category",
                "weights": [[0.0] * 3, [0.125] * 3, [0.75, 0.5, 0.25], [0.0, 1.0, 2.0]],
            },
        ],
    },
)


def golden_files(folder=GOLDEN):
    return {p.name: p.read_bytes() for p in folder.iterdir()}


def made_of_classes(**changes):
    arrival = Node("column", value="arrival", type=Type.TEXT)
    return bundle.make(
        msgspec.structs.replace(OF_CLASSES, **changes),
        rung="schedule",
        feature_set=SET,
        unit=msgspec.structs.replace(UNIT, target=arrival),
        contract=(Field(name="hour", type=Type.INTEGER, required=True, minimum=0, maximum=23),),
    )


def test_bundles_of_the_first_format_are_still_read_written_and_answered():
    manifest = bundle.from_files(golden_files())
    assert manifest == msgspec.structs.replace(made(), format_version=1)
    assert manifest.to_files({}) == golden_files()
    predictor = predictors.load(manifest, golden_files())
    # by hand: -2 + ((1 - 0.5) / 0.5) * 0.5 + 0.75 = -0.75; 1 / (1 + exp(0.75))
    assert predictor.predict_one((True, "UA")) == pytest.approx(0.320821300824607, abs=1e-15)
    # -2 + 0.25 + 0 = -1.75
    assert predictor.predict_one((None, None)) == pytest.approx(0.148047198031689, abs=1e-15)
    table = pl.DataFrame({"evening": [False], "airline": ["ZZ"]})
    # -2 - 0.5 - 0.125 = -2.625
    assert predictor.predict_many(table)[0] == pytest.approx(0.067546691139629, abs=1e-15)


def test_bundles_of_the_second_format_are_read_written_and_answered():
    files = golden_files(GOLDEN_2)
    manifest = bundle.from_files(files)
    assert manifest == made_of_classes()
    assert made_of_classes().to_files({}) == files
    predictor = predictors.load(manifest, files)
    # by hand: (-1 + 0.5 + 0.75, 0.5 + 0.5, 0.25 - 0.5 + 0.25) = (0.25, 1, 0);
    # exp: 1.2840254167, 2.7182818285, 1; their sum 5.0023072452
    told = predictor.predict_one((True, "UA"))
    assert told == pytest.approx((0.2566866355, 0.5434056117, 0.1999077528), abs=1e-9)
    # (-1 + 0.25, 0.5, 0.25) = (-0.75, 0.5, 0.25); 0.4723665527, 1.6487212707, 1.2840254167
    table = pl.DataFrame({"evening": [None], "airline": [None]}, schema_overrides=TABLE)
    expected = (0.1387227148, 0.4841898505, 0.3770874347)
    assert predictor.predict_many(table)[0] == pytest.approx(expected, abs=1e-9)


def test_a_bundle_of_lists_is_read_written_and_answered():
    unit = msgspec.structs.replace(UNIT, group=("origin",), holdout=0.05)
    ranking = bundle.make(
        msgspec.structs.replace(FITTED, target_kind="ranking"),
        rung="schedule",
        feature_set=SET,
        unit=unit,
        contract=(),
    )
    files = golden_files(GOLDEN_2.with_name("bundle-v2-lists"))
    assert bundle.from_files(files) == ranking
    assert ranking.to_files({}) == files
    # by hand, as above: -2 + 0.5 + 0.75; a ranking's score is the sum itself
    assert predictors.load(ranking, files).predict_one((True, "UA")) == -0.75
    assert list(ranking.asked) == ["hour", "carrier", "flight_id", "origin", "tail_number"]


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("ranking", {}),
        ("binary", {"group": ("origin",)}),
        ("ranking", {"group": ("origin",), "holdout": 1.0}),
        ("ranking", {"group": ("origin",), "holdout": -0.1}),
    ],
)
def test_lists_that_are_not_those_of_a_ranking_are_refused(kind, changes):
    with pytest.raises(BundleError, match=r"lists|holds out"):
        bundle.make(
            msgspec.structs.replace(FITTED, target_kind=kind),
            rung="schedule",
            feature_set=SET,
            unit=msgspec.structs.replace(UNIT, **changes),
            contract=(),
        )


TABLE = {"evening": pl.Boolean, "airline": pl.String}
CLASSES_THAT_LIE = {
    "out of order": ("late", "early", "on time"),
    "one twice": ("early", "late", "late"),
    "of another type": (1, 2, 3),
    "only one": ("late",),
    "none": (),
    "more than are taken": tuple(f"c{n:04}" for n in range(1001)),
}


@pytest.mark.parametrize("lie", CLASSES_THAT_LIE)
def test_classes_that_are_not_those_of_the_target_are_refused(lie):
    with pytest.raises(BundleError, match="classes"):
        made_of_classes(classes=CLASSES_THAT_LIE[lie])


def test_only_a_target_of_classes_has_classes():
    with pytest.raises(BundleError, match="classes of a binary target"):
        made(classes=("no", "yes"))


@pytest.mark.parametrize(
    "parameters",
    [
        {"intercepts": [0.0, 0.0], "terms": OF_CLASSES.parameters["terms"]},
        {"intercepts": [0.0] * 3, "terms": OF_CLASSES.parameters["terms"][:1]},
        {"intercepts": [0.0] * 3, "terms": OF_CLASSES.parameters["terms"][::-1]},
        {"values": [0.0] * 3},
    ],
)
def test_weights_of_another_shape_are_refused(parameters):
    with pytest.raises(BundleError, match="do not fit"):
        predictors.load(made_of_classes(parameters=parameters), {})


def undated():
    return msgspec.structs.replace(made(), unit=msgspec.structs.replace(UNIT, at=None))


def test_bundles_of_the_second_format_may_have_no_time_of_the_decision():
    content = (GOLDEN.with_name("bundle-v2-undated") / bundle.MANIFEST).read_bytes()
    manifest = bundle.from_files({bundle.MANIFEST: content})
    assert manifest == undated()
    assert manifest.to_files({}) == {bundle.MANIFEST: content}


def test_a_bundle_of_the_first_format_always_has_one():
    older = msgspec.structs.replace(undated(), format_version=1)
    with pytest.raises(BundleError, match="no time of the decision"):
        bundle.from_files(older.to_files({}))


def tiny_onnx():
    """Two numbers and a sum of them, made with ONNX's own helper: nothing of ours."""
    from onnx import TensorProto, helper

    node = helper.make_node(
        "LinearRegressor",
        ["features"],
        ["score"],
        domain="ai.onnx.ml",
        coefficients=[2.0, -1.0],
        intercepts=[0.5],
    )
    graph = helper.make_graph(
        [node],
        "tiny",
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, [None, 2])],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, [None, 1])],
    )
    opsets = [helper.make_opsetid("ai.onnx.ml", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def made_of_onnx():
    parameters = OnnxParameters(
        (OnnxInput("features", "float", ("evening", "hours"), -1.0),), "score"
    )
    outputs = msgspec.structs.replace(
        SET,
        steps=(SET.steps[0], Step("hours", column("hour", Type.INTEGER))),
        outputs=("evening", "hours"),
    )
    fitted = Fitted(
        kind="onnx",
        target_kind="regression",
        parameters=msgspec.to_builtins(parameters),
        files={"model.onnx": tiny_onnx()},
        tolerance=Tolerance(1e-5, 1e-4),
    )
    return bundle.make(fitted, rung="as_it_is", feature_set=outputs, unit=UNIT, contract=())


def test_bundles_of_the_second_format_carry_onnx():
    files = golden_files(GOLDEN.with_name("bundle-v2-onnx"))
    manifest = bundle.from_files(files)
    written = made_of_onnx()
    assert manifest.hash == written.hash
    assert written.to_files({"model.onnx": tiny_onnx()}) == files
    predictor = predictors.load(manifest, files)
    # by hand: 2 * 1 - 18 + 0.5, and with -1 for what is missing: -2 + 1 + 0.5
    assert predictor.predict_one((True, 18)) == -15.5
    assert predictor.predict_one((None, None)) == -0.5
    table = pl.DataFrame({"evening": [True, None], "hours": [18, None]})
    assert predictor.predict_many(table).tolist() == [-15.5, -0.5]


def changed(path, value):
    plain = json.loads(canonical_json(made()))
    holder = plain
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    return {bundle.MANIFEST: canonical_json(plain)}


LIES = {
    "an operation that is not there": (("feature_set", "steps", 0, "node", "op"), "eval"),
    "an argument too few": (("feature_set", "steps", 0, "node", "args"), []),
    "a type that is not its own": (("feature_set", "steps", 0, "node", "type"), "float"),
    "a column that is not named": (("feature_set", "steps", 1, "node", "value"), "other"),
    "a literal that is no literal": (
        ("feature_set", "steps", 0, "node", "args", 1, "value"),
        {"a": 1},
    ),
    "an output that is not computed": (("feature_set", "outputs", 0), "missing"),
    "a step twice": (("feature_set", "steps", 1, "name"), "evening"),
    "an encoder of another feature": (("encoder", "encodings", 0, "name"), "morning"),
    "an unknown kind": (("kind",), "pickle"),
    "an unknown field": (("more",), 1),
    "a path as a file": (("files",), {"../../up": "0" * 64}),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_manifest_that_lies_is_refused(lie):
    with pytest.raises(BundleError):
        bundle.from_files(changed(*LIES[lie]))


def test_nesting_is_bounded_before_anything_recursive_reads_it():
    deep = b"[" * 5_000_000 + b"]" * 5_000_000
    with pytest.raises(BundleError, match="nests"):
        bundle.from_files({bundle.MANIFEST: deep})


def test_size_is_bounded(monkeypatch):
    monkeypatch.setattr(bundle, "MANIFEST_BYTES_MAX", 10)
    with pytest.raises(BundleError, match="above 10 bytes"):
        bundle.from_files(golden_files())


def test_a_file_that_leaves_its_folder_is_refused():
    with pytest.raises(BundleError, match="no file name"):
        made(files={"../x.txt": b""}).to_files({"../x.txt": b""})


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_bundle_error(content):
    with pytest.raises(BundleError):
        bundle.from_files({bundle.MANIFEST: content})


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_changed_byte_is_a_bundle_error_when_asked_by_hash(data):
    content = bytearray(canonical_json(made()))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(BundleError):
        bundle.from_files({bundle.MANIFEST: bytes(content)}, expected_hash=made().hash)
    with contextlib.suppress(BundleError):  # without a hash, a changed weight cannot be seen
        bundle.from_files({bundle.MANIFEST: bytes(content)})


@settings(max_examples=200, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_weights_are_stored_exactly(value):
    manifest = made(parameters={"intercept": value, "terms": []})
    again = bundle.from_files(manifest.to_files({}))
    assert again.parameters["intercept"].hex() == value.hex()
