"""Leakage: single features that know too much.

A feature that ranks the target almost perfectly by itself is usually the target in disguise,
or known only afterwards (Kapoor and Narayanan's taxonomy: target proxies). It is a suspicion,
so the finding names the number and asks; beyond 0.98 there is hardly an innocent reason.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.evaluation.estimators import Floats, estimator
from isbjerg.findings import Finding
from isbjerg.statistics.bootstrap import Blocks

AUC_SUSPECT = 0.90
AUC_ERROR = 0.98


def suspects(columns: pl.DataFrame, truth: NDArray[Any]) -> list[Finding]:
    """Ask of each feature how well it ranks the target alone.

    Parameters
    ----------
    columns : polars.DataFrame
        Features of the training rows, as carriers.
    truth : numpy.ndarray of shape (n_rows,)
        The target; a number is split at its median.

    Returns
    -------
    list of Finding
        One per feature, ``leakage.single_feature``: passed up to an AUC of 0.90 either way,
        failed as a warning above it and as blocking above 0.98; not applicable when the
        target has one class.

    Notes
    -----
    Texts are scored by the target's mean per text, learnt on the other half of the rows:
    otherwise each text that occurs once would seem to know everything. Being missing is
    asked about like a value.

    Examples
    --------
    >>> late = np.array([False, True] * 50)
    >>> table = pl.DataFrame({"delay": late * 40, "hour": np.arange(100) // 10})
    >>> [(f.subject, f.outcome, f.severity) for f in suspects(table, late)]
    [('delay', 'failed', 'blocking'), ('hour', 'passed', 'info')]
    """
    real = np.asarray(truth, dtype=np.float64)
    if len(real) and not np.isin(real, (0.0, 1.0)).all():
        real = (real > np.median(real)).astype(np.float64)
    return [_judge(name, columns[name], real) for name in columns.columns]


def _judge(name: str, column: pl.Series, truth: Floats) -> Finding:
    subject = name.removeprefix("feature:")
    code = "leakage.single_feature"
    found = [_auc(truth, scores) for scores in _scorings(column, truth)]
    defined = [max(auc, 1.0 - auc) for auc in found if not np.isnan(auc)]
    if not defined:
        return Finding(
            code=code,
            subject=subject,
            outcome="not_applicable",
            severity="info",
            message="The target has one class only.",
        )
    auc = round(float(max(defined)), 4)
    if auc <= AUC_SUSPECT:
        message = f"{subject} alone ranks the target with an AUC of {auc:.3f}."
        return Finding(
            code=code,
            subject=subject,
            outcome="passed",
            severity="info",
            message=message,
            evidence={"auc": auc},
        )
    return Finding(
        code=code,
        subject=subject,
        outcome="failed",
        severity="blocking" if auc > AUC_ERROR else "warning",
        message=f"{subject} alone ranks the target with an AUC of {auc:.3f}: is it known in time?",
        mend=f"check when the columns behind {subject} become known, in sources.py",
        evidence={"auc": auc, "suspect_above": AUC_SUSPECT, "error_above": AUC_ERROR},
    )


def _scorings(column: pl.Series, truth: Floats) -> list[Floats]:
    """List the ways of ranking rows by this column: its values, and its being missing."""
    missing = column.is_null().to_numpy().astype(np.float64)
    ways = [missing] if missing.any() else []
    if column.dtype == pl.String:
        return [*ways, _crossed_means(column, truth)]
    values = column.to_physical().cast(pl.Float64).to_numpy()
    present = values[missing == 0.0]
    if not len(present):
        return ways
    # a missing value is put at either end: which one suits the target is not known
    ends = (present.min() - 1.0, present.max() + 1.0) if ways else (0.0,)
    return [*ways, *(np.where(missing == 1.0, end, values) for end in ends)]


def _crossed_means(column: pl.Series, truth: Floats) -> Floats:
    """Score each text by the target's mean among the other half of the rows."""
    half = np.arange(len(truth)) % 2
    table = pl.DataFrame({"text": column, "truth": truth, "half": 1 - half})
    means = table.group_by("text", "half").agg(pl.col("truth").mean().alias("mean"))
    rows = pl.DataFrame({"text": column, "half": half})
    scored = rows.join(
        means, on=["text", "half"], how="left", nulls_equal=True, maintain_order="left"
    )
    overall = float(truth.mean()) if len(truth) else 0.0
    return scored["mean"].fill_null(overall).to_numpy()


def _auc(truth: Floats, scores: Floats) -> float:
    rows = Blocks(np.zeros(len(truth), dtype=np.int64), 1)
    return float(estimator("roc_auc", truth, scores, rows)(np.ones((1, 1)))[0])
