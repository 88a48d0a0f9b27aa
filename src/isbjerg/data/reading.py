"""Read a source's table with Polars.

A source function returns a value of :mod:`isbjerg.data.tables`, or a data frame (see
:mod:`isbjerg.data.frames`). Files are read whole; types of CSV columns are guessed from the whole
file, so that the guess does not depend on where a value stands.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from shlex import quote
from typing import Any

import polars as pl

from isbjerg.canonical import content_hash
from isbjerg.data.csv_faults import explain, refuse_unreadable
from isbjerg.data.declaring import declared
from isbjerg.data.frames import read_frame
from isbjerg.data.guessing import guessed, guessed_time
from isbjerg.data.shelf import IN_MEMORY, Shelf
from isbjerg.data.sql_reading import read_sql
from isbjerg.data.sql_tables import SqlTable
from isbjerg.data.tables import SUFFIXES, CsvTable, JsonLinesTable, ParquetTable, Table
from isbjerg.errors import SourceError

_GROWS = {ParquetTable: 4, CsvTable: 2, JsonLinesTable: 2}
"""How many times larger a table is in memory than its files, as a cautious guess."""

_CSV_CHUNK = ("POLARS_CSV_CHUNK_SIZE", "1000000")
"""Bytes of a file that are made columns of at once; left to itself, Polars takes so many that half
a gigabyte is in flight."""


def read(table: Any, root: Path, shelf: Shelf = IN_MEMORY) -> pl.DataFrame:
    r"""Read what a source function returned.

    Parameters
    ----------
    table : a value of `parquet`, `csv`, `jsonl` or `sql`, or a data frame
        What to read.
    root : Path
        The project's folder, to which paths are relative.
    shelf : Shelf, optional
        Where columns of files go that are too large for memory.

    Returns
    -------
    polars.DataFrame
        As it is in the source; :func:`isbjerg.data.carriers.to_carriers` comes next.

    Raises
    ------
    SourceError
        When no file is there, a file cannot be read, or `table` is not a table: change the
        source function, as the mend says.

    Examples
    --------
    A source function that has something to rename reads its file itself:

    >>> import tempfile
    >>> from isbjerg.data.tables import csv
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     _ = (Path(folder) / "loans.csv").write_text("No.,Amount\n7,12.5\n")
    ...     read(csv("loans.csv"), Path(folder)).rename({"No.": "number"}).columns
    ['number', 'Amount']
    """
    if isinstance(table, Table):
        return _read_files(table, root, shelf)
    if isinstance(table, SqlTable):
        return read_sql(table, root).frame
    return read_frame(table)


def fingerprint(table: Any, root: Path) -> str | None:
    """Name the state of the files behind a table without reading them.

    Two equal fingerprints mean that nobody touched the files, so that an ingest may stop
    early. It is made of names, sizes and times of change, and of how the files are read.

    Returns
    -------
    str or None
        ``None`` for a data frame or a database, which have no files behind them.
    """
    if not isinstance(table, Table):
        return None
    states = [(f.name, (s := f.stat()).st_size, s.st_mtime_ns) for f in _files(table, root)]
    return content_hash({"table": table, "files": states})


def _files(table: Table, root: Path) -> list[Path]:
    path = Path(table.path)
    base = Path(path.anchor) if path.is_absolute() else root
    if (base / path).is_file():
        return [base / path]  # a file's own name may hold what would be a pattern
    if (base / path).is_dir():
        return _files_in(base / path, table)
    pattern = str(path.relative_to(path.anchor)) if path.is_absolute() else table.path
    files = sorted(f for f in base.glob(pattern) if f.is_file())
    if not files:
        raise SourceError(
            f"No file is at '{table.path}'.\nLooked in: {base}",
            mend=f"ls {quote(str(_there(base / path)))}",
            path=table.path,
        )
    return files


def _there(path: Path) -> Path:
    """Return the nearest folder above a path that is there."""
    return next((p for p in path.parents if p.is_dir()), Path())


def _files_in(folder: Path, table: Table) -> list[Path]:
    """Find the files of a folder and of those in it; what starts with ``.`` or ``_`` is not data."""
    endings = SUFFIXES[type(table)]
    files = [
        file
        for file in sorted(folder.rglob("*"))
        if file.name.lower().endswith(endings)
        and file.is_file()
        and not any(part[0] in "._" for part in file.relative_to(folder).parts)
    ]
    if not files:
        raise SourceError(
            f"The folder '{table.path}' has no file that ends in {' or '.join(endings)}.",
            mend=f"ls {quote(str(folder))}",
            path=table.path,
        )
    return files


def _read_files(table: Table, root: Path, shelf: Shelf) -> pl.DataFrame:
    files = _files(table, root)
    on_disk = sum(file.stat().st_size for file in files)
    chosen = shelf.of(on_disk * _GROWS[type(table)])
    frames = [_read_file(table, file, chosen) for file in files]
    try:
        return frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed")
    except pl.exceptions.PolarsError as fault:
        raise SourceError(
            f"The files at '{table.path}' do not fit together: {fault}.",
            mend='give the column one type: ib.csv(..., types={"column": "text"})',
            path=table.path,
        ) from fault


def _read_file(table: Table, file: Path, shelf: Shelf) -> pl.DataFrame:
    try:
        if isinstance(table, ParquetTable):
            return declared(_read_parquet(file, shelf).iter_columns(), table.types)
        if isinstance(table, JsonLinesTable):
            return _read_json_lines(table, file)
        return _read_csv(table, file, shelf)
    except pl.exceptions.NoDataError as fault:
        raise SourceError(
            f"The file '{file.name}' is empty: it has not even a header.",
            mend=f"ls -l {quote(str(file))}",
            path=table.path,
        ) from fault
    except (pl.exceptions.PolarsError, OSError, UnicodeError) as fault:
        if isinstance(table, CsvTable) and (why := explain(file, table.separator)) is not None:
            raise why from fault
        if isinstance(table, JsonLinesTable) and (bad := _bad_line(file)) is not None:
            raise _no_object(table, file, *bad) from fault
        raise SourceError(
            f"The file '{file.name}' cannot be read: {_in_a_line(fault)}.\n"
            "Is it whole, and of the kind that is declared?",
            mend=f"ls -l {quote(str(file))}",
            path=table.path,
        ) from fault


def _in_a_line(fault: Exception) -> str:
    """Take what the library said first; what stands in backticks may be a value."""
    first = str(fault).partition("\n")[0].partition("`")[0]
    return first.strip(" .:") or type(fault).__name__


def _read_parquet(file: Path, shelf: Shelf) -> pl.DataFrame:
    if shelf.is_memory:
        return pl.read_parquet(file, glob=False)
    return shelf.parquet(file)


def _read_csv(table: CsvTable, file: Path, shelf: Shelf) -> pl.DataFrame:
    refuse_unreadable(file, table.separator, table.path)
    how: dict[str, Any] = {
        "separator": table.separator,
        "null_values": list(table.null_values),
        "infer_schema": False,
        "glob": False,
    }
    if shelf.is_memory:
        df = pl.read_csv(file, **how)
    else:
        os.environ.setdefault(*_CSV_CHUNK)  # Polars looks at its first scan of a CSV file
        df = shelf.stream(pl.scan_csv(file, **how))
    types = dict(table.types)
    columns = [c if c.name in types else _shelved(c, guessed(c), shelf) for c in df.iter_columns()]
    return declared(columns, table.types)


def _shelved(texts: pl.Series, typed: pl.Series, shelf: Shelf) -> pl.Series:
    """Put a column away that is not the one that lies there already."""
    return typed if typed is texts else shelf.put(typed)


def _read_json_lines(table: JsonLinesTable, file: Path) -> pl.DataFrame:
    if not file.stat().st_size:
        raise pl.exceptions.NoDataError(file.name)
    df = pl.read_ndjson(file, infer_schema_length=None)
    types = dict(table.types)
    columns = [c if c.name in types else guessed_time(c) for c in df.iter_columns()]
    return declared(columns, table.types)


def _bad_line(file: Path) -> tuple[int, str] | None:
    """Find the first line that is no JSON object, and say what it is instead."""
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                value = json.loads(line) if line.strip() else {}
            except ValueError as fault:
                return number, "not UTF-8" if isinstance(fault, UnicodeError) else "not JSON"
            if not isinstance(value, dict):
                return number, "no object"
    return None


def _no_object(table: JsonLinesTable, file: Path, line: int, what: str) -> SourceError:
    return SourceError(
        f"Line {line} of '{file.name}' is {what}; JSON lines hold one object a line, "
        'such as {"id": 7}.',
        mend=f"sed -n {line}p {quote(str(file))}",
        path=table.path,
        line=line,
    )
