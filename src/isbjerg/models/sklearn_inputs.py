"""How features meet an estimator, and how the same features meet its ONNX form.

There are two ways. An estimator that takes numbers only has the default encoding in front
(`isbjerg.models.design`). A Pipeline is taken as it stands and is given a table with names, so
that its own transformers find their columns. Either way numbers are rounded to single precision
before anything is learnt from them, because that is what ONNX computes in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.errors import TypingError
from isbjerg.expressions.tree import Type
from isbjerg.models.design import Design
from isbjerg.models.encoding import Encoder
from isbjerg.models.extras import need
from isbjerg.models.onnx_model import column_values
from isbjerg.models.onnx_parameters import Element, OnnxInput, OnnxParameters
from isbjerg.models.onnx_predictor import carriers

MATRIX = "features"
"""Name of the input that takes all features side by side."""


class Inputs(Protocol):
    """How features are handed over."""

    @property
    def encoder(self) -> Encoder:
        """What a bundle must hold; empty where features go in as they are."""
        ...

    def table(self, columns: pl.DataFrame) -> Any:
        """Make what the estimator is fitted and asked with."""
        ...

    def layouts(self) -> list[OnnxParameters]:
        """List the ways in which the ONNX form may take the same, the best first."""
        ...


@dataclass(frozen=True)
class Encoded:
    """The default encoding in front."""

    encoder: Encoder
    design: Design

    def table(self, columns: pl.DataFrame) -> NDArray[np.float64]:
        """Make the columns of the design; doubles that single precision holds exactly."""
        return self.design.apply(self.encoder.encode_many(columns)).astype(np.float64)

    def layouts(self) -> list[OnnxParameters]:
        """List one matrix, of single and of double precision."""
        names = tuple(e.name for e in self.encoder.encodings)
        elements: list[Element] = ["float", "double"]
        return [
            OnnxParameters((OnnxInput(MATRIX, e, names),), "", design=self.design) for e in elements
        ]


@dataclass(frozen=True)
class AsTheyAre:
    """A table with names: numbers and truth values as floats, texts as texts.

    A missing number is NaN, a missing text is the empty text.
    """

    names: tuple[str, ...]
    types: tuple[Type, ...]

    @property
    def encoder(self) -> Encoder:
        """Nothing is encoded."""
        return Encoder()

    def table(self, columns: pl.DataFrame) -> Any:
        """Make a pandas table."""
        pandas = need("pandas", extra="sklearn", purpose="A Pipeline that finds columns by name")
        single = {item.name: item for item in self._columns("float")}
        made = {}
        for name in self.names:
            values = column_values(single[name], [carriers(columns, name)])[:, 0]
            made[name] = values if values.dtype == object else values.astype(np.float64)
        return pandas.DataFrame(made)

    def layouts(self) -> list[OnnxParameters]:
        """List one input per feature, then, without texts, one matrix."""
        elements: list[Element] = ["float", "double"]
        made = [OnnxParameters(self._columns(e), "") for e in elements]
        if Type.TEXT not in self.types:
            made += [OnnxParameters((OnnxInput(MATRIX, e, self.names),), "") for e in elements]
        return made

    def _columns(self, element: Element) -> tuple[OnnxInput, ...]:
        return tuple(
            OnnxInput(name, "string", (name,), "")
            if type_ is Type.TEXT
            else OnnxInput(name, element, (name,))
            for name, type_ in zip(self.names, self.types, strict=True)
        )


def as_they_are(names: Sequence[str], types: Sequence[Type]) -> AsTheyAre:
    """Hand features over as they are.

    Raises
    ------
    TypingError
        When a feature is a time: no model takes one.
    """
    for name, type_ in zip(names, types, strict=True):
        if type_ in (Type.INSTANT, Type.LOCAL):
            raise TypingError(
                f"Feature '{name}' is of type {type_.value}; a model takes numbers, truth values, "
                "texts and durations.",
                code="ISB401",
                mend=f"return {name}.hour(), {name}.weekday(), or a difference of two times",
                feature=name,
                type=type_.value,
            )
    return AsTheyAre(tuple(names), tuple(types))
