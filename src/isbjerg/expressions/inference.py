"""Give every node its type, and make every conversion visible in the tree.

Tracing happens before any data is seen, so a traced tree has no types. Once the types of
the columns are known (from a contract, or from the values of a test's call) this module
types the tree from the leaves up. Where an integer meets a float it writes a ``to_float``
node: a compiler never converts on its own, so two compilers cannot convert differently.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from isbjerg.errors import TypingError
from isbjerg.expressions.tree import LEARN, PYTHON, Node, Type

B, I, F, X = Type.BOOLEAN, Type.INTEGER, Type.FLOAT, Type.TEXT  # noqa: E741
T, L, D = Type.INSTANT, Type.LOCAL, Type.DURATION

_Rule = dict[tuple[Type, ...], Type]

_ADD: _Rule = {
    (I, I): I,
    (F, F): F,
    (D, D): D,
    (T, D): T,
    (D, T): T,
    (L, D): L,
    (D, L): L,
    (X, X): X,
}
_SUBTRACT: _Rule = {(I, I): I, (F, F): F, (D, D): D, (T, D): T, (L, D): L, (T, T): D, (L, L): D}
_NUMBERS: _Rule = {(I, I): I, (F, F): F}
_ORDERED: _Rule = {(t, t): t for t in (I, F, X, T, L, D)}

_RESULTS: dict[str, _Rule] = {
    "to_float": {(I,): F, (B,): F, (F,): F},
    "to_integer": {(F,): I, (B,): I, (I,): I},
    "add": _ADD,
    "subtract": _SUBTRACT,
    "multiply": _NUMBERS,
    "divide": {(F, F): F},
    "floor_divide": {(I, I): I},
    "modulo": {(I, I): I},
    "negate": {(I,): I, (F,): F, (D,): D},
    "absolute": {(I,): I, (F,): F, (D,): D},
    "floor": {(F,): F},
    "ceil": {(F,): F},
    "sqrt": {(F,): F},
    "minimum": _ORDERED,
    "maximum": _ORDERED,
    "equal": {(t, t): B for t in Type},
    "not_equal": {(t, t): B for t in Type},
    "less": dict.fromkeys(_ORDERED, B),
    "less_equal": dict.fromkeys(_ORDERED, B),
    "greater": dict.fromkeys(_ORDERED, B),
    "greater_equal": dict.fromkeys(_ORDERED, B),
    "is_in": {(I,): B, (X,): B},
    "and": {(B, B): B},
    "or": {(B, B): B},
    "not": {(B,): B},
    "is_null": {(t,): B for t in Type},
    "fill_null": {(t, t): t for t in Type},
    "when": {(B, t, t): t for t in Type},
    "text_length": {(X,): I},
    "starts_with": {(X,): B},
    "ends_with": {(X,): B},
    "contains": {(X,): B},
    "slice": {(X,): X},
    "strip": {(X,): X},
    "lower_ascii": {(X,): X},
    "map": {(X,): F, (I,): F, (B,): F},
    "bucket": {(F,): I},
    **{op: {(L,): I} for op in ("year", "month", "day", "weekday", "hour", "minute", "second")},
    "in_zone": {(T,): L},
    "total_seconds": {(D,): F},
}

_ALWAYS_FLOAT = frozenset({"divide", "floor", "ceil", "sqrt", "bucket"})


def infer(
    node: Node,
    *,
    columns: Mapping[str, Type],
    features: Mapping[str, Type] | None = None,
    slots: Mapping[str, Type] | None = None,
) -> Node:
    """Type a tree from the types of its leaves.

    Parameters
    ----------
    node : Node
        An untyped tree, or a typed one, which comes back equal.
    columns, features, slots : mapping of str to Type
        What each leaf stands for.

    Returns
    -------
    Node
        The same tree with a type on every node and every conversion written out.

    Raises
    ------
    TypingError
        When an operation does not take the types it meets, or a leaf is not known; the
        error names the operation, the types found and what would fit.

    Examples
    --------
    >>> whole, half = Node("column", value="n"), Node("literal", value=0.5, type=Type.FLOAT)
    >>> typed = infer(Node("add", (whole, half)), columns={"n": Type.INTEGER})
    >>> typed.type, typed.args[0].op
    (<Type.FLOAT: 'float'>, 'to_float')
    """
    leaves = {"column": columns, "feature": features or {}, "slot": slots or {}}

    def typed(n: Node) -> Node:
        if n.op == "literal":
            return n
        if n.op in leaves:
            return _leaf(n, leaves[n.op])
        args = tuple(typed(a) for a in n.args)
        if n.op == PYTHON:
            return Node(n.op, args, n.value, Type(n.value["returns"]))
        return _learn(n, args[0]) if n.op == LEARN else _apply(n, args)

    result = typed(node)
    if result.type is None:
        raise TypingError(
            "An expression that is only null has no type.",
            mend="give it a value, such as 0.0, or drop the feature",
        )
    return result


def _leaf(node: Node, known: Mapping[str, Type]) -> Node:
    if node.value not in known:
        raise TypingError(
            f"An expression names the {node.op} '{node.value}', which is not there.\n"
            f"Found: {sorted(known)}",
            mend=f"rename the parameter to one of the {node.op}s found",
            name=node.value,
            found=sorted(known),
        )
    return Node(node.op, value=node.value, type=known[node.value])


_CATEGORIES = (X, I, B)
_LEARNT: dict[str, tuple[tuple[Type, ...], Type]] = {
    "mean": ((F,), F),
    "std": ((F,), F),
    "quantile": ((F,), F),
    "bucket": ((F,), I),
    "vocabulary": ((X,), X),
    "frequency": (_CATEGORIES, F),
    "target_mean": (_CATEGORIES, F),
}
"""What can be learnt: of which types, and the type of the value."""


def _learn(node: Node, of: Node) -> Node:
    """Type what is still to be learnt; where it takes floats, whole numbers and truths become some."""
    takes, gives = _LEARNT[node.value["what"]]
    if takes == (F,) and of.type in {I, B}:
        of = _as_float(of) if of.type is I else Node("to_float", (of,), type=F)
    if of.type not in takes:
        raise TypingError(
            f"`learnt.{node.value['what']}` was given {of.type or 'null'}.\n"
            f"It takes: {', '.join(['integer', *takes] if takes == (F,) else takes)}",
            mend="a number of it, such as .total_minutes() or .hour()"
            if takes == (F,)
            else "a text, an integer or a boolean; ib.learnt.bucket(x, 10) makes one of a number",
            op=node.op,
            types=(of.type,),
        )
    return Node(node.op, (of,), node.value, gives)


def _apply(node: Node, args: tuple[Node, ...]) -> Node:
    args = _widen(node.op, _name_nulls(node.op, args))
    types = tuple(a.type for a in args)
    result = _RESULTS[node.op].get(types)  # type: ignore[arg-type]
    if result is None:
        raise _mismatch(node, types)
    if node.op == "is_in":
        _check_options(node, node.value, args[0])
    if node.op == "map":
        _check_options(node, node.value[0], args[0])
    return Node(node.op, args, node.value, result)


def _name_nulls(op: str, args: tuple[Node, ...]) -> tuple[Node, ...]:
    """Give a null literal the type of the argument it stands beside."""
    first = 1 if op == "when" else 0
    known = next((a.type for a in args[first:] if a.type is not None), None)
    if known is None and op == "when":
        return args
    return tuple(
        Node(a.op, a.args, a.value, B if i < first else known) if a.type is None else a
        for i, a in enumerate(args)
    )


def _widen(op: str, args: tuple[Node, ...]) -> tuple[Node, ...]:
    """Write integers as floats where the operation needs it or another argument is one."""
    first = 1 if op == "when" else 0
    types = {a.type for a in args[first:]}
    if op not in _ALWAYS_FLOAT and types != {I, F}:
        return args
    return args[:first] + tuple(_as_float(a) if a.type is I else a for a in args[first:])


def _as_float(node: Node) -> Node:
    if node.op == "literal":
        return Node("literal", value=None if node.value is None else float(node.value), type=F)
    return Node("to_float", (node,), type=F)


_PLAIN_KINDS = {X: str, I: int, B: bool}


def _check_options(node: Node, options: Sequence[object], subject: Node) -> None:
    kind = _PLAIN_KINDS[subject.type or X]
    odd = [v for v in options if type(v) is not kind]
    if odd:
        raise TypingError(
            f"`{node.op}` on a value of type {subject.type} was given {odd!r}.",
            mend=f"give only values of type {subject.type}",
        )


_ZONE_MEND = "say in which zone: .in_zone('America/New_York').{op}()"
_BOOL_MEND = "turn the boolean into a number first: .to_integer()"


def _mismatch(node: Node, types: tuple[Type | None, ...]) -> TypingError:
    fits = sorted("(" + ", ".join(str(t) for t in takes) + ")" for takes in _RESULTS[node.op])
    if types == (T,) and (L,) in _RESULTS[node.op]:
        mend = _ZONE_MEND.format(op=node.op)
    elif B in types:
        mend = _BOOL_MEND
    else:
        mend = "convert one side, or compare values of one type"
    found = ", ".join("null" if t is None else str(t) for t in types)
    return TypingError(
        f"`{node.op}` was given ({found}).\nIt takes: {', '.join(fits)}",
        mend=mend,
        op=node.op,
        types=types,
    )
