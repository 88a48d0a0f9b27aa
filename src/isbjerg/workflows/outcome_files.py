"""Read a file of outcomes: which units or predictions it names, and the target's columns."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import polars as pl

from isbjerg.data.carriers import DTYPES, schema_of, to_carriers
from isbjerg.data.reading import read
from isbjerg.data.tables import Table, csv, parquet
from isbjerg.errors import SourceError
from isbjerg.expressions.tree import Type, names
from isbjerg.workflows.project_files import Definitions

ID = "prediction_id"
"""Column of an outcomes file that names a prediction."""


class OutcomeFile(NamedTuple):
    """What a file of outcomes holds.

    Parameters
    ----------
    rows : DataFrame
        In carriers of the source's types.
    ignored : tuple of str
        Columns that the source does not have.
    nameless : int
        Rows left out, since they name neither a unit nor a prediction.
    """

    rows: pl.DataFrame
    ignored: tuple[str, ...]
    nameless: int


def read_outcomes(path: Path, schema: Mapping[str, Type], definitions: Definitions) -> OutcomeFile:
    """Read a CSV or Parquet file of outcomes.

    Parameters
    ----------
    path : Path
        The file.
    schema : mapping of str to Type
        Columns of the unit's source.
    definitions : Definitions
        The unit's key and the target.

    Raises
    ------
    SourceError
        When the file cannot be read, lacks the key or a column of the target, or has a column
        of another type than the source.
    """
    frame, _ = to_carriers(read(_table(path, schema), path.parent), schema)
    key = list(definitions.decision.source.key)
    needed = list(names(definitions.target.row_value(), "column"))
    lacking = [c for c in needed if c not in frame.columns]
    by_key = set(key) <= set(frame.columns)
    if lacking or not (by_key or ID in frame.columns):
        raise SourceError(
            f"'{path.name}' cannot be settled: it lacks {lacking or key}.\nFound: {frame.columns}",
            mend=f"give it the columns {', '.join([*key, *needed])} (or {ID} instead of the key)",
            code="ISB321",
            lacking=lacking or key,
        )
    ignored = tuple(c for c in frame.columns if c not in schema and c != ID)
    rows = _typed(path, frame.drop(ignored), {**schema, ID: Type.TEXT})
    named = rows.drop_nulls([ID] if ID in rows.columns else key)
    return OutcomeFile(named, ignored, rows.height - named.height)


def _table(path: Path, schema: Mapping[str, Type]) -> Table:
    name = glob.escape(path.name)
    if path.suffix == ".parquet":
        return parquet(name)
    types = {n: str(t) for n, t in schema.items() if t is not Type.DURATION}
    return csv(name, types={**types, ID: "text"})


def _typed(path: Path, rows: pl.DataFrame, schema: Mapping[str, Type]) -> pl.DataFrame:
    """Refuse a column of another type: its values would silently match nothing."""
    found = schema_of(rows)
    for name, kind in found.items():
        if kind is not schema[name] and (kind, schema[name]) != (Type.INTEGER, Type.FLOAT):
            raise SourceError(
                f"Column '{name}' of '{path.name}' is of type {kind}, in the source it is "
                f"{schema[name]}.",
                mend=f"write it as {schema[name]}",
                code="ISB322",
                column=name,
                found=str(kind),
                wanted=str(schema[name]),
            )
    return rows.cast({name: DTYPES[schema[name]] for name in found})
