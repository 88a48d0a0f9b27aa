"""Train, validation and test in the order of time, with what would leak taken out.

A row belongs to the part in which its decision was taken. A label of an earlier part that
became known only at or after the start of the next part was not there yet when a model of
that day would have been trained: such rows are *purged*, and counted.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from hashlib import sha256

import msgspec
import polars as pl

from isbjerg.data.carriers import DTYPES
from isbjerg.errors import ArgumentError
from isbjerg.expressions.tree import Type

PARTS = ("train", "validation", "test")

_ROWS_AT_ONCE = 1 << 20


class Boundaries(msgspec.Struct, frozen=True):
    """Where parts begin, in microseconds UTC; rows at or after `until_us` belong to none."""

    validation_us: int
    test_us: int
    until_us: int | None = None


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of each part, as positions in the table that was split.

    Parameters
    ----------
    train, validation, test : polars.Series
        Positions (UInt32), in the order of the table.
    purged, unlabelled : dict of str to int
        Per part: rows taken out because their label came too late, or never.
    outside : int
        Rows without a decision time, or at or after the end.
    boundaries : Boundaries or None
        Where the parts begin; ``None`` when the rows were drawn.
    straddling : int
        Rows taken out because their group is in an earlier part.
    """

    train: pl.Series
    validation: pl.Series
    test: pl.Series
    purged: dict[str, int]
    unlabelled: dict[str, int]
    outside: int
    boundaries: Boundaries | None
    straddling: int = 0

    def hash(self, keys_at: Callable[[pl.Series], pl.Series]) -> str:
        """Name which rows are in which part: SHA-256 of the keys of each, in their order.

        Parameters
        ----------
        keys_at : callable
            Takes positions in the table that was split, returns the keys of these rows as
            texts. It is asked for some rows at a time: all keys as texts would be larger than
            the table's columns.

        Examples
        --------
        >>> nothing = dict.fromkeys(PARTS, 0)
        >>> rows = [pl.Series([n], dtype=pl.UInt32) for n in (0, 1, 2)]
        >>> made = Split(
        ...     train=rows[0],
        ...     validation=rows[1],
        ...     test=rows[2],
        ...     purged=nothing,
        ...     unlabelled=nothing,
        ...     outside=0,
        ...     boundaries=None,
        ... )
        >>> keys, others = pl.Series(["a", "b", "c"]), pl.Series(["a", "c", "b"])
        >>> made.hash(keys.gather) == made.hash(others.gather)
        False
        """
        named = sha256()
        for part in PARTS:
            named.update(f"{part}\0".encode())
            rows: pl.Series = getattr(self, part)
            for first in range(0, len(rows), _ROWS_AT_ONCE):
                some = keys_at(rows.slice(first, _ROWS_AT_ONCE))
                named.update(some.str.join("\n").item().encode() + b"\n")
        return named.hexdigest()


def boundaries_by_fraction(
    units: pl.DataFrame, at: str, *, validation: float = 0.15, test: float = 0.15
) -> Boundaries:
    """Place the boundaries so that the last rows in time are validation and test.

    Rows of one moment stay in one part, so the fractions are met as nearly as the times let.

    Parameters
    ----------
    units : polars.DataFrame
        One row for each decision.
    at : str
        Column (instant) with the time of the decision.
    validation, test : float
        Fractions of the rows, each above 0, together below 1.

    Raises
    ------
    ArgumentError
        When the fractions, or the times, leave a part without rows: give other fractions,
        or dates.

    Examples
    --------
    >>> day = pl.Series("at", range(10)).cast(pl.Datetime("us", "UTC"))
    >>> boundaries_by_fraction(pl.DataFrame(day), "at", validation=0.2, test=0.2)
    Boundaries(validation_us=6, test_us=8, until_us=None)
    """
    if min(validation, test) <= 0 or validation + test >= 1:
        raise ArgumentError.out_of_range(
            "validation, test", "boundaries_by_fraction", "be above 0 and together below 1",
            (validation, test),
        )  # fmt: skip
    times = _micros(units, at).drop_nulls().sort()
    n = len(times)
    first_test = n - math.floor(n * test + 0.5)
    first_validation = first_test - math.floor(n * validation + 0.5)
    if n == 0 or first_test >= n or first_validation <= 0:
        raise _no_rows(n)
    bounds = Boundaries(int(times[first_validation]), int(times[first_test]))
    if not int(times[0]) < bounds.validation_us < bounds.test_us:
        raise _no_rows(n)
    return bounds


