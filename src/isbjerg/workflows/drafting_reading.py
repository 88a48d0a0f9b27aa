"""Read the table that a project is to be drafted from: how its values are parted, its times.

What a person sees at a glance in a file (semicolons, an old encoding, days before months) is
looked for here, so that the draft reads the file as that person would, or says why it cannot.
"""

from __future__ import annotations

import gzip
from difflib import get_close_matches
from io import BufferedReader
from pathlib import Path
from shlex import quote

import msgspec
import polars as pl

from isbjerg.data.csv_faults import refuse_no_text
from isbjerg.data.reading import read
from isbjerg.data.tables import CsvTable, JsonLinesTable, ParquetTable
from isbjerg.errors import SourceError
from isbjerg.workflows.drafting_numbers import Writing, to_number, writing
from isbjerg.workflows.drafting_plan import NULL_VALUES

_PARQUET = (".parquet", ".pq")
_JSON_LINES = (".jsonl", ".ndjson")
_SEPARATORS = (",", ";", "\t", "|")
_BYTES_WIDE = (b"\xff\xfe", b"\xfe\xff")


class Looked(msgspec.Struct, frozen=True):
    """A table, how it is read again, and which of its texts are numbers, and how written.

    `unclear` are columns whose numbers can be read in two ways: they stay text.
    """

    frame: pl.DataFrame
    handle: CsvTable | ParquetTable | JsonLinesTable
    numbers: dict[str, Writing] = {}
    unclear: tuple[str, ...] = ()


def look(table: Path) -> Looked:
    """Read a file of CSV, Parquet or JSON lines.

    Raises
    ------
    SourceError
        When there is no file, it is not UTF-8, it cannot be read, or it has no row.
    """
    _check_is_file(table)
    path = str(table.resolve())
    handle: CsvTable | ParquetTable | JsonLinesTable
    if table.suffix.lower() in _PARQUET:
        handle = ParquetTable(path)
    elif table.suffix.lower() in _JSON_LINES:
        handle = JsonLinesTable(path=path)
    else:
        _check_text(table)
        handle = CsvTable(path=path, separator=separator_of(table), null_values=NULL_VALUES)
    frame = read(handle, Path.cwd())
    if frame.is_empty():
        raise SourceError(
            f"The file '{table.name}' has columns and no row.\nFound: {frame.columns}",
            mend="choose a file with rows whose outcome is known: a model learns from them",
            path=str(table),
        )
    separator = handle.separator if isinstance(handle, CsvTable) else ","
    written = {c.name: writing(c, separator=separator) for c in frame.iter_columns()}
    numbers = {c: how for c, how in written.items() if how is not None and how != "unclear"}
    unclear = tuple(c for c, how in written.items() if how == "unclear")
    read_again = [to_number(pl.col(c), how) for c, how in numbers.items()]
    return Looked(frame.with_columns(read_again), handle, numbers, unclear)


def _check_is_file(table: Path) -> None:
    if table.is_file():
        return
    around = table.parent if table.parent.is_dir() else Path()
    known = (".csv", *_PARQUET, *_JSON_LINES)
    files = sorted(p.name for p in around.iterdir() if p.suffix.lower() in known)
    stems = {Path(name).stem: name for name in files}
    close = [stems[stem] for stem in get_close_matches(table.stem, stems, n=1)]
    close = close or (files[:1] if table.is_dir() else [])
    kind = "a folder" if table.is_dir() else "no file"
    raise SourceError(
        f"There is {kind} at '{table}'."
        + (f"\nTables beside it: {', '.join(files[:8])}" if files else ""),
        mend=f"--from {quote(str(table.parent / close[0]))}"
        if close
        else f"ls {quote(str(around))}",
        path=str(table),
    )


def _check_text(table: Path) -> None:
    """Refuse a file that is no text or not UTF-8; say where, and how it is made so."""
    with _opened(table) as file:
        content = file.read()
    refuse_no_text(table, content[:16])
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as fault:
        line = content.count(b"\n", 0, fault.start) + 1
        encoding = "UTF-16" if content[:2] in _BYTES_WIDE else "WINDOWS-1252"
        better = quote(str(table.with_name(f"{table.stem}-utf8{table.suffix}")))
        raise SourceError(
            f"The file '{table.name}' is not UTF-8: line {line} has the byte "
            f"0x{content[fault.start]:02x}. It is probably {encoding}.",
            mend=f"iconv -f {encoding} -t UTF-8 {quote(str(table))} > {better}",
            path=str(table),
        ) from None


def separator_of(table: Path) -> str:
    """Find what parts the names of a CSV file's header: what stands there most often."""
    with _opened(table) as file:
        header = file.readline().decode("utf-8-sig", errors="replace")
    return max(_SEPARATORS, key=header.count)


def _opened(table: Path) -> gzip.GzipFile | BufferedReader:
    return gzip.open(table) if table.suffix == ".gz" else table.open("rb")
