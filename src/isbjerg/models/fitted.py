"""What fitting hands over: parameters and files, from which a bundle is made.

Nothing here knows how a kind of model is trained or asked; a kind of model is a module that
makes one of these (`constant`, `rule`, `linear`, `boosted`) and a predictor that reads it
(`predictors`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from isbjerg.errors import ModelError
from isbjerg.models.encoding import Encoder

if TYPE_CHECKING:
    import polars as pl

Kind = Literal["constant", "rule", "linear", "boosted_trees", "onnx"]
"""The kinds of model that a bundle can carry."""

TargetKind = Literal["binary", "regression", "multiclass", "ranking"]
"""What is predicted: the probability of a truth, a number, a probability of each class, or a
score that orders the rows of a list."""

Class = str | int | bool
"""A class, as the target's carrier."""


class Tolerance(msgspec.Struct, frozen=True):
    """How far two ways of computing a score may lie apart.

    Parameters
    ----------
    absolute : float
        In units of the score.
    relative : float
        As a share of the score.

    Examples
    --------
    >>> Tolerance(0.1, 0.01).allows(100.0, 101.1), Tolerance(0.1, 0.01).allows(0.0, 0.2)
    (True, False)
    """

    absolute: float
    relative: float

    def allows(self, score: float, other: float) -> bool:
        """Say whether `other` is close enough to `score`."""
        return abs(score - other) <= self.absolute + self.relative * abs(score)

    def __str__(self) -> str:
        return f"{self.absolute:.1g} and {self.relative:.2%} of the score"


class Carriage(msgspec.Struct, frozen=True):
    """How a model's own scores compare with those of the form in which a bundle carries it.

    Parameters
    ----------
    rows : int
        Rows scored both ways.
    edges : int
        Those of them that were made up: missing values, texts never seen, far numbers.
    differing : int
        Rows outside the tolerance.
    largest : float
        The largest difference.
    tolerance : Tolerance
        What was allowed.
    """

    rows: int
    edges: int
    differing: int
    largest: float
    tolerance: Tolerance

    def __str__(self) -> str:
        return (
            f"{self.differing:,} of {self.rows:,} rows ({self.edges:,} of them made up) score "
            f"otherwise than allowed ({self.tolerance}); the largest difference is "
            f"{self.largest:.2g}"
        )


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """A trained model, not yet bundled.

    Parameters
    ----------
    kind : {"constant", "rule", "linear", "boosted_trees", "onnx"}
        Which predictor reads it.
    target_kind : {"binary", "regression", "multiclass", "ranking"}
        What it predicts.
    classes : tuple
        Classes of a multiclass target, in the order of the answers; else empty.
    encoder : Encoder
        How features become numbers; empty where none is needed.
    parameters : dict
        What was learnt, JSON-able.
    files : dict of str to bytes
        What does not fit into parameters: LightGBM's text.
    notes : tuple of str
        What the training had to say: iterations, a fit that did not converge.
    tolerance : Tolerance or None
        How far one row and a table may differ; ``None`` for not in one bit.
    carriage : Carriage or None
        For a model that was fitted in one form and is carried in another.
    """

    kind: Kind
    target_kind: TargetKind
    classes: tuple[Class, ...] = ()
    encoder: Encoder = Encoder()
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    files: dict[str, bytes] = msgspec.field(default_factory=dict)
    notes: tuple[str, ...] = ()
    tolerance: Tolerance | None = None
    carriage: Carriage | None = None


@dataclass(frozen=True)
class EvaluatedOnly:
    """A trained model that no bundle can carry: it can be measured here, and not released.

    Parameters
    ----------
    target_kind : {"binary", "regression"}
        What it predicts.
    score : callable
        Scores a table of features.
    why : str
        Why it cannot be carried, without a full stop.
    mend : str
        What would make it so.
    notes : tuple of str
        What the training had to say.
    """

    target_kind: TargetKind
    score: Callable[[pl.DataFrame], NDArray[np.float64]]
    why: str
    mend: str
    notes: tuple[str, ...] = ()


def truth_as_floats(truth: NDArray[Any], target_kind: TargetKind) -> NDArray[np.float64]:
    """Check a training target and turn it into floats.

    A multiclass target comes as the positions of its classes.

    Raises
    ------
    ModelError
        When there is no row, a value is missing, or a target of classes has one only: no
        model can be learnt from such rows; widen the training part.

    Examples
    --------
    >>> truth_as_floats(np.array([True, False]), "binary")
    array([1., 0.])
    """
    numbers = np.asarray(truth, dtype=np.float64)
    if numbers.size == 0 or not np.isfinite(numbers).all():
        raise ModelError(
            f"A model cannot be trained: {numbers.size} training rows, "
            f"{int((~np.isfinite(numbers)).sum())} of them without an outcome.",
            code="ISB402",
            mend="train on rows whose outcome is known; see `isbjerg status` for how many there are",
        )
    if target_kind == "binary" and np.unique(numbers).tolist() != [0.0, 1.0]:
        found = np.unique(numbers)[:3].tolist()
        raise ModelError(
            f"A binary target needs both classes among the training rows. Found: {found}.",
            code="ISB403",
            mend='widen the training part, or set target.kind = "regression" in frame.toml',
            found=found,
        )
    if target_kind == "multiclass" and np.unique(numbers).size < 2:  # noqa: PLR2004 - two make a choice
        raise ModelError(
            "A multiclass target needs two classes or more among the training rows. Found: one.",
            code="ISB403",
            mend="widen the training part: [split] in frame.toml",
        )
    return numbers
