"""Look at a table before a project about it is drafted: times, key, target, each column's use.

Nothing is written here. Every guess comes back as a plan with its reason, so that the draft
can say in a comment and in a finding what was assumed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

import msgspec
import polars as pl

from isbjerg.errors import ArgumentError
from isbjerg.workflows.drafting_names import identifiers, written_in_ascii
from isbjerg.workflows.drafting_strength import strength

Use = Literal["number", "boolean", "category", "local", "instant", "left_out"]

TEXT_CATEGORIES_MAX = 50
"""A text column with more different values is not used as a category at first."""

LEAK_STRENGTH = 0.95
"""A single column that ranks the target better than this probably knows it."""

_TWO = 2
_CLASSES_MAX = 10
_NAMES_THINGS = "it names things: a model would learn them by heart"
_CALENDAR = re.compile(r"(^|_)(year|month|day|week|quarter|yearday|day_of_year|doy|dom)$")
_IDENTIFIER = re.compile(r"(^|_)(id|uuid|guid|key|number|no|nr|code|hash)$")
_POSITIVE = (
    "yes",
    "y",
    "true",
    "t",
    "1",
    "ja",
    "j",
    "oui",
    "si",
    "positive",
    "bad",
    "late",
    "default",
    "fraud",
)


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """What a column is used for, and why it is not when it is left out.

    Parameters
    ----------
    name, original : str
        Its name in the project and in the table.
    use : str
        ``left_out``, or the kind of feature drafted from it.
    code, why : str
        For a column left out: name of the finding, and a sentence.
    strength : float
        How well it alone ranks the target, 0.5 to 1.0.
    """

    name: str
    original: str
    use: Use
    code: str = ""
    why: str = ""
    strength: float = 0.5


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """What is predicted: a number, or whether a column has a value."""

    column: str
    kind: Literal["binary", "regression"]
    positive: str | int | bool | None = None
    negative: str | int | bool | None = None
    rate: float = 0.0
    missing: int = 0
    whole: int = 0
    """How many different whole numbers it has, when so few that they may be names of classes."""


def find_goal(table: pl.DataFrame, target: str) -> Goal:
    """Say what predicting `target` means.

    Raises
    ------
    ArgumentError
        When the column is neither a number nor has exactly two values.
    """
    values = table[target].drop_nulls()
    distinct = values.unique().sort().to_list() if values.n_unique() <= _TWO else []
    missing = table.height - values.len()
    if len(distinct) == _TWO:
        positive = _positive(values, distinct)
        negative = next(v for v in distinct if v != positive)
        rate = float((values == positive).cast(pl.Float64).to_numpy().mean())
        return Goal(
            column=target,
            kind="binary",
            positive=positive,
            negative=negative,
            rate=rate,
            missing=missing,
        )
    if values.dtype.is_numeric() and values.n_unique() > _TWO:
        few = values.n_unique() <= _CLASSES_MAX and bool((values.cast(pl.Float64) % 1 == 0).all())
        whole = values.n_unique() if few else 0
        return Goal(column=target, kind="regression", missing=missing, whole=whole)
    raise _unfit(values)


def _unfit(values: pl.Series) -> ArgumentError:
    """Say why a column cannot be predicted, with the values it has when they are few."""
    distinct = values.unique(maintain_order=True)
    few = 0 < distinct.len() <= _CLASSES_MAX
    shown = ": " + ", ".join(repr(v) for v in distinct.to_list()) if few else ""
    number = {0: "no value", 1: "only one value"}.get(
        distinct.len(), f"{distinct.len():,} different values"
    )
    mend = "choose a column with two values or more"
    if few and distinct.len() > 1:
        name = _is_value(values.name, distinct[0])
        mend = (
            f"add a column of two values to the table and predict that: table.with_columns("
            f"{name}=pl.col({values.name!r}) == {distinct[0]!r})"
        )
    return ArgumentError(
        f"`--target` must name a column of numbers, or one with exactly two values. "
        f"'{values.name}' has {number}{shown}.",
        code="ISB221",
        mend=mend,
        target=values.name,
        values=distinct.len(),
    )


def _is_value(column: str, value: object) -> str:
    words = f"is_{value}" if isinstance(value, str) else f"{column}_is_{value}"
    return identifiers([re.sub(r"\W+", "_", written_in_ascii(words))]).popitem()[1].lower()[:40]


def _positive(values: pl.Series, distinct: list[str | int | bool]) -> str | int | bool:
    """Take the value that means yes; failing that, the rarer one."""
    for value in reversed(distinct):
        if str(value).strip().lower() in _POSITIVE:
            return value
    return min(distinct, key=lambda v: int((values == v).cast(pl.Int64).to_numpy().sum()))


def find_key(table: pl.DataFrame, exclude: Sequence[str]) -> str | None:
    """Find the column that tells rows apart, by its values and, among several, by its name."""
    unique = [
        c
        for c in table.columns
        if c not in exclude
        and (table[c].dtype == pl.String or table[c].dtype.is_integer())
        and table[c].null_count() == 0
        and table[c].n_unique() == table.height
    ]
    named = [c for c in unique if _IDENTIFIER.search(_snake(c))]
    texts = [c for c in unique if table[c].dtype == pl.String]
    return next(iter([*named, *texts]), None)


def _snake(name: str) -> str:
    """Write ``customerID`` and ``CustomerId`` as ``customer_id`` for comparison."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace(" ", "_").lower()


