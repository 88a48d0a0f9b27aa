"""What came true, as the numbers that models are fitted to and measured against.

A truth value is 0 or 1, a number itself, a class its position among the classes of the training
rows. The classes are learnt there and nowhere else, in their own order (texts by their letters'
code points, numbers by size), so that the same rows give the same model; a class that comes only
later has the position after the last.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.errors import DataError
from isbjerg.evaluation.class_leakage import class_suspects
from isbjerg.evaluation.classes import class_findings
from isbjerg.evaluation.leakage import suspects
from isbjerg.findings import Finding
from isbjerg.models.bundle import CLASSES_MAX
from isbjerg.models.fitted import Class, TargetKind

_CLASSES_SHOWN_MAX = 50
"""With more classes the ROC AUC of each against all others is measured only when it is asked for."""

USUAL: dict[TargetKind, tuple[str, ...]] = {
    "binary": ("roc_auc", "average_precision", "log_loss", "brier"),
    "regression": ("mae", "rmse", "r2"),
    "multiclass": ("log_loss", "accuracy", "balanced_accuracy", "macro_f1", "weighted_f1"),
    "ranking": ("ndcg@10", "precision@1", "lift@3", "map", "mrr"),
}
"""What is measured of each kind of target besides what the frame asks for."""


def usual_metrics(kind: TargetKind, classes: int) -> list[str]:
    """List what is measured of a target without being asked for.

    Examples
    --------
    >>> usual_metrics("regression", 0)
    ['mae', 'rmse', 'r2']
    >>> usual_metrics("multiclass", 12)[-2:]
    ['macro_roc_auc', 'top_3_accuracy']
    """
    usual = list(USUAL[kind])
    if kind == "multiclass":
        usual += ["macro_roc_auc"] if classes <= _CLASSES_SHOWN_MAX else []
        usual += ["top_3_accuracy"] if classes > 3 else []  # noqa: PLR2004 - of three it is always 1
    return usual


def learn_classes(truth: pl.Series, kind: TargetKind) -> tuple[Class, ...]:
    """List the classes of the training rows; none for other kinds of target.

    Raises
    ------
    DataError
        When there are more than a thousand: that is a number or a name, not a class.

    Examples
    --------
    >>> learn_classes(pl.Series(["rain", "sun", "rain"]), "multiclass")
    ('rain', 'sun')
    """
    if kind != "multiclass":
        return ()
    classes = tuple(sorted(truth.unique().to_list()))
    if len(classes) > CLASSES_MAX:
        raise DataError(
            f"The target has {len(classes):,} classes in {len(truth):,} training rows; "
            f"at most {CLASSES_MAX:,} are learnt.",
            mend='kind = "regression" in [target] for a number, or join rare classes in the target',
            code="ISB314",
            classes=len(classes),
        )
    return classes


def as_numbers(truth: pl.Series, classes: tuple[Class, ...]) -> NDArray[np.float64]:
    """Write what came true as numbers; of classes, as their positions.

    Examples
    --------
    >>> as_numbers(pl.Series(["sun", "hail", "rain"]), ("rain", "sun"))
    array([1., 2., 0.])
    """
    if not classes:
        return truth.cast(pl.Float64).to_numpy()
    places = pl.Series(range(len(classes)), dtype=pl.Float64)
    known = pl.Series(classes, dtype=truth.dtype)
    return truth.replace_strict(known, places, default=float(len(classes))).to_numpy()


def align_classes(
    scores: NDArray[np.float64], said: tuple[Class, ...], wanted: tuple[Class, ...]
) -> NDArray[np.float64]:
    """Put the probabilities of one model's classes into the order of another's.

    A class that the model does not know has the probability 0; one that only it knows is left
    out, and what it was given stays given away.

    Examples
    --------
    >>> align_classes(np.array([[0.2, 0.8]]), ("a", "b"), ("b", "c"))
    array([[0.8, 0. ]])
    """
    if said == wanted:
        return scores
    places = {name: place for place, name in enumerate(said)}
    columns = [scores[:, places[n]] if n in places else np.zeros(len(scores)) for n in wanted]
    return np.stack(columns, axis=1)


def leakage(
    columns: pl.DataFrame, truth: NDArray[np.float64], classes: tuple[Class, ...]
) -> list[Finding]:
    """Ask of each feature how much it alone knows of the target."""
    return class_suspects(columns, truth) if classes else suspects(columns, truth)


def told_of_classes(
    train: pl.Series, later: pl.Series, classes: tuple[Class, ...]
) -> tuple[Finding, ...]:
    """Say which classes are rare in the training rows, and which came only later."""
    if not classes:
        return ()
    known = pl.Series(classes, dtype=later.dtype)
    unseen = later.filter(~later.is_in(known.implode()))
    return class_findings(
        classes, as_numbers(train, classes), cast("list[Class]", unseen.to_list())
    )
