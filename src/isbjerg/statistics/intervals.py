"""Intervals of rates, in closed form."""

from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

from isbjerg.errors import ArgumentError


class Interval(NamedTuple):
    """Two bounds, the lower first."""

    low: float
    high: float


def wilson_interval(hits: int, rows: int, *, level: float = 0.95) -> Interval:
    r"""Bound a rate seen in a finite sample.

    Prefer this to the normal approximation for slices: it stays inside ``[0, 1]`` and keeps
    its coverage when `hits` is 0, `rows`, or nearly so.

    Parameters
    ----------
    hits : int
        Rows in which the event was seen, ``0 <= hits <= rows``.
    rows : int
        Rows looked at, at least 1.
    level : float, default=0.95
        Coverage aimed at, as a fraction in ``(0, 1)``, not a percentage.

    Returns
    -------
    Interval
        Bounds of the rate, both in ``[0, 1]``.

    Raises
    ------
    ArgumentError
        When `rows` is less than 1: ask for the interval of a slice only after checking that
        it has rows.

    Notes
    -----
    With :math:`p = hits / rows` and the normal quantile :math:`z`, the bounds are
    :math:`(p + z^2/2n \pm z \sqrt{p(1-p)/n + z^2/4n^2}) / (1 + z^2/n)`.

    References
    ----------
    .. [1] Wilson, E. B. (1927). "Probable inference, the law of succession, and statistical
       inference." JASA 22(158), 209-212. https://doi.org/10.1080/01621459.1927.10502953

    Examples
    --------
    A slice of 20 loans without one default is not proof of a zero rate:

    >>> low, high = wilson_interval(0, 20)
    >>> round(low, 3), round(high, 3)
    (0.0, 0.161)
    """
    if rows < 1:
        raise ArgumentError.out_of_range("rows", "wilson_interval", "be at least 1", rows)
    if not 0 <= hits <= rows:
        raise ArgumentError.out_of_range("hits", "wilson_interval", f"lie in 0..{rows}", hits)
    if not 0.0 < level < 1.0:
        raise ArgumentError.out_of_range("level", "wilson_interval", "lie in (0, 1)", level)
    z2 = NormalDist().inv_cdf(0.5 + level / 2) ** 2
    rate = hits / rows
    centre = rate + z2 / (2 * rows)
    reach = (z2 * (rate * (1 - rate) / rows + z2 / (4 * rows**2))) ** 0.5
    scale = 1 + z2 / rows
    low, high = (centre - reach) / scale, (centre + reach) / scale
    # rounding must not push the rate itself outside
    return Interval(max(0.0, min(low, rate)), min(1.0, max(high, rate)))
