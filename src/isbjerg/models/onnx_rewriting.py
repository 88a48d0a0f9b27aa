"""Classifiers without maps: an output of one dictionary per row becomes the table behind it.

skl2onnx and CatBoost end a classifier with ``ZipMap``, which turns a table of probabilities into a
list of dictionaries. It is slow, and it is no tensor. The node is taken out and what goes into it
is given out instead. Only models made here are rewritten; a user's is run as it is or not at all.
"""

from __future__ import annotations

from typing import Any

from isbjerg.models.extras import need

_FLOAT = 1
"""ONNX's number for single precision."""


def without_maps(model: Any) -> tuple[bytes, list[str]]:
    """Take the maps off the end of a model.

    Parameters
    ----------
    model : onnx.ModelProto
        Changed in place.

    Returns
    -------
    tuple of (bytes, list of str)
        The model's file, and the names of its outputs in order.
    """
    helper = need("onnx.helper", extra="sklearn", purpose="Rewriting an ONNX model")
    graph = model.graph
    maps = [node for node in graph.node if node.op_type == "ZipMap"]
    behind = {node.output[0]: node.input[0] for node in maps}
    for node in maps:
        graph.node.remove(node)
    for place, output in enumerate(graph.output):
        if output.name in behind:
            table = helper.make_tensor_value_info(behind[output.name], _FLOAT, [None, None])
            graph.output[place].CopyFrom(table)
    return model.SerializeToString(deterministic=True), [output.name for output in graph.output]
