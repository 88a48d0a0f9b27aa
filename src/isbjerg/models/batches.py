"""Encoded rows, a block at a time: a matrix of a large table would not fit into memory.

A block holds as many rows as its size allows, whatever the number of features. LightGBM bins
block after block to a byte a value; a predictor scores block after block.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import lightgbm
import numpy as np
from numpy.typing import NDArray

from isbjerg.models.encoding import Encoder

if TYPE_CHECKING:
    import polars as pl

BLOCK_BYTES = 2**27
"""About how large an encoded block is."""


def rows_per_block(features: int) -> int:
    """Return how many rows of so many features a block holds.

    Examples
    --------
    >>> rows_per_block(40), rows_per_block(5_000)
    (419430, 3355)
    """
    return max(1_024, BLOCK_BYTES // (8 * max(1, features)))


def blocks(rows: int, features: int) -> Iterator[slice]:
    """Part rows into blocks.

    Examples
    --------
    >>> list(blocks(7_000, 5_000))[-1]
    slice(6710, 7000, None)
    """
    size = rows_per_block(features)
    for start in range(0, rows, size):
        yield slice(start, min(rows, start + size))


class EncodedRows(lightgbm.Sequence):
    """The encoded rows of a table, made block by block when LightGBM asks for them.

    It asks for single rows too, in rising order, to find its bins; so the last block is kept.
    """

    def __init__(self, columns: pl.DataFrame, encoder: Encoder) -> None:
        self._columns = columns
        self._encoder = encoder
        self.batch_size = rows_per_block(len(encoder.encodings))
        self._start = -1
        self._block: NDArray[np.float64] = np.empty((0, 0))

    def __len__(self) -> int:
        return int(self._columns.height)

    def __getitem__(self, asked: int | slice | list[int]) -> NDArray[np.float64]:
        if isinstance(asked, slice | list):
            return self._encoder.encode_many(self._columns[asked])
        start = asked - asked % self.batch_size
        if start != self._start:
            rows = self._columns[start : start + self.batch_size]
            self._start, self._block = start, self._encoder.encode_many(rows)
        row: NDArray[np.float64] = self._block[asked - start]
        return row
