"""Compile typed trees to Polars expressions, for a table.

The expressions are bent to the semantics of ``docs/internals/semantics.md`` wherever Polars
has another habit. Four of them shape this file:

- integers are computed in 128 bits and cast back, which turns overflow into null;
- Polars divides by a constant by multiplying with its reciprocal, which gives other bits than
  a division, so a divisor is first made a real column (`_let`);
- constants are given the height of the table (`_fill`);
- a value that is needed twice is bound once, as a field of a struct (`_let`): written twice
  it would be computed twice, and twice again at every level above. Polars 1 does write it
  out, and takes seconds for five divisions in a row: Polars 2.0 is the oldest that serves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from string import ascii_lowercase, ascii_uppercase
from typing import Any

import polars as pl
from polars import selectors

from isbjerg.expressions.checking import check
from isbjerg.expressions.code import bound
from isbjerg.expressions.tree import (
    LEAVES,
    PYTHON,
    TIME_MAX_US,
    TIME_MIN_US,
    Node,
    Type,
    walk,
)
from isbjerg.expressions.zones import ZONED_MAX_US, ZONED_MIN_US

ColumnOf = Callable[[str, str], str]
_Args = tuple[pl.Expr, ...]

_WHITE_SPACE = " \t\n\r\x0b\x0c"
_WIDE = pl.Int128()
_MICROSECONDS_PER_SECOND = 1_000_000.0

_DTYPES: dict[Type, pl.DataType] = {
    Type.BOOLEAN: pl.Boolean(),
    Type.INTEGER: pl.Int64(),
    Type.FLOAT: pl.Float64(),
    Type.TEXT: pl.String(),
    Type.INSTANT: pl.Datetime("us", "UTC"),
    Type.LOCAL: pl.Datetime("us"),
    Type.DURATION: pl.Duration("us"),
}


def polars_type(type_: Type) -> pl.DataType:
    """Return the Polars type that carries `type_`.

    Examples
    --------
    >>> polars_type(Type.INSTANT)
    Datetime(time_unit='us', time_zone='UTC')
    """
    return _DTYPES[type_]


def type_of(dtype: pl.DataType) -> Type | None:
    """Return the type of values that a Polars type can be cast to, or ``None``.

    Examples
    --------
    >>> type_of(pl.UInt8()), type_of(pl.Date()), type_of(pl.List(pl.Int64()))
    (<Type.INTEGER: 'integer'>, <Type.LOCAL: 'local'>, None)
    """
    if isinstance(dtype, pl.Datetime):
        return Type.LOCAL if dtype.time_zone is None else Type.INSTANT
    kinds: tuple[tuple[Any, Type], ...] = (
        (pl.Boolean, Type.BOOLEAN),
        ((pl.String, pl.Categorical, pl.Enum), Type.TEXT),
        (pl.Date, Type.LOCAL),
        (pl.Duration, Type.DURATION),
    )
    for kind, type_ in kinds:
        if isinstance(dtype, kind):
            return type_
    if dtype.is_integer():
        return Type.INTEGER
    return Type.FLOAT if dtype.is_float() or dtype.is_decimal() else None


def polars_column(op: str, name: str) -> str:
    """Name the column that stands for a leaf: ``feature:`` and ``slot:`` mark what they are.

    Examples
    --------
    >>> polars_column("column", "carrier"), polars_column("feature", "late")
    ('carrier', 'feature:late')
    """
    return name if op == "column" else f"{op}:{name}"


def to_polars(node: Node, column_of: ColumnOf = polars_column) -> pl.Expr:
    """Compile a typed tree to a Polars expression.

    Parameters
    ----------
    node : Node
        A typed tree.
    column_of : callable, optional
        From a leaf's operation and name to the name of its column, which must be of the
        leaf's `polars_type`, without NaN or infinity.

    Returns
    -------
    polars.Expr
        One value per row, also when the tree has no columns; of `polars_type`. Its name
        means nothing: give it one with ``alias``.

    Raises
    ------
    TypingError
        When the tree is not whole (see :func:`isbjerg.expressions.checking.check`).

    Examples
    --------
    >>> n = Node("column", value="n", type=Type.INTEGER)
    >>> twice = to_polars(Node("add", (n, n), type=Type.INTEGER))
    >>> pl.DataFrame({"n": [4, 2**62, None]}).select(twice.alias("twice"))["twice"].to_list()
    [8, None, None]
    """
    return _fill(_write(check(node), column_of), node, column_of)


def _fill(expression: pl.Expr, node: Node, column_of: ColumnOf) -> pl.Expr:
    """Give constants the height of the table.

    Polars answers with one row when all it sees are constants, and in some corners also when
    a null constant meets a column that is all null; beside a real column one row is repeated.
    """
    leaves = [n for n in walk(node) if n.op in LEAVES]
    columns = [n for n in leaves if n.op != "literal"]
    if not columns:
        return pl.repeat(expression, pl.len())
    if len(columns) == len(leaves):
        return expression
    beside = _column(column_of(columns[0].op, columns[0].value))
    return pl.struct(beside.alias("beside"), expression.alias("a")).struct.field("a")


def _write(node: Node, column_of: ColumnOf) -> pl.Expr:
    if node.op == "literal":
        return _literal(node)
    if node.op in LEAVES:
        return _column(column_of(node.op, node.value))
    args = tuple(_write(a, column_of) for a in node.args)
    if node.op == PYTHON:
        return _python(node, args)
    if node.op in _PLAIN:
        return _PLAIN[node.op](*args)
    return _SPECIAL[node.op](node, args)


def _column(name: str) -> pl.Expr:
    """Name exactly one column, also where Polars would read a pattern: ``*`` or ``^...$``."""
    if name == "*" or (name.startswith("^") and name.endswith("$")):
        return selectors.by_name(name).as_expr()
    return pl.col(name)


def _literal(node: Node) -> pl.Expr:
    dtype = _dtype(node)
    if dtype.is_temporal():  # an integer of microseconds, for both sides
        return pl.lit(node.value, dtype=pl.Int64()).cast(dtype)
    return pl.lit(node.value, dtype=dtype)


def _dtype(node: Node) -> pl.DataType:
    return _DTYPES[node.type or Type.FLOAT]


def _let(body: Callable[..., pl.Expr], *values: pl.Expr) -> pl.Expr:
    """Bind `values` once, as full columns, and let `body` use them as often as it likes."""
    names = ("a", "b")[: len(values)]
    bound = pl.struct(*(v.alias(n) for n, v in zip(names, values, strict=True)))
    result = body(*(pl.field(n) for n in names)).alias("result")
    return bound.struct.with_fields(result).struct.field("result")


def _finite(value: pl.Expr) -> pl.Expr:
    return _let(lambda a: pl.when(a.is_finite()).then(a), value)


def _between(value: pl.Expr, low_us: int, high_us: int) -> pl.Expr:
    return _let(lambda a: pl.when((a >= low_us) & (a <= high_us)).then(a), value)


def _wide(value: pl.Expr) -> pl.Expr:
    return value.cast(pl.Int64()).cast(_WIDE)


def _arithmetic(compute: Callable[..., pl.Expr]) -> Callable[[Node, _Args], pl.Expr]:
    """Give a computation the overflow that the type of its result has."""

    def write(node: Node, args: _Args) -> pl.Expr:
        if node.type is Type.FLOAT:
            return _finite(compute(*args))
        result = compute(*map(_wide, args)).cast(pl.Int64(), strict=False)
        if node.type in {Type.INSTANT, Type.LOCAL}:
            result = _between(result, TIME_MIN_US, TIME_MAX_US)
        return result.cast(_dtype(node))

    return write


def _add(node: Node, args: _Args) -> pl.Expr:
    if node.type is Type.TEXT:
        return pl.concat_str(args)
    return _arithmetic(lambda a, b: a + b)(node, args)


def _is_in(node: Node, args: _Args) -> pl.Expr:
    if not node.value:
        return _let(lambda a: pl.when(a.is_not_null()).then(pl.lit(value=False)), *args)
    return args[0].is_in(list(node.value))


def _map(node: Node, args: _Args) -> pl.Expr:
    keys, floats, other = node.value
    of = node.args[0].type or Type.TEXT
    table = pl.Series(keys, dtype=_DTYPES[of]), pl.Series(floats, dtype=pl.Float64())

    def look_up(key: pl.Expr) -> pl.Expr:
        if not keys:
            return pl.when(key.is_not_null()).then(pl.lit(other))
        found = key.replace_strict(*table, default=pl.lit(other), return_dtype=pl.Float64())
        return pl.when(key.is_not_null()).then(found)  # a null is no key, so it would be "other"

    return _let(look_up, *args)


def _bucket(node: Node, args: _Args) -> pl.Expr:
    """Count the edges below a value: comparisons, since a search in a column orders -0.0."""

    def count(value: pl.Expr) -> pl.Expr:
        zero = pl.when(value.is_not_null()).then(pl.lit(0, dtype=pl.Int64()))
        below = (value > pl.lit(edge, dtype=pl.Float64()) for edge in node.value)
        return pl.sum_horizontal(zero, *below, ignore_nulls=False).cast(pl.Int64())

    return _let(count, *args)


def _python(node: Node, args: _Args) -> pl.Expr:
    call, dtype = bound(node), _dtype(node)
    bare = pl.Int64() if dtype.is_temporal() else dtype

    def rows(columns: Sequence[pl.Series]) -> pl.Series:
        carriers = [c.to_physical().to_list() for c in columns]
        values = (None if None in row else call(*row) for row in zip(*carriers, strict=True))
        return pl.Series(columns[0].name, list(values), bare).cast(dtype)

    return pl.map_batches(args, rows, return_dtype=dtype, is_elementwise=True)


def _in_zone(node: Node, args: _Args) -> pl.Expr:
    whole = _between(args[0].cast(pl.Int64()), ZONED_MIN_US, ZONED_MAX_US)
    zoned = whole.cast(_DTYPES[Type.INSTANT]).dt.convert_time_zone(node.value)
    return zoned.dt.replace_time_zone(None)


def _part(get: Callable[[Any], pl.Expr]) -> Callable[[pl.Expr], pl.Expr]:
    return lambda value: get(value.dt).cast(pl.Int64())


def _smaller(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    return pl.when(a <= b).then(a).when(a > b).then(b)


def _larger(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    return pl.when(a >= b).then(a).when(a < b).then(b)


def _divide(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    return _let(lambda x, y: x / y, a, b)


_PLAIN: dict[str, Callable[..., pl.Expr]] = {
    "to_float": lambda a: a.cast(pl.Float64()),
    "to_integer": lambda a: a.cast(pl.Int64(), strict=False),
    "divide": lambda a, b: _finite(_divide(a, b)),
    "floor": lambda a: a.floor(),
    "ceil": lambda a: a.ceil(),
    "sqrt": lambda a: _finite(a.sqrt()),
    "minimum": lambda a, b: _let(_smaller, a, b),
    "maximum": lambda a, b: _let(_larger, a, b),
    "equal": lambda a, b: a == b,
    "not_equal": lambda a, b: a != b,
    "less": lambda a, b: a < b,
    "less_equal": lambda a, b: a <= b,
    "greater": lambda a, b: a > b,
    "greater_equal": lambda a, b: a >= b,
    "and": lambda a, b: a & b,
    "or": lambda a, b: a | b,
    "not": lambda a: ~a,
    "is_null": lambda a: a.is_null(),
    "fill_null": pl.coalesce,
    "when": lambda c, a, b: pl.when(c).then(a).otherwise(b),
    "text_length": lambda a: a.str.len_chars().cast(pl.Int64()),
    "strip": lambda a: a.str.strip_chars(_WHITE_SPACE),
    "lower_ascii": lambda a: a.str.replace_many(list(ascii_uppercase), list(ascii_lowercase)),
    "year": _part(lambda t: t.year()),
    "month": _part(lambda t: t.month()),
    "day": _part(lambda t: t.day()),
    "weekday": _part(lambda t: t.weekday()),
    "hour": _part(lambda t: t.hour()),
    "minute": _part(lambda t: t.minute()),
    "second": _part(lambda t: t.second()),
    "total_seconds": lambda a: _divide(
        a.cast(pl.Int64()).cast(pl.Float64()), pl.lit(_MICROSECONDS_PER_SECOND)
    ),
}

_SPECIAL: dict[str, Callable[[Node, _Args], pl.Expr]] = {
    "add": _add,
    "subtract": _arithmetic(lambda a, b: a - b),
    "multiply": _arithmetic(lambda a, b: a * b),
    "floor_divide": _arithmetic(lambda a, b: a // b),
    "modulo": _arithmetic(lambda a, b: a % b),
    "negate": _arithmetic(lambda a: 0 - a),
    "absolute": _arithmetic(lambda a: a.abs()),
    "is_in": _is_in,
    "starts_with": lambda node, args: args[0].str.starts_with(pl.lit(node.value)),
    "ends_with": lambda node, args: args[0].str.ends_with(pl.lit(node.value)),
    "contains": lambda node, args: args[0].str.contains(pl.lit(node.value), literal=True),
    "slice": lambda node, args: args[0].str.slice(*node.value),
    "in_zone": _in_zone,
    "map": _map,
    "bucket": _bucket,
}
