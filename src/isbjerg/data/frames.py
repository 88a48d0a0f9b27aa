"""Take data frames of Polars, pandas and pyarrow as one kind of table.

In pandas NaN and NaT mean *missing*, so they become null without a word. A column that no
table can hold (texts mixed with numbers, complex numbers) is named in the refusal.
"""

from __future__ import annotations

import sys
from typing import Any

import polars as pl

from isbjerg.errors import SourceError


def read_frame(table: Any) -> pl.DataFrame:
    """Take a data frame.

    Parameters
    ----------
    table : data frame
        A DataFrame or LazyFrame of Polars, a DataFrame of pandas, a Table, RecordBatch or
        RecordBatchReader of pyarrow.

    Raises
    ------
    SourceError
        When it is none of these, or a column cannot be taken.

    Examples
    --------
    >>> read_frame(pl.LazyFrame({"x": [1, 2]}))["x"].to_list()
    [1, 2]
    """
    if isinstance(table, pl.DataFrame):
        return table
    if isinstance(table, pl.LazyFrame):
        return _collected(table)
    if _is_a(table, "pandas", "DataFrame"):
        return _from_pandas(table)
    if _is_a(table, "pyarrow", "RecordBatchReader"):
        table = table.read_all()
    if _is_a(table, "pyarrow", "Table") or _is_a(table, "pyarrow", "RecordBatch"):
        return _from_arrow(table)
    raise SourceError(
        f"A source function returned {type(table).__name__}, which is not a table.",
        code="ISB302",
        mend='return ib.parquet("data/table.parquet"), or a data frame',
        got=type(table).__name__,
    )


def _is_a(value: object, library: str, name: str) -> bool:
    """Ask a library that is loaded already; if it is not, `value` cannot be one of its own."""
    kind = getattr(sys.modules.get(library), name, None)
    return kind is not None and isinstance(value, kind)


def _collected(table: pl.LazyFrame) -> pl.DataFrame:
    try:
        return table.collect()
    except (pl.exceptions.PolarsError, OSError) as fault:
        raise SourceError(
            f"The LazyFrame that a source function returned cannot be collected: {fault}",
            mend="call .collect() on it in a Python shell and look where it stops",
        ) from fault


def _from_pandas(table: Any) -> pl.DataFrame:
    """Take a frame column by column; an index that has a name is a column too."""
    table = _with_index(table)
    names = [str(name) for name in table.columns]
    _check_names(names)
    series = [table.iloc[:, place] for place in range(len(names))]
    return pl.DataFrame([_pandas_column(n, s) for n, s in zip(names, series, strict=True)])


def _with_index(table: Any) -> Any:
    """Make columns of the levels of an index that have names and are not columns already."""
    levels = {name: place for place, name in enumerate(table.index.names) if name is not None}
    for name in [name for name in levels if name in table.columns]:
        there = table.index.get_level_values(levels.pop(name)).to_series(index=table.index)
        if not there.equals(table[name]):
            raise SourceError(
                f"The pandas table has an index and a column '{name}', which say different things.",
                code="ISB306",
                mend=f'df.index = df.index.rename("{name}_2"), or df.reset_index(drop=True)',
                column=str(name),
            )
    return table.reset_index(level=list(levels.values())) if levels else table


def _pandas_column(name: str, series: Any) -> pl.Series:
    if hasattr(series.dtype, "subtype") and hasattr(series, "sparse"):
        series = series.sparse.to_dense()
    try:
        taken: pl.Series = pl.from_pandas(series)  # type: ignore[assignment]  # a Series gives one
        return taken.alias(name)
    except (pl.exceptions.PolarsError, ValueError, TypeError, NotImplementedError) as fault:
        raise _no_column(name, str(series.dtype), "pandas", fault) from fault


def _from_arrow(table: Any) -> pl.DataFrame:
    _check_names(list(table.schema.names))
    columns = zip(table.schema, table.columns, strict=True)
    return pl.DataFrame([_arrow_column(field, column) for field, column in columns])


def _arrow_column(field: Any, column: Any) -> pl.Series:
    kind = str(field.type)
    if kind.startswith("decimal256"):  # Polars stops the process at it
        column, kind = column.cast("float64"), "double"
    try:
        series = pl.from_arrow(column)
    except (pl.exceptions.PolarsError, ValueError, TypeError, NotImplementedError) as fault:
        raise _no_column(field.name, kind, "pyarrow", fault) from fault
    if not isinstance(series, pl.Series):
        raise _no_column(field.name, kind, "pyarrow", TypeError(type(series).__name__))
    return series.alias(field.name)


def _check_names(names: list[str]) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SourceError(
            f"A source function returned a table with several columns of one name: {twice}.",
            code="ISB306",
            mend=f'give each its own name: df.columns = [..., "{twice[0]}_2"]',
            columns=twice,
        )


def _no_column(name: str, kind: str, library: str, fault: Exception) -> SourceError:
    """Name the column and its type; the library's own words may hold a value, so they stay out."""
    return SourceError(
        f"Column '{name}' of the {library} table, of type {kind}, cannot be taken: its values are "
        f"mixed or of a kind that no column holds ({type(fault).__name__}).",
        code="ISB306",
        mend=f'make it one kind in the source function: df["{name}"] = df["{name}"].astype("string")',
        column=name,
        dtype=kind,
    )
