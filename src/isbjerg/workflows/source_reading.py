"""Read a source, wholly or from where it was read last, and say how it was read.

How a source was read is kept with each data version: its *definition* (files, query, options, or
the code that made a data frame), its columns, the rules its rows were judged by, and how far it
was read. A database with a watermark is read on from there as long as all but the last stay the
same; when one of them changes, everything is read again.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import polars as pl

from isbjerg.canonical import content_hash
from isbjerg.data.manifest import DataVersion, Reading
from isbjerg.data.reading import read
from isbjerg.data.shelf import IN_MEMORY, Shelf
from isbjerg.data.sql_reading import read_sql
from isbjerg.data.sql_tables import SqlTable
from isbjerg.data.tables import Table
from isbjerg.data.watermarks import Watermark
from isbjerg.errors import SourceError
from isbjerg.features.source_code import code_of
from isbjerg.features.sources import Source
from isbjerg.times import DAY_US, Clock, from_datetime, to_datetime

_PACED = "rows_per_second"
"""How fast a database is asked does not change what it says."""


class Taken(NamedTuple):
    """What a source gave.

    Parameters
    ----------
    frame : polars.DataFrame
        The rows, as they came.
    partial : bool
        Whether only rows from the last watermark on were asked for, so that nothing can be said
        of the others.
    reading : Reading
        How it was read, to be kept with the version.
    """

    frame: pl.DataFrame
    partial: bool
    reading: Reading


def take(
    source: Source,
    table: Any,
    latest: DataVersion | None,
    *,
    root: Path,
    clock: Clock,
    rules: str,
    full: bool = False,
    shelf: Shelf = IN_MEMORY,
) -> Taken:
    """Read a source.

    Parameters
    ----------
    source : Source
        Whose function returned `table`.
    table : Any
        What it returned.
    latest : DataVersion or None
        What is known of it.
    root : Path
        The project's folder.
    clock : Clock
        A watermark in the future is kept as now: one row with a wrong time must not hide what
        comes until then.
    rules : str
        Name of the contract and the key as they are now: rows set aside under others are read
        again.
    full : bool, default=False
        Whether to read everything all the same.
    shelf : Shelf, optional
        Where columns go that are too large for memory.

    Raises
    ------
    SourceError
        When it cannot be read.
    """
    definition = definition_of(source, table)
    reading = Reading(definition=definition, rules=rules)
    if not isinstance(table, SqlTable):
        frame = _read(source, table, root, shelf)
        return Taken(frame, False, _with(reading, frame))  # noqa: FBT003 - named by the tuple
    known = dict(latest.schema) if latest else {}
    before = latest.reading if latest else None
    goes_on = before is not None and (before.definition, before.rules) == (definition, rules)
    since = before.watermark if before and goes_on and not full else None
    done = read_sql(table, root, since=since, known=known)
    if since and before and _columns(done.frame) != before.columns:
        since, done = None, read_sql(table, root, known=known)  # rows not read have it too
    mark = not_beyond(done.watermark, clock())
    return Taken(done.frame, since is not None, _with(reading, done.frame, mark))


def _read(source: Source, table: Any, root: Path, shelf: Shelf) -> pl.DataFrame:
    """Read files or a data frame; what is neither is told by the function that returned it."""
    try:
        return read(table, root, shelf)
    except SourceError as fault:
        fault.message = fault.message.replace(
            "A source function", f"The source function '{source.name}'", 1
        )
        raise


def _with(reading: Reading, frame: pl.DataFrame, mark: Watermark | None = None) -> Reading:
    return msgspec.structs.replace(reading, columns=_columns(frame), watermark=mark)


def _columns(frame: pl.DataFrame) -> tuple[str, ...]:
    return tuple(sorted(frame.columns))


def not_beyond(mark: Watermark | None, now_us: int) -> Watermark | None:
    """Bring a watermark that lies in the future back, so that it hides nothing.

    An instant is brought back to now, a time without a zone to a day before: wherever it was
    written, that is past, and what is read twice is told apart by its key. Of a text that is a
    time in the future nothing is kept: how a database writes times is its own affair, so all is
    read again until the row is mended.

    Examples
    --------
    >>> mark = Watermark(column="at", kind="instant", value="2099-01-01T00:00:00+00:00")
    >>> not_beyond(mark, 0).value
    '1970-01-01T00:00:00+00:00'
    >>> not_beyond(Watermark(column="at", kind="local", value="2099-01-01T00:00:00"), DAY_US).value
    '1970-01-01T00:00:00'
    >>> not_beyond(Watermark(column="at", kind="text", value="2099-01-01 00:00"), 0) is None
    True
    """
    at = None if mark is None else _time_of(mark)
    if mark is None or at is None:
        return mark
    if at.tzinfo is not None:
        beyond = from_datetime(at) > now_us
        back = to_datetime(now_us)
    else:  # in any zone of the world it is not later than a day from now
        beyond = from_datetime(at.replace(tzinfo=UTC)) > now_us + DAY_US
        back = to_datetime(now_us - DAY_US).replace(tzinfo=None)
    if not beyond:
        return mark
    if mark.kind == "text":
        return None
    return Watermark.of_value(mark.column, back.date() if mark.kind == "day" else back)


def _time_of(mark: Watermark) -> datetime | None:
    """Read a watermark as a time; ``None`` when it is none."""
    if mark.kind not in {"instant", "local", "day", "text"}:
        return None
    try:
        return datetime.fromisoformat(mark.value)
    except ValueError:
        return None


def definition_of(source: Source, table: Any) -> tuple[tuple[str, str], ...]:
    """Say what a source is read from, aspect by aspect; what follows from it is left out.

    Files and queries are told by their own options. A data frame is told by the code of the
    source function and what of the project it calls, without comments and layout.

    Examples
    --------
    >>> from isbjerg.data.tables import csv
    >>> from isbjerg.features.sources import ahead, source
    >>> @source(key="id", known={"*": ahead("1d")})
    ... def loans():
    ...     return csv("loans.csv", separator=";")
    >>> definition_of(loans, loans())
    (('kind', 'csv'), ('path', 'loans.csv'), ('separator', ';'))
    """
    if isinstance(table, Table | SqlTable):
        kind = type(table).__struct_config__.tag
        aspects = {"kind": str(kind)}
        for field in msgspec.structs.fields(table):
            value = getattr(table, field.name)
            if field.name != _PACED and (field.required or value != field.default):
                aspects[field.name] = _told(value)
        return tuple(sorted(aspects.items()))
    aspects = {"kind": type(table).__module__.partition(".")[0]}
    if (code := code_of(source.read)) is not None:
        aspects["code"] = content_hash(code)  # the text itself may hold what is nobody's business
    return tuple(sorted(aspects.items()))


def _told(value: Any) -> str:
    if not isinstance(value, tuple):
        return str(value)
    return ", ".join(
        " ".join(str(part) for part in item) if isinstance(item, tuple) else repr(item)
        for item in value
    )
