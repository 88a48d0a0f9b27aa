"""Find a column of numbers that is told in another unit than before.

Rows that are known already are compared one by one: the same row with ``1.8`` times the value
plus ``32`` has not grown warmer. Rows that are new can only be compared as a whole: their
distribution must be the old one under a conversion that people use, and far from the old one as
it stands. Growth is no rescaling: a factor that growth might have as well (between a fifth and
five times) is believed only when values lie on the old steps once they are converted back, or
when there are so many rows that a growth of nearly that factor can be told from it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64]

PAIRS_MIN = 20
"""Fewer changed rows say nothing of a unit."""

ROWS_MIN = 100
"""Fewer new rows, or fewer old ones, have no distribution to compare."""

_SHARE_MIN = 0.95
_DISTINCT_MIN = 5
_SAMPLE_MAX = 50_000
_SPREAD_MIN = 10.0
_NEAR_ONE = 0.01
_DECIMALS_MAX = 6
_KELVIN = 273.15
_KS_P001 = 1.63
"""Two samples of one distribution are farther apart than this only once in a hundred times."""

_KS_SLACK = 0.03
_KS_SEASON = 0.15
"""The more a conversion explains, the more the world may have moved beside it."""

_APART_MIN = 0.15
_BETTER_MIN = 4.0
_STEADY_MAX = 0.5
_GROWTH_MAX = 5.0
_GRID_NEAR = 0.02
_GRID_MAX = 0.2
"""Beyond that far from a step too many values lie near one by chance."""

_ERROR_MAX = 0.015
_NORMAL_IQR = 1.349
_MEDIAN_ERROR = 1.253


class Conversion(NamedTuple):
    """``new = factor * old + offset``, and what people call it."""

    factor: float
    offset: float = 0.0
    name: str = ""


CONVERSIONS = (
    Conversion(0.621371, 0.0, "kilometres to miles"),
    Conversion(1.609344, 0.0, "miles to kilometres"),
    Conversion(3.28084, 0.0, "metres to feet"),
    Conversion(0.3048, 0.0, "feet to metres"),
    Conversion(0.393701, 0.0, "centimetres to inches"),
    Conversion(2.54, 0.0, "inches to centimetres"),
    Conversion(2.204623, 0.0, "kilograms to pounds"),
    Conversion(0.453592, 0.0, "pounds to kilograms"),
    Conversion(1.8, 32.0, "Celsius to Fahrenheit"),
    Conversion(1 / 1.8, -32 / 1.8, "Fahrenheit to Celsius"),
    Conversion(1.0, _KELVIN, "Celsius to kelvin"),
    Conversion(1.0, -_KELVIN, "kelvin to Celsius"),
    Conversion(1 / 60, 0.0, "seconds to minutes, or minutes to hours"),
    Conversion(60.0, 0.0, "minutes to seconds, or hours to minutes"),
    Conversion(1 / 3600, 0.0, "seconds to hours"),
    Conversion(3600.0, 0.0, "hours to seconds"),
    Conversion(1 / 24, 0.0, "hours to days"),
    Conversion(24.0, 0.0, "days to hours"),
    Conversion(0.01, 0.0, "hundredths to wholes, such as cents to euros"),
    Conversion(100.0, 0.0, "wholes to hundredths, such as euros to cents"),
    Conversion(0.1, 0.0, "a tenth"),
    Conversion(10.0, 0.0, "ten times"),
    Conversion(0.001, 0.0, "a thousandth"),
    Conversion(1000.0, 0.0, "a thousand times"),
    Conversion(1e-6, 0.0, "a millionth"),
    Conversion(1e6, 0.0, "a million times"),
    Conversion(-1.0, 0.0, "the other sign"),
)
"""What units are changed by; other factors are found on rows that are known already."""


class Rescaled(NamedTuple):
    """A conversion that was found, and on what.

    Parameters
    ----------
    conversion : Conversion
        From old to new.
    rows : int
        Rows that were compared: known ones, or new ones.
    share : float or None
        Of the known rows compared, how many follow it.
    distance, distance_before : float or None
        Of distributions: new to converted old, new to old (Kolmogorov-Smirnov).
    """

    conversion: Conversion
    rows: int
    share: float | None = None
    distance: float | None = None
    distance_before: float | None = None


def rescaled_pairs(old: Numbers, new: Numbers) -> Rescaled | None:
    """Compare the values of known rows one by one.

    Parameters
    ----------
    old, new : ndarray, shape (n_rows,)
        Finite values of the same rows, before and now.

    Examples
    --------
    >>> celsius = np.arange(40.0)
    >>> found = rescaled_pairs(celsius, 1.8 * celsius + 32)
    >>> found.conversion.name, found.share
    ('Celsius to Fahrenheit', 1.0)
    >>> rescaled_pairs(celsius, celsius + 1) is None  # everybody is a year older
    True
    """
    changed = old != new
    before, now = old[changed], new[changed]
    if len(before) < PAIRS_MIN or len(np.unique(before)) < _DISTINCT_MIN:
        return None
    before, now = before[:_SAMPLE_MAX], now[:_SAMPLE_MAX]
    grid = (_grid(before), _grid(now))
    shift = float(np.median(np.abs(now - before - np.median(now - before))))
    for line in _lines(before, now):
        if _is_shift(line) or _miss(line, before, now) * _BETTER_MIN > shift:
            continue  # all moved by the same, or by chance: no unit does that
        snapped = _snapped(line, before, now, grid)
        share = float(np.mean(_fits(snapped, old, new, grid)))
        if share >= _SHARE_MIN and _says_something(snapped, now, grid):
            return Rescaled(snapped, len(old), share=share)
    return None


def rescaled_rows(old: Numbers, new: Numbers) -> Rescaled | None:
    """Compare the distribution of new rows with that of the rows before them.

    Parameters
    ----------
    old : ndarray, shape (n_old,)
        Finite values of the rows that came last, in their order.
    new : ndarray, shape (n_new,)
        Finite values of the new rows.

    Examples
    --------
    >>> km = np.random.default_rng(0).lognormal(6, 1, 3000).round()
    >>> rescaled_rows(km[:1500], km[1500:] * 0.621371).conversion.name
    'kilometres to miles'
    >>> rescaled_rows(km[:1500], km[1500:] * 1.3) is None  # growth
    True
    """
    if min(len(old), len(new)) < ROWS_MIN or len(np.unique(old)) < 2 * _DISTINCT_MIN:
        return None
    apart = distance(old, new)
    half = len(old) // 2
    if apart < _APART_MIN or distance(old[:half], old[half:]) > _STEADY_MAX * apart:
        return None
    chance = _KS_P001 * np.sqrt((len(old) + len(new)) / (len(old) * len(new)))
    converted = [(distance(c.factor * old + c.offset, new), c) for c in CONVERSIONS]
    near, best = min(converted, key=lambda pair: pair[0])
    if near > max(chance + _KS_SLACK, _KS_SEASON * apart) or near * _BETTER_MIN > apart:
        return None
    if _may_be_growth(best, old) and not (_on_old_grid(best, old, new) or _exact(best, old, new)):
        return None
    return Rescaled(best, len(new), distance=round(near, 4), distance_before=round(apart, 4))


def distance(a: Numbers, b: Numbers) -> float:
    """Measure how far two samples are apart: the largest gap between their cumulative shares.

    Examples
    --------
    >>> distance(np.array([1.0, 2.0, 3.0]), np.array([3.0, 4.0, 5.0]))
    0.67
    """
    a, b = np.sort(a), np.sort(b)
    both = np.concatenate([a, b])
    shares = [np.searchsorted(x, both, side="right") / len(x) for x in (a, b)]
    return float(np.max(np.abs(shares[0] - shares[1])))


def _may_be_growth(c: Conversion, old: Numbers) -> bool:
    """Say whether growth could look like it: beside widely spread values an offset is nothing."""
    spread = c.factor * float(np.subtract(*np.quantile(old, [0.75, 0.25])))
    return abs(c.offset) <= spread / 2 and 1 / _GROWTH_MAX < c.factor < _GROWTH_MAX


def _on_old_grid(c: Conversion, old: Numbers, new: Numbers) -> bool:
    """Say whether new values, converted back, lie on the steps that the old ones had."""
    step = _grid(old)
    rounded = 0.5001 * _grid(new) / abs(c.factor) / step + _GRID_NEAR if step else 1.0
    if rounded > _GRID_MAX:
        return False
    back = (np.sort(new)[: len(new) // 2] - c.offset) / c.factor / step
    return bool(np.mean(np.abs(back - np.round(back)) <= rounded) >= _SHARE_MIN)


def _exact(c: Conversion, old: Numbers, new: Numbers) -> bool:
    """Say whether the ratio of medians is the factor, by an error that leaves growth no room."""
    if c.offset or np.min(old) <= 0 or np.min(new) <= 0:
        return False
    before, now = np.log(old), np.log(new)
    spread = float(np.subtract(*np.quantile(before, [0.75, 0.25]))) / _NORMAL_IQR
    error = _MEDIAN_ERROR * spread * float(np.sqrt(1 / len(old) + 1 / len(new)))
    miss = abs(float(np.median(now) - np.median(before)) - float(np.log(c.factor)))
    return error <= _ERROR_MAX and miss <= 2 * error


def _is_shift(line: Conversion) -> bool:
    known = any(abs(line.offset - c.offset) < 1 for c in CONVERSIONS if c.factor == 1)
    return abs(line.factor - 1) < _NEAR_ONE and not known


def _miss(line: Conversion, old: Numbers, new: Numbers) -> float:
    if abs(line.factor - 1) < _NEAR_ONE:
        return 0.0  # a known shift: nothing else is to be told from it
    return float(np.median(np.abs(new - (line.factor * old + line.offset))))


def _lines(old: Numbers, new: Numbers) -> list[Conversion]:
    """Guess a factor, and a factor with an offset, from what most rows say."""
    present = old != 0
    lines = []
    if present.any():
        lines.append(Conversion(float(np.median(new[present] / old[present]))))
    order = np.argsort(old, kind="stable")
    third = max(1, len(order) // 3)
    low, high = order[:third], order[-third:]
    run = float(np.median(old[high]) - np.median(old[low]))
    if run > 0:
        factor = float(np.median(new[high]) - np.median(new[low])) / run
        offset = float(np.median(new - factor * old))
        lines.append(_refined(Conversion(factor, offset), old, new))
    return lines


def _refined(line: Conversion, old: Numbers, new: Numbers) -> Conversion:
    """Fit the rows near a guess by least squares: rounding hides the exact factor from two points."""
    miss = np.abs(new - (line.factor * old + line.offset))
    near = miss <= 3 * np.median(miss) + 1e-12
    if near.sum() < PAIRS_MIN or np.ptp(old[near]) == 0:
        return line
    factor, offset = np.polyfit(old[near], new[near], 1)
    return Conversion(float(factor), float(offset))


def _snapped(line: Conversion, old: Numbers, new: Numbers, grid: tuple[float, float]) -> Conversion:
    """Take the conversion people use when it explains the rows as well."""
    for known in CONVERSIONS:
        close = abs(known.factor / line.factor - 1) < _NEAR_ONE if line.factor else False
        if close and np.mean(_fits(known, old, new, grid)) >= _SHARE_MIN:
            return known
    return line


def _fits(
    line: Conversion, old: Numbers, new: Numbers, grid: tuple[float, float]
) -> npt.NDArray[np.bool_]:
    miss = np.abs(new - (line.factor * old + line.offset))
    return miss <= _tolerance(line, grid) + 1e-6 * np.abs(new)


def _tolerance(line: Conversion, grid: tuple[float, float]) -> float:
    """Half a step of either side: both may have been rounded."""
    return 0.5001 * (grid[1] + abs(line.factor) * grid[0])


def _says_something(line: Conversion, new: Numbers, grid: tuple[float, float]) -> bool:
    """Ask whether values are spread so widely that the fit is no accident, and the unit another."""
    low, high = np.quantile(new, [0.1, 0.9])
    return bool(high - low > _SPREAD_MIN * _tolerance(line, grid)) and line.factor != 0


def _grid(values: Numbers) -> float:
    """Find the step on which all values lie, as a power of ten; 0 when they lie on none."""
    for decimals in range(_DECIMALS_MAX + 1):
        scaled = values * 10.0**decimals
        if np.all(np.abs(scaled - np.round(scaled)) <= 1e-6 * np.maximum(1.0, np.abs(scaled))):
            return 10.0**-decimals if decimals else _whole_step(values)
    return 0.0


def _whole_step(values: Numbers) -> float:
    """Find the largest power of ten that divides whole numbers; 1 when they are all 0."""
    step = 1.0
    while step < 10.0**_DECIMALS_MAX and np.any(values) and np.all(values % (step * 10) == 0):
        step *= 10
    return step