def plan_column(
    table: pl.DataFrame, original: str, name: str, goal: pl.Series, time: str | None
) -> Column:
    """Decide what a column is good for.

    Parameters
    ----------
    table : polars.DataFrame
        All rows.
    original, name : str
        The column, and its name in the project.
    goal : polars.Series
        The target as floats, null where missing.
    time : str or None
        The column of decision times.
    """
    values = table[original]
    power = strength(values, goal)
    use = _use_of(values.dtype)
    later = time is not None and use in ("local", "instant") and _is_later(table, original, time)
    reason = (
        _why_no_use(values, use)
        or (_why_known_later(power, later=later) if use != "left_out" else None)
        or _why_no_help(values, original, use)
    )
    if reason is None:
        return Column(name=name, original=original, use=use, strength=power)
    code, why = reason
    return Column(name=name, original=original, use="left_out", code=code, why=why, strength=power)


def _why_no_use(values: pl.Series, use: Use) -> tuple[str, str] | None:
    """Say what keeps a column from being read as a feature at all."""
    present = values.drop_nulls()
    distinct = present.n_unique()
    if use == "left_out":
        return "draft.type", f"values of type {values.dtype} are not used"
    if distinct <= 1 and present.len() in (0, values.len()):
        return "draft.constant", "it has the same value in every row"
    if use != "category":
        return None
    if distinct > _TWO and distinct > present.len() / 2:
        return "draft.identifier", _NAMES_THINGS
    return None


def _why_known_later(power: float, *, later: bool) -> tuple[str, str] | None:
    if power > LEAK_STRENGTH:
        why = f"alone it ranks the target with {power:.3f}: it is probably known only afterwards"
        return "draft.leak", why
    return ("draft.later", "most of its times lie after the decision") if later else None


def _why_no_help(values: pl.Series, original: str, use: Use) -> tuple[str, str] | None:
    """Say why a model would learn a column by heart."""
    distinct, name = values.drop_nulls().n_unique(), _snake(original)
    whole = values.dtype.is_integer()
    if whole and _CALENDAR.search(name):
        return "draft.calendar", "parts of the date single out days that never return"
    if whole and _IDENTIFIER.search(name) and distinct > TEXT_CATEGORIES_MAX:
        return "draft.identifier", _NAMES_THINGS
    if use == "category" and distinct > TEXT_CATEGORIES_MAX:
        why = f"it has {distinct:,} different texts, more than {TEXT_CATEGORIES_MAX}"
        return "draft.cardinality", why
    return None


def _use_of(dtype: pl.DataType) -> Use:
    if dtype == pl.Boolean:
        return "boolean"
    if dtype.is_numeric():
        return "number"
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return "category"
    if isinstance(dtype, pl.Datetime):
        return "instant" if dtype.time_zone else "local"
    return "local" if dtype == pl.Date else "left_out"


def _is_later(table: pl.DataFrame, column: str, time: str) -> bool:
    both = table.select(
        a=pl.col(column).cast(pl.Datetime("us")), b=pl.col(time).cast(pl.Datetime("us"))
    ).drop_nulls()
    return both.height > 0 and both.filter(pl.col("a") > pl.col("b")).height > both.height / 2
