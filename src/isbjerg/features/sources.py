"""Sources: where tables of facts are, what identifies a row, when its columns are known.

Nothing registers anywhere: a definition is found because a project's module names it.
"""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from isbjerg.data.contract import HIDDEN, PERSONAL
from isbjerg.errors import ArgumentError, IsbjergError, SourceError
from isbjerg.features.sets import Known
from isbjerg.times import parse_span


@dataclass(frozen=True)
class Ahead:
    """A knowledge time before something: `span_us` before `of`, or before the decision."""

    span_us: int
    of: str | None = None


def ahead(span: str, of: str | None = None) -> Ahead:
    """Say that a column is known `span` ahead.

    Parameters
    ----------
    span : str
        How long ahead, such as ``"30d"``.
    of : str, optional
        Column of times to count from. Without it the column is known that long before the
        decision about its row, which only the unit's own source can say.

    Examples
    --------
    >>> ahead("30d").span_us == 30 * 86400 * 10**6
    True
    """
    return Ahead(parse_span(span), of)


def after(column: str, span: str = "0s") -> Known:
    """Say that a column is known `span` after the time in `column`.

    Examples
    --------
    >>> after("hour_utc", "1h")
    Known(column='hour_utc', offset_us=3600000000)
    """
    return Known(column, parse_span(span))


@dataclass(frozen=True)
class Afterwards:
    """A knowledge time after the decision, nobody says how long: an outcome."""


def beforehand() -> Ahead:
    """Say that a column is known before the decision about its row.

    Examples
    --------
    >>> beforehand() == Ahead(1)
    True
    """
    return Ahead(1)


def afterwards() -> Afterwards:
    """Say that a column is known only after the decision: it is an outcome.

    For decisions without a time, where no span can be told; where decisions have one, say when:
    `after` a column of times. No feature can use such a column.

    Examples
    --------
    >>> known = {"churned": afterwards(), "*": beforehand()}
    """
    return Afterwards()


KnownRule = Ahead | Known | Afterwards


@dataclass(frozen=True)
class Source:
    """A table of facts: how it is read, what identifies a row, when its columns are known."""

    name: str
    read: Callable[[], Any] = field(repr=False)
    key: tuple[str, ...]
    known: tuple[tuple[str, KnownRule], ...]
    owner: str | None = None
    licence: str | None = None
    meaning: str | None = None
    refresh_us: int | None = None
    personal: tuple[tuple[str, str], ...] = ()

    def class_of(self, column: str) -> str | None:
        """Name the class of personal data of a column: an exact name wins over patterns."""
        rules = dict(self.personal)
        if column in rules:
            return rules[column]
        return next((kind for p, kind in self.personal if fnmatchcase(column, p)), None)

    def hides(self, column: str) -> bool:
        """Say whether the values of a column may not be shown."""
        return self.class_of(column) in HIDDEN

    def __call__(self) -> Any:
        """Return what the source function returns: a handle on files, or a table."""
        return self.read()


@dataclass(frozen=True)
class Planned:
    """A source that is not there yet: somebody is to bring it."""

    name: str
    owner: str
    why: str


def planned(name: str, *, owner: str, why: str) -> Planned:
    """Name a source that is not there yet, so that nobody forgets what the project waits for.

    It is listed by `isbjerg status`, `isbjerg ingest` and `isbjerg data list`; nothing is read,
    and no feature can use it.

    Parameters
    ----------
    name : str
        How the table will be called.
    owner : str
        Who is to bring it.
    why : str
        What it is wanted for.

    Examples
    --------
    It is found because a module names it, as everything is:

    >>> crews = planned("crews", owner="Operations", why="a late crew makes a late flight")
    >>> crews.owner
    'Operations'
    """
    for argument, value in (("name", name), ("owner", owner), ("why", why)):
        if not value.strip():
            raise ArgumentError.out_of_range(argument, "planned", "be a text", value)
    return Planned(name, owner, why)


def source(
    *,
    key: str | Sequence[str],
    known: Mapping[str, KnownRule | str],
    owner: str | None = None,
    licence: str | None = None,
    refresh: str | None = None,
    personal: Mapping[str, str] | None = None,
) -> Callable[[Callable[[], Any]], Source]:
    """Declare a source: decorate the function that returns its table.

    Parameters
    ----------
    key : str or sequence of str
        Columns that together identify a row. A later row with the same key is a correction.
    known : mapping of str to rule
        When each column becomes known, by name or by pattern (``"sched_*"``, ``"*"``): a column
        of times, `after` one, `ahead`, `beforehand` or `afterwards`. An exact name wins over patterns, an earlier pattern
        over a later one. There is no default: a column that no rule names cannot be used.
    owner, licence : str, optional
        Who answers for the table; under what licence it may be used.
    refresh : str, optional
        How often the table gets new rows, such as ``"1d"``; when nothing new has come for longer,
        an ingest says so.
    personal : mapping of str to str, optional
        Class of personal data of columns, by name or by pattern as in `known`: ``public``,
        ``internal``, ``personal``, ``sensitive`` or ``identifier``. Values of the last three are
        never shown in reports.

    Returns
    -------
    callable
        The decorator; it returns a `Source`.

    Examples
    --------
    >>> @source(key="flight_id", known={"arr_delay": "landed_utc", "*": ahead("30d")})
    ... def flights():
    ...     return None
    >>> flights.key
    ('flight_id',)
    """
    keys = (key,) if isinstance(key, str) else tuple(key)
    if not keys:
        raise ArgumentError.out_of_range("key", "source", "name at least one column", key)
    refresh_us = None if refresh is None else parse_span(refresh)
    if refresh_us == 0:
        raise ArgumentError.out_of_range("refresh", "source", "be longer than nothing", refresh)
    for pattern, kind in (personal or {}).items():
        if kind not in PERSONAL:
            rule = f"be one of {', '.join(PERSONAL)}"
            raise ArgumentError.out_of_range(f"personal[{pattern!r}]", "source", rule, kind)
    rules = tuple(
        (pattern, Known(rule) if isinstance(rule, str) else rule) for pattern, rule in known.items()
    )

    def declare(function: Callable[[], Any]) -> Source:
        return Source(
            name=function.__name__,
            read=_guarded(function),
            key=keys,
            known=rules,
            owner=owner,
            licence=licence,
            meaning=inspect.getdoc(function),
            refresh_us=refresh_us,
            personal=tuple((personal or {}).items()),
        )

    return declare


def _guarded(function: Callable[[], Any]) -> Callable[[], Any]:
    """Make whatever a source function stops at an error with its line and a page."""

    @functools.wraps(function)
    def read() -> Any:
        try:
            return function()
        except IsbjergError:
            raise
        except (Exception, SystemExit) as fault:
            file = function.__code__.co_filename
            frames = traceback.extract_tb(fault.__traceback__)
            line = next((f.lineno for f in reversed(frames) if f.filename == file), None)
            where = f"{Path(file).name}:{line}"
            raise SourceError(
                f"The source function '{function.__name__}' stopped.\n"
                f"{where}: {type(fault).__name__}: {fault}",
                code="ISB305",
                mend=f"mend line {line} of {Path(file).name}, or the table that it reads",
                source=function.__name__,
            ) from fault

    return read
