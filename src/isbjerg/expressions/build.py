"""The objects that user code holds while a feature function is traced.

An `Expression` stands for a value that is not there yet. Arithmetic, comparison and
methods on it grow a tree; anything that would need the value now (``if``, ``and``, ``int()``,
iteration) is refused with what to write instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NoReturn

from isbjerg.errors import ArgumentError, TracingError
from isbjerg.expressions.tree import LEARN, Node, Type, literal
from isbjerg.expressions.values import to_carrier, type_of_value
from isbjerg.times import parse_span

_BITWISE = "use & | ~ with brackets around comparisons: (x > 1) & (y > 2)"


class Expression:
    """A value that compiled code will have, with the operations it can enter.

    Comparison with ``==`` gives an expression too, so two expressions cannot be compared
    for being the same one: compare their ``node``.

    Parameters
    ----------
    node : Node
        The tree so far.

    Examples
    --------
    >>> hour = Expression(Node("column", value="hour"))
    >>> (hour >= 17).node.op
    'greater_equal'
    """

    __slots__ = ("node",)
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, node: Node) -> None:
        self.node = node

    def __repr__(self) -> str:
        return f"Expression({describe(self.node)})"

    # arithmetic

    def __add__(self, other: object) -> Expression:
        return _binary("add", self, other)

    def __radd__(self, other: object) -> Expression:
        return _binary("add", other, self)

    def __sub__(self, other: object) -> Expression:
        return _binary("subtract", self, other)

    def __rsub__(self, other: object) -> Expression:
        return _binary("subtract", other, self)

    def __mul__(self, other: object) -> Expression:
        return _binary("multiply", self, other)

    def __rmul__(self, other: object) -> Expression:
        return _binary("multiply", other, self)

    def __truediv__(self, other: object) -> Expression:
        return _binary("divide", self, other)

    def __rtruediv__(self, other: object) -> Expression:
        return _binary("divide", other, self)

    def __floordiv__(self, other: object) -> Expression:
        return _binary("floor_divide", self, other)

    def __rfloordiv__(self, other: object) -> Expression:
        return _binary("floor_divide", other, self)

    def __mod__(self, other: object) -> Expression:
        return _binary("modulo", self, other)

    def __rmod__(self, other: object) -> Expression:
        return _binary("modulo", other, self)

    def __neg__(self) -> Expression:
        return self._unary("negate")

    def __abs__(self) -> Expression:
        return self._unary("absolute")

    # comparison

    def __eq__(self, other: object) -> Expression:  # type: ignore[override]
        return _binary("equal", self, other)

    def __ne__(self, other: object) -> Expression:  # type: ignore[override]
        return _binary("not_equal", self, other)

    def __lt__(self, other: object) -> Expression:
        return _binary("less", self, other)

    def __le__(self, other: object) -> Expression:
        return _binary("less_equal", self, other)

    def __gt__(self, other: object) -> Expression:
        return _binary("greater", self, other)

    def __ge__(self, other: object) -> Expression:
        return _binary("greater_equal", self, other)

    def is_in(self, options: Iterable[object]) -> Expression:
        """Ask whether the value is one of `options` (integers or texts)."""
        return self._unary("is_in", [to_expression(o).node.value for o in options])

    def between(self, low: object, high: object) -> Expression:
        """Ask whether ``low <= value <= high``."""
        return (self >= low) & (self <= high)

    # logic

    def __and__(self, other: object) -> Expression:
        return _binary("and", self, other)

    def __rand__(self, other: object) -> Expression:
        return _binary("and", other, self)

    def __or__(self, other: object) -> Expression:
        return _binary("or", self, other)

    def __ror__(self, other: object) -> Expression:
        return _binary("or", other, self)

    def __invert__(self) -> Expression:
        return self._unary("not")

    # null

    def is_null(self) -> Expression:
        """Ask whether the value is missing."""
        return self._unary("is_null")

    def is_not_null(self) -> Expression:
        """Ask whether the value is there."""
        return ~self.is_null()

    def fill_null(self, value: object) -> Expression:
        """Use `value` where this one is missing."""
        return _binary("fill_null", self, value)

    # numbers

    def to_float(self) -> Expression:
        """Turn an integer or a boolean into a float."""
        return self._unary("to_float")

    def to_integer(self) -> Expression:
        """Turn a boolean into 0 or 1, a float into the integer nearer to zero."""
        return self._unary("to_integer")

    def floor(self) -> Expression:
        """Round down to a whole number, as a float."""
        return self._unary("floor")

    def ceil(self) -> Expression:
        """Round up to a whole number, as a float."""
        return self._unary("ceil")

    def sqrt(self) -> Expression:
        """Take the square root; null below 0."""
        return self._unary("sqrt")

    def abs(self) -> Expression:
        """Take the size without the sign."""
        return self._unary("absolute")

    def clip(self, low: object, high: object) -> Expression:
        """Keep the value within ``[low, high]``."""
        return minimum(maximum(self, low), high)

    # text

    def length(self) -> Expression:
        """Count the code points of a text."""
        return self._unary("text_length")

    def starts_with(self, text: str) -> Expression:
        """Ask whether a text starts with `text`."""
        return self._unary("starts_with", _plain_text("starts_with", text))

    def ends_with(self, text: str) -> Expression:
        """Ask whether a text ends with `text`."""
        return self._unary("ends_with", _plain_text("ends_with", text))

    def contains(self, text: str) -> Expression:
        """Ask whether a text holds `text`, letter by letter; there are no patterns."""
        return self._unary("contains", _plain_text("contains", text))

    def slice(self, start: int, length: int) -> Expression:
        """Take `length` code points of a text from `start`, counted from 0."""
        if start < 0 or length < 0:
            raise ArgumentError.out_of_range(
                "start, length", "slice", "not be negative", (start, length)
            )
        return self._unary("slice", [start, length])

    def strip(self) -> Expression:
        """Take ASCII white space off both ends of a text."""
        return self._unary("strip")

    def lower_ascii(self) -> Expression:
        """Write the letters A to Z of a text small; every other letter stays as it is.

        Small letters beyond ASCII come from tables of Unicode that differ between engines.
        """
        return self._unary("lower_ascii")

    # time

    def in_zone(self, zone: str) -> Expression:
        """Read an instant on the wall clocks of `zone`, such as ``"America/New_York"``."""
        return self._unary("in_zone", _plain_text("in_zone", zone))

    def year(self) -> Expression:
        """Take the year of a wall time."""
        return self._unary("year")

    def month(self) -> Expression:
        """Take the month of a wall time, 1 to 12."""
        return self._unary("month")

    def day(self) -> Expression:
        """Take the day of the month of a wall time, 1 to 31."""
        return self._unary("day")

    def weekday(self) -> Expression:
        """Take the day of the week of a wall time, Monday 1 to Sunday 7."""
        return self._unary("weekday")

    def hour(self) -> Expression:
        """Take the hour of a wall time, 0 to 23."""
        return self._unary("hour")

    def minute(self) -> Expression:
        """Take the minute of a wall time, 0 to 59."""
        return self._unary("minute")

    def second(self) -> Expression:
        """Take the second of a wall time, 0 to 59."""
        return self._unary("second")

    def total_seconds(self) -> Expression:
        """Count a duration in seconds, as a float."""
        return self._unary("total_seconds")

    def total_minutes(self) -> Expression:
        """Count a duration in minutes, as a float."""
        return self.total_seconds() / 60.0

    def total_hours(self) -> Expression:
        """Count a duration in hours, as a float."""
        return self.total_seconds() / 3600.0

    def total_days(self) -> Expression:
        """Count a duration in days of 24 hours, as a float."""
        return self.total_seconds() / 86400.0

    # what would need the value now

    def __bool__(self) -> NoReturn:
        raise TracingError(
            "A value that is not there yet was asked for its truth "
            "(`if`, `and`, `or`, `not`, `min`, `max` or a chained comparison).",
            mend=_BITWISE + ", ib.when(...).then(...).otherwise(...), ib.minimum(a, b)",
        )

    def __iter__(self) -> NoReturn:
        raise _no_value("iterated over", "write the operation on the whole value")

    def __len__(self) -> NoReturn:
        raise _no_value("asked for its len()", "value.length()")

    def __contains__(self, item: object) -> NoReturn:
        raise _no_value("asked whether it holds something with `in`", "value.contains('text')")

    def __float__(self) -> NoReturn:
        raise _no_value("turned into a float now", "value.to_float()")

    def __int__(self) -> NoReturn:
        raise _no_value("turned into an int now", "value.to_integer()")

    def __index__(self) -> NoReturn:
        raise _no_value("used as an index", "ib.when(value == 0).then(a).otherwise(b)")

    def __str__(self) -> NoReturn:
        raise _no_value(
            "written as text now", "value + ' more text' for a text; nothing else becomes one"
        )

    def __format__(self, spec: str) -> NoReturn:
        raise _no_value(
            "written as text now", "value + ' more text' for a text; nothing else becomes one"
        )

    def __pow__(self, power: object) -> NoReturn:
        raise _no_value("raised to a power, which engines round differently", "value * value")

    def __rpow__(self, base: object) -> NoReturn:
        raise _no_value("used as a power, which engines round differently", "value * value")

    def __round__(self, digits: int | None = None) -> NoReturn:
        raise _no_value("rounded with round()", "(value + 0.5).floor()")

    def _unary(self, op: str, value: Any = None) -> Expression:
        return Expression(Node(op, (self.node,), value))


def _no_value(what: str, mend: str) -> TracingError:
    return TracingError(f"A value that is not there yet was {what}.", mend=mend)


def _plain_text(method: str, text: object) -> str:
    if not isinstance(text, str):
        raise ArgumentError.out_of_range("text", method, "be a plain text", text)
    return text


def _binary(op: str, left: object, right: object) -> Expression:
    return Expression(Node(op, (to_expression(left).node, to_expression(right).node)))


def to_expression(value: object) -> Expression:
    """Wrap a plain value as a literal; an expression comes back as it is.

    Raises
    ------
    TracingError
        When the value is of a kind that no expression can hold.
    """
    if isinstance(value, Expression):
        return value
    if value is None:
        return Expression(literal(None, None))
    type_ = type_of_value(value)
    if type_ is None:
        raise TracingError(
            f"A {type(value).__name__} entered an expression; it holds booleans, numbers, "
            "texts, datetimes and timedeltas.",
            mend="take the part of it that is one of these",
        )
    return Expression(literal(to_carrier(value, type_), type_))


def lit(value: object) -> Expression:
    """Make an expression of a plain value.

    Examples
    --------
    >>> lit(0.35).node.type
    <Type.FLOAT: 'float'>
    """
    return to_expression(value)


def minimum(left: object, right: object) -> Expression:
    """Take the smaller of two values; null when either is missing.

    Examples
    --------
    >>> minimum(lit(3), 5).node.op
    'minimum'
    """
    return _binary("minimum", left, right)


def maximum(left: object, right: object) -> Expression:
    """Take the larger of two values; null when either is missing.

    Examples
    --------
    >>> maximum(lit(3), 5).node.op
    'maximum'
    """
    return _binary("maximum", left, right)


def duration(span: str) -> Expression:
    """Make a duration of a span such as ``"90m"``.

    Examples
    --------
    >>> duration("2h").node.value == 2 * 3600 * 10**6
    True
    """
    return Expression(literal(parse_span(span), Type.DURATION))


class When:
    """A choice being written: ``when(condition).then(value)``, then ``when`` or ``otherwise``."""

    __slots__ = ("_branches", "_condition")

    def __init__(self, condition: object, branches: tuple[tuple[Node, Node], ...] = ()) -> None:
        self._condition = to_expression(condition).node
        self._branches = branches

    def then(self, value: object) -> Then:
        """Say what the value is where the condition is true."""
        return Then((*self._branches, (self._condition, to_expression(value).node)))


class Then:
    """A choice that still needs its ``otherwise``."""

    __slots__ = ("_branches",)

    def __init__(self, branches: tuple[tuple[Node, Node], ...]) -> None:
        self._branches = branches

    def when(self, condition: object) -> When:
        """Add a condition that is asked where all before it are not true."""
        return When(condition, self._branches)

    def otherwise(self, value: object) -> Expression:
        """Say what the value is where no condition is true, or the condition is missing."""
        node = to_expression(value).node
        for condition, then in reversed(self._branches):
            node = Node("when", (condition, then, node))
        return Expression(node)


def when(condition: object) -> When:
    """Start a choice: the value of ``then`` where `condition` is true.

    A missing condition is not true, so the value of ``otherwise`` is taken.

    Examples
    --------
    >>> evening = Expression(Node("column", value="evening"))
    >>> when(evening).then(0.35).otherwise(0.2).node.op
    'when'
    """
    return When(condition)


def describe(node: Node) -> str:
    """Write a tree as a short line for names and messages.

    Examples
    --------
    >>> describe((Expression(Node("column", value="arr_delay")) > 30).node)
    'greater(arr_delay, 30)'
    """
    if node.op == "literal":
        return repr(node.value)
    if not node.args:
        return str(node.value)
    inside = [describe(a) for a in node.args]
    if node.op == LEARN:
        what, *parameters = node.value.values()
        of = node.args[0]  # inference may have written its conversion, which nobody asked for
        inside = [describe(of.args[0] if of.op == "to_float" else of)]
        return f"learnt.{what}({', '.join([*inside, *map(repr, parameters)])})"
    if node.value is not None:
        inside.append(repr(node.value))
    return f"{node.op}({', '.join(inside)})"
