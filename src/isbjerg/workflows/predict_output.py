"""Publish the answers of a batch where a person asked for them: a file, or a table.

A file is replaced whole or not at all. A table gets rows that it does not have yet, in one
transaction, told apart by the id of their prediction: publishing twice adds nothing.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import polars as pl
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    DateTime,
    Float,
    MetaData,
    String,
    Table,
    create_engine,
    insert,
    select,
)
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import ArgumentError as UrlError
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from isbjerg.data.sql_connecting import resolved, secrets_in, words_of
from isbjerg.data.sql_tables import SqlTable
from isbjerg.data.tables import JsonLinesTable, ParquetTable
from isbjerg.errors import ArgumentError, SourceError
from isbjerg.storage.durable import settle_file
from isbjerg.workflows.given_tables import is_kind, is_url, table_at

ID = "prediction_id"
_ROWS_AT_ONCE = 5_000
_COLUMN_TYPES = {
    pl.Boolean: Boolean,
    pl.Int64: BigInteger,
    pl.UInt32: BigInteger,
    pl.Float64: Float,
    pl.String: String,
}


def check_output(out: str, given: str, root: Path) -> None:
    """Refuse a place that answers cannot be written to, before anything is computed.

    Parameters
    ----------
    out, given : str
        Where answers go, and what they are about.
    root : Path
        Folder to which paths are relative.

    Raises
    ------
    ArgumentError
        When it is the input itself, or the ending of a file says no format.
    """
    if is_url(out):
        table_at(out)
        return
    path = Path(out)
    if not is_url(given) and (root / out).resolve() == (root / given).resolve():
        raise ArgumentError(
            f"'{out}' is the input itself; it would be replaced by its answers.",
            mend=f"isbjerg predict {given} {path.with_stem(path.stem + '_scored')}",
        )
    if not _writer(path):
        raise ArgumentError(
            f"'{path.name}' says no format to write.",
            mend=f"{path.stem}.parquet, {path.stem}.csv or {path.stem}.jsonl",
        )


def publish(out: str, answers: pl.DataFrame, root: Path) -> int:
    """Write answers; return how many rows are new there.

    Raises
    ------
    SourceError
        When the database refuses them.
    """
    if is_url(out):
        return _into_table(table_at(out), answers, root, os.environ)
    path = root / out
    write = _writer(path)

    def fill(temporary: Path) -> Path:
        if write == "parquet":
            answers.write_parquet(temporary)
        elif write == "jsonl":
            answers.write_ndjson(temporary)
        else:
            answers.write_csv(temporary, datetime_format="%Y-%m-%dT%H:%M:%S%.fZ")
        return path

    settle_file(path.parent, fill)
    return answers.height


def _writer(path: Path) -> str:
    if is_kind(path, ParquetTable):
        return "parquet"
    if is_kind(path, JsonLinesTable):
        return "jsonl"
    return "csv" if path.suffix.lower() == ".csv" else ""


def _into_table(
    target: SqlTable, answers: pl.DataFrame, root: Path, environment: Mapping[str, str]
) -> int:
    engine = _engine(target, root, environment)
    try:
        table = _described(target, answers)
        with engine.begin() as connection:
            table.create(connection, checkfirst=True)
            there = _there(connection, table, answers[ID])
            new = answers.filter(~pl.col(ID).is_in(there))
            for rows in new.iter_slices(_ROWS_AT_ONCE):
                connection.execute(insert(table), rows.to_dicts())
    except SQLAlchemyError as fault:
        told = words_of(fault, secrets_in(target.url, environment)).splitlines()[0]
        raise SourceError(
            f"The database refused the answers: {told}.\nAsked: {target.table} of {target.url}",
            code="ISB307",
            mend="look at the table's columns, or name another table behind #",
        ) from None
    else:
        return new.height
    finally:
        engine.dispose()


def _there(connection: Connection, table: Table, ids: pl.Series) -> list[str]:
    """Ask which of these ids the table has; what other batches put there is not read."""
    column = table.c[ID]
    within = column.between(ids.min(), ids.max())
    return list(connection.execute(select(column).where(within)).scalars())


def _engine(target: SqlTable, root: Path, environment: Mapping[str, str]) -> Engine:
    try:
        url = make_url(resolved(target.url, environment))
    except UrlError:
        message = "The URL of the database cannot be read."
        raise SourceError(message, code="ISB307", mend="sqlite:///scores.db#scores") from None
    if url.get_backend_name() == "sqlite":
        url = url.set(database=str(root / (url.database or "")))
    else:
        url = url.set(drivername="postgresql+psycopg")
    try:
        return create_engine(url, poolclass=NullPool)
    except ModuleNotFoundError as fault:
        raise SourceError(
            f"PostgreSQL is written by a library that is not installed: {fault.name}.",
            code="ISB307",
            mend="pip install 'isbjerg[postgres]'",
        ) from None


def _described(target: SqlTable, answers: pl.DataFrame) -> Table:
    schema, _, name = (target.table or "").rpartition(".")
    columns = [
        Column(
            column,
            DateTime(timezone=True)
            if isinstance(dtype, pl.Datetime)
            else _COLUMN_TYPES.get(type(dtype), String)(),
            primary_key=column == ID,
        )
        for column, dtype in answers.schema.items()
    ]
    return Table(name, MetaData(), *columns, schema=schema or None)
