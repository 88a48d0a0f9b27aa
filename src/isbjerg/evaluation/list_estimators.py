"""The arithmetic of ranked lists: how near to the top of each list its relevant rows stand.

A row is relevant when its relevance is above 0, and gains its relevance (linearly, as scikit-learn's
`ndcg_score` takes it). Lists without a relevant row have no right order and are left out of every
mean. Rows with equal scores are in no order: a list's value is the mean over all orders of them,
worked out exactly, so neither the order of the rows nor chance has a say; it is also what the
server's order by a hash gives in the mean.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isbjerg.evaluation.estimators import Floats, Replicate, mean_of_rows
from isbjerg.frame.metrics import cut_of
from isbjerg.statistics.bootstrap import Blocks

Positions = NDArray[np.int64]


def list_estimator(name: str, truth: Floats, scores: Floats, blocks: Blocks) -> Replicate:
    """Prepare a metric of ranked lists for replicates.

    Parameters
    ----------
    name : str
        Such as ``ndcg@10``, ``map``.
    truth, scores : numpy.ndarray of shape (n_rows,)
        Relevance, and what was said.
    blocks : Blocks
        Which rows belong together, with ``lists``; no list lies in two blocks.
    """
    lists = np.zeros(len(truth), dtype=np.int64) if blocks.lists is None else blocks.lists
    values, first = values_of_lists(name, truth, scores, lists)
    return mean_of_rows(values, Blocks(blocks.ids[first], blocks.count))


def values_of_lists(
    name: str, truth: Floats, scores: Floats, lists: Positions
) -> tuple[Floats, Positions]:
    """Work a metric out for each list that has a relevant row.

    Returns
    -------
    values : numpy.ndarray of shape (n_lists,)
        One value per such list.
    rows : numpy.ndarray of shape (n_lists,)
        A row of each.

    Examples
    --------
    >>> truth, scores = np.array([0.0, 1.0, 1.0, 0.0]), np.array([3.0, 2.0, 1.0, 1.0])
    >>> values_of_lists("mrr", truth, scores, np.array([0, 0, 1, 1]))[0]
    array([0.5 , 0.75])
    """
    ranked = _Ranked(truth, scores, lists)
    measure = name.split("@", maxsplit=1)[0]
    places = cut_of(name).amount
    if measure == "ndcg":
        values = ranked.gain(places) / np.maximum(ranked.best_gain(places), np.finfo(float).tiny)
    elif measure == "precision":
        values = ranked.precision(places)
    elif measure == "lift":
        values = ranked.precision(places) / np.maximum(ranked.share, np.finfo(float).tiny)
    elif measure == "map":
        values = ranked.average_precision()
    else:
        values = ranked.reciprocal_rank()
    there = ranked.relevant > 0.0
    return values[there], ranked.order[ranked.starts][there]


class _Ranked:
    """Rows by list and score, in runs of equal score; every sum is one per list."""

    def __init__(self, truth: Floats, scores: Floats, lists: Positions) -> None:
        self.order = np.lexsort((-scores, lists))
        of, said = lists[self.order], scores[self.order]
        self._lists, self._truth = of, truth[self.order]
        new_list = np.append(True, of[1:] != of[:-1])[: len(of)]
        new_run = new_list | np.append(True, said[1:] != said[:-1])[: len(of)]
        self.starts = np.flatnonzero(new_list)
        self._list = np.cumsum(new_list) - 1
        self._run = np.cumsum(new_run) - 1
        self._place = np.arange(len(of)) - self.starts[self._list]
        self._run_starts = np.flatnonzero(new_run)
        self._run_place = self._place[self._run_starts]
        self._run_list = self._list[self._run_starts]
        self._run_rows = np.bincount(self._run, minlength=len(self._run_starts)).astype(float)
        hits = (self._truth > 0.0).astype(float)
        self._run_hits = self._of_runs(hits)
        self.rows = np.bincount(self._list, minlength=len(self.starts)).astype(float)
        self.relevant = self._of_lists(hits)
        self.share = self.relevant / np.maximum(self.rows, 1.0)

    def _of_runs(self, values: Floats) -> Floats:
        return _sums(self._run, values, len(self._run_starts))

    def _of_lists(self, values: Floats) -> Floats:
        return _sums(self._list, values, len(self.starts))

    def _of_runs_lists(self, values: Floats) -> Floats:
        return _sums(self._run_list, values, len(self.starts))

    def gain(self, places: float) -> Floats:
        """Discount what each place gains; within a run each row gains the run's mean."""
        worth = _discounts(self._place, places)
        mean = (self._of_runs(self._truth) / self._run_rows)[self._run]
        return self._of_lists(mean * worth)

    def best_gain(self, places: float) -> Floats:
        """Gain what the best order would."""
        best = np.lexsort((-self._truth, self._lists))
        return self._of_lists(self._truth[best] * _discounts(self._place, places))

    def precision(self, places: float) -> Floats:
        """Count the relevant rows of the first places; a run at the cut gives its share."""
        taken = np.minimum(places, self.rows)
        within = np.clip(taken[self._run_list] - self._run_place, 0.0, self._run_rows)
        found: Floats = self._of_runs_lists(self._run_hits * within / self._run_rows) / taken
        return found

    def average_precision(self) -> Floats:
        """Sum the precision at each place by the chance that it holds a relevant row."""
        rows, hits = self._run_rows[self._run], self._run_hits[self._run]
        before = (np.cumsum(self._run_hits) - self._run_hits)[self._run]
        before -= (np.cumsum(self.relevant) - self.relevant)[self._list]
        inside = self._place - self._run_place[self._run]
        others = inside * np.maximum(hits - 1.0, 0.0) / np.maximum(rows - 1.0, 1.0)
        precision = (before + 1.0 + others) / (self._place + 1.0)
        return self._of_lists(hits / rows * precision) / np.maximum(self.relevant, 1.0)

    def reciprocal_rank(self) -> Floats:
        """Take the first run with a relevant row, and the mean place of its first one."""
        values = np.zeros(len(self.starts))
        with_hits = np.flatnonzero(self._run_hits > 0.0)
        of, first = np.unique(self._run_list[with_hits], return_index=True)
        for place, run in zip(of, with_hits[first], strict=True):
            values[place] = _first_place(
                int(self._run_place[run]), int(self._run_rows[run]), int(self._run_hits[run])
            )
        return values


def _first_place(before: int, rows: int, hits: int) -> float:
    """Say 1 / place of the first of `hits` among `rows` in any order, in the mean."""
    last = rows - hits + 1
    tries = np.arange(last)
    found = hits / (rows - tries)  # the chance at this place, when none came before
    reached = np.append(1.0, np.cumprod(1.0 - found))[:last]
    return float((reached * found / (before + tries + 1.0)).sum())


def _discounts(places: Positions, first: float) -> Floats:
    return np.where(places < first, 1.0 / np.log2(places + 2.0), 0.0)


def _sums(of: Positions, values: Floats, count: int) -> Floats:
    return np.bincount(of, values, minlength=count).astype(np.float64)
