"""Tell columns that mean something else than before: another unit, other codes, another zone.

Drift is the world that changes; a changed definition is the table that changes how it tells of
the same world. A model is not to be trained on both at once, so the two are never mixed up:
what is found here is a finding ``definition.changed`` and says on which rows it rests.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
import polars as pl

from isbjerg.data.recoding import CODES_MAX, Recoded, recoded_pairs, recoded_rows
from isbjerg.data.rescaling import PAIRS_MIN, ROWS_MIN, Rescaled, rescaled_pairs, rescaled_rows
from isbjerg.data.versions import Changes
from isbjerg.findings import Finding
from isbjerg.times import MINUTE_US, format_span

CHANGED = "definition.changed"
"""Code of what is found here."""

_NEW_MAX = 20_000
_SHARED_MAX = 200_000
_SHOWN = 10
_ZONE_STEP_US = 15 * MINUTE_US
_ZONE_MAX_US = 26 * 60 * MINUTE_US
_SHARE_MIN = 0.95
_WHOLE_CODES_MAX = 50


class Compared(msgspec.Struct, frozen=True):
    """One column, on known rows and on new ones.

    Parameters
    ----------
    old, now : polars.Series
        Values of the rows that are in both, in one order.
    last, new : polars.Series
        Values of the rows that came last before, and of the new rows.
    """

    old: pl.Series
    now: pl.Series
    last: pl.Series
    new: pl.Series


def definition_changes(
    table: str,
    before: pl.DataFrame,
    changes: Changes,
    key: Sequence[str],
    *,
    hides: Callable[[str], bool] = lambda _: False,
) -> list[Finding]:
    """Look for columns that changed their meaning between a table and a read of it.

    Parameters
    ----------
    table : str
        Name of the source.
    before : polars.DataFrame
        The newest row of each key before the read, in the order in which they came.
    changes : Changes
        What the read brought.
    key : sequence of str
        Columns that identify a row; they are not looked at.
    hides : callable
        Whether the values of a column may not be shown.

    Returns
    -------
    list of Finding
        At most one per column, of severity *error*.

    Examples
    --------
    >>> old = pl.DataFrame({"id": range(40), "degrees": [20.0 + n % 9 for n in range(40)]})
    >>> read = old.with_columns(pl.col("degrees") * 1.8 + 32)
    >>> from isbjerg.data.versions import new_facts
    >>> (told,) = definition_changes("weather", old, new_facts(old, read, ["id"]), ["id"])
    >>> print(told.message)
    'degrees' is told in another unit: Celsius to Fahrenheit (new = 1.8 x old + 32), in 40 of 40 known rows.
    """
    columns = [c for c in before.columns if c not in key and c in changes.new.columns]
    shared = _shared(before, changes, key, columns)
    last = _sample(before.tail(max(changes.new.height, 10 * ROWS_MIN)), _NEW_MAX)
    new = _sample(changes.new, _NEW_MAX)
    findings = []
    for name in columns:
        compared = Compared(shared[name], shared[f"{name}\0now"], last[name], new[name])
        if told := _look(compared):
            message, evidence = told
            if hides(name):
                evidence.pop("codes", None)
            findings.append(_finding(table, name, message, evidence))
    return findings


def _shared(
    before: pl.DataFrame, changes: Changes, key: Sequence[str], columns: Sequence[str]
) -> pl.DataFrame:
    """Join what known rows said with what they say now; rows that say the same count too."""
    names = [pl.col(c).alias(f"{c}\0now") for c in columns]
    if changes.corrected.height < PAIRS_MIN:
        empty = before.clear().select(*key, *columns)
        return empty.with_columns(pl.col(c).alias(f"{c}\0now") for c in columns)
    corrected = _sample(changes.corrected, _SHARED_MAX).select(*key, *names)
    joined = before.join(corrected, on=list(key), how="inner", nulls_equal=True)
    same = round(changes.unchanged * corrected.height / changes.corrected.height)
    if not same:
        return joined
    keys = changes.corrected.select(key)
    rest = before.join(keys, on=list(key), how="anti", nulls_equal=True)
    rest = _sample(rest, min(same, _SHARED_MAX))  # rows that vanished are among them
    now = [pl.col(c).cast(corrected.schema[f"{c}\0now"]).alias(f"{c}\0now") for c in columns]
    return pl.concat([joined, rest.with_columns(now)], how="diagonal_relaxed")


def _sample(df: pl.DataFrame, rows_max: int) -> pl.DataFrame:
    """Take every so manieth row: looking at a table must not cost as much as the table."""
    return df if df.height <= rows_max else df.gather_every(-(-df.height // rows_max))


def _look(column: Compared) -> tuple[str, dict[str, Any]] | None:
    dtype = column.new.dtype
    if isinstance(dtype, pl.Datetime):
        return _shifted(column)
    if dtype.is_numeric():
        found = _rescaled(column)
        return found or (_recoded(column) if dtype.is_integer() else None)
    if dtype in (pl.String, pl.Boolean):
        return _recoded(column)
    return None


def _rescaled(column: Compared) -> tuple[str, dict[str, Any]] | None:
    found: Rescaled | None = None
    pairs = pl.DataFrame([column.old, column.now]).cast(pl.Float64).drop_nulls()
    if pairs.height >= PAIRS_MIN:
        found = rescaled_pairs(*(c.to_numpy() for c in pairs.iter_columns()))
    if found is None and column.new.len() >= ROWS_MIN:
        old, new = (s.drop_nulls().cast(pl.Float64).to_numpy() for s in (column.last, column.new))
        found = rescaled_rows(old, new)
    if found is None:
        return None
    factor, offset, name = found.conversion
    sign = "-" if offset < 0 else "+"
    rule = f"new = {factor:.6g} x old" + (f" {sign} {abs(offset):.6g}" if offset else "")
    where = (
        f"in {round(found.share * found.rows):,} of {found.rows:,} known rows"
        if found.share is not None
        else f"by the distribution of {found.rows:,} new rows"
    )
    called = f"{name} ({rule})" if name else rule
    evidence = {
        "kind": "unit",
        "factor": factor,
        "offset": offset,
        "rows": found.rows,
        "share": found.share,
        "distance": found.distance,
        "distance_before": found.distance_before,
    }
    message = f"'{column.new.name}' is told in another unit: {called}, {where}."
    return message, {k: v for k, v in evidence.items() if v is not None}


def _recoded(column: Compared) -> tuple[str, dict[str, Any]] | None:
    found: Recoded | None = None
    most = _WHOLE_CODES_MAX if column.new.dtype.is_integer() else CODES_MAX
    pairs = pl.DataFrame([column.old, column.now]).drop_nulls()
    if pairs.height >= PAIRS_MIN and pairs.to_series(0).n_unique() <= most:
        counted = pairs.group_by(pairs.columns).len()
        found = recoded_pairs({(old, now): rows for old, now, rows in counted.iter_rows()})
    enough = column.new.len() >= ROWS_MIN and not column.new.dtype.is_integer()
    if found is None and enough and column.last.n_unique() <= most >= column.new.n_unique():
        found = recoded_rows(*(s.drop_nulls().to_list() for s in (column.last, column.new)))
    if found is None:
        return None
    where = (
        f"in {found.share:.1%} of {found.rows:,} known rows one code became one other"
        if found.by_row
        else f"of {found.rows:,} new rows as many have each new code as had its old one"
    )
    message = f"'{column.new.name}' has other codes: {len(found.codes)} were exchanged; {where}."
    codes = [list(pair) for pair in found.codes[:_SHOWN]]
    evidence = {"kind": "codes", "codes": codes, "rows": found.rows, "share": found.share}
    return message, evidence


def _shifted(column: Compared) -> tuple[str, dict[str, Any]] | None:
    """Find times of known rows that all moved by the same quarters of an hour: another zone."""
    pairs = pl.DataFrame([column.old, column.now]).drop_nulls()
    if pairs.height < PAIRS_MIN or pairs.dtypes[0] != pairs.dtypes[1]:
        return None
    moved = (pairs.to_series(1).to_physical() - pairs.to_series(0).to_physical()).to_numpy()
    by = int(np.median(moved))
    share = float(np.mean(moved == by))
    if by == 0 or by % _ZONE_STEP_US or abs(by) > _ZONE_MAX_US or share < _SHARE_MIN:
        return None
    sign = "earlier" if by < 0 else "later"
    message = (
        f"'{column.new.name}' is told {format_span(abs(by))} {sign} in {share:.1%} of "
        f"{pairs.height:,} known rows: another time zone?"
    )
    return message, {"kind": "zone", "shift_us": by, "rows": pairs.height, "share": share}


def _finding(table: str, name: str, message: str, evidence: dict[str, Any]) -> Finding:
    return Finding(
        code=CHANGED,
        subject=f"{table}.{name}",
        severity="error",
        message=message,
        mend="bring the column to its old meaning in the source function, or give the new one a "
        f'name of its own; if it is meant: isbjerg ingest {table} --accept-change "why"',
        evidence=evidence,
    )
