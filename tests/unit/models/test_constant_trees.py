"""Boosted trees that learnt one constant say so."""

from __future__ import annotations

import numpy as np
import polars as pl

from isbjerg.expressions.tree import Type
from isbjerg.models import boosted
from isbjerg.models.encoding import fit as fit_encoder


def notes(rows: int) -> tuple[str, ...]:
    """Fit trees to a feature that parts the rows into halves."""
    columns = pl.DataFrame({"x": np.arange(rows, dtype=np.float64)})
    truth = (np.arange(rows) >= rows / 2).astype(np.float64)
    encoder = fit_encoder(columns, [Type.FLOAT])
    nothing = (columns.head(0), truth[:0])
    parameters = {"num_iterations": 3}
    fitted = boosted.fit(
        columns, truth, "binary", encoder=encoder, validation=nothing, parameters=parameters
    )
    return fitted.notes


def test_fewer_rows_than_two_leaves_need_are_told() -> None:
    counted, told = notes(65)  # two leaves of at least 40 rows need 80
    assert "of at most 3" in counted
    assert told.startswith("No tree splits: it answers every row alike.")


def test_trees_that_split_say_nothing_of_it() -> None:
    assert len(notes(200)) == 1
