"""Choose the seed of a split at random, so that its parts have the target evenly.

Each row's part is fixed by a hash of its key and the seed, so that rows never move; then nothing can
be dealt out by class any more. But the seed is free, once: of a few the one is taken whose parts
come out most even, in size and in the target. It is chosen before any model is fitted, from the target
alone, and stands in frame.toml. (Re-randomisation: Morgan and Rubin, Annals of Statistics, 2012.)
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.data.drawing import positions
from isbjerg.features.facts import key_text

SEEDS = 30
"""So many are looked at."""

_ROWS_ENOUGH = 20_000
"""With more rows every seed deals evenly."""

_BINS = 5
_CLASSES_MAX = 20


def even_seed(keys: pl.Series, truth: pl.Series, *, validation: float, test: float) -> int:
    """Choose a seed for rows with these keys and this target.

    Parameters
    ----------
    keys : polars.Series
        Key of each row: integers or texts.
    truth : polars.Series
        The target: texts or few numbers are classes, many are quantities; null where it is missing.
    validation, test : float
        Sizes of the parts, as shares.

    Returns
    -------
    int
        From 0 to ``SEEDS - 1``.

    Examples
    --------
    >>> keys, truth = pl.Series(range(40)), pl.Series(["a", "b"] * 20)
    >>> even_seed(keys, truth, validation=0.25, test=0.25) in range(SEEDS)
    True
    """
    known = truth.is_not_null()
    if not 0 < int(known.sum()) <= _ROWS_ENOUGH:
        return 0
    table = keys.filter(known).alias("key").to_frame()
    if table.schema["key"].is_integer():
        table = table.cast(pl.Int64)
    texts = table.select(key_text(table, ["key"])).to_series()
    classes = _classes(truth.filter(known))
    cuts = np.array([test, test + validation])
    return min(range(SEEDS), key=lambda seed: _unevenness(positions(texts, seed), classes, cuts))


def _classes(truth: pl.Series) -> NDArray[np.int64]:
    """Give each class a number; of quantities, each fifth of the rows."""
    if not truth.dtype.is_numeric() or truth.n_unique() <= _CLASSES_MAX:
        return truth.cast(pl.String).rank("dense").to_numpy().astype(np.int64) - 1
    return (truth.rank("ordinal") - 1).to_numpy().astype(np.int64) * _BINS // len(truth)


def _unevenness(
    at: NDArray[np.float64], classes: NDArray[np.int64], cuts: NDArray[np.float64]
) -> float:
    """Compare the rows of each class in each part with those that were wanted: chi-squared."""
    parts = np.searchsorted(cuts, at, side="right")
    count = classes.max() + 1
    seen = np.bincount(parts * count + classes, minlength=3 * count).reshape(3, count)
    shares = np.diff(np.concatenate([[0.0], cuts, [1.0]]))
    wanted = shares[:, None] * np.bincount(classes, minlength=count)[None, :]
    return float(((seen - wanted) ** 2 / wanted).sum())
