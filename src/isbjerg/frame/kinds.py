"""What the value of a key may be: one small reader per kind.

A reader takes the value that TOML gave and returns what the frame keeps, or raises
`Refusal` with the rule that was broken and a value that would do.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import msgspec

from isbjerg.errors import ArgumentError
from isbjerg.frame.frame import Comparison, Guardrail
from isbjerg.frame.metrics import closest_metric, find_metric, metric_names
from isbjerg.frame.moment import Moment, parse_moment
from isbjerg.frame.sizes import MEMORY_MIN_BYTES, parse_size
from isbjerg.times import from_datetime, parse_instant, parse_span

_BOUND = re.compile(
    r"\s*(?P<comparison><=|>=|<|>)\s*(?P<bound>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*"
)

Reader = Callable[[Any], Any]


class Refusal(Exception):  # noqa: N818 - it never leaves this room, `frame_error` is told instead
    """A value that will not do: it must `rule`; `instead` is TOML that would do."""

    def __init__(self, rule: str, instead: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.instead = instead


def sentence(example: str) -> Reader:
    """Read text that says something."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not value.strip():
            raise Refusal("be text in quotes, not empty", f'"{example}"')
        return value.strip()

    return read


def name(example: str) -> Reader:
    """Read the name of a column, a source or a feature."""

    def read(value: Any) -> str:
        if not isinstance(value, str) or not value.isidentifier():
            raise Refusal("be a name of letters, digits and underscores, in quotes", f'"{example}"')
        return value

    return read


def names(example: str) -> Reader:
    """Read a list of names, each once."""
    one = name(example)

    def read(value: Any) -> tuple[str, ...]:
        if not isinstance(value, list):
            only = value if isinstance(value, str) and value.isidentifier() else example
            raise Refusal("be a list of names", f'["{only}"]')
        found = tuple(one(item) for item in value)
        if len(set(found)) < len(found):
            kept = ", ".join(f'"{item}"' for item in dict.fromkeys(found))
            raise Refusal("hold each name once", f"[{kept}]")
        return found

    return read


def one_or_more_names(example: str) -> Reader:
    """Read a name, or a list of names, as a list."""
    several = names(example)

    def read(value: Any) -> tuple[str, ...]:
        found: tuple[str, ...] = several([value] if isinstance(value, str) else value)
        if not found:
            raise Refusal("be a name or a list of names", f'"{example}"')
        return found

    return read


def choice(*options: str, later: tuple[str, ...] = ()) -> Reader:
    """Read one of `options`; those in `later` are refused as not there yet."""

    def read(value: Any) -> str:
        if value in options:
            return str(value)
        close = get_close_matches(str(value).lower(), options, n=1)
        instead = f'"{close[0] if close else options[0]}"'
        rule = f"be {_either(options)}"
        raise Refusal(f"{rule}; {value} comes later" if value in later else rule, instead)

    return read


def number(
    example: str, low: float = -math.inf, high: float = math.inf, *, open_: str = ""
) -> Reader:
    """Read a finite number in a range; `open_` holds the sides that do not belong to it."""

    def read(value: Any) -> float:
        if _is_number(value) and _within(value, low, high, open_):
            return float(value)
        meant = _number_in(value)
        fits = meant is not None and _within(meant, low, high, open_)
        raise Refusal(_range_rule(low, high, open_), f"{meant:g}" if fits else example)

    return read


def _is_number(value: Any) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and math.isfinite(value)


def _within(value: float, low: float, high: float, open_: str) -> bool:
    above_low = value > low if "(" in open_ else value >= low
    below_high = value < high if ")" in open_ else value <= high
    return above_low and below_high


def _number_in(value: Any) -> float | None:
    """Find the number that someone put into quotes, if that is what happened."""
    try:
        meant = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return None
    return meant if math.isfinite(meant) else None


