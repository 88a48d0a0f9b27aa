"""A search over parameters, as it is asked for: the space, and how much may be spent.

Nothing here fits anything. Points are drawn by `isbjerg.models.search_points`, models are fitted
and compared by `isbjerg.workflows.searching`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from isbjerg.errors import ArgumentError

BORDER = 0.05
"""A point this close to an end of its range, as a share of it, lies on the border."""

TRIALS_DEFAULT = 20
TRIALS_MAX = 1_000

_LENGTHS = (2, 3)
_SPACE_MEND = 'over={"num_leaves": (8, 256), "learning_rate": (0.01, 0.3, "log"), "a": [1, 2]}'


@dataclass(frozen=True)
class Dimension:
    """One parameter and the values it may take.

    Parameters
    ----------
    name : str
        The parameter.
    low, high : float
        Ends of its range; 0 and the number of choices where there are choices.
    whole : bool
        Whether only whole numbers are taken.
    log : bool
        Whether equal ratios are equally far apart.
    choices : tuple
        The values, where they are listed.
    """

    name: str
    low: float
    high: float
    whole: bool = False
    log: bool = False
    choices: tuple[Any, ...] = ()

    def value(self, place: float) -> Any:
        """Take the value at a place between 0 and 1.

        Examples
        --------
        >>> (
        ...     Dimension("rate", 0.01, 1.0, log=True).value(0.5),
        ...     Dimension("n", 1, 4, True).value(0.99),
        ... )
        (0.1, 4)
        """
        if self.choices:
            return self.choices[min(int(place * len(self.choices)), len(self.choices) - 1)]
        low, high = (self.low, self.high + 1.0) if self.whole else (self.low, self.high)
        if self.log:
            found = math.exp(math.log(low) + place * (math.log(high) - math.log(low)))
        else:
            found = low + place * (high - low)
        if self.whole:
            return max(int(self.low), min(int(found), int(self.high)))  # logarithms round
        return min(max(float(f"{found:.6g}"), self.low), self.high)

    def end(self, value: Any) -> str:
        """Say at which end of its range a value lies: ``"low"``, ``"high"`` or nowhere.

        Examples
        --------
        >>> leaves = Dimension("num_leaves", 8, 256, whole=True, log=True)
        >>> leaves.end(250), leaves.end(8), leaves.end(64)
        ('high', 'low', '')
        """
        if self.choices:
            if not self.ordered:
                return ""
            return {min(self.choices): "low", max(self.choices): "high"}.get(value, "")
        if not isinstance(value, int | float) or isinstance(value, bool):
            return ""
        if value <= self.low or value >= self.high:
            return "low" if value <= self.low else "high"
        place = self._place(float(value))
        return "low" if place < BORDER else "high" if place > 1.0 - BORDER else ""

    @property
    def ordered(self) -> bool:
        """Whether its values have two ends: a range has, listed numbers have from three on."""
        numbers = [c for c in self.choices if isinstance(c, int | float) and c is not True]
        return not self.choices or (len(numbers) == len(self.choices) >= 3)  # noqa: PLR2004

    def widened(self, end: str) -> str:
        """Write the dimension with one end moved out, as it is pasted into `over`.

        Examples
        --------
        >>> Dimension("num_leaves", 8, 256, whole=True, log=True).widened("high")
        '"num_leaves": (8, 1448, "log")'
        >>> Dimension("depth", 2, 6, whole=True).widened("low")
        '"depth": (1, 6)'
        """
        if self.choices:
            steps = sorted(self.choices)
            added = steps[0] - (steps[1] - steps[0]) if end == "low" else steps[-1] * 2
            listed = [added, *steps] if end == "low" else [*steps, added]
            return f'"{self.name}": {listed!r}'
        low, high = self.low, self.high
        reach = math.sqrt(high / low) if self.log else high - low
        if end == "high":
            high = high * reach if self.log else high + reach
        elif self.log:
            low = low / reach
        else:
            low = low - reach if low <= 0 else low / 2
        ends = [self._written(low), self._written(high), *(['"log"'] if self.log else [])]
        return f'"{self.name}": ({", ".join(ends)})'

    def _place(self, value: float) -> float:
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def _written(self, value: float) -> str:
        return (
            str(max(round(value), 1 if self.low > 0 else round(value)))
            if self.whole
            else f"{value:.3g}"
        )


@dataclass(frozen=True)
class Search:
    """What may be tried, and how much.

    Parameters
    ----------
    over : tuple of Dimension
        The space.
    trials : int or None
        Fits, the first with the parameters that the model has already.
    budget_us : int or None
        Time after which no further fit is begun.
    """

    over: tuple[Dimension, ...]
    trials: int | None
    budget_us: int | None

    @property
    def trials_max(self) -> int:
        """Fits that are made at most."""
        return TRIALS_MAX if self.trials is None else self.trials


def read_space(over: Mapping[str, Any]) -> tuple[Dimension, ...]:
    """Read the space as users write it.

    Raises
    ------
    ArgumentError
        When it is empty, or a range is none.
    """
    if not over:
        raise _bad_space(over)
    return tuple(_dimension(name, given) for name, given in over.items())


def _dimension(name: str, given: Any) -> Dimension:
    if isinstance(given, list) and given:
        return Dimension(name, 0.0, float(len(given)), choices=tuple(given))
    if not isinstance(given, tuple) or len(given) not in _LENGTHS:
        raise _bad_space(given, name)
    low, high, *scale = given
    numbers = all(isinstance(n, int | float) and not isinstance(n, bool) for n in (low, high))
    if not numbers or not low < high or not math.isfinite(high - low) or scale not in ([], ["log"]):
        raise _bad_space(given, name)
    if scale and low <= 0:
        raise _bad_space(given, name)
    whole = all(isinstance(n, int) for n in (low, high))
    return Dimension(name, low, high, whole=whole, log=bool(scale))


def _bad_space(given: Any, name: str = "") -> ArgumentError:
    place = f"over[{name!r}]" if name else "over"
    return ArgumentError(
        f'`{place}` of `search` must be (low, high), (low, high, "log") with low above 0, or a '
        f"list of values. Got {given!r}.",
        code="ISB434",
        mend=_SPACE_MEND,
        name=name,
        got=given,
    )


def borders(over: Sequence[Dimension], chosen: Mapping[str, Any]) -> list[tuple[Dimension, str]]:
    """List the dimensions at whose end a chosen point lies, and which end."""
    found = [(d, d.end(chosen[d.name])) for d in over if d.name in chosen]
    return [(dimension, end) for dimension, end in found if end]
