"""The one kind of result a benchmark has."""

from __future__ import annotations

import platform
from collections.abc import Iterator
from typing import Protocol

import msgspec


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One measured number beside its reference.

    Parameters
    ----------
    name : str
        What was measured: ``cli_start.help``.
    value : float
        The median, in `unit`.
    unit : str
        ``ms``, ``us``, ``rows/s``.
    reference : float or None
        The same work done the bare way in the same rounds, or a budget, in `unit`.
    ratio : float or None
        `value` over `reference`; this is what carries over to another machine.
    conditions : str
        What the reference is, sizes, rounds, spread: all that is needed to doubt the number.
    """

    name: str
    value: float
    unit: str
    reference: float | None = None
    ratio: float | None = None
    conditions: str = ""


class Benchmark(Protocol):
    """What a benchmark module has."""

    def __call__(self, *, quick: bool) -> Iterator[Figure]:
        """Yield figures; `quick` asks for fewer rounds and smaller tables."""


def against(name: str, value: float, reference: float, *, unit: str, conditions: str) -> Figure:
    """Make a figure whose ratio follows from its value and its reference."""
    ratio = round(value / reference, 3) if reference else None
    return Figure(
        name=name,
        value=significant(value),
        unit=unit,
        reference=significant(reference),
        ratio=ratio,
        conditions=f"{conditions}; Python {platform.python_version()}",
    )


def significant(value: float, digits: int = 4) -> float:
    """Round to what a noisy machine can be believed in."""
    return float(f"{value:.{digits}g}")
