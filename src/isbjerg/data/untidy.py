"""Shapes of tables that will have to be tidied: told, never mended in silence.

Texts are looked at once per different text, the commonest of them; what is said of rows counts how
often each occurs.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence

import polars as pl

from isbjerg.findings import Finding

_MOST = 0.95
_SPLIT_SHARE = 0.2
_SPLIT_REUSE = 0.5
_SPLIT_TEXTS_MIN = 10
_WIDE_MIN = 3
_SHOWN = 3
_SEPARATORS = (";", "|", ",", "/")
_NUMBER = r"^\s*[+-]?(\d{1,3}([ ,']\d{3})+|\d+)?([.,]\d+)?([eE][+-]?\d+)?\s*%?$"
_CODE = r"^\s*[+-]?0[0-9]"
_DATE = (
    r"^\s*(\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4})([T ]\d{1,2}:\d{2}.*)?\s*$"
)
_NO_VALUE = ("na", "n/a", "nan", "null", "none", "nil", "-", "--", "?", "unknown", "missing", "")
_MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    "|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_PERIOD = re.compile(
    rf"(?<![a-z])(?:{_MONTH})(?![a-z])"
    r"|(?<!\d)(?:19|20)\d\d(?:[-_ ]?(?:0[1-9]|1[0-2]|q[1-4]))?(?!\d)"
    r"|(?<![a-z])q[1-4](?![a-z\d])"
)


def untidy_texts(table: str, name: str, texts: pl.DataFrame, *, hidden: bool) -> Iterator[Finding]:
    """Find shapes in a column of texts that hide what it means.

    Parameters
    ----------
    table, name : str
        Of the column.
    texts : polars.DataFrame
        Each different text, ``value``, and how often it occurs, ``rows``; commonest first.
    hidden : bool
        Whether no text may be shown.

    Yields
    ------
    Finding
        ``profile.numbers_as_text``, ``profile.dates_as_text``, ``profile.missing_as_text``,
        ``profile.blanks``, ``profile.mixed_case``, ``profile.several_values``.

    Examples
    --------
    >>> texts = pl.DataFrame({"value": ["Oslo", "oslo ", "Bergen"], "rows": [5, 2, 1]})
    >>> [f.message for f in untidy_texts("trips", "city", texts, hidden=False)]
    ["2 rows of 'city' begin or end with a blank.", "1 value of 'city' is written in 2 ways that \
differ in case or blanks only: 'Oslo', 'oslo '."]
    """
    looked = texts
    if not looked.height:
        return
    subject, rows = f"{table}.{name}", int(looked["rows"].sum())

    def found(code: str, message: str, mend: str, **evidence: object) -> Finding:
        return Finding(
            code=f"profile.{code}", subject=subject, message=message, mend=mend, evidence=evidence
        )

    like_none = looked.filter(pl.col("value").str.strip_chars().str.to_lowercase().is_in(_NO_VALUE))
    real = looked.join(like_none, on="value", how="anti", maintain_order="left")
    if like_none.height:
        count = int(like_none["rows"].sum())
        shown = "" if hidden else f": {_quoted(like_none['value'])}"
        yield found(
            "missing_as_text",
            f"{count:,} rows of '{name}' hold a text that says there is no value{shown}.",
            f"in sources.py: df.with_columns(pl.col({name!r}).replace({like_none['value'][0]!r}, None))",
            rows=count,
        )
    yield from _typed(found, name, real)
    blank = _rows(looked, pl.col("value") != pl.col("value").str.strip_chars())
    if blank:
        yield found(
            "blanks",
            f"{blank:,} rows of '{name}' begin or end with a blank.",
            f"in sources.py: pl.col({name!r}).str.strip_chars(); or in a feature: {name}.strip()",
            rows=blank,
        )
    yield from _mixed(found, name, looked, hidden=hidden)
    yield from _several(found, name, real, rows, hidden=hidden)


def _typed(found: object, name: str, texts: pl.DataFrame) -> Iterator[Finding]:
    if not texts.height:
        return
    say, value = found, pl.col("value")
    whole = int(texts["rows"].sum())
    numbers = _rows(texts, value.str.contains(_NUMBER) & value.str.contains(r"\d"))
    if numbers >= _MOST * whole and not texts.select(value.str.contains(_CODE).any()).item():
        yield say(  # type: ignore[operator]
            "numbers_as_text",
            f"'{name}' holds numbers as text in {numbers / whole:.1%} of its rows.",
            f"look at the others, then in sources.py: pl.col({name!r}).cast(pl.Float64)",
            rows=numbers,
        )
    dates = _rows(texts, value.str.contains(_DATE))
    if dates >= _MOST * whole:
        yield say(  # type: ignore[operator]
            "dates_as_text",
            f"'{name}' holds dates as text in {dates / whole:.1%} of its rows.",
            f'in sources.py: pl.col({name!r}).str.to_datetime("%d/%m/%Y"), with its own format',
            rows=dates,
        )


def _mixed(found: object, name: str, texts: pl.DataFrame, *, hidden: bool) -> Iterator[Finding]:
    same = pl.col("value").str.strip_chars().str.to_lowercase().alias("same")
    ways = (
        texts.group_by(same, maintain_order=True)
        .agg("value", pl.col("rows").sum())
        .filter(pl.col("value").list.len() > 1)
    )
    if ways.height:
        first = ways["value"][0]
        shown = "" if hidden else f": {_quoted(first)}"
        be = "value of '{0}' is" if ways.height == 1 else "values of '{0}' are"
        yield found(  # type: ignore[operator]
            "mixed_case",
            f"{ways.height:,} {be.format(name)} written in {int(ways['value'].list.len().max())} "  # type: ignore[arg-type]
            f"ways that differ in case or blanks only{shown}.",
            f"in sources.py: pl.col({name!r}).str.strip_chars().str.to_lowercase()",
            values=ways.height,
            rows=int(ways["rows"].sum()),
        )


def _several(
    found: object, name: str, texts: pl.DataFrame, rows: int, *, hidden: bool
) -> Iterator[Finding]:
    """Find lists in cells: pieces between separators that come again in other cells."""
    for separator in _SEPARATORS:
        cells = texts.filter(pl.col("value").str.contains(separator, literal=True))
        held = int(cells["rows"].sum())
        if cells.height < _SPLIT_TEXTS_MIN or held < _SPLIT_SHARE * rows:
            continue
        if (
            cells.select(
                pl.col("value").str.contains(rf"^[\d\s{re.escape(separator)}.:-]+$").mean()
            ).item()
            > 1 - _MOST
        ):
            continue  # dates, numbers with thousands apart
        pieces = cells["value"].str.split(separator).explode().str.strip_chars()
        if pieces.n_unique() <= _SPLIT_REUSE * cells.height:
            shown = "" if hidden else f", such as {cells['value'][0]!r}"
            yield found(  # type: ignore[operator]
                "several_values",
                f"{held:,} rows of '{name}' hold several values in a cell, between '{separator}'{shown}.",
                f'a feature for each that matters: {name}.contains("..."); or a table of its own',
                rows=held,
                values=pieces.n_unique(),
            )
            return


def untidy_names(table: str, names: Sequence[str]) -> Iterator[Finding]:
    """Find columns whose names hold values: one column for each month.

    Examples
    --------
    >>> found = untidy_names("sales", ["shop", "sales_jan", "sales_feb", "sales_mar"])
    >>> [f.message for f in found]
    ["3 columns are the same thing at other times: 'sales_jan', 'sales_feb', 'sales_mar'."]
    """
    groups: dict[str, list[str]] = defaultdict(list)
    for name in names:
        rest, hits = _PERIOD.subn("*", name.lower())
        if hits:
            groups[rest].append(name)
    for together in groups.values():
        if len(together) >= _WIDE_MIN:
            listed = pl.Series(together)
            yield Finding(
                code="profile.wide_periods",
                subject=table,
                message=f"{len(together)} columns are the same thing at other times: {_quoted(listed)}.",
                mend=f"in sources.py: df.unpivot(index=[...], on={together[:2]!r} + [...], "
                'variable_name="period"); then the period is a value, and can be looked back on',
                evidence={"columns": together},
            )


def _rows(texts: pl.DataFrame, which: pl.Expr) -> int:
    return int(texts.filter(which)["rows"].sum())


def _quoted(values: pl.Series) -> str:
    told = ", ".join(repr(v) for v in values.head(_SHOWN))
    return told + (", ..." if len(values) > _SHOWN else "")
