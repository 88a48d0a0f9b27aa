"""What user code in models.py makes: candidates, the rungs of the ladder above the rules."""

from __future__ import annotations

import dataclasses
import inspect
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import FunctionType, MethodType
from typing import Any, Literal

from isbjerg.errors import ArgumentError
from isbjerg.features.definitions import Feature
from isbjerg.models.search import Search

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
"""Where an object lies in memory, which is another place each time."""

ModelKind = Literal["linear", "boosted_trees", "sklearn", "catboost", "onnx"]


@dataclass(frozen=True)
class ModelSpec:
    """A kind of model and the parameters it is to be fitted with.

    Parameters
    ----------
    kind : {"linear", "boosted_trees", "sklearn", "catboost", "onnx"}
        Which library fits it.
    parameters : tuple of (str, Any)
        As the user gave them.
    estimator : Any
        The user's own object, for ``"sklearn"``.
    search : Search or None
        Which other parameters are to be tried.
    """

    kind: ModelKind
    parameters: tuple[tuple[str, Any], ...] = ()
    estimator: Any = None
    search: Search | None = None

    @property
    def repeatable(self) -> bool:
        """Whether `record` says all that a fit follows from.

        It does not for an estimator of the user's own, whose code may change under its name, nor
        for one that holds a function.
        """
        if self.estimator is None:
            return True
        held = [self.estimator, *self.estimator.get_params(deep=True).values()]
        return all(_is_told(item) for item in held)

    def record(self) -> dict[str, Any]:
        """Write down what was asked for, in values that JSON has; two specs that differ differ here.

        Examples
        --------
        >>> linear(penalty=0.1).record()
        {'penalty': 0.1}
        """
        told: dict[str, Any] = {name: _plain(value) for name, value in self.parameters}
        if self.estimator is not None:
            kind = type(self.estimator)
            own = self.estimator.get_params(deep=True)
            told["estimator"] = f"{kind.__module__}.{kind.__qualname__}"
            told["estimator_parameters"] = {name: _plain(own[name]) for name in sorted(own)}
        if self.search is not None:
            told["search"] = _plain(dataclasses.asdict(self.search))
        return told


def _is_told(value: Any) -> bool:
    if value is None or isinstance(value, str | bool | int | float):
        return True
    if isinstance(value, list | tuple):
        return all(_is_told(item) for item in value)
    if isinstance(value, FunctionType | MethodType):
        return False
    kind = value if isinstance(value, type) else type(value)
    return kind.__module__.partition(".")[0] in ("sklearn", "numpy", "builtins")


def _plain(value: Any) -> Any:
    """Make a value that JSON has; what has no such form is told as Python shows it."""
    if isinstance(value, float):
        return value if math.isfinite(value) else repr(value)
    if value is None or isinstance(value, str | bool | int):
        return value
    if hasattr(value, "tolist") and not isinstance(value, type):
        return _plain(value.tolist())
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, Sequence):
        return [_plain(item) for item in value]
    return _ADDRESS.sub("", repr(value))


def linear(**parameters: Any) -> ModelSpec:
    """Ask for a linear model: logistic for a binary target, ridge for a number.

    Parameters
    ----------
    **parameters : Any
        ``penalty``: strength of the L2 penalty, default 1.0.

    Examples
    --------
    >>> linear(penalty=0.1).kind
    'linear'
    """
    return ModelSpec("linear", tuple(sorted(parameters.items())))


def boosted_trees(**parameters: Any) -> ModelSpec:
    """Ask for gradient-boosted trees, fitted by LightGBM.

    Parameters
    ----------
    **parameters : Any
        LightGBM's own names, such as ``num_leaves``; what is not given has a default that is
        shown in the run's record.

    Examples
    --------
    >>> boosted_trees(num_leaves=15).parameters
    (('num_leaves', 15),)
    """
    return ModelSpec("boosted_trees", tuple(sorted(parameters.items())))


@dataclass(frozen=True)
class Candidate:
    """A rung: which features, which kind of model."""

    name: str
    features: tuple[Feature, ...] = field(repr=False)
    spec: ModelSpec
    meaning: str | None = None


def candidate(*, features: Sequence[Feature]) -> Callable[[Callable[[], ModelSpec]], Candidate]:
    """Declare a candidate: decorate the function that says which model it is.

    Parameters
    ----------
    features : sequence of Feature
        What the model takes, in this order.

    Raises
    ------
    ArgumentError
        When `features` is empty or holds something else, or the function does not return what
        `linear`, `boosted_trees`, `sklearn`, `onnx`, `catboost` or `search` returns.

    Examples
    --------
    >>> from isbjerg.features.definitions import feature
    >>> @feature
    ... def hour(sched_dep_local):
    ...     return sched_dep_local.hour()
    >>> @candidate(features=[hour])
    ... def schedule():
    ...     return linear()
    >>> schedule.name, schedule.spec.kind
    ('schedule', 'linear')
    """
    chosen = tuple(features)
    if not chosen or not all(isinstance(f, Feature) for f in chosen):
        raise ArgumentError.out_of_range(
            "features", "candidate", "be a list of features, at least one", features
        )

    def declare(function: Callable[[], ModelSpec]) -> Candidate:
        spec = function()
        if not isinstance(spec, ModelSpec):
            raise ArgumentError.out_of_range(
                "return", function.__name__, "be a model, such as ib.boosted_trees(...)", spec
            )
        return Candidate(function.__name__, chosen, spec, inspect.getdoc(function))

    return declare
