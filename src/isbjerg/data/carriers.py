"""Give every column one of isbjerg's types, and count what had to become null.

Missing is null and nothing else: NaN, infinity, integers beyond 64 bits and times outside
the years 1 to 9999 become null here and are told as findings.
"""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from isbjerg.data.shelf import IN_MEMORY, Shelf
from isbjerg.expressions.polars import polars_type
from isbjerg.expressions.tree import TIME_MAX_US, TIME_MIN_US, Type
from isbjerg.findings import Finding

DTYPES: dict[Type, pl.DataType] = {kind: polars_type(kind) for kind in Type}
"""The Polars type of each carrier."""

_TYPES: dict[pl.DataType, Type] = {dtype: kind for kind, dtype in DTYPES.items()}


def schema_of(df: pl.DataFrame) -> dict[str, Type]:
    """Name the type of each column of a frame of carriers.

    Examples
    --------
    >>> schema_of(pl.DataFrame({"n": [1], "x": [0.5]}))
    {'n': <Type.INTEGER: 'integer'>, 'x': <Type.FLOAT: 'float'>}
    """
    return {name: _TYPES[dtype] for name, dtype in df.schema.items()}


def to_carriers(
    df: pl.DataFrame, types: Mapping[str, Type] | None = None, shelf: Shelf = IN_MEMORY
) -> tuple[pl.DataFrame, list[Finding]]:
    """Cast a table to carriers.

    Parameters
    ----------
    df : polars.DataFrame
        As a source gave it.
    types : mapping of str to Type, optional
        Types these columns had before: an integer column that was float before becomes
        float, a column without any value takes the type given. Other differences stay, for
        the contract to judge.
    shelf : Shelf, optional
        Where columns go that had to be cast.

    Returns
    -------
    tuple of (polars.DataFrame, list of Finding)
        The table in carriers, and what was lost on the way: values that became null, and
        columns left out because no type of isbjerg can hold them (lists, bytes, ...).

    Examples
    --------
    >>> table, findings = to_carriers(pl.DataFrame({"x": [1.0, float("nan")]}))
    >>> table["x"].to_list(), findings[0].message
    ([1.0, None], '1 of 2 values is not finite and became null.')
    """
    wanted = types or {}
    columns: list[pl.Series] = []
    findings: list[Finding] = []
    for column in df.iter_columns():
        cast = _cast(column, wanted.get(column.name))
        if cast is None:
            findings.append(_left_out(column))
            continue
        columns.append(cast if cast is column else shelf.put(cast))
        if column.dtype.is_decimal() and (inexact := _inexact(column, cast)):
            findings.append(_rounded(column, inexact))
        if lost := cast.null_count() - column.null_count():
            findings.append(_became_null(column, lost))
    return pl.DataFrame(columns), findings


def _cast(column: pl.Series, wanted: Type | None) -> pl.Series | None:
    dtype = column.dtype
    if dtype == pl.Null or (wanted is not None and column.null_count() == len(column)):
        return pl.Series(column.name, [None] * len(column), DTYPES[wanted or Type.TEXT])
    if dtype == pl.Boolean:
        return column
    if dtype.is_integer():
        whole = column if dtype == pl.Int64 else column.cast(pl.Int64, strict=False)
        return _finite(whole.cast(pl.Float64)) if wanted is Type.FLOAT else whole
    if dtype.is_float() or dtype.is_decimal():
        return _finite(column if dtype == pl.Float64 else column.cast(pl.Float64))
    if dtype == pl.String:
        return column
    if dtype in (pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    return _cast_time(column)


def _cast_time(column: pl.Series) -> pl.Series | None:
    dtype = column.dtype
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return _in_years(
            column.cast(pl.Datetime("us", dtype.time_zone)).dt.convert_time_zone("UTC")
        )
    if isinstance(dtype, pl.Datetime | pl.Date):
        return _in_years(column.cast(pl.Datetime("us"), strict=False))
    if isinstance(dtype, pl.Duration):
        return column.cast(pl.Duration("us"))
    return None


def _finite(column: pl.Series) -> pl.Series:
    if column.is_finite().all():
        return column
    return column.to_frame().select(pl.when(pl.first().is_finite()).then(pl.first())).to_series()


def _inexact(column: pl.Series, cast: pl.Series) -> int:
    """Count decimals that no float stands for: those that do not come back from one."""
    back = cast.cast(column.dtype, strict=False)
    return int((back.ne_missing(column) & cast.is_not_null()).sum())


def _rounded(column: pl.Series, inexact: int) -> Finding:
    return Finding(
        code="ingest.rounded",
        subject=column.name,
        severity="warning",
        message=f"{inexact:,} of {len(column):,} decimals have more digits than a number of "
        "isbjerg holds (15) and were rounded.",
        mend="turn it into text in the source function if every digit matters",
        evidence={"rounded": inexact, "rows": len(column), "dtype": str(column.dtype)},
    )


def _in_years(column: pl.Series) -> pl.Series:
    inside = column.to_physical().is_between(TIME_MIN_US, TIME_MAX_US)
    if inside.all():
        return column
    return column.to_frame().select(pl.when(inside).then(pl.first())).to_series()


def _became_null(column: pl.Series, lost: int) -> Finding:
    why = "is not finite" if column.dtype.is_float() else "does not fit its type"
    return Finding(
        code="ingest.became_null",
        subject=column.name,
        severity="warning",
        message=f"{lost:,} of {len(column):,} values {why} and became null.",
        mend="mark missing values as missing in the source",
        evidence={"lost": lost, "rows": len(column), "dtype": str(column.dtype)},
    )


def _left_out(column: pl.Series) -> Finding:
    return Finding(
        code="ingest.column_left_out",
        subject=column.name,
        severity="warning",
        message=f"The column is of type {column.dtype}, which isbjerg does not hold; it was left out.",
        mend="turn it into numbers, texts, booleans or times in the source function",
        evidence={"dtype": str(column.dtype)},
    )
