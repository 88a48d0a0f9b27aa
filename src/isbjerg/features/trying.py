"""Run a traced feature on plain values, as a test does: what is tested is what is served.

The types of the columns are not known in a test, so they are taken from the values given;
for a missing value the first type with which the tree makes sense is taken.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any, Protocol

from isbjerg.errors import ArgumentError, TypingError
from isbjerg.expressions.build import describe
from isbjerg.expressions.code import collecting_code_faults
from isbjerg.expressions.inference import infer
from isbjerg.expressions.learnt import unlearnt
from isbjerg.expressions.python import compile_expression
from isbjerg.expressions.tree import Node, Type, names
from isbjerg.expressions.values import from_carrier, to_carrier, type_of_value
from isbjerg.features.fixed_point import SCALE, to_fixed
from isbjerg.features.learnt_values import example
from isbjerg.features.lookups import Asked, Lookup
from isbjerg.features.sets import Aggregate

_LEAVES = ("column", "feature", "slot")


class Traced(Protocol):
    """What can be tried: a traced function with its parameters."""

    @property
    def name(self) -> str:
        """Name of the function."""

    @property
    def node(self) -> Node:
        """Untyped tree."""

    @property
    def parameters(self) -> tuple[tuple[str, Any], ...]:
        """Each parameter and what it depends on."""

    @property
    def asked(self) -> tuple[Asked, ...]:
        """Values asked of lookups."""


def try_out(feature: Traced, values: Sequence[object], named: Mapping[str, object]) -> Any:
    """Compute a feature from plain values of its parameters.

    Parameters
    ----------
    feature : Traced
        What to compute.
    values, named : sequence, mapping
        Arguments as the function takes them; a newest fact as a mapping or ``None``, past facts
        as a list of mappings.

    Raises
    ------
    ArgumentError
        When an argument is missing or not a parameter.
    TypingError
        When the tree does not take values of these types.
    """
    if to_learn := unlearnt(feature.node):
        raise TypingError(
            f"'{feature.name}' learns of training rows, and there are none here.\n"
            f"It learns: {', '.join(map(describe, to_learn))}",
            code="ISB123",
            mend=learnt_call(feature.name, to_learn)
            + f"({', '.join(f'{name}=...' for name, _ in feature.parameters)})",
        )
    given = _bind(feature, values, named)
    leaves: dict[tuple[str, str], object] = {}
    for (name, depends), value in zip(feature.parameters, given, strict=True):
        if isinstance(depends, Lookup):
            for asked in feature.asked:
                if asked.lookup is depends:
                    leaves["slot", asked.name] = _looked_up(asked, value)
        elif depends is None:
            leaves["column", name] = value
        else:
            leaves["feature", depends.name] = value
    return _evaluate(feature.node, leaves)


def learnt_call(name: str, asked: Sequence[Node]) -> str:
    """Write the call that says what a feature has learnt.

    Examples
    --------
    >>> from isbjerg.expressions import learnt
    >>> from isbjerg.expressions.build import lit
    >>> learnt_call("far", [learnt.mean(lit(1)).node, learnt.bucket(lit(1), 3).node])
    'far.with_learnt(12.5, [10.0, 20.0])'
    """
    return f"{name}.with_learnt({', '.join(map(example, asked))})"


def _bind(feature: Traced, values: Sequence[object], named: Mapping[str, object]) -> list[object]:
    parameters = [name for name, _ in feature.parameters]
    given = dict(zip(parameters, values, strict=False)) | dict(named)
    if len(values) > len(parameters) or set(given) != set(parameters):
        raise ArgumentError(
            f"'{feature.name}' takes ({', '.join(parameters)}). "
            f"Got {len(values)} value(s) and the names {sorted(named)}.",
            mend=f"{feature.name}({', '.join(f'{p}=...' for p in parameters)})",
        )
    return [given[p] for p in parameters]


def _looked_up(asked: Asked, value: object) -> object:
    if asked.aggregate is None:
        if value is None:
            return None
        return _over_row(asked.value, _mapping(value))
    if not isinstance(value, Iterable):
        raise ArgumentError(
            f"Past facts are given as a list of mappings. Got {value!r}.",
            mend="[{'arr_delay': 45}, {'arr_delay': 2}]",
        )
    return aggregate((_over_row(asked.value, _mapping(row)) for row in value), asked.aggregate)


def _mapping(value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping):
        raise ArgumentError(
            f"A fact is given as a mapping of its columns. Got {value!r}.",
            mend="{'wind_speed': 7.5}",
        )
    return value


def _over_row(node: Node, row: Mapping[str, object]) -> object:
    return _evaluate(node, {("column", c): row.get(c) for c in names(node, "column")})


def aggregate(values: Iterable[object], kind: Aggregate) -> float | int | None:
    """Aggregate values of past facts exactly, in 128-bit fixed point.

    Examples
    --------
    >>> aggregate([True, None, False], "mean"), aggregate([], "mean"), aggregate([], "sum")
    (0.5, None, 0.0)
    """
    present: list[Any] = [v for v in values if v is not None]
    if kind == "count":
        return len(present)
    kept = [fixed for v in present if (fixed := to_fixed(v)) is not None]
    total = float(sum(kept)) / SCALE
    if kind == "sum":
        return total
    return total / float(len(kept)) if kept else None


def _evaluate(node: Node, leaves: Mapping[tuple[str, str], object]) -> Any:
    used = [(op, name) for op in _LEAVES for name in names(node, op)]
    known = {leaf: type_of_value(leaves[leaf]) for leaf in used}
    typed = _typed(node, known)
    types = {(n.op, n.value): n.type for n in _leaf_nodes(typed)}
    carriers = [
        None if leaves[leaf] is None else to_carrier(leaves[leaf], types[leaf] or Type.BOOLEAN)
        for leaf in used
    ]
    with collecting_code_faults() as faults:
        result = compile_expression(typed, used)(*carriers)
    if faults.last is not None:
        raise faults.last  # in a test the writer wants to see it; in a table it is null and told
    return from_carrier(result, typed.type) if typed.type else None


def _leaf_nodes(node: Node) -> Iterable[Node]:
    if node.op in _LEAVES:
        yield node
    for argument in node.args:
        yield from _leaf_nodes(argument)


def _typed(node: Node, known: Mapping[tuple[str, str], Type | None]) -> Node:
    """Type a tree, taking for each missing value the first type that makes sense."""
    unknown = [leaf for leaf, type_ in known.items() if type_ is None]
    fault: TypingError | None = None
    for guess in product(Type, repeat=len(unknown)):
        types = {leaf: t for leaf, t in known.items() if t} | dict(zip(unknown, guess, strict=True))
        by_op = {op: {n: t for (o, n), t in types.items() if o == op} for op in _LEAVES}
        try:
            return infer(
                node, columns=by_op["column"], features=by_op["feature"], slots=by_op["slot"]
            )
        except TypingError as misfit:
            fault = fault or misfit
    raise fault or TypingError("The tree has no type.")
