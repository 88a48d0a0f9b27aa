"""The arithmetic of the best of a list: of the K rows with the highest scores, how many are positive.

A campaign that can call a hundred people asks this of all rows at once (a binary target). Rows
with equal scores share the places that are left for them, so the order of the rows does not
matter: it is what a choice by lot among them gives in the mean.
"""

from __future__ import annotations

import numpy as np

from isbjerg.evaluation.estimators import Floats, Replicate
from isbjerg.frame.metrics import Cut, cut_of
from isbjerg.statistics.bootstrap import Blocks


def cut_estimator(name: str, truth: Floats, scores: Floats, blocks: Blocks) -> Replicate:
    """Prepare ``precision@K`` or ``lift@K`` over all rows for replicates.

    Parameters
    ----------
    name : str
        Such as ``lift@100`` or ``precision@5%``.
    truth, scores : numpy.ndarray of shape (n_rows,)
        0 and 1, and what was said.
    blocks : Blocks
        Which rows belong together.
    """
    order = np.argsort(-scores, kind="stable")
    hits, ids = truth[order], blocks.ids[order]
    ends = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)[: len(scores)]
    cut, relative = cut_of(name), name.startswith("lift")

    def replicate(weights: Floats) -> Floats:
        values = np.full(len(weights), np.nan)
        for i, of_blocks in enumerate(weights):
            drawn = of_blocks[ids]
            rows, positives = np.cumsum(drawn)[ends], np.cumsum(drawn * hits)[ends]
            if len(rows) and rows[-1] > 0.0:
                values[i] = _within(cut, rows, positives, relative=relative)
        return values

    return replicate


def _within(cut: Cut, rows: Floats, positives: Floats, *, relative: bool) -> float:
    """Say the precision of the first places, from sums up to the end of each score."""
    total = float(rows[-1])
    places = cut.places(total)
    last = int(np.searchsorted(rows, places))
    before, hits = (rows[last - 1], positives[last - 1]) if last else (0.0, 0.0)
    share = (positives[last] - hits) / (rows[last] - before)
    precision = float((hits + (places - before) * share) / places)
    if not relative:
        return precision
    return precision / (positives[-1] / total) if positives[-1] > 0.0 else np.nan
