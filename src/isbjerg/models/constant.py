"""The lowest rung: the same answer for everyone, the mean of the training target.

It is what a model must beat to be worth having, and its average precision is the base rate.
"""

from __future__ import annotations

import math
from typing import Any

from numpy.typing import NDArray

from isbjerg.models.fitted import Fitted, TargetKind, truth_as_floats


def fit(truth: NDArray[Any], target_kind: TargetKind) -> Fitted:
    """Learn the mean of the training target.

    Parameters
    ----------
    truth : numpy.ndarray of shape (n_rows,)
        Truth values or numbers.
    target_kind : {"binary", "regression"}
        What is predicted.

    Returns
    -------
    Fitted
        With one parameter, ``value``; the sum behind it is exact, so that the order of rows
        does not matter.

    Examples
    --------
    >>> import numpy as np
    >>> fit(np.array([True, False, False, False]), "binary").parameters
    {'value': 0.25}
    """
    numbers = truth_as_floats(truth, target_kind)
    value = math.fsum(numbers) / len(numbers)
    return Fitted(kind="constant", target_kind=target_kind, parameters={"value": value})
