"""A model file is a stranger's: what may not be run is refused before a runtime sees it."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from isbjerg.errors import BundleError
from isbjerg.models import onnx_check
from isbjerg.models.onnx_check import check_model


def port(name, width=2, element=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, element, [None, width])


def model(nodes, *, weights=(), inputs=None, outputs=None, domains=("", "ai.onnx.ml"), **more):
    graph = helper.make_graph(
        nodes, "graph", inputs or [port("x")], outputs or [port("y", 1)], initializer=list(weights)
    )
    opsets = [helper.make_opsetid(d, 1 if d else 18) for d in domains]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8, **more)


def plain(**more):
    weight = numpy_helper.from_array(np.ones((2, 1), np.float32), "w")
    return model([helper.make_node("MatMul", ["x", "w"], ["y"])], weights=[weight], **more)


def test_what_a_model_takes_and_gives_is_read():
    found = check_model(plain().SerializeToString())
    (taken,), (given_,) = found.inputs, found.outputs
    assert (taken.name, taken.element, taken.width, taken.dimensions) == ("x", "float", 2, 2)
    assert (given_.name, given_.element, given_.width) == ("y", "float", 1)
    assert found.opsets == {"": 18, "ai.onnx.ml": 1}
    assert found.nodes == 1


def test_an_input_with_a_default_is_no_input():
    found = plain()
    found.graph.input.append(helper.make_tensor_value_info("w", TensorProto.FLOAT, [2, 1]))
    assert [p.name for p in check_model(found.SerializeToString()).inputs] == ["x"]


def external():
    made = plain()
    weight = made.graph.initializer[0]
    weight.ClearField("raw_data")
    weight.data_location = TensorProto.EXTERNAL
    entry = weight.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    return made


def said_to_lie_elsewhere():
    made = plain()
    made.graph.initializer[0].data_location = TensorProto.EXTERNAL
    return made


def nested(depth):
    inner = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["z"])], "inner", [], [port("z")]
    )
    for _ in range(depth):
        node = helper.make_node("If", ["c"], ["z"], then_branch=inner, else_branch=inner)
        inner = helper.make_graph([node], "inner", [], [port("z")])
    return model(list(inner.node))


def with_function():
    made = plain()
    made.functions.append(
        helper.make_function(
            "own", "f", ["a"], ["b"], [helper.make_node("Identity", ["a"], ["b"])],
            [helper.make_opsetid("", 18)],
        )
    )  # fmt: skip
    return made


def huge():
    made = plain()
    made.graph.initializer[0].dims[:] = [2**20, 2**20]
    return made


def sparse_attribute():
    value = helper.make_tensor("v", TensorProto.FLOAT, [1], [1.0])
    index = helper.make_tensor("i", TensorProto.INT64, [1], [0])
    sparse = helper.make_sparse_tensor(value, index, [4])
    return model([helper.make_node("Constant", [], ["y"], sparse_value=sparse)])


HOSTILE = {
    "weights in another file": (external, "another file"),
    "weights said to lie elsewhere": (said_to_lie_elsewhere, "another file"),
    "an operator of another domain": (
        lambda: model(
            [helper.make_node("Evil", ["x"], ["y"], domain="com.evil")], domains=("", "com.evil")
        ),
        "com.evil",
    ),
    "a foreign operator whose domain is not imported": (
        lambda: model([helper.make_node("Evil", ["x"], ["y"], domain="com.evil")]),
        "com.evil.Evil",
    ),
    "an unknown operator": (lambda: model([helper.make_node("Shell", ["x"], ["y"])]), "Shell"),
    "chance": (
        lambda: model([helper.make_node("RandomNormalLike", ["x"], ["y"])]), "RandomNormalLike",
    ),
    "a loop": (lambda: model([helper.make_node("Loop", ["x"], ["y"])]), "Loop"),
    "functions": (with_function, "functions"),
    "graphs without end": (lambda: nested(6), "nest"),
    "a weight that says it is huge": (huge, "a weight of"),
    "sparse weights": (sparse_attribute, "sparse"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_models_are_refused(name):
    make, word = HOSTILE[name]
    with pytest.raises(BundleError, match=word) as fault:
        check_model(make().SerializeToString())
    assert fault.value.kind_code == "ISB431"


def test_an_operator_hidden_in_a_branch_is_found():
    inner = helper.make_graph([helper.make_node("Loop", ["x"], ["z"])], "inner", [], [port("z")])
    node = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    with pytest.raises(BundleError, match="Loop"):
        check_model(model([node]).SerializeToString())


def test_two_graphs_are_refused():
    # Protocol buffers join a field that comes twice; two readers could see two models.
    content = plain().SerializeToString()
    with pytest.raises(BundleError, match="2 graphs"):
        check_model(content + content)


def test_an_operator_named_twice_is_refused():
    evil = plain()
    node = evil.graph.node[0].SerializeToString()
    twice = node + b"\x22\x04Loop"  # field 4, four bytes: the last one counts
    content = evil.SerializeToString()
    place = content.index(node)
    assert content[place - 1] == len(node)  # its length
    graph = evil.graph.SerializeToString()
    graph = graph.replace(bytes([len(node)]) + node, bytes([len(twice)]) + twice)
    rest = plain()
    rest.ClearField("graph")
    whole = rest.SerializeToString() + b"\x3a" + bytes([len(graph)]) + graph
    with pytest.raises(BundleError, match="Loop"):
        check_model(whole)


def test_sizes_are_bounded(monkeypatch):
    monkeypatch.setattr(onnx_check, "MODEL_BYTES_MAX", 50)
    with pytest.raises(BundleError, match="at most 50"):
        check_model(plain().SerializeToString())
    monkeypatch.undo()
    monkeypatch.setattr(onnx_check, "NODES_MAX", 3)
    nodes = [helper.make_node("Identity", ["x"], [f"y{i}"]) for i in range(4)]
    with pytest.raises(BundleError, match="more than 3 nodes"):
        check_model(model(nodes).SerializeToString())


@settings(deadline=None, max_examples=200)
@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_read(content):
    with contextlib.suppress(BundleError):
        check_model(content)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_any_damage_is_refused_or_read(data):
    content = bytearray(plain().SerializeToString())
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    with contextlib.suppress(BundleError):
        check_model(bytes(content[:cut]))
