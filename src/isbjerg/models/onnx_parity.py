"""The proof that a model's ONNX form answers as the model does, on real rows and on odd ones.

A converted model that differs is a model that nobody judged. So whatever is carried as ONNX is
first scored both ways: on rows of the test part, and on rows made up to be odd, since missing
values, texts never seen and far numbers are where converters err.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.expressions.tree import Type
from isbjerg.models.fitted import Carriage, TargetKind, Tolerance

ABSOLUTE = 1e-5
"""For a probability; for a number in units of the training target's deviation."""

RELATIVE = 1e-4

ROWS_MAX = 20_000
"""Rows of the test part that are compared; evenly spread when there are more."""

FAR = 10.0
"""How many times its range a number is moved beyond its ends."""

UNSEEN = "\N{SNOWMAN} never seen"
"""A text that is in no training data."""

Score = Callable[[pl.DataFrame], NDArray[np.float64]]


def tolerance_for(truth: NDArray[np.float64], target_kind: TargetKind) -> Tolerance:
    """State how far scores may lie apart, in the units of the target.

    Examples
    --------
    >>> tolerance_for(np.array([0.0, 200.0]), "regression")
    Tolerance(absolute=0.001, relative=0.0001)
    """
    spread = 1.0 if target_kind in {"binary", "multiclass"} else float(np.std(truth))
    return Tolerance(ABSOLUTE * (spread if spread > 0.0 else 1.0), RELATIVE)


def edge_rows(columns: pl.DataFrame, types: Sequence[Type]) -> pl.DataFrame:
    """Make up rows: an ordinary one, then one with each thing odd at a time, then all missing.

    Parameters
    ----------
    columns : polars.DataFrame
        Real rows of the features, as carriers.
    types : sequence of Type
        Of the features.

    Examples
    --------
    >>> real = pl.DataFrame({"wind": [1.0, 2.0], "shop": ["a", None]})
    >>> edge_rows(real, [Type.FLOAT, Type.TEXT]).rows()[:4]
    [(1.0, 'a'), (None, 'a'), (-9.0, 'a'), (12.0, 'a')]
    """
    plain = columns.with_columns(pl.col(pl.Duration).dt.total_microseconds())
    usual: dict[str, Any] = {c.name: c.drop_nulls().first() for c in plain}
    rows = [usual]
    for name, type_ in zip(columns.columns, types, strict=True):
        rows += [{**usual, name: odd} for odd in _odd_values(plain[name], type_)]
    rows.append(dict.fromkeys(columns.columns))
    made = pl.DataFrame(rows, schema=plain.schema, orient="row", strict=False)
    return made.with_columns(
        pl.col(c).cast(t) for c, t in columns.schema.items() if plain.schema[c] != t
    )


def _odd_values(column: pl.Series, type_: Type) -> list[Any]:
    if type_ is Type.TEXT:
        return [None, UNSEEN, ""]
    if type_ is Type.BOOLEAN:
        return [None, False, True]
    lowest, highest = column.min(), column.max()
    if not isinstance(lowest, int | float) or not isinstance(highest, int | float):
        return [None]
    reach = FAR * max(float(highest) - float(lowest), 1.0)
    far = [float(lowest) - reach, float(highest) + reach]
    whole = column.dtype.is_integer()
    held = [max(min(f, 2.0**62), -(2.0**62)) for f in far]
    return [None, *([int(f) for f in held] if whole else far), lowest, highest, 0]


def compare(
    own: Score,
    carried: Score,
    columns: pl.DataFrame,
    types: Sequence[Type],
    tolerance: Tolerance,
) -> Carriage:
    """Score real rows and edge rows both ways.

    Parameters
    ----------
    own, carried : callable
        The model, and the form in which it is carried.
    columns : polars.DataFrame
        Features of rows that it did not learn from.
    types : sequence of Type
        Of the features.
    tolerance : Tolerance
        What is allowed.

    Returns
    -------
    Carriage
        A score that is no number counts as differing, infinitely.
    """
    step = -(-columns.height // ROWS_MAX) or 1
    edges = edge_rows(columns, types)
    rows = pl.concat([columns.gather_every(step), edges])
    mine, theirs = own(rows), carried(rows)
    apart = np.abs(mine - theirs)
    apart[~np.isfinite(apart)] = np.inf
    allowed = tolerance.absolute + tolerance.relative * np.abs(mine)
    outside: NDArray[np.bool_] = np.asarray(~(apart <= allowed))
    return Carriage(
        rows=rows.height,
        edges=edges.height,
        differing=int(outside.reshape(rows.height, -1).any(axis=1).sum()),
        largest=float(apart.max(initial=0.0)),
        tolerance=tolerance,
    )
