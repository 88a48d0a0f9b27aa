"""Train, validation and test drawn by chance, such that each row keeps its part for ever.

Where a row goes is read off a hash of its key: no other row has a say in it. Rows that come in
later move none of the earlier, so a model that is live was never taught the rows that will judge
its successor. The price is that parts have about, not exactly, the size that is asked for, and
about the same share of each class; see decision 16.
"""

from __future__ import annotations

from hashlib import blake2b

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.data.split import PARTS, Split

_WHOLE = 2.0**64


def positions(texts: pl.Series, seed: int) -> NDArray[np.float64]:
    """Place texts evenly in ``[0, 1]``: the same text and seed always in the same place.

    Parameters
    ----------
    texts : polars.Series
        Keys, or groups, as text.
    seed : int
        From 0 to ``2**32 - 1``; another one places every text elsewhere.

    Examples
    --------
    >>> positions(pl.Series(["a", "b"]), 0).round(3).tolist()
    [0.254, 0.517]
    """
    salt = seed.to_bytes(4, "little")
    distinct = texts.unique()
    placed = [
        int.from_bytes(blake2b(text.encode(), digest_size=8, salt=salt).digest(), "big") / _WHOLE
        for text in distinct
    ]
    lookup = pl.DataFrame({"text": distinct, "at": pl.Series(placed, dtype=pl.Float64)})
    asked = pl.DataFrame({"text": texts})
    found = asked.join(lookup, on="text", how="left", maintain_order="left")
    return found["at"].to_numpy()


def split_at_random(
    texts: pl.Series, *, validation: float = 0.2, test: float = 0.2, seed: int = 0
) -> Split:
    """Part rows by chance, those of one text together.

    Parameters
    ----------
    texts : polars.Series
        The key of each row, or the group that must not straddle parts, as text.
    validation, test : float
        Chance of a row to be in these parts, each above 0, together below 1.
    seed : int
        Another one parts otherwise.

    Returns
    -------
    Split
        Nothing is purged: every label is as old as every other.

    Notes
    -----
    A larger `test` takes rows over from the validation part, a larger `validation` takes over
    from the training part: a row of a part that grows stays in it.
    """
    at = positions(texts, seed)
    nothing = dict.fromkeys(PARTS, 0)
    return Split(
        train=_rows(at >= test + validation),
        validation=_rows((at >= test) & (at < test + validation)),
        test=_rows(at < test),
        purged=nothing,
        unlabelled=dict(nothing),
        outside=0,
        boundaries=None,
    )


def _rows(here: NDArray[np.bool_]) -> pl.Series:
    return pl.Series(np.flatnonzero(here), dtype=pl.UInt32)
