"""The metrics that a frame can name: for which kinds of target, which way is better, which range.

The table holds no arithmetic: `isbjerg.evaluation` computes, this room only has to know
whether a name exists and which of two numbers is better. Some names hold a number, how much of
a list is looked at: ``ndcg@10``, ``lift@5%``, ``top_3_accuracy``; each such *family* is one
line here.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import Literal

import msgspec

TargetKind = Literal["binary", "regression", "multiclass", "ranking"]
Direction = Literal["higher", "lower"]


class NamedMetric(msgspec.Struct, frozen=True):
    """What may be said about a metric without computing it.

    Parameters
    ----------
    name : str
        As written in `frame.toml`; of a family, with ``K`` where its number stands.
    kinds : tuple of {"binary", "regression", "multiclass", "ranking"}
        The kinds of target it measures.
    direction : {"higher", "lower"}
        Which way is better.
    low, high : float or None
        The range of its values; ``None`` for no bound.
    summary : str
        One line for people.
    """

    name: str
    kinds: tuple[TargetKind, ...]
    direction: Direction
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


class Cut(msgspec.Struct, frozen=True):
    """How much of a list is looked at: so many, or so many of a hundred."""

    amount: float
    percent: bool = False

    def places(self, total: float) -> float:
        """Say how many places of a list of `total` that is, at most all of them.

        Examples
        --------
        >>> Cut(5, percent=True).places(200), Cut(10).places(4)
        (10.0, 4)
        """
        return min(self.amount / 100 * total if self.percent else self.amount, total)


_BINARY: tuple[TargetKind, ...] = ("binary",)
_NUMBER: tuple[TargetKind, ...] = ("regression",)
_CLASSES: tuple[TargetKind, ...] = ("multiclass",)
_EITHER: tuple[TargetKind, ...] = ("binary", "multiclass")
_LISTS: tuple[TargetKind, ...] = ("ranking",)

_PLAIN: tuple[tuple[str, tuple[TargetKind, ...], Direction, float | None, float | None, str], ...]
_PLAIN = (
    ("average_precision", _BINARY, "higher", 0.0, 1.0, "area under precision and recall"),
    ("roc_auc", _BINARY, "higher", 0.0, 1.0, "share of pairs that are ranked the right way"),
    ("log_loss", _EITHER, "lower", 0.0, None, "mean surprise at what came true"),
    ("brier", _BINARY, "lower", 0.0, 1.0, "mean squared error of a probability"),
    ("accuracy", _EITHER, "higher", 0.0, 1.0, "share of right answers (binary: at 0.5)"),
    ("balanced_accuracy", _CLASSES, "higher", 0.0, 1.0, "mean share found, each class alike"),
    ("macro_f1", _CLASSES, "higher", 0.0, 1.0, "mean F1 of the classes, each alike"),
    ("weighted_f1", _CLASSES, "higher", 0.0, 1.0, "mean F1 of the classes, by their rows"),
    (
        "macro_roc_auc",
        _CLASSES,
        "higher",
        0.0,
        1.0,
        "mean ROC AUC of each class against all others",
    ),
    ("mae", _NUMBER, "lower", 0.0, None, "mean absolute error"),
    ("rmse", _NUMBER, "lower", 0.0, None, "root of the mean squared error"),
    ("r2", _NUMBER, "higher", None, 1.0, "share of variance explained"),
    ("map", _LISTS, "higher", 0.0, 1.0, "mean over lists of their average precision"),
    (
        "mrr",
        _LISTS,
        "higher",
        0.0,
        1.0,
        "mean over lists of 1 / place of the first relevant row",
    ),
)

METRICS: dict[str, NamedMetric] = {facts[0]: NamedMetric(*facts) for facts in _PLAIN}
"""Every metric whose name holds no number, by its name."""

_COUNT = "([1-9][0-9]{0,5})"
_PERCENT = r"([0-9]{1,2}(?:\.[0-9]{1,3})?)%"

FAMILIES: dict[str, NamedMetric] = {
    pattern: NamedMetric(name, kinds, "higher", 0.0, high, summary)
    for pattern, name, kinds, high, summary in (
        (f"top_{_COUNT}_accuracy", "top_K_accuracy", _CLASSES, 1.0, "share of rows whose class is among the K likeliest"),
        (f"ndcg@{_COUNT}", "ndcg@K", _LISTS, 1.0, "gain of the first K places, against the best order"),
        (f"precision@{_COUNT}", "precision@K", ("binary", "ranking"), 1.0, "share of positives among the K best (ranking: of each list)"),
        (f"precision@{_PERCENT}", "precision@K%", _BINARY, 1.0, "share of positives among the best K of 100 rows"),
        (f"lift@{_COUNT}", "lift@K", ("binary", "ranking"), None, "precision@K over the share of positives among all"),
        (f"lift@{_PERCENT}", "lift@K%", _BINARY, None, "precision@K% over the share of positives among all"),
    )
}  # fmt: skip
"""The metrics whose name holds a number, by the pattern of the name."""

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
    "f1": "macro_f1",
    "f1_macro": "macro_f1",
    "f1_weighted": "weighted_f1",
    "roc_auc_ovr": "macro_roc_auc",
    "top_k_accuracy": "top_3_accuracy",
    "ndcg": "ndcg@10",
    "lift": "lift@10%",
    "mean_average_precision": "map",
    "mean_reciprocal_rank": "mrr",
}


def find_metric(name: str) -> NamedMetric | None:
    """Find a metric by the name that a frame gives it; ``None`` when there is none.

    Examples
    --------
    >>> find_metric("top_3_accuracy").summary
    'share of rows whose class is among the K likeliest'
    >>> find_metric("ndcg@0") is None
    True
    """
    if name in METRICS:
        return METRICS[name]
    for pattern, family in FAMILIES.items():
        if re.fullmatch(pattern, name) and cut_of(name).amount > 0:
            return msgspec.structs.replace(family, name=name)
    return None


def cut_of(name: str) -> Cut:
    """Read the number in the name of a metric of a family.

    Examples
    --------
    >>> cut_of("lift@5%"), cut_of("top_3_accuracy")
    (Cut(amount=5.0, percent=True), Cut(amount=3.0, percent=False))
    """
    found = re.search(r"[0-9.]+", name)
    return Cut(float(found[0]) if found else 0.0, percent=name.endswith("%"))


def metric_names(kind: str | None = None) -> tuple[str, ...]:
    """List the metrics of one kind of target, or all of them; families with their ``K``.

    Examples
    --------
    >>> metric_names("regression")
    ('mae', 'rmse', 'r2')
    >>> metric_names("ranking")
    ('map', 'mrr', 'ndcg@K', 'precision@K', 'lift@K')
    """
    known = (*METRICS.values(), *FAMILIES.values())
    return tuple(m.name for m in known if kind is None or kind in m.kinds)


def closest_metric(name: str, kind: str | None = None) -> str | None:
    """Guess which metric was meant by a name that is not in the table.

    Parameters
    ----------
    name : str
        As it was written.
    kind : str, optional
        Prefer a metric of this kind of target.

    Examples
    --------
    >>> closest_metric("AUC"), closest_metric("averge_precision"), closest_metric("wind")
    ('roc_auc', 'average_precision', None)
    >>> closest_metric("NDCG"), closest_metric("lift")
    ('ndcg@10', 'lift@10%')
    """
    plain = name.strip().lower().replace("-", "_").replace(" ", "_")
    for guess in (plain, _OTHER_NAMES.get(plain, "")):
        known = find_metric(guess)
        if known is not None and (kind is None or kind in known.kinds):
            return guess
    examples = [m.replace("K", "10") for m in metric_names(kind)]
    close = get_close_matches(plain, examples, n=1)
    return close[0] if close else None
