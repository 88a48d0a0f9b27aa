"""Read a source's table with Polars.

A source function returns a value of :mod:`isbjerg.data.tables`, or a data frame of Polars,
pandas or pyarrow. Files are read whole; types of CSV columns are guessed from the whole file, so
that the guess does not depend on where a value stands.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from shlex import quote
from typing import Any

import polars as pl

from isbjerg.canonical import content_hash
from isbjerg.data.guessing import as_type, guessed
from isbjerg.data.tables import CsvTable, ParquetTable, Table
from isbjerg.errors import SourceError

_RETURN_MEND = 'return ib.parquet("data/table.parquet"), or a data frame'


def read(table: Any, root: Path) -> pl.DataFrame:
    r"""Read what a source function returned.

    Parameters
    ----------
    table : ParquetTable, CsvTable, or a data frame of Polars, pandas or pyarrow
        What to read.
    root : Path
        The project's folder, to which paths are relative.

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
    if isinstance(table, ParquetTable | CsvTable):
        return _read_files(table, root)
    return _read_frame(table)


def fingerprint(table: Any, root: Path) -> str | None:
    """Name the state of the files behind a table without reading them.

    Two equal fingerprints mean that nobody touched the files, so that an ingest may stop
    early. It is made of names, sizes and times of change, and of how the files are read.

    Returns
    -------
    str or None
        ``None`` for a data frame, which has no files behind it.
    """
    if not isinstance(table, ParquetTable | CsvTable):
        return None
    states = [(f.name, (s := f.stat()).st_size, s.st_mtime_ns) for f in _files(table, root)]
    return content_hash({"table": table, "files": states})


def _files(table: Table, root: Path) -> list[Path]:
    path = Path(table.path)
    base = Path(path.anchor) if path.is_absolute() else root
    if (base / path).is_file():
        return [base / path]  # a file's own name may hold what would be a pattern
    pattern = str(path.relative_to(path.anchor)) if path.is_absolute() else table.path
    files = sorted(f for f in base.glob(pattern) if f.is_file())
    if not files:
        raise SourceError(
            f"No file is at '{table.path}'.\nLooked in: {base}",
            mend="put the file there, or change the path in sources.py",
            path=table.path,
        )
    return files


def _read_files(table: Table, root: Path) -> pl.DataFrame:
    frames = [_read_file(table, file) for file in _files(table, root)]
    try:
        return frames[0] if len(frames) == 1 else pl.concat(frames, how="diagonal_relaxed")
    except pl.exceptions.PolarsError as fault:
        raise SourceError(
            f"The files at '{table.path}' do not fit together: {fault}.",
            mend='give the column one type: ib.csv(..., types={"column": "text"})',
            path=table.path,
        ) from fault


def _read_file(table: Table, file: Path) -> pl.DataFrame:
    try:
        if isinstance(table, ParquetTable):
            return pl.read_parquet(file, glob=False)
        return _read_csv(table, file)
    except pl.exceptions.NoDataError as fault:
        raise SourceError(
            f"The file '{file.name}' is empty: it has not even a header.",
            mend=f"ls -l {quote(str(file))}",
            path=table.path,
        ) from fault
    except (pl.exceptions.PolarsError, OSError, UnicodeError) as fault:
        if isinstance(table, CsvTable) and (ragged := _ragged_line(table, file)) is not None:
            raise _ragged(table, file, *ragged) from fault
        raise SourceError(
            f"The file '{file.name}' cannot be read: {str(fault).rstrip('.')}.",
            mend="open the file and look; for CSV check `separator`, `null_values` and `types`",
            path=table.path,
        ) from fault


def _ragged_line(table: CsvTable, file: Path) -> tuple[int, int, int] | None:
    """Find the first line with more values than the header: its number, its values, the header's."""
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        rows = csv.reader(lines, delimiter=table.separator)
        header = len(next(rows, []))
        return next(((rows.line_num, len(row), header) for row in rows if len(row) > header), None)


def _ragged(table: CsvTable, file: Path, line: int, values: int, header: int) -> SourceError:
    return SourceError(
        f"Line {line} of '{file.name}' has {values} values, its header names {header}.\n"
        f"Values are parted by {table.separator!r}; a value that contains it must be quoted.",
        mend=f"sed -n {line}p {quote(str(file))}",
        path=table.path,
        line=line,
    )


def _read_csv(table: CsvTable, file: Path) -> pl.DataFrame:
    df = pl.read_csv(
        file,
        separator=table.separator,
        null_values=list(table.null_values),
        infer_schema=False,
        glob=False,
    )
    types = dict(table.types)
    return pl.DataFrame(
        [as_type(c, types[c.name]) if c.name in types else guessed(c) for c in df.iter_columns()]
    )


def _read_frame(table: Any) -> pl.DataFrame:
    if isinstance(table, pl.LazyFrame):
        return table.collect()
    if isinstance(table, pl.DataFrame):
        return table
    if _is_a(table, "pandas", "DataFrame"):
        return pl.from_pandas(table)
    if _is_a(table, "pyarrow", "Table"):
        df = pl.from_arrow(table)
        if isinstance(df, pl.DataFrame):
            return df
    raise SourceError(
        f"A source function returned {type(table).__name__}, which is not a table.",
        code="ISB302",
        mend=_RETURN_MEND,
        got=type(table).__name__,
    )


def _is_a(value: object, library: str, name: str) -> bool:
    """Ask a library that is loaded already; if it is not, `value` cannot be one of its own."""
    kind = getattr(sys.modules.get(library), name, None)
    return kind is not None and isinstance(value, kind)
