"""Say what is wrong with a CSV file: in which line, and the command that mends it.

Polars reads much that is no CSV: bytes of UTF-16 become odd names, a NUL byte part of a text. So
a file is looked at before it is read (`refuse_unreadable`, a few kilobytes and one search for a
byte), and again after Polars has given up (`explain`, line by line). No message shows a value.
"""

from __future__ import annotations

import csv
import mmap
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from isbjerg.errors import SourceError

ENCODING = "ISB340"
BROKEN = "ISB341"

_LOOKED_AT = 1 << 16
"""So many bytes at the beginning tell encoding, header and ends of lines."""

_COMPRESSED = (b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\x78\x01", b"\x78\x9c", b"\x78\xda")
"""How gzip, Zstandard and zlib begin; Polars reads what is inside."""

_NOT_TEXT = {
    b"PK\x03\x04": "a ZIP archive, such as Excel writes",
    b"\xd0\xcf\x11\xe0": "an old Excel file",
    b"PAR1": "a Parquet file (ib.parquet reads it)",
    b"SQLite format 3": "an SQLite database",
    b"%PDF": "a PDF",
}
_WIDE = {
    b"\xff\xfe\x00\x00": "UTF-32",
    b"\x00\x00\xfe\xff": "UTF-32",
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_SEPARATORS = {";": '";"', "\t": r'"\t"', "|": '"|"'}


class _Line(NamedTuple):
    """A line that is not UTF-8: its number, the byte, whether lines before it are UTF-8."""

    number: int
    byte: int
    mixed: bool


def refuse_unreadable(file: Path, separator: str, path: str) -> None:
    """Refuse what would be read as something it is not.

    Parameters
    ----------
    file : Path
        What is to be read.
    separator : str
        What its values are said to be parted by.
    path : str
        How the project names it, for the mend.

    Raises
    ------
    SourceError
        ISB340 for another encoding or no text at all; ISB341 for another separator, ends of
        lines, or NUL bytes.
    """
    with file.open("rb") as handle:
        start = handle.read(_LOOKED_AT)
        if not start or start.startswith(_COMPRESSED):
            return
        refuse_no_text(file, start)
        _refuse_wide(file, start)
        with mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ) as content:
            at = content.find(b"\x00")
            if at >= 0:
                raise _nul(file, content[:at].count(b"\n") + 1)
    if b"\r" in start and b"\n" not in start:
        raise _broken(
            file,
            "ends its lines as old Macs did, with CR alone",
            _rewritten(file, "tr '\\r' '\\n'"),
        )
    _refuse_header(file, start, separator, path)


def explain(file: Path, separator: str) -> SourceError | None:
    """Find why Polars gave up: the first line that is no UTF-8, too long, or never ends."""
    line = _undecodable(file)
    if line is not None:
        return _not_utf8(file, line)
    return _bad_row(file, separator)


def refuse_no_text(file: Path, start: bytes) -> None:
    """Refuse what is no text by how it begins, whatever its name says.

    Raises
    ------
    SourceError
        ISB340, with what it is instead.
    """
    for sign, kind in _NOT_TEXT.items():
        if start.startswith(sign):
            raise SourceError(
                f"'{file.name}' is no text: it is {kind}.",
                code=ENCODING,
                mend="open it where it was made, and save it as CSV in UTF-8",
            )


def _refuse_wide(file: Path, start: bytes) -> None:
    for sign, encoding in _WIDE.items():
        if start.startswith(sign):
            raise SourceError(
                f"'{file.name}' is written in {encoding}; isbjerg reads UTF-8.",
                code=ENCODING,
                mend=_rewritten(file, f"iconv -f {encoding} -t UTF-8"),
                encoding=encoding,
            )


def _refuse_header(file: Path, start: bytes, separator: str, path: str) -> None:
    """Refuse a single name that has another separator in it."""
    first = start.decode("utf-8-sig", errors="replace").splitlines()[:1]
    names = next(csv.reader(first, delimiter=separator), [])
    if len(names) == 1:
        for other, written in _SEPARATORS.items():
            if other in names[0]:
                raise SourceError(
                    f"The header of '{file.name}' has one column, with {other!r} in its name: "
                    "its values seem to be parted by that.",
                    code=BROKEN,
                    mend=f'return ib.csv("{path}", separator={written})',
                    separator=other,
                )


def _undecodable(file: Path) -> _Line | None:
    accented = False
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                line.decode()
            except UnicodeDecodeError as fault:
                return _Line(number, line[fault.start], accented)
            accented = accented or not line.isascii()
    return None


def _not_utf8(file: Path, line: _Line) -> SourceError:
    if line.mixed:
        said = "Lines before it are, so the file mixes two encodings."
        mend = f"sed -n {line.number}p {quote(str(file))} | iconv -f WINDOWS-1252 -t UTF-8"
    else:
        said = "Files from Windows are often written in Windows-1252."
        mend = _rewritten(file, "iconv -f WINDOWS-1252 -t UTF-8")
    return SourceError(
        f"'{file.name}' is not UTF-8: line {line.number} has the byte 0x{line.byte:02x}. {said}",
        code=ENCODING,
        mend=mend,
        line=line.number,
    )


def _bad_row(file: Path, separator: str) -> SourceError | None:
    """Find the first row with more values than the header, or whose quote has no end."""
    with file.open(encoding="utf-8-sig", errors="replace", newline="") as lines:
        rows = csv.reader(lines, delimiter=separator, strict=True)
        header, begins = 0, 1
        try:
            for row in rows:
                header = header or len(row)
                if len(row) > header:
                    return _ragged(file, begins, len(row), header, separator)
                begins = rows.line_num + 1
        except csv.Error:
            return _broken(
                file,
                f'has a quote (") in line {begins} that is not closed, or closed too early',
                f"sed -n {begins}p {quote(str(file))}",
                line=begins,
            )
    return None


def _ragged(file: Path, line: int, values: int, header: int, separator: str) -> SourceError:
    return SourceError(
        f"Line {line} of '{file.name}' has {values} values, its header names {header}.\n"
        f"Values are parted by {separator!r}; a value that contains it must be quoted.",
        code=BROKEN,
        mend=f"sed -n {line}p {quote(str(file))}",
        line=line,
    )


def _nul(file: Path, line: int) -> SourceError:
    return _broken(
        file,
        f"has NUL bytes, the first in line {line}: a copy that was cut off, or a broken disk",
        _rewritten(file, "tr -d '\\000'"),
        line=line,
    )


def _broken(file: Path, what: str, mend: str, line: int | None = None) -> SourceError:
    return SourceError(f"'{file.name}' {what}.", code=BROKEN, mend=mend, line=line)


def _rewritten(file: Path, command: str) -> str:
    """Write a command that sends the file through a filter and puts the outcome in its place."""
    path, made = quote(str(file)), quote(f"{file}.mended")
    return f"{command} < {path} > {made} && mv {made} {path}"
