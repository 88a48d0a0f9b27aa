"""Profile a table: its columns, its time, and the shapes in it that will need a person.

Pure: a table of carriers in, values out. Column by column, so that what it takes of memory beyond
the table is one column sorted, or one column's texts counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
import polars as pl

from isbjerg.data.carriers import schema_of
from isbjerg.data.column_profile import ColumnProfile, profile_column
from isbjerg.data.time_profile import SPANS, Rule, TimeProfile, profile_time, spans
from isbjerg.data.untidy import untidy_names, untidy_texts
from isbjerg.findings import Finding, Severity

FORMAT_VERSION = 1
"""Layout of a stored profile."""

_ABSENT = 0.995
_THERE = 0.5
_EDGE_SPANS = 2


class TableProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What a table holds.

    Parameters
    ----------
    table : str
        Its name.
    rows : int
        Its rows, the newest of each key.
    key : tuple of str
        Columns that identify a row.
    columns : tuple of ColumnProfile
        In their order.
    time : TimeProfile, optional
        How it covers time, when a column says when a row is.
    findings : tuple of Finding
        What will need a person: untidy shapes, columns that say nothing, that begin or end.
    """

    table: str
    rows: int
    key: tuple[str, ...]
    columns: tuple[ColumnProfile, ...]
    time: TimeProfile | None
    findings: tuple[Finding, ...]
    format_version: int = FORMAT_VERSION


def profile_table(
    df: pl.DataFrame,
    table: str,
    key: Sequence[str],
    *,
    at: str | None = None,
    rules: Sequence[Rule] = (),
    live_at: str | None = None,
    personal: Callable[[str], str | None] = lambda _: None,
) -> TableProfile:
    """Profile a table of carriers.

    Parameters
    ----------
    df : polars.DataFrame
        One row of each key; columns of isbjerg's own begin with ``_`` and are left out.
    table : str
        Its name.
    key : sequence of str
        Columns that identify a row.
    at : str, optional
        Column that says when a row is.
    rules : sequence of Rule
        When columns are known.
    live_at : str, optional
        Column that says when a row came in live.
    personal : callable
        From a column's name to its class of personal data, when its values may not be shown.

    Examples
    --------
    >>> df = pl.DataFrame({"id": [1, 2, 3], "shop": ["A", "a ", "B"], "note": [None, None, None]})
    >>> df = df.with_columns(pl.col("note").cast(pl.String))
    >>> found = profile_table(df, "sales", ["id"])
    >>> [(c.name, c.distinct, c.missing) for c in found.columns]
    [('id', 3, 0), ('shop', 3, 0), ('note', 0, 3)]
    >>> [f.code for f in found.findings]
    ['profile.blanks', 'profile.mixed_case', 'profile.empty']
    """
    names = {n: kind for n, kind in schema_of(df).items() if not n.startswith("_")}
    time = None if at is None else profile_time(df, at, rules, live_at)
    absent = _missing_over_time(df.select(list(names)), df[time.column], time) if time else {}
    columns, found = [], list(untidy_names(table, list(names)))
    for name, kind in names.items():
        hidden = personal(name)
        profile, texts = profile_column(df[name], kind, personal=hidden)
        profile = msgspec.structs.replace(profile, missing_over_time=absent.get(name, ()))
        columns.append(profile)
        if texts is not None:
            found += untidy_texts(table, name, texts, hidden=hidden is not None)
        found += _judged(table, profile, is_key=name in key)
    return TableProfile(
        table=table,
        rows=df.height,
        key=tuple(key),
        columns=tuple(columns),
        time=time,
        findings=tuple(found),
    )


def _missing_over_time(
    df: pl.DataFrame, times: pl.Series, profile: TimeProfile
) -> Mapping[str, tuple[float | None, ...]]:
    """Follow the share of missing values of the columns that have any, in one pass."""
    holed = [c for c in df.columns if df[c].null_count()]
    if not holed:
        return {}
    counted = (
        df.select(holed)
        .with_columns(spans(times, profile).alias("_span"))
        .filter(pl.col("_span").is_not_null())
        .group_by("_span")
        .agg(pl.len().alias("_rows"), *(pl.col(c).null_count() for c in holed))
    )
    shares = {
        row["_span"]: {c: row[c] / row["_rows"] for c in holed}
        for row in counted.iter_rows(named=True)
    }
    return {c: tuple(shares.get(s, {}).get(c) for s in range(SPANS)) for c in holed}


def _judged(table: str, column: ColumnProfile, *, is_key: bool) -> Iterator[Finding]:
    """Say of a column what a person should know before it becomes a feature."""

    def found(code: str, message: str, mend: str, severity: Severity = "warning") -> Finding:
        return Finding(
            code=f"profile.{code}",
            subject=f"{table}.{column.name}",
            severity=severity,
            message=f"'{column.name}' {message}",
            mend=mend,
            evidence={"rows": column.rows, "missing": column.missing, "distinct": column.distinct},
        )

    if column.is_empty:
        yield found("empty", "has no value in any row.", "leave it out in sources.py")
        return
    if column.is_constant and column.rows > 1:
        yield found(
            "constant",
            "has one value only" + (", or none." if column.missing else "."),
            "leave it out: nothing can be learnt from it",
        )
    if column.is_identifier and not is_key:
        yield found(
            "identifier",
            f"has {column.distinct:,} different values in {column.rows - column.missing:,} rows: "
            "it names rows.",
            "do not learn from it; look facts up by it: ib.past(..., by=...)",
            "info",
        )
    edge = _edge(column.missing_over_time)
    if edge == "begins":
        yield found(
            "begins",
            "is missing in the earliest rows and begins later.",
            "learn from rows since it began: window in [freshness]; or ask why it began",
        )
    elif edge == "ends":
        yield found(
            "ends",
            "is missing in the latest rows.",
            "ask whether it still comes; an outcome that is not known yet ends like this too",
        )


def _edge(shares: Sequence[float | None]) -> str | None:
    """Say whether a column is absent for a while at one end and there at the other."""
    there = [s for s in shares if s is not None]
    if len(there) < 3 * _EDGE_SPANS:
        return None
    first, last = there[:_EDGE_SPANS], there[-_EDGE_SPANS:]
    if min(first) >= _ABSENT and max(last) <= _THERE:
        return "begins"
    if min(last) >= _ABSENT and max(first) <= _THERE:
        return "ends"
    return None
