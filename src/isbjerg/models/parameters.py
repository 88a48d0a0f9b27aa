"""What a bundle says was learnt, read as a kind of model wants it, or refused."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from isbjerg.errors import BundleError
from isbjerg.models.bundle import Bundle

T = TypeVar("T")

TREES_FILE = "trees.txt"

Score = float | tuple[float, ...]
"""What is said of one row: a number, or of a multiclass target the probability of each class."""


def read_parameters(bundle: Bundle, kind: type[T]) -> T:
    """Read a bundle's parameters as a structure.

    Raises
    ------
    BundleError
        When they are no such thing.
    """
    try:
        return msgspec.convert(bundle.parameters, kind)
    except msgspec.ValidationError as fault:
        raise unfit(bundle, str(fault)) from fault


def unfit(bundle: Bundle, why: str) -> BundleError:
    """Build the error that says why a bundle's parameters are not those of its kind of model."""
    return BundleError(
        f"The parameters of '{bundle.rung}' do not fit a {bundle.kind} model: {why}.",
        code="ISB413",
        mend="train again",
    )
