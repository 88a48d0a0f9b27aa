"""Lookups: which facts of another table, or of the past, a feature sees.

`newest` and `past` are defaults of a feature's parameters. While the feature is traced the
parameter is a stand-in that writes down each value asked of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from isbjerg.errors import ArgumentError, TracingError
from isbjerg.expressions.build import Expression, describe, lit
from isbjerg.expressions.tree import Node
from isbjerg.features.sets import Aggregate
from isbjerg.features.sources import Source
from isbjerg.times import format_span, parse_span


@dataclass(frozen=True)
class Lookup:
    """What `newest` and `past` return: which facts of a source a feature sees."""

    kind: Literal["newest", "past"]
    source: Source
    on: tuple[tuple[str, str], ...]
    refresh_us: int
    span_us: int | None = None
    max_age_us: int | None = None

    def __str__(self) -> str:
        pairs = ", ".join(a if a == b else f"{a}={b}" for a, b in self.on)
        limit = self.span_us if self.kind == "past" else self.max_age_us
        parts = [f"by {pairs}"]
        if limit is not None:
            parts.append(("span " if self.kind == "past" else "within ") + format_span(limit))
        if self.refresh_us:
            parts.append(f"every {format_span(self.refresh_us)}")
        return ", ".join(parts)


class AllRows(Lookup):
    """All facts of a source as they stand: what only an assumption may depend on."""

    def __str__(self) -> str:
        return "all"


def newest(
    of: Source,
    *,
    on: str | Sequence[str] | Mapping[str, str],
    max_age: str | None = None,
    refresh: str = "0s",
) -> Any:
    """Depend on the newest fact known: its columns are attributes of the parameter.

    Parameters
    ----------
    of : Source
        Where the facts are.
    on : str, sequence of str, or mapping of str to str
        Columns that must be equal, as {column of the source: column of the unit} where the
        names differ.
    max_age : str, optional
        The oldest a fact may be; older is missing.
    refresh : str, default="0s"
        Grid on which the value may change; ``"0s"`` for every fact.

    Examples
    --------
    >>> from isbjerg.features.sources import source
    >>> @source(key="origin", known={"*": "hour_utc"})
    ... def weather(): ...
    >>> print(newest(weather, on="origin", max_age="3h"))
    by origin, within 3h
    """
    return Lookup(
        kind="newest",
        source=_checked_source(of, "newest"),
        on=_pairs(on),
        refresh_us=parse_span(refresh),
        max_age_us=None if max_age is None else parse_span(max_age),
    )


def past(
    of: Source,
    *,
    by: str | Sequence[str] | Mapping[str, str],
    span: str,
    refresh: str = "0s",
) -> Any:
    """Depend on the facts of a while before: ``past[late].mean()``, ``past.delay.sum()``.

    Parameters
    ----------
    of : Source
        Where the facts are.
    by : str, sequence of str, or mapping of str to str
        Columns that must be equal, as {column of the source: column of the unit} where the
        names differ.
    span : str
        How far back the time at which a fact became known may lie.
    refresh : str, default="0s"
        Grid on which the value may change; ``"0s"`` for every fact.

    Examples
    --------
    >>> from isbjerg.features.sources import source
    >>> @source(key="flight_id", known={"*": "landed_utc"})
    ... def flights(): ...
    >>> print(past(flights, by="carrier", span="7d", refresh="5m"))
    by carrier, span 1w, every 5m
    """
    return Lookup(
        kind="past",
        source=_checked_source(of, "past"),
        on=_pairs(by),
        refresh_us=parse_span(refresh),
        span_us=parse_span(span),
    )


def _checked_source(of: object, where: str) -> Source:
    if not isinstance(of, Source):
        raise ArgumentError.out_of_range("of", where, "be a source", of)
    return of


def _pairs(on: str | Sequence[str] | Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    if isinstance(on, str):
        return ((on, on),)
    if isinstance(on, Mapping):
        return tuple(on.items())
    return tuple((c, c) for c in on)


@runtime_checkable
class RowValue(Protocol):
    """What can be a value of past facts: something that is a tree over one row's columns."""

    def row_value(self) -> Node:
        """Return the tree."""


@dataclass(frozen=True)
class Asked:
    """One value asked of a lookup inside a feature: untyped, over the source's columns."""

    name: str
    lookup: Lookup
    value: Node
    aggregate: Aggregate | None


class FactColumns:
    """Stands for the newest fact while a feature is traced: an attribute is a column."""

    def __init__(self, lookup: Lookup, asked: dict[str, Asked]) -> None:
        self._lookup = lookup
        self._asked = asked

    def __getattr__(self, column: str) -> Expression:
        if column.startswith("__"):
            raise AttributeError(column)
        return _ask(self._lookup, Node("column", value=column), None, self._asked)

    def __getitem__(self, column: str) -> Expression:
        return _ask(self._lookup, _row_value(column), None, self._asked)


class PastFacts:
    """Stands for past facts while a feature is traced: choose a value, then aggregate it."""

    def __init__(self, lookup: Lookup, asked: dict[str, Asked]) -> None:
        self._lookup = lookup
        self._asked = asked

    def __getattr__(self, column: str) -> PastValues:
        if column.startswith("__"):
            raise AttributeError(column)
        return PastValues(self._lookup, Node("column", value=column), self._asked)

    def __getitem__(self, value: object) -> PastValues:
        return PastValues(self._lookup, _row_value(value), self._asked)

    def count(self) -> Expression:
        """Count the facts."""
        return PastValues(self._lookup, lit(value=True).node, self._asked).count()


class PastValues:
    """A value of each past fact, to be aggregated."""

    def __init__(self, lookup: Lookup, value: Node, asked: dict[str, Asked]) -> None:
        self._lookup = lookup
        self._value = value
        self._asked = asked

    def count(self) -> Expression:
        """Count the facts in which the value is not missing."""
        return _ask(self._lookup, self._value, "count", self._asked)

    def sum(self) -> Expression:
        """Add the values up; 0 when there are none."""
        return _ask(self._lookup, self._value, "sum", self._asked)

    def mean(self) -> Expression:
        """Take the mean of the values; missing when there are none."""
        return _ask(self._lookup, self._value, "mean", self._asked)


def _row_value(value: object) -> Node:
    if isinstance(value, str):
        return Node("column", value=value)
    if isinstance(value, RowValue):
        return value.row_value()
    raise TracingError(
        f"A past value was chosen by a {type(value).__name__}; it is chosen by a feature or a column.",
        mend="past[late].mean(), or past.arr_delay.mean()",
    )


def _ask(
    lookup: Lookup, value: Node, aggregate: Aggregate | None, asked: dict[str, Asked]
) -> Expression:
    chosen = describe(value)
    suffix = f".{aggregate}" if aggregate else ""
    name = f"{lookup.kind}({lookup.source.name}.{chosen}{suffix} {lookup})"
    asked[name] = Asked(name, lookup, value, aggregate)
    return Expression(Node("slot", value=name))
