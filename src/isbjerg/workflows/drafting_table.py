"""Look at a table before a project about it is drafted: times, key, target, each column's use.

Nothing is written here. Every guess comes back as a plan with its reason, so that the draft
can say in a comment and in a finding what was assumed.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from typing import Literal

import msgspec
import polars as pl

from isbjerg.errors import ArgumentError
from isbjerg.workflows.drafting_strength import strength

Use = Literal["number", "boolean", "category", "local", "instant", "left_out"]

TEXT_CATEGORIES_MAX = 50
"""A text column with more different values is not used as a category at first."""

LEAK_STRENGTH = 0.95
"""A single column that ranks the target better than this probably knows it."""

_TWO = 2
_CALENDAR = re.compile(r"(^|_)(year|month|day|week|quarter|yearday|day_of_year|doy|dom)$")
_IDENTIFIER = re.compile(r"(^|_)(id|uuid|guid|key|number|no|nr|code|hash)$")
_POSITIVE = ("yes", "y", "true", "t", "1", "positive", "bad", "late", "default", "fraud")


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


def identifiers(columns: Sequence[str]) -> dict[str, str]:
    """Map each column to a name that Python and isbjerg can use; most map to themselves.

    Examples
    --------
    >>> identifiers(["age", "Monthly charge (EUR)", "class", "age_", "_row"])
    {'age': 'age', 'Monthly charge (EUR)': 'monthly_charge_eur', 'class': 'class_', 'age_': 'age_', '_row': 'row'}
    """
    taken = {c for c in columns if _is_usable(c)}
    names: dict[str, str] = {}
    for column in columns:
        name = column
        if not _is_usable(column):
            name = re.sub(r"\W+", "_", column, flags=re.ASCII).strip("_").lower() or "column"
            name = f"column_{name}" if name[0].isdigit() else name
            name = f"{name}_" if keyword.iskeyword(name) else name
            stem, number = name, 2
            while name in taken:
                name, number = f"{stem}_{number}", number + 1
        taken.add(name)
        names[column] = name
    return names


def _is_usable(column: str) -> bool:
    return (
        column.isidentifier()
        and column.isascii()
        and not keyword.iskeyword(column)
        and not column.startswith("_")
    )


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
        return Goal(column=target, kind="regression", missing=missing)
    raise ArgumentError(
        f"`target` of `new` must be a number, or have exactly two values. "
        f"'{target}' is {values.dtype} with {values.n_unique()} value(s).",
        code="ISB221",
        mend="choose another column, or make one of two values of it in the table",
        target=target,
        values=values.n_unique(),
    )


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

    def left_out(code: str, why: str) -> Column:
        return Column(
            name=name, original=original, use="left_out", code=code, why=why, strength=power
        )

    distinct = values.drop_nulls().n_unique()
    use = _use_of(values.dtype)
    if use == "left_out":
        return left_out("draft.type", f"values of type {values.dtype} are not used")
    if distinct <= 1 and values.null_count() in (0, values.len()):
        return left_out("draft.constant", "it has the same value in every row")
    if power > LEAK_STRENGTH:
        return left_out(
            "draft.leak",
            f"alone it ranks the target with {power:.3f}: it is probably known only afterwards",
        )
    if time is not None and use in ("local", "instant") and _is_later(table, original, time):
        return left_out("draft.later", "most of its times lie after the decision")
    if _CALENDAR.search(_snake(original)) and values.dtype.is_integer():
        return left_out("draft.calendar", "parts of the date single out days that never return")
    if _is_identifier(values, original, distinct):
        return left_out("draft.identifier", "it names things: a model would learn them by heart")
    if use == "category" and distinct > TEXT_CATEGORIES_MAX:
        return left_out(
            "draft.cardinality",
            f"it has {distinct} different texts, more than {TEXT_CATEGORIES_MAX}",
        )
    return Column(name=name, original=original, use=use, strength=power)


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


def _is_identifier(values: pl.Series, name: str, distinct: int) -> bool:
    """Take as identifiers texts that hardly repeat, and integers named so that are mostly new."""
    present = values.len() - values.null_count()
    if values.dtype == pl.String:
        return distinct > TEXT_CATEGORIES_MAX and distinct > 0.5 * present
    named = bool(_IDENTIFIER.search(_snake(name)))
    return named and values.dtype.is_integer() and distinct > TEXT_CATEGORIES_MAX
