"""Pins: which Python function a ``python`` node means, as data."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from isbjerg.expressions.tree import PYTHON, Node, Type, walk

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_DIGEST = re.compile(r"[0-9a-f]{64}")
REQUIRES_MAX = 50
ARGUMENTS_MAX = 50


class Pin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which Python function is meant.

    Parameters
    ----------
    module : str
        File of the project, without ``.py``.
    name : str
        The function.
    returns : Type
        Type of its value.
    source : str
        SHA-256 of its source and of all that it reaches in the project.
    requires : tuple of str
        What it runs on: Python's version, and each distribution that it reaches.
    """

    module: str
    name: str
    returns: Type
    source: str
    requires: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.name} of {self.module}.py"


def read_pin(value: object) -> Pin | None:
    """Read the pin of a node; ``None`` when it is none.

    Examples
    --------
    >>> read_pin({"module": "features", "name": "os; abort"}) is None
    True
    """
    try:
        pin = msgspec.convert(value, Pin)
    except (msgspec.ValidationError, RecursionError):
        return None
    named = all(_NAME.fullmatch(text) for text in (pin.module, pin.name))
    whole = _DIGEST.fullmatch(pin.source) is not None and len(pin.requires) <= REQUIRES_MAX
    return pin if named and whole else None


def pins(nodes: Sequence[Node]) -> tuple[Pin, ...]:
    """List the functions that trees call, each once."""
    found = (read_pin(n.value) for node in nodes for n in walk(node) if n.op == PYTHON)
    return tuple(dict.fromkeys(pin for pin in found if pin is not None))
