"""Features, targets and rules: traced functions that know what they depend on.

Dependencies are objects: a feature's parameter without a default is a column of the unit; a
default is another feature, or what `newest` and `past` return. Nothing registers anywhere:
a definition is found because a project's module names it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from isbjerg.errors import ArgumentError, MisuseError, TracingError
from isbjerg.expressions.build import Expression, describe
from isbjerg.expressions.learnt import unlearnt
from isbjerg.expressions.tracing import trace
from isbjerg.expressions.tree import PYTHON, Node, names, walk
from isbjerg.features.learnt_values import given, put, substituted
from isbjerg.features.lookups import AllRows, Asked, FactColumns, Lookup, PastFacts
from isbjerg.features.sources import Source
from isbjerg.features.trying import learnt_call, try_out


@dataclass(frozen=True)
class Feature:
    """A feature, target or rule: a traced function and what it depends on.

    Calling it runs the compiled tree on plain values, so a test of it tests what is served: a
    column or another feature is given as its value, the newest fact as a mapping (or None),
    past facts as a list of mappings.
    """

    name: str
    kind: Literal["feature", "target", "rule", "assumption"]
    parameters: tuple[tuple[str, Feature | Lookup | None], ...]
    node: Node = field(repr=False)
    asked: tuple[Asked, ...] = field(repr=False)
    unit: str | None = None
    owner: str | None = None
    meaning: str | None = None
    place: str = field(default="", repr=False)

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the unit that its own tree names."""
        return names(self.node, "column")

    @property
    def features(self) -> tuple[Feature, ...]:
        """Features that it is built on."""
        return tuple(d for _, d in self.parameters if isinstance(d, Feature))

    def row_value(self) -> Node:
        """Write a feature of one row as a tree over columns alone.

        Raises
        ------
        TracingError
            When the feature looks up other facts: inside a window only the fact's own columns
            count.
        """
        if self.asked:
            raise TracingError(
                f"The feature '{self.name}' looks up other facts, "
                "so it cannot be a value of past facts.",
                mend="choose a feature that needs only columns of its own row",
            )
        if any(n.op == PYTHON for n in walk(self.node)):
            raise TracingError(
                f"The feature '{self.name}' is plain Python, so it cannot be a value of past facts: "
                "an online store is filled where the project's code may not be.",
                mend="write it as an expression, with @ib.feature",
            )
        if unlearnt(self.node):
            raise TracingError(
                f"The feature '{self.name}' learns of training rows, so it cannot be a value of "
                "past facts: their sums would change with each training.",
                mend="choose a feature of the row, and learn of the window's result",
            )
        return _inlined(self.node, {f.name: f.row_value() for f in self.features})

    def with_learnt(self, *values: object) -> Feature:
        """Say what is learnt, to try the feature in a test.

        Parameters
        ----------
        *values : object
            One for each thing that the feature learns itself, in order of first use: a number; for
            a bucket its edges, for a vocabulary its texts; for a frequency or a target mean a
            mapping with ``None`` for missing and ``...`` for any other category.

        Returns
        -------
        Feature
            The same one with these in place; it can be called.

        Raises
        ------
        ArgumentError
            When there are more or fewer values than things to learn, or one is of another form.

        Examples
        --------
        >>> from isbjerg.expressions import learnt
        >>> @feature
        ... def far(distance):
        ...     return (distance - learnt.mean(distance)) / learnt.std(distance)
        >>> far.with_learnt(1000.0, 500.0)(1750)
        1.5
        """
        asked = unlearnt(self.node)
        if len(values) != len(asked):
            raise ArgumentError(
                f"'{self.name}' learns {len(asked)} value(s): "
                f"{', '.join(map(describe, asked)) or 'none'}. Got {len(values)}.",
                mend=learnt_call(self.name, asked),
            )
        told = {describe(n): given(n, v) for n, v in zip(asked, values, strict=True)}
        node = substituted(self.node, lambda n, argument: put(n, argument, told[describe(n)]))
        return replace(self, node=node)

    def __call__(self, *values: object, **named: object) -> Any:
        """Run the compiled tree on plain values."""
        return try_out(self, values, named)


def _inlined(node: Node, inner: Mapping[str, Node]) -> Node:
    if node.op == "feature":
        return inner[node.value]
    return Node(node.op, tuple(_inlined(a, inner) for a in node.args), node.value, node.type)


def define(
    function: Callable[..., Any],
    *,
    kind: Literal["feature", "target", "rule", "assumption"],
    unit: str | None = None,
    owner: str | None = None,
) -> Feature:
    """Trace a function into a `Feature`."""
    asked: dict[str, Asked] = {}
    parameters: tuple[tuple[str, Feature | Lookup | None], ...] = ()
    node = Node("literal")
    try:
        parameters = tuple(parameters_of(function))
        _check_lookups(function.__name__, kind, parameters)
        arguments = {name: _argument(name, on, asked) for name, on in parameters}
        node = trace(function, arguments, allowed=(Feature, Source, Lookup))
    except TracingError as fault:
        tell(fault)
    return Feature(
        name=function.__name__,
        kind=kind,
        parameters=parameters,
        node=node,
        asked=tuple(asked.values()),
        unit=unit,
        owner=owner,
        meaning=inspect.getdoc(function),
        place=place_of(function),
    )


