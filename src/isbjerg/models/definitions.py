"""What user code in models.py makes: candidates, the rungs of the ladder above the rules."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from isbjerg.errors import ArgumentError
from isbjerg.features.definitions import Feature

ModelKind = Literal["linear", "boosted_trees"]


@dataclass(frozen=True)
class ModelSpec:
    """A kind of model and the parameters it is to be fitted with."""

    kind: ModelKind
    parameters: tuple[tuple[str, Any], ...] = ()


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
        `linear` or `boosted_trees` returns.

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
                "return", function.__name__, "be ib.linear(...) or ib.boosted_trees(...)", spec
            )
        return Candidate(function.__name__, chosen, spec, inspect.getdoc(function))

    return declare
