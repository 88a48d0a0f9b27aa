"""A user's ONNX model as it is: filled by names, tried out, asked, refused with a mend."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from onnx import TensorProto, helper, numpy_helper

from isbjerg.errors import BundleError, ModelError
from isbjerg.expressions.tree import Type
from isbjerg.models import onnx_fit
from isbjerg.models.encoding import Encoder
from isbjerg.models.fitted import EvaluatedOnly, Fitted
from isbjerg.models.onnx_parameters import OnnxParameters
from isbjerg.models.onnx_predictor import OnnxPredictor
from isbjerg.models.rungs import onnx

TYPES = [Type.FLOAT, Type.INTEGER, Type.TEXT]
ROWS = pl.DataFrame(
    {"size": [0.5, None, 2.0, -3.0], "hour": [7, 12, None, 23], "shop": ["a", "b", None, "c"]}
)
TRUTH = np.array([0.0, 1.0, 1.0, 0.0])


def value(name, element, *shape):
    return helper.make_tensor_value_info(name, element, list(shape))


def sigmoid_of(inputs, nodes, *, last="z", outputs=None, weights=()):
    nodes = [*nodes, helper.make_node("Sigmoid", [last], ["y"])]
    graph = helper.make_graph(
        nodes, "g", inputs, outputs or [value("y", TensorProto.FLOAT, None, 1)], list(weights)
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()


def two_numbers(**more):
    """1 / (1 + exp(-(2 size - hour + 12)))."""
    weight = numpy_helper.from_array(np.array([[2.0], [-1.0]], np.float32), "w")
    shift = numpy_helper.from_array(np.array([12.0], np.float32), "b")
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["m"]),
        helper.make_node("Add", ["m", "b"], ["z"]),
    ]
    return sigmoid_of(
        [value("x", TensorProto.FLOAT, None, 2)], nodes, weights=[weight, shift], **more
    )


def fit(model, asked, *, kind="binary", columns=ROWS, types=TYPES):
    return onnx_fit.fit(
        columns, TRUTH, kind, types=types, model=model, settings=dict(asked.parameters)
    )


def test_a_model_answers_as_by_hand():
    asked = onnx("m.onnx", inputs={"x": ["size", "hour"]}, missing={"x": 0.0})
    fitted = fit(two_numbers(), asked)
    assert isinstance(fitted, Fitted)
    parameters = OnnxParameters(**{**fitted.parameters, "inputs": ()})
    assert parameters.output == "y"
    predictor = predictor_of(fitted)
    # 2 * 0.5 - 7 + 12 = 6; a missing size counts as 0: -12 + 12 = 0
    assert predictor.predict_one((0.5, 7, "a")) == pytest.approx(0.9975273768, abs=1e-6)
    assert predictor.predict_one((None, 12, None)) == 0.5
    many = predictor.predict_many(ROWS)
    assert many == pytest.approx([0.9975273768, 0.5, 0.9999998875, 3.77e-08], abs=1e-6)


def predictor_of(fitted):
    import msgspec

    parameters = msgspec.convert(fitted.parameters, OnnxParameters)
    return OnnxPredictor(
        fitted.files["model.onnx"], parameters, Encoder(), ROWS.columns, fitted.target_kind
    )


def test_inputs_are_found_by_name_and_texts_go_in_as_texts():
    encoder = helper.make_node(
        "LabelEncoder", ["shop"], ["code"], domain="ai.onnx.ml",
        keys_strings=["a", "b"], values_floats=[1.0, -1.0], default_float=0.0,
    )  # fmt: skip
    model = sigmoid_of(
        [value("size", TensorProto.FLOAT, None, 1), value("shop", TensorProto.STRING, None, 1)],
        [encoder, helper.make_node("Add", ["size", "code"], ["z"])],
    )
    fitted = fit(model, onnx("m.onnx", missing={"size": 0.0}))
    predictor = predictor_of(fitted)
    # 0.5 + 1; 0 - 1; 0 + 0
    assert predictor.predict_one((0.5, 1, "a")) == pytest.approx(0.8175744762, abs=1e-6)
    assert predictor.predict_one((None, 1, "b")) == pytest.approx(0.2689414214, abs=1e-6)
    assert predictor.predict_one((None, 1, "never seen")) == 0.5


def test_whole_numbers_must_say_what_stands_for_missing():
    model = sigmoid_of(
        [value("hour", TensorProto.INT64, None, 1)],
        [helper.make_node("Cast", ["hour"], ["z"], to=TensorProto.FLOAT)],
    )
    with pytest.raises(ModelError, match="no missing value") as fault:
        fit(model, onnx("m.onnx"))
    assert fault.value.mend == "ib.onnx(..., missing={'hour': -1})"
    assert isinstance(fit(model, onnx("m.onnx", missing={"hour": -1})), Fitted)


def test_a_model_without_an_answer_for_a_missing_value_is_evaluated_only():
    present = ROWS.drop_nulls()
    asked = onnx("m.onnx", inputs={"x": ["size", "hour"]})
    only = onnx_fit.fit(
        present, TRUTH, "binary", types=TYPES, model=two_numbers(), settings=dict(asked.parameters)
    )
    assert isinstance(only, EvaluatedOnly)
    assert only.why == "it gives no number for a missing size, hour, shop"
    assert only.score(present).shape == (2,)
    with pytest.raises(ModelError, match="no number for 2 of 4 rows"):
        fit(two_numbers(), asked)


WRONG = {
    "a feature that is not there": (onnx("m", inputs={"x": ["size", "our"]}), "names 'our'"),
    "an input that is not there": (onnx("m", inputs={"X": ["size", "hour"]}), "takes .'x'."),
    "a text in an input of numbers": (onnx("m", inputs={"x": ["size", "shop"]}), "are texts"),
    "too few columns": (onnx("m", inputs={"x": "size"}), "has 2 columns, 1 are given"),
    "an output that is not there": (
        onnx("m", inputs={"x": ["size", "hour"]}, output="label"), "asked for is 'label'",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_does_not_fit_is_told(name):
    asked, words = WRONG[name]
    with pytest.raises((ModelError, BundleError), match=words):
        fit(two_numbers(), asked)


def test_a_decision_value_is_no_probability():
    weight = numpy_helper.from_array(np.array([[2.0], [-1.0]], np.float32), "w")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "g",
        [value("x", TensorProto.FLOAT, None, 2)],
        [value("y", TensorProto.FLOAT, None, 1)],
        [weight],
    )
    opsets = [helper.make_opsetid("", 18)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    inputs, missing = {"x": ["size", "hour"]}, {"x": 0.0}
    with pytest.raises(ModelError, match="must be a probability") as fault:
        fit(model, onnx("m", inputs=inputs, missing=missing))
    assert "logits=True" in fault.value.mend
    fitted = fit(model, onnx("m", inputs=inputs, missing=missing, logits=True))
    # by hand: the logistic function of 2 * 2 - 3
    assert predictor_of(fitted).predict_one((2.0, 3, None)) == pytest.approx(0.7310585786, abs=1e-6)
    assert isinstance(
        fit(model, onnx("m", inputs=inputs, missing=missing), kind="regression"), Fitted
    )


def test_a_map_of_probabilities_is_refused_with_its_mend():
    zipped = helper.make_node(
        "ZipMap", ["x"], ["y"], domain="ai.onnx.ml", classlabels_int64s=[0, 1]
    )
    of = helper.make_map_type_proto(
        TensorProto.INT64, helper.make_tensor_type_proto(TensorProto.FLOAT, [])
    )
    output = helper.make_value_info("y", helper.make_sequence_type_proto(of))
    graph = helper.make_graph([zipped], "g", [value("x", TensorProto.FLOAT, None, 2)], [output])
    opsets = [helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8).SerializeToString()
    with pytest.raises(BundleError, match="zipmap"):
        fit(model, onnx("m", inputs={"x": ["size", "hour"]}))


def test_only_files_of_the_project_are_read(tmp_path):
    (tmp_path / "p").mkdir()
    (tmp_path / "secret.onnx").write_bytes(two_numbers())
    (tmp_path / "p" / "link.onnx").symlink_to(tmp_path / "secret.onnx")
    for name in ("../secret.onnx", "link.onnx", "nothing.onnx", str(tmp_path / "secret.onnx")):
        with pytest.raises(ModelError, match="no file") as fault:
            onnx_fit.read(tmp_path / "p", name)
        assert fault.value.kind_code == "ISB435"
    (tmp_path / "p" / "own.onnx").write_bytes(two_numbers())
    assert onnx_fit.read(tmp_path / "p", "own.onnx") == two_numbers()


@pytest.mark.parametrize("size", [(2**22, 2**22), (5 * 2**14, 2**14)])
def test_a_model_that_asks_for_too_much_dies_where_it_harms_nobody(size):
    """A file of 300 bytes; its array has 64 TB, or the 5 GB that this machine might have."""
    shape = numpy_helper.from_array(np.array(size, np.int64), "shape")
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["big"]),
        helper.make_node("ReduceSum", ["big"], ["s"], keepdims=0),
        helper.make_node("Add", ["x", "s"], ["z"]),
    ]
    model = sigmoid_of([value("x", TensorProto.FLOAT, None, 1)], nodes, weights=[shape])
    assert len(model) < 400
    with pytest.raises(BundleError) as fault:
        fit(model, onnx("m", inputs={"x": "size"}, missing={"x": 0.0}))
    assert fault.value.kind_code == "ISB431"
