"""One class at a time: how often it is found, how often its name is right, and from how few rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from isbjerg.findings import Finding
from isbjerg.statistics.intervals import wilson_interval

ROWS_MIN = 20
"""With fewer rows a share of them says next to nothing: its interval spans a third and more."""

_SHOWN = 5


class ClassLine(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one class in the test rows.

    Parameters
    ----------
    name : str, int or bool
        The class.
    trained : int
        Training rows of it.
    rows : int
        Test rows of it.
    said : int
        Test rows that the model takes for it.
    precision, recall : float or None
        Share of those said that are of it; share of its rows that are said to be. ``None``
        where there is no row.
    recall_low, recall_high : float or None
        The 95 % Wilson interval of the recall.
    few : bool
        Whether its test rows are fewer than `ROWS_MIN`: too few to go by.
    """

    name: str | int | bool
    trained: int
    rows: int
    said: int
    precision: float | None
    recall: float | None
    recall_low: float | None
    recall_high: float | None
    few: bool


def class_lines(
    truth: NDArray[Any],
    scores: NDArray[np.float64],
    classes: Sequence[str | int | bool],
    trained: NDArray[Any],
) -> tuple[ClassLine, ...]:
    """Look at each class apart.

    Parameters
    ----------
    truth : numpy.ndarray of shape (n_rows,)
        Positions of the classes of the test rows; ``n_classes`` for one that training did not see.
    scores : numpy.ndarray of shape (n_rows, n_classes)
        Probability of each class.
    classes : sequence
        The classes.
    trained : numpy.ndarray of shape (n_training_rows,)
        Positions of the classes of the training rows.

    Returns
    -------
    tuple of ClassLine
        In the order of `classes`.

    Examples
    --------
    >>> truth, scores = np.array([0, 0, 1]), np.array([[0.9, 0.1], [0.4, 0.6], [0.2, 0.8]])
    >>> line = class_lines(truth, scores, ("calm", "storm"), np.array([0, 1]))[1]
    >>> line.name, line.precision, line.recall, line.few
    ('storm', 0.5, 1.0, True)
    """
    size = len(classes) + 1
    real = np.asarray(truth, dtype=np.int64)
    answered = scores.argmax(axis=1)
    rows, said = np.bincount(real, minlength=size), np.bincount(answered, minlength=size)
    right = np.bincount(real[real == answered], minlength=size)
    learnt = np.bincount(np.asarray(trained, dtype=np.int64), minlength=size)
    counts = zip(*(c.tolist() for c in (learnt, rows, said, right)), strict=True)
    return tuple(_line(n, count) for n, count in zip(classes, counts, strict=False))


def _line(name: Any, counts: tuple[int, int, int, int]) -> ClassLine:
    trained, rows, said, right = counts
    bounds = wilson_interval(right, rows) if rows else None
    return ClassLine(
        name=name,
        trained=trained,
        rows=rows,
        said=said,
        precision=right / said if said else None,
        recall=right / rows if rows else None,
        recall_low=bounds.low if bounds else None,
        recall_high=bounds.high if bounds else None,
        few=rows < ROWS_MIN,
    )


def class_findings(
    classes: Sequence[str | int | bool], trained: NDArray[Any], unseen: Sequence[Any]
) -> tuple[Finding, ...]:
    """Say which classes have too few training rows, and which came only later.

    Parameters
    ----------
    classes : sequence
        The classes of the training rows.
    trained : numpy.ndarray of shape (n_training_rows,)
        Their positions.
    unseen : sequence
        The classes, once per row, of later rows that no training row has.

    Returns
    -------
    tuple of Finding
        ``target.rare_class`` and ``target.unseen_class``, *passed* when there is none.

    Examples
    --------
    >>> rare, unseen = class_findings(("a", "b"), np.array([0] * 30 + [1]), ["c", "c"])
    >>> print(rare.message)
    1 of 2 classes has fewer than 20 training rows: 'b' (1).
    >>> print(unseen.message)
    2 later rows are of a class that no training row has, and counted as missed: 'c' (2).
    """
    counts = np.bincount(np.asarray(trained, dtype=np.int64), minlength=len(classes)).tolist()
    rare = {name: n for name, n in zip(classes, counts, strict=True) if n < ROWS_MIN}
    new = {name: list(unseen).count(name) for name in dict.fromkeys(unseen)}
    return (
        _finding(
            "target.rare_class",
            f"{len(rare)} of {len(classes)} classes {'has' if len(rare) == 1 else 'have'} fewer than {ROWS_MIN} training rows: "
            f"{_shown(rare)}.",
            "join rare classes in the target, or wait for more rows of them",
            rare,
        ),
        _finding(
            "target.unseen_class",
            f"{len(unseen):,} later {'row is' if len(unseen) == 1 else 'rows are'} of a class that "
            f"no training row has, and counted as missed: {_shown(new)}.",
            "widen the training part: [split] in frame.toml",
            new,
        ),
    )


def _finding(code: str, message: str, mend: str, counts: dict[Any, int]) -> Finding:
    return Finding(
        code=code,
        subject="target",
        outcome="failed" if counts else "passed",
        severity="warning" if counts else "info",
        message=message if counts else "",
        mend=mend if counts else "",
        evidence={"classes": len(counts), "rows": sum(counts.values())},
    )


def _shown(counts: dict[Any, int]) -> str:
    """Name the classes with the fewest rows, and say how many more there are."""
    first = sorted(counts.items(), key=lambda pair: pair[1])[:_SHOWN]
    told = ", ".join(f"{name!r} ({rows:,})" for name, rows in first)
    more = len(counts) - len(first)
    return f"{told} and {more:,} more" if more else told
