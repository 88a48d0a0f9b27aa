"""Read a file of outcomes: which units or predictions it names, and the target's columns.

A file may have the headers that the source's table had before a draft gave its columns names
that Python can use: ``Churned?`` is read as ``churned`` by the same rule.
"""

from __future__ import annotations

import csv as csv_files
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import polars as pl

from isbjerg.data.carriers import to_carriers
from isbjerg.data.reading import read
from isbjerg.data.tables import JsonLinesTable, ParquetTable, Table
from isbjerg.errors import SourceError
from isbjerg.expressions.tree import Type, names
from isbjerg.workflows.drafting_names import identifiers
from isbjerg.workflows.drafting_reading import separator_of
from isbjerg.workflows.given_tables import as_declared, is_kind, table_in
from isbjerg.workflows.project_files import Definitions

ID = "prediction_id"
"""Column of an outcomes file that names a prediction."""

PLACE = "\0place"
"""Column of the rows that are returned: which row of the file each was, counted from 0."""


class OutcomeFile(NamedTuple):
    """What a file of outcomes holds.

    Parameters
    ----------
    rows : DataFrame
        In carriers of the source's types, and `PLACE`.
    ignored : tuple of str
        Columns that the source does not have.
    nameless : int
        Rows left out, since they name neither a unit nor a prediction.
    read_as : dict of str to str
        Headers that were read as other names of columns.
    """

    rows: pl.DataFrame
    ignored: tuple[str, ...]
    nameless: int
    read_as: dict[str, str]


def read_outcomes(path: Path, schema: Mapping[str, Type], definitions: Definitions) -> OutcomeFile:
    """Read a file of outcomes: Parquet, JSON lines, or CSV with any usual separator.

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
    read_as = _read_as(_header(path), [*schema, ID])
    found = read(_table(path, schema, read_as), path.parent).rename(read_as, strict=False)
    frame, _ = to_carriers(found, schema)
    key = list(definitions.decision.source.key)
    needed = list(names(definitions.target.row_value(), "column"))
    lacking = [c for c in needed if c not in frame.columns]
    by_key = set(key) <= set(frame.columns)
    if lacking or not (by_key or ID in frame.columns):
        raise _lacks(path, lacking or key, frame.columns, [*key, *needed])
    ignored = tuple(c for c in frame.columns if c not in schema and c != ID)
    rows = as_declared(
        path.name, frame.drop(ignored), {**schema, ID: Type.TEXT}, wanted_by="in the source"
    )
    named = rows.with_row_index(PLACE).drop_nulls([ID] if ID in rows.columns else key)
    return OutcomeFile(named, ignored, rows.height - named.height, read_as)


def _lacks(
    path: Path, lacking: Sequence[str], found: Sequence[str], wanted: Sequence[str]
) -> SourceError:
    """Say what a file lacks, and which of its headers may be meant."""
    lower = {name.lower(): name for name in found if name not in wanted}
    pairs = [
        f"rename '{lower[close]}' to {name}"
        for name in lacking
        for close in get_close_matches(name.lower(), lower, n=1)
    ]
    mend = f"give it the columns {', '.join(wanted)} (or {ID} instead of the key)"
    return SourceError(
        f"'{path.name}' cannot be settled: it lacks {list(lacking)}.\nFound: {list(found)}",
        mend="; ".join(pairs) or mend,
        code="ISB321",
        lacking=list(lacking),
    )


def _header(path: Path) -> list[str]:
    """Read the names of the columns; none when the file cannot be read, which `read` tells."""
    try:
        if is_kind(path, ParquetTable):
            return pl.scan_parquet(path, glob=False).collect_schema().names()
        if is_kind(path, JsonLinesTable):
            return pl.scan_ndjson(path, infer_schema_length=None).collect_schema().names()
        with path.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
            return next(csv_files.reader(lines, delimiter=separator_of(path)), [])
    except (OSError, csv_files.Error, pl.exceptions.PolarsError):
        return []


def _read_as(header: Sequence[str], columns: Sequence[str]) -> dict[str, str]:
    """Map headers that a draft would have renamed to the columns that they became."""
    names = identifiers([name for name in header if name not in columns])
    return {
        old: new
        for old, new in names.items()
        if old != new and new in columns and new not in header
    }


def _table(path: Path, schema: Mapping[str, Type], read_as: Mapping[str, str]) -> Table:
    types = {n: str(t) for n, t in schema.items() if t is not Type.DURATION} | {ID: "text"}
    asked = {old: types[new] for old, new in read_as.items() if new in types}
    return table_in(path, {**types, **asked})
