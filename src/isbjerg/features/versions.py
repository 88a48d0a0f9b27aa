"""Versions of facts: which fact a correction replaces, and when.

Facts with the same key are versions of one fact, in the order of ``(visible, _row)``. Each
stands until the next is visible. Most tables are never corrected, so a fingerprint of the keys
is looked at first, and keys themselves only where fingerprints repeat.
"""

from __future__ import annotations

from functools import reduce
from operator import and_
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.features.groups import NOWHERE, Groups

FOREVER = 2**63 - 1
"""When a fact leaves that nothing supersedes."""

Whole = NDArray[np.int64]


class Versions(NamedTuple):
    """Facts that some unit may see, one number of each in each array.

    Parameters
    ----------
    group : array of int32
        What units ask for; see :mod:`isbjerg.features.groups`.
    position, visible : array of int64
        Microseconds. One and the same array when every fact is visible at its position.
    row : array of int64
        ``_row``.
    place : array of int64
        The fact's row in the table of facts.
    until : array of int64 or None
        When the next version is visible, `FOREVER` for the last; ``None`` when there is no
        next version of any fact. A version that is superseded as soon as it is visible is
        never used.
    lowers : array of bool or None
        Whether the next version may leave an older fact as the newest of its group.
    """

    group: Groups
    position: Whole
    visible: Whole
    row: Whole
    place: Whole
    until: Whole | None = None
    lowers: NDArray[np.bool_] | None = None

    def taken(self, which: Whole | NDArray[np.bool_]) -> Versions:
        """Take some of the facts, by their numbers here or by a mask."""
        return Versions(
            group=self.group[which],
            position=self.position[which],
            visible=self.visible[which],
            row=self.row[which],
            place=self.place[which],
            until=None if self.until is None else self.until[which],
            lowers=None if self.lowers is None else self.lowers[which],
        )


def versions(timing: pl.DataFrame, group: Groups, keys: pl.DataFrame) -> Versions:
    """Say of each fact when the next version of it is visible.

    Parameters
    ----------
    timing : DataFrame
        From :func:`isbjerg.features.facts.timing`.
    group : array of int32, shape (n_facts,)
        Group of each fact.
    keys : DataFrame
        Columns that tell facts apart across corrections; nulls are values like any other.

    Returns
    -------
    Versions
        The facts in some group that are ever known, in the order of the table.

    Examples
    --------
    The first fact is corrected by the third, which is visible at 9:

    >>> timing = pl.DataFrame({"position": [5, 6, 5], "visible": [5, 6, 9], "_row": [0, 1, 2]})
    >>> found = versions(timing, np.zeros(3, np.int32), pl.DataFrame({"id": ["a", "b", "a"]}))
    >>> (found.until == FOREVER).tolist(), int(found.until[0])
    ([False, True, True], 9)
    """
    known = timing["position"].is_not_null().to_numpy()
    position = timing["position"].fill_null(0).to_numpy()
    visible = timing["visible"].fill_null(0).to_numpy()
    if np.array_equal(position, visible):
        visible = position
    everything = Versions(
        group,
        position,
        visible,
        timing["_row"].to_numpy(),
        np.arange(len(group)),
        *_next(timing, group, keys),
    )
    kept = known & (group != NOWHERE)
    if kept.all():
        return everything
    found = everything.taken(kept)
    return found._replace(visible=found.position) if visible is position else found


def _next(
    timing: pl.DataFrame, group: Groups, keys: pl.DataFrame
) -> tuple[Whole | None, NDArray[np.bool_] | None]:
    """Find until when each fact stands, and whether what comes next may lower the newest."""
    repeated = _repeated(keys)
    if repeated is None:
        return None, None
    names = keys.columns
    facts = (
        keys.with_columns(timing, _group=pl.Series(group), _place=pl.int_range(pl.len()))
        .filter(repeated & pl.col("position").is_not_null())
        .sort(*names, "visible", "_row")
    )
    last = pl.int_range(pl.len()) == pl.len() - 1
    same = [pl.col(c).eq_missing(pl.col(c).shift(-1)) for c in names]
    following = facts.select(
        "_place",
        more=reduce(and_, same, ~last),
        until=pl.col("visible").shift(-1),
        stays=(pl.col("_group").shift(-1) == pl.col("_group"))
        & (pl.col("position").shift(-1) >= pl.col("position")),
    ).filter("more")
    until = np.full(len(group), FOREVER)
    lowers = np.zeros(len(group), np.bool_)
    places = following["_place"].to_numpy()
    until[places] = following["until"].to_numpy()
    lowers[places] = ~following["stays"].to_numpy()
    return (until, lowers) if len(places) else (None, None)


def _repeated(keys: pl.DataFrame) -> pl.Series | None:
    """Say which facts may share their key with another; ``None`` when surely none does."""
    if keys.width == 1 and _counts_up(keys.to_series()):
        return None
    hashes = keys.hash_rows()
    again = ~hashes.is_first_distinct()
    return hashes.is_in(hashes.filter(again).implode()) if again.any() else None


def _counts_up(key: pl.Series) -> bool:
    """Say whether a key of whole numbers rises from row to row, as numbers given by a system do."""
    if not (key.dtype.is_integer() or key.dtype.is_temporal()) or key.null_count():
        return False
    numbers = key.to_physical().to_numpy()
    return bool((numbers[1:] > numbers[:-1]).all())
