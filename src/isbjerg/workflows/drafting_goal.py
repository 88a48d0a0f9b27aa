"""Say what predicting a column means: whether it has a value, which class it is, how much it is."""

from __future__ import annotations

import shlex
from typing import Literal

import msgspec
import polars as pl

from isbjerg.errors import ArgumentError

Kind = Literal["binary", "multiclass", "regression"]

KINDS: tuple[Kind, ...] = ("binary", "multiclass", "regression")
"""Kinds of target that are drafted."""

_TWO = 2
_NUMBERS_AS_CLASSES_MAX = 10
_CLASSES_GUESSED_MAX = 50
_CLASSES_MAX = 1_000
_TEXTS = (pl.String, pl.Categorical, pl.Enum)
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


class Goal(msgspec.Struct, frozen=True, kw_only=True):
    """What is predicted.

    Parameters
    ----------
    column : str
        Which column.
    kind : {"binary", "multiclass", "regression"}
        What of it.
    positive, negative : str, int, bool or None
        Of two values, the one that means yes, and the other.
    rate : float
        Share of the positive value.
    missing : int
        Rows without a value.
    classes : tuple
        Of several classes the commonest, first.
    whole : int
        How many different whole numbers it has, when it was guessed that they are classes.
    """

    column: str
    kind: Kind
    positive: str | int | bool | None = None
    negative: str | int | bool | None = None
    rate: float = 0.0
    missing: int = 0
    classes: tuple[str | int | bool, ...] = ()
    whole: int = 0


def find_goal(table: pl.DataFrame, target: str, kind: str | None = None) -> Goal:
    """Say what predicting `target` means.

    Parameters
    ----------
    table : polars.DataFrame
        All rows.
    target : str
        Which column.
    kind : str, optional
        What people say that it is; guessed when not given.

    Raises
    ------
    ArgumentError
        When the column cannot be predicted, or not as that kind.

    Examples
    --------
    >>> find_goal(pl.DataFrame({"left": ["yes", "no", "no"]}), "left").positive
    'yes'
    >>> find_goal(pl.DataFrame({"grade": [1, 2, 3, 2]}), "grade", "regression").kind
    'regression'
    """
    values = table[target].drop_nulls()
    if values.n_unique() < _TWO:
        raise _unfit(values, "it cannot be learnt what never differs")
    guessed = _guess(values)
    meant = kind or guessed
    if meant is None:
        raise _unfit(values, "it is no number, and has more values than classes have")
    if why := _why_not(values, meant):
        raise _other_kind(values, meant, why, guessed)
    return _goal(table, values, meant, told=kind is not None)


def _guess(values: pl.Series) -> Kind | None:
    distinct = values.n_unique()
    if distinct == _TWO and not values.dtype.is_temporal():
        return "binary"
    if values.dtype.is_numeric():
        few = values.dtype.is_integer() and distinct <= _NUMBERS_AS_CLASSES_MAX
        return "multiclass" if few else "regression"
    is_class = values.dtype in _TEXTS and distinct <= min(_CLASSES_GUESSED_MAX, values.len() / 2)
    return "multiclass" if is_class else None


def _why_not(values: pl.Series, kind: str) -> str:
    """Say why a column cannot be of a kind; empty when it can."""
    distinct = values.n_unique()
    if kind == "binary" and distinct != _TWO:
        return f"it has {distinct:,} different values, not two"
    if kind == "regression" and not values.dtype.is_numeric():
        return "its values are no numbers"
    if kind == "multiclass":
        if not (values.dtype in _TEXTS or values.dtype.is_integer() or values.dtype == pl.Boolean):
            return "classes are texts or whole numbers"
        if distinct > _CLASSES_MAX:
            return f"it has {distinct:,} different values; at most {_CLASSES_MAX:,} classes are told apart"
    return "" if kind in KINDS else f"only {', '.join(KINDS)} are drafted"


def _goal(table: pl.DataFrame, values: pl.Series, kind: str, *, told: bool) -> Goal:
    target, missing = values.name, table.height - values.len()
    if kind == "regression":
        return Goal(column=target, kind="regression", missing=missing)
    plain = values.cast(pl.String) if values.dtype in _TEXTS else values
    counted = plain.value_counts().sort("count", target, descending=[True, False])
    if kind == "multiclass":
        guessed = not told and values.dtype.is_integer()
        return Goal(
            column=target,
            kind="multiclass",
            missing=missing,
            classes=tuple(counted[target].to_list()),
            whole=counted.height if guessed else 0,
        )
    positive = _positive(counted[target].to_list())
    negative = next(v for v in counted[target] if v != positive)
    rate = float(counted.filter(pl.col(target) == positive)["count"].item()) / values.len()
    return Goal(
        column=target,
        kind="binary",
        positive=positive,
        negative=negative,
        rate=rate,
        missing=missing,
    )


def _positive(commonest_first: list[str | int | bool]) -> str | int | bool:
    """Take the value that means yes; failing that, the rarer one."""
    for value in sorted(commonest_first, reverse=True):
        if str(value).strip().lower() in _POSITIVE:
            return value
    return commonest_first[-1]


def _unfit(values: pl.Series, why: str) -> ArgumentError:
    """Say why a column cannot be predicted."""
    distinct = values.unique(maintain_order=True)
    shown = f": {distinct[0]!r}" if distinct.len() == 1 else ""
    number = {0: "no value", 1: "only one value"}.get(
        distinct.len(), f"{distinct.len():,} different values"
    )
    return ArgumentError(
        f"`--target` must name a column of numbers, of two values, or of classes. "
        f"'{values.name}' has {number}{shown}: {why}.",
        code="ISB221",
        mend="choose a column with two values or more, whose values come again",
        target=values.name,
        values=distinct.len(),
    )


def _other_kind(values: pl.Series, kind: str, why: str, guessed: Kind | None) -> ArgumentError:
    return ArgumentError(
        f"'{values.name}' cannot be predicted as {kind}: {why}.",
        code="ISB221",
        mend=f"--kind {guessed}"
        if guessed
        else f"--target another column than {shlex.quote(values.name)}",
        target=values.name,
        kind=kind,
    )
