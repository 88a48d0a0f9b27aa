"""The lowest rung: the same answer for everyone, the mean of the training target.

Of a multiclass target the mean is the share of each class.

It is what a model must beat to be worth having, and its average precision is the base rate.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from isbjerg.models.fitted import Class, Fitted, TargetKind, truth_as_floats


def fit(truth: NDArray[Any], target_kind: TargetKind, *, classes: tuple[Class, ...] = ()) -> Fitted:
    """Learn the mean of the training target.

    Parameters
    ----------
    truth : numpy.ndarray of shape (n_rows,)
        Truth values, numbers, or positions of classes.
    target_kind : {"binary", "regression", "multiclass", "ranking"}
        What is predicted.
    classes : tuple, optional
        Of a multiclass target.

    Returns
    -------
    Fitted
        With one parameter, ``value`` (``values`` of classes); the sum behind it is exact, so that the order of rows
        does not matter.

    Examples
    --------
    >>> import numpy as np
    >>> fit(np.array([True, False, False, False]), "binary").parameters
    {'value': 0.25}
    >>> fit(np.array([0, 2, 1, 2]), "multiclass", classes=("a", "b", "c")).parameters
    {'values': [0.25, 0.25, 0.5]}
    """
    numbers = truth_as_floats(truth, target_kind)
    if target_kind == "multiclass":
        return Fitted(
            kind="constant",
            target_kind=target_kind,
            classes=classes,
            parameters={"values": class_shares(numbers, len(classes))},
        )
    value = math.fsum(numbers) / len(numbers)
    return Fitted(kind="constant", target_kind=target_kind, parameters={"value": value})


def class_shares(positions: NDArray[np.float64], classes: int) -> list[float]:
    """Say how often each class occurs, as fractions of all rows."""
    counts = np.bincount(positions.astype(np.int64), minlength=classes)
    return [float(count) / len(positions) for count in counts]
