"""Blankness: features that say nothing, because they are always missing or always the same.

A feature that is always missing usually asks for what is not known yet (the weather of an hour
that has not begun) or matches on the wrong column. It harms no model, so nothing else would show.
"""

from __future__ import annotations

import polars as pl

from isbjerg.findings import Finding

MISSING_MUCH = 0.95
"""Share of missing values above which a feature is worth a warning."""


def blanks(columns: pl.DataFrame) -> list[Finding]:
    """Ask of each feature whether it says anything in the training rows.

    Parameters
    ----------
    columns : polars.DataFrame
        Features of the training rows, as carriers.

    Returns
    -------
    list of Finding
        One per feature, ``feature.blank``: failed when it is always missing, always the same, or
        missing in more than 95 % of the rows.

    Examples
    --------
    >>> table = pl.DataFrame({"hour": [7, 8, 9], "wind": [None, None, None], "year": [2013] * 3})
    >>> [(f.subject, f.outcome, f.message) for f in blanks(table)]
    [('hour', 'passed', ''), ('wind', 'failed', 'It is missing in every one of 3 training rows.'),
     ('year', 'failed', 'It has one value in all 3 training rows.')]
    """
    return [_judge(name, columns[name]) for name in columns.columns]


def _judge(name: str, column: pl.Series) -> Finding:
    rows, missing = len(column), column.null_count()
    share = missing / rows if rows else 0.0
    message, mend = "", ""
    if rows and missing == rows:
        message = f"It is missing in every one of {rows:,} training rows."
        mend = (
            "look whether what it looks up is known at the decision, "
            "and whether it is matched on the right columns"
        )
    elif rows and not missing and column.min() == column.max():
        message = f"It has one value in all {rows:,} training rows."
        mend = "drop it from the candidates, or learn from rows in which it differs"
    elif share > MISSING_MUCH:
        message = f"It is missing in {share:.1%} of {rows:,} training rows."
        mend = "look whether max_age is too short, or say what missing means: .fill_null(...)"
    return Finding(
        code="feature.blank",
        subject=name,
        outcome="failed" if message else "passed",
        severity="warning" if message else "info",
        message=message,
        mend=mend,
        evidence={"rows": rows, "missing": missing},
    )
