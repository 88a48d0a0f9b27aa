"""Whether so many events, or none for so long, are still the usual traffic."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from isbjerg.errors import ArgumentError
from isbjerg.statistics.intervals import Interval

TOTALS_MIN = 3
"""With fewer totals before no band is formed."""


def usual_band(totals: Sequence[int], *, level: float = 0.999) -> Interval:
    r"""Bound the next total by those before it.

    Parameters
    ----------
    totals : sequence of int
        Totals of equal spans before, at least `TOTALS_MIN`.
    level : float, default=0.999
        Share of unchanged spans inside.

    Returns
    -------
    Interval
        Not below 0.

    Notes
    -----
    A prediction interval of Student's t: :math:`\bar x \pm t_{k-1} \sqrt{v (1 + 1/k)}`, where
    :math:`v` is the variance of the totals, but at least their mean: never less scattered than a
    Poisson count.

    Examples
    --------
    >>> band = usual_band([900, 950, 930, 910])
    >>> [round(bound) for bound in band]
    [484, 1361]
    """
    if len(totals) < TOTALS_MIN:
        raise ArgumentError.out_of_range(
            "totals", "usual_band", f"be at least {TOTALS_MIN}", len(totals)
        )
    from scipy.special import stdtrit  # noqa: PLC0415 - only a watch needs it

    seen = np.asarray(totals, dtype=np.float64)
    mean, k = float(seen.mean()), len(seen)
    variance = max(float(seen.var(ddof=1)), mean, 1.0)
    reach = float(stdtrit(k - 1, 0.5 + level / 2)) * math.sqrt(variance * (1 + 1 / k))
    return Interval(max(0.0, mean - reach), mean + reach)


def silence_probability(expected: float, inflation: float) -> float:
    r"""Ask how probable it is that nothing comes where `expected` events are usual.

    Parameters
    ----------
    expected : float
        Events that usually come in the time.
    inflation : float
        Variance over mean of such counts, at least 1.

    Notes
    -----
    Events that scatter :math:`\phi` times more than Poisson's may come in clumps of :math:`\phi`, as
    when callers send batches. Then nothing comes as rarely as :math:`\mu / \phi` clumps all fail to:
    :math:`e^{-\mu / \phi}`. Of the laws with this variance, clumps make silence the most probable
    that is common (a negative binomial's :math:`\phi^{-\mu / (\phi - 1)}` is less), so this errs
    towards saying nothing.

    Examples
    --------
    >>> round(silence_probability(5.0, 1.0), 4)  # exp(-5)
    0.0067
    >>> round(silence_probability(30.0, 6.0), 4)  # five batches of six
    0.0067
    """
    return math.exp(-expected / max(1.0, inflation))


def count_inflation(groups: Sequence[Sequence[int]]) -> float:
    """Pool how much more counts scatter than Poisson's, over groups with a mean each.

    Parameters
    ----------
    groups : sequence of sequences of int
        Counts of comparable spans, such as the same hour of several days.

    Returns
    -------
    float
        At least 1.

    Examples
    --------
    >>> count_inflation([[0, 20], [5, 5]])
    10.0
    """
    squares, freedom = 0.0, 0
    for group in groups:
        mean = sum(group) / len(group) if group else 0.0
        if mean > 0:
            squares += sum((x - mean) ** 2 for x in group) / mean
            freedom += len(group) - 1
    return max(1.0, squares / freedom) if freedom else 1.0
