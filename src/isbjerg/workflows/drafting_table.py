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
from isbjerg.workflows.drafting_times import time_format

Use = Literal["number", "boolean", "category", "local", "instant", "left_out"]

TEXT_CATEGORIES_MAX = 50
"""A text column with more different values is not used as a category at first."""

LEAK_STRENGTH = 0.95
"""A single column that ranks the target better than this probably knows it."""

_TWO = 2
_TWIN = "it says the same as the target in every row, by other names"
_NAMES_THINGS = "it names things: a model would learn them by heart"
_CALENDAR = re.compile(r"(^|_)(year|month|day|week|quarter|yearday|day_of_year|doy|dom)$")
_IDENTIFIER = re.compile(r"(^|_)(id|uuid|guid|key|number|no|nr|code|hash)$")


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
    zoneless : bool
        Whether it holds times that name no zone.
    """

    name: str
    original: str
    use: Use
    code: str = ""
    why: str = ""
    strength: float = 0.5
    zoneless: bool = False


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
    texts = [c for c in unique if table[c].dtype == pl.String and not _holds_times(table[c])]
    return next(iter([*named, *texts]), None)


def _snake(name: str) -> str:
    """Write ``customerID`` and ``CustomerId`` as ``customer_id`` for comparison."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).replace(" ", "_").lower()


def plan_column(
    table: pl.DataFrame,
    original: str,
    name: str,
    power: float,
    *,
    target: str,
    time: str | None,
    unclear: bool = False,
) -> Column:
    """Decide what a column is good for.

    Parameters
    ----------
    table : polars.DataFrame
        All rows.
    original, name : str
        The column, and its name in the project.
    power : float
        How well it alone ranks the target, 0.5 to 1.0.
    target : str
        The column that is predicted.
    time : str or None
        The column of decision times.
    unclear : bool
        Whether its texts are numbers that can be read in two ways.
    """
    values = table[original]
    use = _use_of(values.dtype)
    later = time is not None and use in ("local", "instant") and _is_later(table, original, time)
    reason = (
        _why_no_use(values, use, unclear=unclear)
        or (("draft.leak", _TWIN) if _is_twin(table, original, target) else None)
        or (_why_known_later(power, later=later) if use != "left_out" else None)
        or _why_no_help(values, original, use)
    )
    if reason is None:
        return Column(name=name, original=original, use=use, strength=power)
    code, why = reason
    return Column(
        name=name,
        original=original,
        use="left_out",
        code=code,
        why=why,
        strength=power,
        zoneless=use == "local",
    )


def _is_twin(table: pl.DataFrame, original: str, target: str) -> bool:
    """Say whether a column names each value of the target by one of its own."""
    values, goal = table[original], table[target]
    if values.dtype.is_nested() or (
        not values.null_count() + goal.null_count() and values.n_unique() != goal.n_unique()
    ):
        return False
    both = table.select(a=original, b=target).drop_nulls()
    distinct = both["a"].n_unique()
    return 1 < distinct <= both.height / 2 and distinct == both["b"].n_unique() == both.n_unique()


def _why_no_use(values: pl.Series, use: Use, *, unclear: bool) -> tuple[str, str] | None:
    """Say what keeps a column from being read as a feature at all."""
    present = values.drop_nulls()
    distinct = present.n_unique()
    if not distinct:
        return "draft.constant", "it has no value in any row"
    if unclear:
        return (
            "draft.number",
            f"its numbers can be read in two ways, such as {_with_comma(present)!r}",
        )
    if use == "left_out":
        return "draft.type", f"values of type {values.dtype} are not used"
    if distinct <= 1 and present.len() in (0, values.len()):
        return "draft.constant", "it has the same value in every row"
    if use != "category":
        return None
    if _holds_times(present):
        return "draft.time_text", f"its texts are dates or times, such as {present[0]!r}"
    if distinct > _TWO and distinct > present.len() / 2:
        return "draft.identifier", _NAMES_THINGS
    return None


def _with_comma(present: pl.Series) -> str:
    return str(present.filter(present.str.contains(",", literal=True))[0])


def _holds_times(present: pl.Series) -> bool:
    try:
        return present.dtype == pl.String and time_format(present) is not None
    except ArgumentError:  # times, with the day or the month first
        return True


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