def _no_rows(n: int) -> ArgumentError:
    return ArgumentError(
        f"`validation` and `test` of `boundaries_by_fraction` must leave rows in each part. "
        f"Got {n} rows with too few different times.",
        mend="give dates for the parts, or more data",
    )


def split_by_time(
    units: pl.DataFrame, *, at: str, label_known: str, boundaries: Boundaries
) -> Split:
    """Split a table in the order of time and purge what would leak.

    Parameters
    ----------
    units : polars.DataFrame
        One row for each decision.
    at : str
        Column (instant) with the time of the decision.
    label_known : str
        Column (instant) with the time at which the label became known; null for a label
        that never came.
    boundaries : Boundaries
        Where the parts begin.

    Returns
    -------
    Split
        The last part ends at ``until_us``: labels that became known at or after it are
        purged from it too.

    Raises
    ------
    ArgumentError
        When the boundaries are not in order.

    Examples
    --------
    Row 1 was decided before the validation begins, but its label came after that:

    >>> time = pl.Datetime("us", "UTC")
    >>> units = pl.DataFrame(
    ...     {"at": [0, 1, 10, 20], "known": [5, 12, 15, None]}, schema={"at": time, "known": time}
    ... )
    >>> done = split_by_time(units, at="at", label_known="known", boundaries=Boundaries(10, 20))
    >>> done.train.to_list(), done.validation.to_list(), done.test.to_list()
    ([0], [2], [])
    >>> done.purged["train"], done.unlabelled["test"]
    (1, 1)
    """
    ends = (boundaries.validation_us, boundaries.test_us, boundaries.until_us)
    if not ends[0] < ends[1] < (math.inf if ends[2] is None else ends[2]):
        raise ArgumentError.out_of_range(
            "boundaries", "split_by_time", "be in the order of time", boundaries
        )
    decided, known = _micros(units, at), _micros(units, label_known)
    starts = (None, *ends[:2])
    rows: dict[str, pl.Series] = {}
    purged: dict[str, int] = {}
    unlabelled: dict[str, int] = {}
    inside = 0
    for part, start, end in zip(PARTS, starts, ends, strict=True):
        here = _between(decided, start, end)
        kept = here & _between(known, None, end)
        rows[part] = kept.arg_true()
        unlabelled[part] = int((here & known.is_null()).sum())
        purged[part] = int(here.sum()) - len(rows[part]) - unlabelled[part]
        inside += int(here.sum())
    return Split(
        train=rows["train"],
        validation=rows["validation"],
        test=rows["test"],
        purged=purged,
        unlabelled=unlabelled,
        outside=units.height - inside,
        boundaries=boundaries,
    )


def keep_groups_whole(parts: Split, groups: pl.Series) -> Split:
    """Take out of each later part the rows of a group that an earlier part has.

    What is left of the later parts says how well a model does for groups it has not met.

    Parameters
    ----------
    parts : Split
        In the order of time.
    groups : polars.Series
        The group of each row of the table that was split, as text.
    """
    met = pl.Series([], dtype=groups.dtype)
    kept: dict[str, pl.Series] = {}
    for name in PARTS:
        rows: pl.Series = getattr(parts, name)
        here = groups.gather(rows)
        kept[name] = rows.filter(~here.is_in(met.implode()))
        met = pl.concat([met, here.unique()])
    taken = sum(len(getattr(parts, name)) - len(rows) for name, rows in kept.items())
    return msgspec.structs.replace(parts, **kept, straddling=taken)


def _between(times: pl.Series, start: int | None, end: int | None) -> pl.Series:
    inside = times.is_not_null()
    if start is not None:
        inside = inside & (times >= start).fill_null(value=False)
    if end is not None:
        inside = inside & (times < end).fill_null(value=False)
    return inside


def _micros(units: pl.DataFrame, column: str) -> pl.Series:
    times = units[column]
    if times.dtype != DTYPES[Type.INSTANT]:
        raise ArgumentError.out_of_range(
            column, "split_by_time", "be a column of type instant", str(times.dtype)
        )
    return times.to_physical()
