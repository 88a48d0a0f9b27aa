"""What is left of small probabilities when many were looked at."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def benjamini_hochberg(probabilities: Sequence[float]) -> list[float]:
    """Adjust probabilities so that flagging those up to `q` keeps the false share below `q`.

    Prefer this to Bonferroni for many columns watched at once: it bounds the share of false
    flags among all flags, not the chance of a single one.

    Parameters
    ----------
    probabilities : sequence of float
        One per question, each in ``[0, 1]``.

    Returns
    -------
    list of float
        Adjusted, in the order given.

    References
    ----------
    .. [1] Benjamini, Y. and Hochberg, Y. (1995). "Controlling the false discovery rate." JRSS B
       57(1), 289-300. https://doi.org/10.1111/j.2517-6161.1995.tb02031.x

    Examples
    --------
    One column in a hundred below 1 % is what chance gives:

    >>> benjamini_hochberg([0.01] + [0.5] * 99)[0]
    0.5
    >>> [round(p, 3) for p in benjamini_hochberg([0.01, 0.02, 0.9])]
    [0.03, 0.03, 0.9]
    """
    p = np.asarray(probabilities, dtype=np.float64)
    if not len(p):
        return []
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return [float(x) for x in np.minimum(adjusted, 1.0)]
