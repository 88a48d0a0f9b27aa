"""The lists of a ranking: which rows are ranked against each other, and that none is cut in two.

Rows of equal group make one list. A list is learnt from, chosen on or measured on as a whole: one
that the split in time would lay into two parts is left out of both, and counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.data.split import PARTS, Split
from isbjerg.errors import DataError, DefinitionError
from isbjerg.expressions.tree import Type
from isbjerg.findings import Finding
from isbjerg.frame.frame import Target
from isbjerg.statistics.bootstrap import BLOCKS_WANTED, Blocks, blocks_of, time_blocks
from isbjerg.workflows.holding_out import Cut
from isbjerg.workflows.units import TRUTH

LIST_ROWS_MAX = 10_000
"""LightGBM ranks no longer list."""

Lists = NDArray[np.int64]


def check_group(group: Sequence[str], columns: Mapping[str, Type], source: str) -> None:
    """Refuse a group that names a column which the unit's source does not have.

    Raises
    ------
    DefinitionError
        Naming the columns that there are.
    """
    lacking = [name for name in group if name not in columns]
    if lacking:
        raise DefinitionError(
            f"`group` of [target] names '{lacking[0]}', which '{source}' does not have.\n"
            f"Found: {list(columns)}",
            mend='group = "<one of these columns>"',
            code="ISB317",
            column=lacking[0],
        )


def number_lists(units: pl.DataFrame, group: Sequence[str]) -> Lists:
    """Give each list a number; rows of equal group, missing values included, are one.

    Examples
    --------
    >>> number_lists(pl.DataFrame({"day": [2, 1, 2], "at": ["a", "a", "b"]}), ["day", "at"])
    array([1, 0, 2])
    """
    numbers = np.zeros(units.height, dtype=np.int64)
    for name in group:
        ranks = units[name].rank("dense").fill_null(0).to_numpy().astype(np.int64)
        _, numbers = np.unique(numbers * (len(ranks) + 1) + ranks, return_inverse=True)
    return numbers.reshape(-1).astype(np.int64)


def check_lists(lists: Lists, truth: NDArray[np.float64]) -> None:
    """Refuse relevance below 0 and lists that no model ranks.

    Raises
    ------
    DataError
        Saying which, and what to do.
    """
    if len(truth) and float(truth.min()) < 0.0:
        raise DataError(
            f"The relevance of a row must be 0 or more; the least is {float(truth.min()):g}.",
            mend="return a number from 0 on in the target, such as ib.when(x > 0).then(x).otherwise(0)",
            code="ISB317",
        )
    longest = int(np.bincount(lists).max()) if len(lists) else 0
    if longest > LIST_ROWS_MAX:
        raise DataError(
            f"The longest list has {longest:,} rows; at most {LIST_ROWS_MAX:,} are ranked.",
            mend='group = ["<another column>", ...] in [target], so that lists are shorter',
            code="ISB317",
        )


def whole_lists(lists: Lists, parts: Mapping[str, pl.Series]) -> dict[str, pl.Series]:
    """Leave out of each part the rows of lists that another part has rows of.

    Examples
    --------
    >>> parts = {"train": pl.Series([0, 1, 2]), "test": pl.Series([3, 4])}
    >>> found = whole_lists(np.array([7, 7, 8, 8, 9]), parts)
    >>> found["train"].to_list(), found["test"].to_list()
    ([0, 1], [4])
    """
    own = {name: np.unique(lists[rows.to_numpy()]) for name, rows in parts.items()}
    seen, times = np.unique(np.concatenate(list(own.values())), return_counts=True)
    torn = seen[times > 1]
    return {
        name: rows.filter(pl.Series(~np.isin(lists[rows.to_numpy()], torn), dtype=pl.Boolean))
        for name, rows in parts.items()
    }


def cut_between_lists(lists: Lists, found: Cut, rows: pl.Series) -> Cut:
    """Leave lists that a cut of the validation rows goes through out of both sides.

    When no list of a side is whole, both sides are all of the rows, as where there are too few.

    Examples
    --------
    >>> rows = pl.Series([0, 1, 2, 3])
    >>> sides = Cut(rows[:2], rows[2:])
    >>> cut_between_lists(np.array([5, 7, 7, 8]), sides, rows).choosing.to_list()
    [3]
    >>> cut_between_lists(np.array([7, 7, 7, 8]), sides, rows).tuning.to_list()
    [0, 1, 2, 3]
    """
    whole = Cut(**whole_lists(lists, found._asdict()))
    return whole if len(whole.tuning) and len(whole.choosing) else Cut(rows, rows)


def of_whole_lists(units: pl.DataFrame, parts: Split, target: Target) -> Split:
    """Take lists that lie in two parts out of both; other targets have none.

    Raises
    ------
    DataError
        When no list of a part is whole, or a list cannot be ranked.
    """
    if not target.group:
        return parts
    lists = number_lists(units, target.group)
    check_lists(lists, units[TRUTH].cast(pl.Float64).to_numpy())
    whole = whole_lists(lists, {name: getattr(parts, name) for name in PARTS})
    empty = [name for name, rows in whole.items() if not len(rows)]
    if empty:
        raise DataError(
            f"The {' and the '.join(empty)} part has no whole list: the split lays each into two.",
            mend="[split] in frame.toml: move its dates, or choose shorter lists in [target] group",
            code="ISB313",
        )
    found: Split = msgspec.structs.replace(parts, **whole)
    return found


def rows_in_parts(parts: Split) -> int:
    """Count the rows of all parts."""
    return sum(len(getattr(parts, name)) for name in PARTS)


def told_of_lists(lists: Lists, lost: int) -> tuple[Finding, ...]:
    """Say how many rows were left out because their list lies in two parts."""
    return (
        Finding(
            code="target.torn_list",
            subject="target",
            outcome="failed" if lost else "passed",
            severity="info",
            message=f"{lost:,} rows are left out: the split lays their lists into two parts."
            if lost
            else "",
            mend="choose dates between lists: [split] in frame.toml" if lost else "",
            evidence={"rows": lost, "lists": len(np.unique(lists))},
        ),
    )


def list_blocks(lists: Lists, at_us: NDArray[np.int64] | None) -> Blocks:
    """Group lists by the day of their first decision; each alone where there are too few days."""
    numbers = blocks_of(lists).ids
    if at_us is not None:
        first = np.full(int(numbers.max(initial=-1)) + 1, np.iinfo(np.int64).max)
        np.minimum.at(first, numbers, at_us)
        days = time_blocks(first)
        if days.word != "rows" and days.count >= BLOCKS_WANTED:
            return Blocks(days.ids[numbers], days.count, days.word, numbers)
    return Blocks(numbers, int(numbers.max(initial=-1)) + 1, "lists", numbers)
