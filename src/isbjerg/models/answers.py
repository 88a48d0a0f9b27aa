"""What is said of one row, in the words of the target: a score, or a class and how likely each is."""

from __future__ import annotations

import math
from typing import Any

from isbjerg.models.fitted import Class
from isbjerg.models.parameters import Score


def read_score(score: Score, classes: tuple[Class, ...]) -> tuple[float, dict[str, Any] | None]:
    """Put a predictor's answer into words.

    Parameters
    ----------
    score : float or tuple of float
        As `Predictor.predict_one` gave it.
    classes : tuple
        The bundle's; empty unless the target is multiclass.

    Returns
    -------
    score : float
        The number; of classes, the probability of the likeliest (the first of equally likely).
    output : dict or None
        Of classes: ``class``, and ``probabilities`` by the name of each. Else ``None``.

    Raises
    ------
    ArithmeticError
        When a number is not finite: no answer may be given.

    Examples
    --------
    >>> read_score((0.25, 0.75), (False, True))
    (0.75, {'class': True, 'probabilities': {'false': 0.25, 'true': 0.75}})
    >>> read_score(0.5, ())
    (0.5, None)
    """
    said = score if isinstance(score, tuple) else (score,)
    if not all(map(math.isfinite, said)):
        raise ArithmeticError(f"the model gave a score of {score}")
    if not isinstance(score, tuple):
        return score, None
    best = score.index(max(score))
    named = dict(zip(map(class_name, classes), score, strict=True))
    return score[best], {"class": classes[best], "probabilities": named}


def class_name(name: Class) -> str:
    """Write a class as the key of a JSON object.

    Examples
    --------
    >>> class_name(True), class_name(3), class_name("rain")
    ('true', '3', 'rain')
    """
    return str(name).lower() if isinstance(name, bool) else str(name)
