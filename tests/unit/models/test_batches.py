"""Rows encoded block by block teach and score as a whole matrix does."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from isbjerg.expressions.tree import Type
from isbjerg.models import batches, boosted, encoding
from isbjerg.models.batches import EncodedRows, blocks, rows_per_block

TYPES = [Type.FLOAT, Type.INTEGER, Type.TEXT]


def drawn(rows: int, seed: int) -> tuple[pl.DataFrame, np.ndarray]:
    rng = np.random.default_rng(seed)
    x, n = rng.normal(size=rows), rng.integers(0, 9, rows)
    word = rng.choice(["a", "b", "c"], rows)
    columns = pl.DataFrame({"x": x, "n": n, "word": word}).with_columns(
        pl.when(pl.col("n") > 0).then(pl.col("x"))
    )
    return columns, (x + (word == "a") + rng.normal(size=rows) > 0).astype(float)


def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "rows_per_block", lambda _: 1_000)


def test_trees_learnt_block_by_block_are_the_same_trees(monkeypatch: pytest.MonkeyPatch) -> None:
    columns, truth = drawn(30_500, 1)
    later = drawn(4_000, 2)
    encoder = encoding.fit(columns, TYPES)
    given = {"num_iterations": 20, "bin_construct_sample_cnt": 40_000}
    learnt = []
    for _ in range(2):
        fitted = boosted.fit(
            columns, truth, "binary", encoder=encoder, validation=later, parameters=given, seed=7
        )
        learnt.append(fitted.files[boosted.FILE])
        small_blocks(monkeypatch)
    assert learnt[0] == learnt[1]


def test_encoded_rows_are_those_of_the_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    small_blocks(monkeypatch)
    columns, _ = drawn(2_500, 3)
    encoder = encoding.fit(columns, TYPES)
    rows, matrix = EncodedRows(columns, encoder), encoder.encode_many(columns)
    assert len(rows) == 2_500
    for asked in (0, 999, 1_000, 2_499, np.int32(5), slice(990, 1_010), [3, 2_000]):
        np.testing.assert_array_equal(rows[asked], matrix[asked])


def test_blocks_cover_every_row_once() -> None:
    size = rows_per_block(5_000)
    parted = list(blocks(2 * size + 1, 5_000))
    assert [b.stop - b.start for b in parted] == [size, size, 1]
    assert [b.start for b in parted] == [0, size, 2 * size]
    assert list(blocks(0, 3)) == []
