"""Which arithmetic a metric takes: that of numbers, of classes, of the best of all rows, of lists."""

from __future__ import annotations

from isbjerg.evaluation import estimators
from isbjerg.evaluation.class_estimators import class_estimator
from isbjerg.evaluation.cut_estimators import cut_estimator
from isbjerg.evaluation.estimators import Floats, Replicate
from isbjerg.evaluation.list_estimators import list_estimator
from isbjerg.statistics.bootstrap import Blocks


def estimator(name: str, truth: Floats, scores: Floats, blocks: Blocks) -> Replicate:
    """Prepare a metric for replicates.

    Parameters
    ----------
    name : str
        A name that `isbjerg.frame.metrics.find_metric` knows.
    truth : numpy.ndarray of shape (n_rows,)
        What came true: numbers, or positions of classes.
    scores : numpy.ndarray of shape (n_rows,) or (n_rows, n_classes)
        What was said; the latter of a multiclass target.
    blocks : Blocks
        Which rows belong together.

    Returns
    -------
    callable
        From weights per block to one value per replicate; NaN where it is undefined.
    """
    if scores.ndim > 1:
        return class_estimator(name, truth, scores, blocks)
    if blocks.lists is not None:
        return list_estimator(name, truth, scores, blocks)
    if "@" in name:
        return cut_estimator(name, truth, scores, blocks)
    return estimators.estimator(name, truth, scores, blocks)
