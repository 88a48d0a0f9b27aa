"""What a bundle says of its ONNX model: which features go in where, which number comes out.

Kept apart from the runtime, so that a bundle can be read and checked where no runtime is.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from isbjerg.models.design import Design

FILE = "model.onnx"
"""Name of the model in a bundle."""

Element = Literal["float", "double", "int64", "int32", "bool", "string"]
Link = Literal["identity", "logistic"]


class OnnxInput(msgspec.Struct, frozen=True, omit_defaults=True):
    """One input of the model.

    Parameters
    ----------
    name : str
        The model's name for it.
    element : {"float", "double", "int64", "int32", "bool", "string"}
        What it holds.
    features : tuple of str
        Which features, one column each, in order.
    missing : float or str or None
        What stands for a missing value; ``None`` is NaN, which only floats have.
    flat : bool
        Whether it has one dimension, not two.
    """

    name: str
    element: Element
    features: tuple[str, ...]
    missing: float | str | None = None
    flat: bool = False


class OnnxParameters(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a bundle's ONNX model is asked.

    Parameters
    ----------
    inputs : tuple of OnnxInput
        All inputs of the model; with a `design` the only one takes its columns.
    output : str
        The output that holds the score.
    column : int or None
        Its column, ``-1`` for the last; ``None`` for all of them, one per class.
    link : {"identity", "logistic"}
        ``"logistic"`` turns a decision value into a number between 0 and 1.
    design : Design or None
        How encoded features become the columns of the only input.
    """

    inputs: tuple[OnnxInput, ...]
    output: str
    column: int | None = -1
    link: Link = "identity"
    design: Design | None = None
