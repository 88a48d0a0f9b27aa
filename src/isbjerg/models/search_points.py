"""The points of a search: spread evenly, in an order of which every beginning is spread evenly.

A Halton sequence, scrambled by the run's generator. Plain random points leave gaps and clumps;
these do not, and a search that is cut off by its time has still looked everywhere. The points of
twenty trials are the first twenty of a hundred.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import qmc

from isbjerg.models.search import Dimension


def points(over: Sequence[Dimension], count: int, rng: np.random.Generator) -> list[dict[str, Any]]:
    """Draw points.

    Parameters
    ----------
    over : sequence of Dimension
        The space.
    count : int
        How many.
    rng : numpy.random.Generator
        Scrambles the sequence.

    Examples
    --------
    >>> space = [Dimension("depth", 1, 8, whole=True), Dimension("kind", 0, 2, choices=("a", "b"))]
    >>> first, more = (points(space, n, np.random.default_rng(0)) for n in (4, 8))
    >>> more[:4] == first, sorted({p["kind"] for p in first})
    (True, ['a', 'b'])

    References
    ----------
    .. [1] Halton, J. H. (1960). "On the efficiency of certain quasi-random sequences of points in
       evaluating multi-dimensional integrals." Numerische Mathematik 2, 84-90.
    """
    if count <= 0:
        return []
    drawn = qmc.Halton(len(over), scramble=True, rng=rng).random(count)
    return [
        {d.name: d.value(float(place)) for d, place in zip(over, row, strict=True)} for row in drawn
    ]