def _check_lookups(
    name: str, kind: str, parameters: tuple[tuple[str, Feature | Lookup | None], ...]
) -> None:
    """Refuse a feature that depends on all rows, and an assumption that looks facts up as known."""
    for parameter, on in parameters:
        if not isinstance(on, Lookup) or isinstance(on, AllRows) == (kind == "assumption"):
            continue
        if isinstance(on, AllRows):
            raise TracingError(
                f"The {kind} '{name}' depends on all rows of '{on.source.name}', also on those "
                "known only after the decision.",
                mend=f'{parameter}=ib.past({on.source.name}, by="...", span="7d")',
            )
        raise TracingError(
            f"The assumption '{name}' looks facts up as known at a decision; it is about rows as "
            "they stand.",
            mend=f"{parameter}=ib.rows({on.source.name}), or name columns of one source",
        )


def place_of(function: Callable[..., Any]) -> str:
    """Say in which file and line a function stands."""
    code = function.__code__
    return f"{code.co_filename.rsplit('/', 1)[-1]}:{code.co_firstlineno}"


_COLLECTED: ContextVar[list[TracingError] | None] = ContextVar("collected", default=None)


@contextmanager
def collecting_faults() -> Iterator[list[TracingError]]:
    """Gather the tracing faults of a whole file instead of stopping at the first.

    A feature that could not be traced is left in place so that the rest of the file can be read;
    who collects must raise when anything was gathered.
    """
    faults: list[TracingError] = []
    token = _COLLECTED.set(faults)
    try:
        yield faults
    finally:
        _COLLECTED.reset(token)


def tell(fault: TracingError) -> None:
    """Gather a fault where faults are gathered, raise it elsewhere."""
    collected = _COLLECTED.get()
    if collected is None:
        raise fault
    collected.append(fault)


def parameters_of(function: Callable[..., Any]) -> list[tuple[str, Feature | Lookup | None]]:
    """List the parameters of a function, each with what it depends on; a column has nothing."""
    found: list[tuple[str, Feature | Lookup | None]] = []
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind in {parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD}:
            raise TracingError(
                f"The feature '{function.__name__}' takes *args or **kwargs.",
                mend="name each column that it depends on",
            )
        default = None if parameter.default is parameter.empty else parameter.default
        if parameter.default is not parameter.empty and not isinstance(default, Feature | Lookup):
            raise TracingError(
                f"The parameter '{name}' of '{function.__name__}' has the default {default!r}.\n"
                "A default says what the feature depends on: a feature, ib.newest(...), ib.past(...).",
                mend=f"write the constant in the body, or drop the default of '{name}'",
            )
        found.append((name, default))
    return found


def _argument(name: str, on: Feature | Lookup | None, asked: dict[str, Asked]) -> object:
    if on is None:
        return Expression(Node("column", value=name))
    if isinstance(on, Feature):
        return Expression(Node("feature", value=on.name))
    return (FactColumns if on.kind == "newest" else PastFacts)(on, asked)


def feature(
    function: Callable[..., Any] | None = None,
    *,
    unit: str | None = None,
    owner: str | None = None,
) -> Any:
    """Declare a feature: decorate the function that computes it.

    Parameters
    ----------
    function : callable
        Each parameter without a default is a column of the unit; a default is what it depends on
        else. Its docstring is the feature's meaning.
    unit : str, optional
        Unit of measurement, such as ``"h"``.
    owner : str, optional
        Who answers for it.

    Returns
    -------
    Feature
        Can be called on plain values in a test.

    Raises
    ------
    TracingError
        When the function holds what cannot be traced; the error says what to write.

    Examples
    --------
    >>> @feature(unit="h", owner="ops")
    ... def hour(sched_dep_local):
    ...     return sched_dep_local.hour()
    >>> @feature
    ... def evening(h=hour):
    ...     return h >= 17
    >>> evening(18), evening(9), evening(None)
    (True, False, None)
    """

    def declare(f: Callable[..., Any]) -> Feature:
        return define(f, kind="feature", unit=unit, owner=owner)

    return declare if function is None else declare(function)


def target(function: Callable[..., Any]) -> Feature:
    """Declare what is to be predicted: a function of columns that become known later.

    Examples
    --------
    >>> @target
    ... def late(arr_delay):
    ...     return arr_delay > 30
    >>> late(45), late(None)
    (True, None)
    """
    defined = define(function, kind="target")
    if unlearnt(defined.node):
        raise MisuseError(
            f"The target '{defined.name}' learns of training rows: what is predicted would change "
            "with each training.",
            mend="write the number down: delay > 30",
            target=defined.name,
        )
    if defined.asked:
        raise MisuseError(
            f"The target '{defined.name}' looks up other facts.",
            mend="compute it from columns of the unit's own row",
            target=defined.name,
        )
    return defined


def rule(function: Callable[..., Any] | None = None, *, owner: str | None = None) -> Any:
    """Declare a hand-coded rule: a rung of the ladder whose score is the function's value.

    Examples
    --------
    >>> from isbjerg.expressions.build import when
    >>> @rule
    ... def evenings_run_late(hour):
    ...     return when(hour >= 17).then(0.35).otherwise(0.2)
    >>> evenings_run_late(18)
    0.35
    """

    def declare(f: Callable[..., Any]) -> Feature:
        return define(f, kind="rule", owner=owner)

    return declare if function is None else declare(function)
