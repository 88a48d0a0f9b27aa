"""The rung of common sense: a rule written by hand, as the one output of a feature set.

A rule is an expression like any feature, so a server computes it with the same generated
code. What is learnt is only what to say when the rule says nothing: the training mean.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from isbjerg.errors import TypingError
from isbjerg.expressions.tree import Type
from isbjerg.models import constant
from isbjerg.models.fitted import Fitted, TargetKind

_SCORES = frozenset({Type.BOOLEAN, Type.INTEGER, Type.FLOAT})


def fit(truth: NDArray[Any], target_kind: TargetKind, *, type_: Type) -> Fitted:
    """Learn what a rule answers where it is null.

    Parameters
    ----------
    truth : numpy.ndarray of shape (n_rows,)
        Truth values or numbers of the training rows.
    target_kind : {"binary", "regression"}
        What is predicted; a binary rule's score is held within 0 and 1.
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
