"""Leakage of a target of several classes: single features that name the class by themselves.

How well a number ranks one class against the others says little of several (the middle one of
three is ranked badly by the very number that defines it). So a feature is asked to *name* the
class: each of its values, or hundredths of them, says the commonest class among one half of the
rows, and is marked on the other half. What counts is the share of the rows that naming the
commonest class gets wrong and the feature gets right.
"""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.findings import Finding, Severity

SKILL_SUSPECT = 0.90
SKILL_ERROR = 0.98

_VALUES_MAX = 1_000
_BINS = 100


def class_suspects(columns: pl.DataFrame, truth: NDArray[np.float64]) -> list[Finding]:
    """Ask of each feature how well it names the class alone.

    Parameters
    ----------
    columns : polars.DataFrame
        Features of the training rows, as carriers.
    truth : numpy.ndarray of shape (n_rows,)
        Positions of their classes.

    Returns
    -------
    list of Finding
        One per feature, ``leakage.single_feature``: passed up to a skill of 0.90, failed as a
        warning above it and as blocking above 0.98.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> kind = rng.integers(0, 3, 300).astype(float)
    >>> table = pl.DataFrame({"code": kind * 7, "wind": rng.random(300)})
    >>> [(f.subject, f.outcome, f.severity) for f in class_suspects(table, kind)]
    [('code', 'failed', 'blocking'), ('wind', 'passed', 'info')]
    """
    real = pl.Series("truth", truth.astype(np.int64))
    return [_judge(name, naming_skill(columns[name], real)) for name in columns.columns]


def naming_skill(column: pl.Series, truth: pl.Series) -> float:
    """Say which share of the errors of the commonest class a feature alone avoids.

    Parameters
    ----------
    column : polars.Series
        The feature.
    truth : polars.Series
        Classes, none missing.

    Examples
    --------
    >>> naming_skill(pl.Series(list("xyzxy" * 8)), pl.Series([0, 1, 1, 0, 1] * 8))
    1.0
    """
    table = pl.DataFrame({"value": _values(column), "truth": truth}).with_columns(
        (pl.int_range(pl.len()) % 2).alias("half")
    )
    commonest = (
        table.group_by("value", "half", "truth")
        .len()
        .sort("len", "truth", descending=[True, False])
        .unique(["value", "half"], keep="first", maintain_order=True)
        .select("value", (1 - pl.col("half")).alias("half"), pl.col("truth").alias("said"))
    )
    marked = table.join(commonest, on=["value", "half"], how="left", nulls_equal=True)
    right = int((marked["truth"] == marked["said"]).fill_null(value=False).sum())
    plain = int(truth.value_counts()["count"].max() or 0)  # type: ignore[arg-type]
    return (right - plain) / (len(truth) - plain) if len(truth) > plain else 0.0


def _values(column: pl.Series) -> pl.Series:
    """Take the values as they are when they are few, else which hundredth each is in."""
    if column.dtype == pl.String or column.n_unique() <= _VALUES_MAX:
        return column
    ranks = column.to_physical().rank("dense")
    return (ranks * _BINS / (ranks.max() or 1)).floor()


def _judge(name: str, skill: float) -> Finding:
    subject = name.removeprefix("feature:")
    found = round(skill, 4)
    failed = found > SKILL_SUSPECT
    message = (
        f"{subject} alone names {found:.1%} of the classes that the commonest one misses"
        f"{': is it known in time?' if failed else '.'}"
    )
    severity: Severity = "blocking" if found > SKILL_ERROR else "warning" if failed else "info"
    return Finding(
        code="leakage.single_feature",
        subject=subject,
        outcome="failed" if failed else "passed",
        severity=severity,
        message=message,
        mend=f"check when the columns behind {subject} become known, in sources.py"
        if failed
        else "",
        evidence={"skill": found, "suspect_above": SKILL_SUSPECT, "error_above": SKILL_ERROR},
    )
