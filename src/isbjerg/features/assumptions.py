"""Assumptions: what a table's rows, or sums over tables, should keep; declared as expressions.

A contract promises one column at a time and sets single rows aside. An assumption is about what
columns say together, or whole tables: it is traced like a feature, held against what an ingest
brought and against the table as it stands, and told as a finding. Rows that break it stay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from isbjerg.canonical import content_hash
from isbjerg.errors import ArgumentError, TracingError
from isbjerg.expressions.tree import Node, names
from isbjerg.features.definitions import Feature, define, tell
from isbjerg.features.lookups import AllRows
from isbjerg.features.sources import Source

AssumptionSeverity = Literal["warning", "error", "blocking"]
"""*blocking* lets no run go on; the other two are told, *error* first."""

_SEVERITIES = ("warning", "error", "blocking")


@dataclass(frozen=True)
class Assumption:
    """Something that should hold, of each row of a source or of each group of rows.

    Calling it runs the compiled tree on plain values, so that it can be tested like a feature.

    Parameters
    ----------
    name : str
        Of its function.
    sources : tuple of Source
        The one whose rows it is about, or all whose rows are added up.
    by : tuple of (str, Node)
        Groups of rows, each by its name and a tree over one row; empty for all rows together.
    value : Feature
        The traced function.
    share : float
        Which share of the rows, or groups, must keep it.
    severity : {"warning", "error", "blocking"}
        What breaking it means.
    owner : str, optional
        Who answers for it.
    """

    name: str
    sources: tuple[Source, ...]
    by: tuple[tuple[str, Node], ...]
    value: Feature = field(repr=False)
    share: float
    severity: AssumptionSeverity
    owner: str | None = None

    @property
    def meaning(self) -> str:
        """What it says in words: the first line of its docstring, else its name."""
        return (self.value.meaning or self.name.replace("_", " ")).splitlines()[0].rstrip(".")

    @property
    def of_groups(self) -> bool:
        """Whether it is about sums over rows, not about single ones."""
        return bool(self.value.asked)

    @property
    def hash(self) -> str:
        """Name of what is asked and how strictly; words and owner do not change it."""
        parts = [[a.name, a.lookup.source.name, a.value, a.aggregate] for a in self.value.asked]
        tree = self.value.node if self.of_groups else self.value.row_value()
        keys = [s.key for s in self.sources]
        return content_hash([tree, parts, self.by, keys, self.share, self.severity])

    def __call__(self, *values: object, **named: object) -> Any:
        """Run the compiled tree on plain values."""
        return self.value(*values, **named)


def rows(of: Source) -> Any:
    """Depend on all rows of a source, to add them up: ``booked.amount.sum()``.

    For an assumption; a feature asks for the rows of its past with `past`.

    Parameters
    ----------
    of : Source
        Where the rows are. Of rows with one key the newest counts.

    Examples
    --------
    >>> from isbjerg.features.sources import source
    >>> @source(key="id", known={"*": "at"})
    ... def bookings(): ...
    >>> rows(bookings).source.name
    'bookings'
    """
    if not isinstance(of, Source):
        raise ArgumentError.out_of_range("of", "rows", "be a source", of)
    return AllRows(kind="past", source=of, on=(), refresh_us=0)


def assumption(
    function: Callable[..., Any] | None = None,
    *,
    source: Source | None = None,
    by: str | Feature | Sequence[str | Feature] = (),
    share: float = 1.0,
    severity: AssumptionSeverity = "warning",
    owner: str | None = None,
) -> Any:
    """Declare what should hold: decorate a function that returns whether it does.

    It is checked whenever an ingest brings new rows: for those, and for the table as it stands.

    Parameters
    ----------
    function : callable
        Each parameter is a column of `source`, or has a row feature as its default; or all of them
        are :func:`isbjerg.rows` of sources, whose sums, means and counts are compared. Its
        docstring says what is assumed, and why.
    source : Source, optional
        Whose rows it is about. Not given when sums are compared.
    by : str, Feature, or sequence of them
        Of sums: the groups, such as ``"month"``; columns that all sources have. A group that one
        source lacks counts as no rows there: 0, and a missing mean.
    share : float, default=1.0
        Which share of the rows, or groups, must keep it, in ``(0, 1]``. Where the answer is
        missing nothing is assumed.
    severity : {"warning", "error", "blocking"}
        With *blocking* no run goes on while it is broken. Rows are never set aside for it.
    owner : str, optional
        Who answers for it.

    Returns
    -------
    Assumption
        Can be called on plain values in a test.

    Raises
    ------
    TracingError
        When the function holds what cannot be traced, or looks facts up.
    ArgumentError
        When `share` or `severity` is out of range.

    Examples
    --------
    >>> from isbjerg.features.sources import source
    >>> @source(key="id", known={"*": "at"})
    ... def bookings(): ...
    >>> @assumption(source=bookings, share=0.99)
    ... def paid_after_booked(booked, paid):
    ...     "A booking is paid after it was made."
    ...     return paid >= booked
    >>> paid_after_booked(3, 5), paid_after_booked(3, None)
    (True, None)

    Two systems, month by month:

    >>> @source(key="month", known={"*": "month"})
    ... def ledger(): ...
    >>> @assumption(by="month", severity="blocking")
    ... def books_agree(booked=rows(bookings), posted=rows(ledger)):
    ...     return abs(booked.amount.sum() - posted.total.sum()) <= 0.01
    >>> books_agree([{"amount": 3.0}, {"amount": 4.0}], [{"total": 7.5}])
    False
    """
    if not 0.0 < share <= 1.0:
        raise ArgumentError.out_of_range("share", "assumption", "lie in (0, 1]", share)
    if severity not in _SEVERITIES:
        rule = f"be one of {', '.join(_SEVERITIES)}"
        raise ArgumentError.out_of_range("severity", "assumption", rule, severity)
    if source is not None and not isinstance(source, Source):
        raise ArgumentError.out_of_range("source", "assumption", "be a source", source)
    groups = (by,) if isinstance(by, str | Feature) else tuple(by)

    def declare(f: Callable[..., Any]) -> Assumption:
        value = define(f, kind="assumption")
        keys: tuple[tuple[str, Node], ...] = ()
        try:
            _check(value, source, groups)
            keys = tuple(_group(g) for g in groups)
        except TracingError as fault:
            tell(fault)
        added = {a.lookup.source.name: a.lookup.source for a in value.asked}
        return Assumption(
            name=f.__name__,
            sources=tuple(added.values()) if source is None else (source,),
            by=keys,
            value=value,
            share=share,
            severity=severity,
            owner=owner,
        )

    return declare if function is None else declare(function)


def _group(by: str | Feature) -> tuple[str, Node]:
    if isinstance(by, Feature):
        return by.name, by.row_value()
    return by, Node("column", value=by)


def _check(value: Feature, source: Source | None, by: tuple[str | Feature, ...]) -> None:
    name = value.name
    own = bool(names(value.node, "column") or names(value.node, "feature"))
    if value.asked and (own or source is not None):
        raise TracingError(
            f"The assumption '{name}' mixes columns of single rows with sums over all rows.",
            mend="give each parameter a default, ib.rows(...), and drop `source`; or write two "
            "assumptions",
        )
    if not value.asked and source is None:
        raise TracingError(
            f"Nothing says whose rows the assumption '{name}' is about.",
            mend=f"@ib.assumption(source=...) above `def {name}`",
        )
    if not value.asked:
        value.row_value()  # refuses plain Python and what is learnt
    if not value.asked and by:
        raise TracingError(
            f"The assumption '{name}' is about single rows, so it has no groups.",
            mend="drop `by`, or add rows up: booked=ib.rows(bookings), then booked.amount.sum()",
        )
