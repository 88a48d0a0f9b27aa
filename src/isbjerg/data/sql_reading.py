"""Read a table of a database as it streams in, and remember how far it was read.

Rows come through a cursor of the server in batches and are kept as columns, so that besides the
table itself only one batch is held in memory.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from sqlalchemy import (
    BigInteger,
    Date,
    DateTime,
    Double,
    Numeric,
    String,
    bindparam,
    collate,
    column,
    or_,
    select,
    text,
)
from sqlalchemy import table as named_table
from sqlalchemy.sql import Select, quoted_name
from sqlalchemy.sql.expression import ColumnElement, TextClause

from isbjerg.data.declaring import declared
from isbjerg.data.guessing import guessed_time
from isbjerg.data.pacing import Pace
from isbjerg.data.sql_connecting import connected
from isbjerg.data.sql_tables import SqlTable
from isbjerg.data.sql_values import as_series
from isbjerg.data.watermarks import Watermark, highest, no_watermark
from isbjerg.errors import SourceError
from isbjerg.expressions.tree import Type

_BOUND: dict[str, Any] = {
    "integer": BigInteger(),
    "float": Double(),
    "decimal": Numeric(),
    "text": String(),
    "instant": DateTime(timezone=True),
    "local": DateTime(),
    "day": Date(),
}


class SqlRead(NamedTuple):
    """What was read, and how far.

    Parameters
    ----------
    frame : polars.DataFrame
        The rows; :func:`isbjerg.data.carriers.to_carriers` comes next.
    watermark : Watermark or None
        The highest value seen, also when it was seen before; None without a watermark, or when
        it never had a value.
    """

    frame: pl.DataFrame
    watermark: Watermark | None


def read_sql(
    table: SqlTable,
    root: Path,
    *,
    since: Watermark | None = None,
    known: Mapping[str, Type] | None = None,
    environment: Mapping[str, str] = os.environ,
    pace: Pace | None = None,
) -> SqlRead:
    """Read a table of a database, or what is new in it.

    Parameters
    ----------
    table : SqlTable
        From `sql`.
    root : Path
        The project's folder.
    since : Watermark, optional
        How far it was read before: only rows at or above it are asked for, and those without one.
    known : mapping of str to Type, optional
        Types that columns had before, which decide about texts that look like times.
    environment : mapping of str to str
        Where ``${...}`` of the URL is looked up.
    pace : Pace, optional
        Waits between batches; made from the table's own cap when not given.

    Raises
    ------
    SourceError
        When the database cannot be reached or refuses, or the watermark is no column of it.
    """
    pace = pace or Pace(table.rows_per_second)
    frames: list[pl.DataFrame] = []
    top = since.python_value() if since else None
    with connected(table, root, environment, batch_rows=pace.batch_rows) as connection:
        text_binary = connection.dialect.name == "sqlite"
        result = connection.execute(_statement(table, since, binary=text_binary))
        names = _names(list(result.keys()), table)
        for rows in result.partitions(pace.batch_rows):
            columns = list(zip(*rows, strict=True))
            frames.append(_frame(names, columns))
            if table.watermark:
                top = highest(table.watermark, columns[names.index(table.watermark)], top)
            pace.fetched(len(rows))
    frame = _typed(_joined(frames, names), table, known or {})
    if table.watermark is None or top is None:
        return SqlRead(frame, None)
    if isinstance(top, str) and not text_binary:
        raise no_watermark(table.watermark, "the order of texts depends on the database")
    return SqlRead(frame, Watermark.of_value(table.watermark, top))


def _statement(
    table: SqlTable, since: Watermark | None, *, binary: bool
) -> Select[Any] | TextClause:
    if table.table is not None:
        schema, _, name = table.table.rpartition(".")
        place = quoted_name(schema, quote=True) if schema else None
        chosen = select(text("*")).select_from(
            named_table(quoted_name(name, quote=True), schema=place)
        )
    elif since is None:
        return _plain(table.query or "")
    else:
        inner = _plain(table.query or "").columns().subquery("source")
        chosen = select(text("*")).select_from(inner)
    return chosen if since is None else chosen.where(_at_or_above(since, binary=binary))


def _plain(query: str) -> TextClause:
    """Take a query as it stands: no colon in it names a parameter, and it may end in a comment."""
    return text(query.rstrip(" \t\r\n;").replace(":", "\\:") + "\n")


def _at_or_above(since: Watermark, *, binary: bool) -> ColumnElement[bool]:
    name = quoted_name(since.column, quote=True)
    grown: ColumnElement[Any] = column(name)
    bound = bindparam("since", since.python_value(), type_=_BOUND[since.kind])
    if binary and since.kind == "text":
        grown = collate(column(name, String()), "BINARY")
    elif binary and since.kind == "decimal":
        bound = bindparam("since", float(since.value), type_=Double())
    return or_(grown >= bound, column(name).is_(None))


def _names(names: Sequence[str], table: SqlTable) -> list[str]:
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise SourceError(
            f"The query gives several columns of one name: {twice}.",
            code="ISB306",
            mend=f'name them apart: SELECT a."{twice[0]}" AS "{twice[0]}_2"',
            columns=twice,
        )
    if table.watermark and table.watermark not in names:
        raise no_watermark(table.watermark, f"the table has only {list(names)}")
    return list(names)


def _frame(names: Sequence[str], columns: Sequence[Sequence[Any]]) -> pl.DataFrame:
    return pl.DataFrame([as_series(n, v) for n, v in zip(names, columns, strict=True)])


def _joined(frames: Sequence[pl.DataFrame], names: Sequence[str]) -> pl.DataFrame:
    if not frames:
        return pl.DataFrame({name: pl.Series(name, [], pl.Null) for name in names})
    try:
        return pl.concat(frames, how="vertical_relaxed", rechunk=True)
    except pl.exceptions.PolarsError as fault:
        raise SourceError(
            f"A column holds values that do not fit together: {fault}.",
            code="ISB306",
            mend="CAST the column to one type in the query",
        ) from fault


def _typed(df: pl.DataFrame, table: SqlTable, known: Mapping[str, Type]) -> pl.DataFrame:
    given = {name for name, _ in table.types}
    try:
        return declared(_told_times(df, given, known), table.types)
    except pl.exceptions.PolarsError as fault:
        raise SourceError(
            f"What the database gave does not fit what is declared: {fault}.",
            code="ISB307",
            mend="change `types` in sources.py, or CAST the column in the query",
        ) from fault


def _told_times(
    df: pl.DataFrame, given: set[str], known: Mapping[str, Type]
) -> Iterator[pl.Series]:
    """Bring texts to times where nothing says that they are texts, and to texts what was text."""
    for series in df.iter_columns():
        was = known.get(series.name)
        if series.name in given:
            yield series
        elif was is Type.TEXT:
            yield series.cast(pl.String) if series.dtype.is_numeric() else series
        else:
            yield guessed_time(series)
