"""Whether a rate is another one than before, when days differ among themselves.

Values go missing together: a station is silent for a day, not for a row. A test that takes rows
for independent cries wolf every week. So rows are first counted down to what they are worth: the
more the days before differed among themselves, the less.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from isbjerg.errors import ArgumentError


def day_inflation(hits: Sequence[int], rows: Sequence[int]) -> float:
    r"""Say how many times more the rates of days differ than independent rows would.

    Parameters
    ----------
    hits, rows : sequence of int
        Events and rows of each day.

    Returns
    -------
    float
        At least 1: Pearson's :math:`\chi^2 / (d - 1)` over the days with rows; 1 for fewer than
        two days, or when every row or none is an event.

    Examples
    --------
    Ten days of a hundred rows; one of them is all missing:

    >>> round(day_inflation([0] * 9 + [100], [100] * 10), 1)
    111.1
    """
    n = np.asarray(rows, dtype=np.float64)
    x = np.asarray(hits, dtype=np.float64)[n > 0]
    n = n[n > 0]
    if len(n) < 2 or x.sum() in (0.0, n.sum()):  # noqa: PLR2004 - one day differs from nothing
        return 1.0
    rate = x.sum() / n.sum()
    pearson = ((x - n * rate) ** 2 / (n * rate * (1 - rate))).sum()
    return max(1.0, float(pearson / (len(n) - 1)))


def rate_probability(
    hits: int, rows: int, *, before_hits: int, before_rows: int, inflation: float = 1.0
) -> float:
    r"""Ask how probable a rate as far off as this one is, when nothing has changed.

    Parameters
    ----------
    hits, rows : int
        Events and rows of the window.
    before_hits, before_rows : int
        Of the time before.
    inflation : float, default=1.0
        By how much rows are counted down: `day_inflation`.

    Returns
    -------
    float
        Two-sided, in ``(0, 1]``.

    Notes
    -----
    With a Jeffreys prior, the events among :math:`n` new rows after :math:`y` among :math:`m` are
    beta-binomial with :math:`\alpha = y + 1/2` and :math:`\beta = m - y + 1/2`. The sum runs over
    the shorter tail and is doubled, so it is exact for few events, where a normal approximation
    is not, and needs no event before. Takes time and memory in `rows`.

    Examples
    --------
    Never missing in 20,000 rows, then missing in 3 of 100:

    >>> round(rate_probability(3, 100, before_hits=0, before_rows=20_000), 7)
    1e-07
    >>> rate_probability(0, 100, before_hits=0, before_rows=20_000)
    1.0
    """
    if not 0 <= hits <= rows or not 0 <= before_hits <= before_rows:
        raise ArgumentError.out_of_range("hits", "rate_probability", "lie in 0..rows", hits)
    from scipy.special import betaln, gammaln  # noqa: PLC0415 - only a watch needs it

    n, x = round(rows / inflation), round(hits / inflation)
    x = min(x, n)
    a = before_hits / inflation + 0.5
    b = (before_rows - before_hits) / inflation + 0.5

    def tail(first: int, last: int) -> float:
        k = np.arange(first, last + 1, dtype=np.float64)
        ways = gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1)
        return float(np.exp(ways + betaln(k + a, n - k + b) - betaln(a, b)).sum())

    expected = n * a / (a + b)
    shorter = tail(x, n) if x >= expected else tail(0, x)
    return min(1.0, max(2.0 * shorter, float(np.finfo(np.float64).tiny)))
