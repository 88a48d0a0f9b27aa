"""The escape hatch: a feature that is plain Python, called row by row."""

from __future__ import annotations

import inspect
import linecache
from collections.abc import Callable
from pathlib import Path
from types import FunctionType
from typing import Any

import msgspec

from isbjerg.errors import ArgumentError, TracingError
from isbjerg.expressions.code import deploy
from isbjerg.expressions.pins import ARGUMENTS_MAX, Pin
from isbjerg.expressions.tree import PYTHON, Node, Type
from isbjerg.features.definitions import Feature, parameters_of, place_of, tell
from isbjerg.features.deployment import build, pin_of, reader_of
from isbjerg.features.reaching import Read, reach


def python_feature(
    *, returns: str, unit: str | None = None, owner: str | None = None
) -> Callable[[Callable[..., Any]], Feature]:
    """Declare a feature that is computed by calling a plain Python function, row by row.

    Prefer a traced ``@ib.feature``: it is about a hundred times faster on tables, and its bundle runs
    anywhere. Use this for what expressions cannot say: a regular expression, a checksum, a pure
    package.

    Parameters
    ----------
    returns : str
        Type of the value: ``"boolean"``, ``"integer"``, ``"float"``, ``"text"``, ``"instant"``,
        ``"local"`` or ``"duration"``.
    unit, owner : str, optional
        As for ``@ib.feature``.

    Returns
    -------
    callable
        The decorator. Each parameter without a default is a column of the unit; a default is
        another feature. The function gets plain values (times as `datetime.datetime`, durations as
        `datetime.timedelta`) and is not called when one of them is missing: then its value is too.

    Raises
    ------
    ArgumentError
        When `returns` names no type.
    TracingError
        When what the function reaches cannot be found in the project's files, looks at the world
        or the clock, or cannot be pinned (ISB111).

    Notes
    -----
    The function is pinned by its source, all that it reaches in the project, and the versions of
    the packages that it imports. A model that uses it is served only where that very code lies in
    the project's folder (ISB419). What it raises, or returns of another type, is missing, and
    told as a finding.

    Examples
    --------
    >>> @python_feature(returns="integer")
    ... def digits(tail_number):
    ...     return sum(letter.isdigit() for letter in tail_number)
    >>> digits("N14228"), digits(None)
    (5, None)
    """
    if returns not in set(Type):
        raise ArgumentError.out_of_range(
            "returns", "python_feature", f"be one of {', '.join(Type)}", returns
        )

    def declare(function: Callable[..., Any]) -> Feature:
        return _define(function, Type(returns), unit, owner)

    return declare


def _define(
    function: Callable[..., Any], returns: Type, unit: str | None, owner: str | None
) -> Feature:
    parameters: tuple[tuple[str, Any], ...] = ()
    node = Node("literal")
    if not isinstance(function, FunctionType) or hasattr(function, "__wrapped__"):
        raise TracingError(
            f"A Python feature must be a plain function, not {function!r}.",
            code="ISB111",
            mend="write it with `def`, with @ib.python_feature as its only decorator",
        )
    try:
        parameters = tuple(parameters_of(function))
        _check(function.__name__, parameters)
        pin = _deployed(function, returns)
        leaves = tuple(
            Node("column", value=name) if on is None else Node("feature", value=on.name)
            for name, on in parameters
        )
        node = Node(PYTHON, leaves, msgspec.to_builtins(pin))
    except TracingError as fault:
        tell(fault)
    return Feature(
        name=function.__name__,
        kind="feature",
        parameters=parameters,
        node=node,
        asked=(),
        unit=unit,
        owner=owner,
        meaning=inspect.getdoc(function),
        place=place_of(function),
    )


def _check(name: str, parameters: tuple[tuple[str, Any], ...]) -> None:
    looked_up = [own for own, on in parameters if on is not None and not isinstance(on, Feature)]
    if looked_up:
        raise TracingError(
            f"The Python feature '{name}' looks facts up itself, by '{looked_up[0]}'.",
            code="ISB111",
            mend=f"@ib.feature that returns the value, then {name}({looked_up[0]}=that_feature)",
        )
    if not 1 <= len(parameters) <= ARGUMENTS_MAX:
        raise TracingError(
            f"The Python feature '{name}' has {len(parameters)} parameters.",
            code="ISB111",
            mend=f"name the columns that it depends on, at least 1 and at most {ARGUMENTS_MAX}",
        )


def _deployed(function: Callable[..., Any], returns: Type) -> Pin:
    """Pin a function, and deploy it as a server would: cut out of its file."""
    file = inspect.getsourcefile(function) or function.__code__.co_filename
    module, name = function.__module__.rpartition(".")[2], function.__name__
    reached = reach(_reader(file, module), module, name)
    pin = pin_of(reached, module, name, returns)
    deploy(pin, build(reached, module, name))
    return pin


def _reader(file: str, module: str) -> Read:
    """Read the function's own file as it was imported, and those beside it."""
    beside = reader_of(Path(file).parent)

    def read(name: str) -> str | None:
        return "".join(linecache.getlines(file)) or None if name == module else beside(name)

    return read
