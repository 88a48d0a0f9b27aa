"""The rung of common sense: a rule written by hand, as the one output of a feature set.

A rule is an expression like any feature, so a server computes it with the same generated
code. What is learnt is only what to say when the rule says nothing: the training mean.

A rule for a multiclass target names a class. Its probability is how often the rule was right
among the training rows, never below `SURE_MIN`, so that the rule's class stays its answer; the
other classes share the rest as often as they occur.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.errors import TypingError
from isbjerg.expressions.tree import Type
from isbjerg.models import constant
from isbjerg.models.fitted import Class, Fitted, TargetKind, truth_as_floats

SURE_MIN = 0.51
"""The class that a rule names gets at least this probability: more than half."""

_SCORES = frozenset({Type.BOOLEAN, Type.INTEGER, Type.FLOAT})


def fit(truth: NDArray[Any], target_kind: TargetKind, *, type_: Type) -> Fitted:
    """Learn what a rule answers where it is null.

    Parameters
    ----------
    truth : numpy.ndarray of shape (n_rows,)
        Truth values or numbers of the training rows.
    target_kind : {"binary", "regression", "ranking"}
        What is predicted; see `fit_classes` for a multiclass target. A binary rule's score is held within 0 and 1.
    type_ : Type
        Type of the rule's expression.

    Returns
    -------
    Fitted
        With one parameter, ``fallback``: the training mean.

    Raises
    ------
    TypingError
        When the rule is no number and no truth value.

    Examples
    --------
    >>> import numpy as np
    >>> fit(np.array([1.0, 3.0]), "regression", type_=Type.FLOAT).parameters
    {'fallback': 2.0}
    """
    if type_ not in _SCORES:
        raise TypingError(
            f"A rule must score with a number or a truth value. Got {type_.value}.",
            code="ISB404",
            mend="return ib.when(condition).then(0.35).otherwise(0.1)",
            type=type_.value,
        )
    mean = constant.fit(truth, target_kind).parameters["value"]
    return Fitted(kind="rule", target_kind=target_kind, parameters={"fallback": mean})


def fit_classes(
    truth: NDArray[Any], classes: tuple[Class, ...], said: pl.Series, *, type_: Type, of: Type
) -> Fitted:
    """Learn how sure a rule that names classes may be.

    Parameters
    ----------
    truth : numpy.ndarray of shape (n_rows,)
        Positions of the training rows' classes.
    classes : tuple
        The classes.
    said : polars.Series
        What the rule says of the training rows.
    type_, of : Type
        Type of the rule's expression, and of the target.

    Returns
    -------
    Fitted
        With the parameters ``sure``, the probability of the class that is named, and
        ``shares``, how often each class occurs.

    Raises
    ------
    TypingError
        When the rule is of another type than the target.

    Examples
    --------
    Two of four rows named rightly, with one more of each kind for caution: a half, hence 0.51.

    >>> truth, said = np.array([0, 1, 1, 0]), pl.Series(["a", "b", "a", "b"])
    >>> fit_classes(truth, ("a", "b"), said, type_=Type.TEXT, of=Type.TEXT).parameters
    {'sure': 0.51, 'shares': [0.5, 0.5]}
    """
    if type_ is not of:
        raise TypingError(
            f"A rule for a multiclass target must name a class, of type {of.value}. "
            f"Got {type_.value}.",
            code="ISB404",
            mend=f"return ib.when(condition).then({classes[0]!r}).otherwise({classes[-1]!r})",
            type=type_.value,
        )
    positions = truth_as_floats(truth, "multiclass")
    place = {name: position for position, name in enumerate(classes)}
    named = np.array([place.get(name, -1) for name in said.to_list()])
    right, told = int((named == positions).sum()), int((named >= 0).sum())
    return Fitted(
        kind="rule",
        target_kind="multiclass",
        classes=classes,
        parameters={
            "sure": max((right + 1) / (told + 2), SURE_MIN),
            "shares": constant.class_shares(positions, len(classes)),
        },
    )
