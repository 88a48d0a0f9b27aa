"""The metrics that a frame can name: for which kind of target, which way is better, which range.

The table holds no arithmetic: `isbjerg.evaluation` computes, this room only has to know
whether a name exists and which of two numbers is better.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Literal

import msgspec

TargetKind = Literal["binary", "regression"]


class NamedMetric(msgspec.Struct, frozen=True):
    """What may be said about a metric without computing it.

    Parameters
    ----------
    name : str
        As written in `frame.toml`.
    kind : {"binary", "regression"}
        The kind of target it measures.
    direction : {"higher", "lower"}
        Which way is better.
    low, high : float or None
        The range of its values; ``None`` for no bound.
    summary : str
        One line for people.
    """

    name: str
    kind: TargetKind
    direction: Literal["higher", "lower"]
    low: float | None
    high: float | None
    summary: str

    @property
    def higher_is_better(self) -> bool:
        """Whether a larger value is the better one."""
        return self.direction == "higher"

    def better(self, left: float, right: float) -> bool:
        """Tell whether `left` is the better of two values.

        Examples
        --------
        >>> METRICS["brier"].better(0.10, 0.14)
        True
        """
        return left > right if self.higher_is_better else left < right


METRICS: dict[str, NamedMetric] = {
    m.name: m
    for m in (
        NamedMetric(
            "average_precision", "binary", "higher", 0.0, 1.0, "area under precision and recall"
        ),
        NamedMetric(
            "roc_auc", "binary", "higher", 0.0, 1.0, "share of pairs that are ranked the right way"
        ),
        NamedMetric("log_loss", "binary", "lower", 0.0, None, "mean surprise at what came true"),
        NamedMetric("brier", "binary", "lower", 0.0, 1.0, "mean squared error of a probability"),
        NamedMetric("accuracy", "binary", "higher", 0.0, 1.0, "share of right answers at 0.5"),
        NamedMetric("mae", "regression", "lower", 0.0, None, "mean absolute error"),
        NamedMetric("rmse", "regression", "lower", 0.0, None, "root of the mean squared error"),
        NamedMetric("r2", "regression", "higher", None, 1.0, "share of variance explained"),
    )
}
"""Every metric that can be named, by its name."""

_OTHER_NAMES = {
    "ap": "average_precision",
    "pr_auc": "average_precision",
    "auprc": "average_precision",
    "auc": "roc_auc",
    "auroc": "roc_auc",
    "cross_entropy": "log_loss",
    "logloss": "log_loss",
    "brier_score": "brier",
    "mean_absolute_error": "mae",
    "mean_squared_error": "rmse",
    "mse": "rmse",
    "r_squared": "r2",
}


def metric_names(kind: str | None = None) -> tuple[str, ...]:
    """List the metrics of one kind of target, or all of them.

    Examples
    --------
    >>> metric_names("regression")
    ('mae', 'rmse', 'r2')
    """
    return tuple(m.name for m in METRICS.values() if kind in (None, m.kind))


def closest_metric(name: str) -> str | None:
    """Guess which metric was meant by a name that is not in the table.

    Examples
    --------
    >>> closest_metric("AUC"), closest_metric("averge_precision"), closest_metric("wind")
    ('roc_auc', 'average_precision', None)
    """
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    if plain in METRICS:
        return plain
    if plain in _OTHER_NAMES:
        return _OTHER_NAMES[plain]
    close = get_close_matches(plain, METRICS, n=1)
    return close[0] if close else None