def whole(value: Any) -> int:
    """Read a whole number from 0 to the largest that every generator takes as a seed."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**32:
        raise Refusal("be a whole number from 0 to 4294967295", "0")
    return value


def moment(value: Any) -> Moment:
    """Read when a decision is taken."""
    rule = "be a column, or a column, a sign and a span of us, ms, s, m, h, d or w"
    try:
        return parse_moment(value)
    except (ArgumentError, TypeError):
        pass
    raise Refusal(rule, f'"{_guess_moment(value)}"')


def retraining(value: Any) -> str:
    """Read how often to train again: a word or a span."""
    words = ("hourly", "daily", "weekly", "monthly", "never")
    if value in words:
        return str(value)
    try:
        parse_span(value)
    except (ArgumentError, TypeError):
        close = get_close_matches(str(value).lower(), words, n=1)
        instead = close[0] if close else "weekly"
        raise Refusal(f'be {_either(words)}, or a span such as "14d"', f'"{instead}"') from None
    return str(value)


def span(example: str) -> Reader:
    """Read a length of time above nothing as microseconds; `example` is offered instead."""

    def read(value: Any) -> int:
        try:
            found = parse_span(value)
        except (ArgumentError, TypeError):
            found = 0
        if found <= 0:
            raise Refusal("be a span above nothing, such as 14d or 6h", f'"{example}"')
        return found

    return read


def memory(value: Any) -> int:
    """Read how much memory may be used, as bytes."""
    try:
        found = parse_size(value)
    except (ValueError, TypeError):
        found = 0
    if found < MEMORY_MIN_BYTES:
        raise Refusal("be a size of at least 256 MiB, such as 4 GB", '"4 GB"')
    return found


def shares(value: Any) -> tuple[float, ...]:
    """Read the parts of the traffic a new model gets: growing, at last all of it."""
    rule = "be a list of growing fractions that ends in 1.0"
    example = "[0.05, 0.25, 1.0]"
    share = number("", 0, 1, open_="(")
    try:
        found = tuple(share(item) for item in value)
    except (Refusal, TypeError):
        raise Refusal(rule, example) from None
    if not found or list(found) != sorted(set(found)):
        raise Refusal(rule, example)
    if found[-1] != 1.0:
        kept = ", ".join(f"{item:g}" for item in found)
        raise Refusal(rule, f"[{kept}, 1.0]")
    return found


def instant(value: Any) -> int:
    """Read a date or a time, of TOML or as text, as microseconds since the epoch.

    A bare date is its midnight in UTC, and a time without a zone is one in UTC.
    """
    match value:
        case dt.datetime():
            aware = value if value.tzinfo else value.replace(tzinfo=dt.UTC)
            return from_datetime(aware)
        case dt.date():
            return parse_instant(value.isoformat())
        case str():
            try:
                return parse_instant(value)
            except ArgumentError:
                pass
    raise Refusal("be a date or a time, taken as UTC when it names no zone", "2013-05-01")


def metric(value: Any) -> str:
    """Read the name of a metric."""
    if isinstance(value, str) and find_metric(value) is not None:
        return value
    close = closest_metric(value) if isinstance(value, str) else None
    raise Refusal(f"be one of {', '.join(metric_names())}", f'"{close or "average_precision"}"')


def guardrail(metric_name: str) -> Reader:
    """Read the bound of a metric, such as ``"<= 0.14"``, and refuse one that asks for a bad model."""
    known = find_metric(metric_name)
    higher = known is not None and known.higher_is_better
    wanted = ">=" if higher else "<="

    def read(value: Any) -> Guardrail:
        found = _BOUND.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            number_found = re.search(r"-?\d+(?:\.\d+)?", str(value))
            bound = number_found[0] if number_found else "0.5"
            raise Refusal("be a comparison and a number in quotes", f'"{wanted} {bound}"')
        if found["comparison"][0] != wanted[0]:
            raise Refusal(
                f"be bounded from the other side, because {'higher' if higher else 'lower'} is better",
                f'"{wanted} {found["bound"]}"',
            )
        comparison = msgspec.convert(found["comparison"], Comparison)
        return Guardrail(metric_name, comparison, float(found["bound"]))

    return read


def table(example: str) -> Reader:
    """Read a table whose keys are free; its members are read one by one."""

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Refusal("be a table", example)
        return value

    return read


def _guess_moment(value: Any) -> str:
    """Guess what was meant by `due_at-2 hours`, else show an example."""
    words = str(value).replace("-", " - ").replace("+", " + ").split()
    units = {"second": "s", "minute": "m", "min": "m", "hour": "h", "day": "d", "week": "w"}
    match words:
        case [column, "-" | "+" as sign, count, unit] if unit.rstrip("s") in units:
            guess = f"{column} {sign} {count}{units[unit.rstrip('s')]}"
        case [column, *_]:
            guess = f"{column} - 2h"
        case _:
            guess = "due_at - 2h"
    try:
        parse_moment(guess)
    except ArgumentError:
        return "due_at - 2h"
    return guess


def _range_rule(low: float, high: float, open_: str) -> str:
    if high < math.inf:
        left, right = "(" if "(" in open_ else "[", ")" if ")" in open_ else "]"
        return f"be a number in {left}{low:g}, {high:g}{right}"
    if low > -math.inf:
        return f"be a number {'above' if '(' in open_ else 'of at least'} {low:g}"
    return "be a finite number"


def _either(options: tuple[str, ...]) -> str:
    quoted = [f'"{option}"' for option in options]
    return " or ".join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)
