"""The ladder: simplest first, and a rung that is not better is reported so and not chosen.

Each rung is compared with the best one below it, which decides, and with the one directly
below, which explains. The first rung is the constant: it has nothing to beat.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from isbjerg.errors import ArgumentError
from isbjerg.evaluation.comparison import Comparison, compare
from isbjerg.evaluation.metrics import LEVEL, REPLICATES, Measured, as_blocks, measure_all
from isbjerg.statistics.bootstrap import Blocks


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One rung, as it was found.

    Parameters
    ----------
    rung : str
        Its name.
    metrics : dict of str to Measured
        Every metric asked for, with its interval.
    step : Comparison or None
        Against the best rung below; ``None`` for the first rung.
    below : Comparison or None
        Against the rung directly below; the same as `step` where that is the best one.
    chosen : bool
        Whether it is the ladder's answer.
    sentence : str
        Whether the step is worth it, to be read.
    """

    rung: str
    metrics: dict[str, Measured]
    step: Comparison | None
    below: Comparison | None
    chosen: bool
    sentence: str


class Ladder(msgspec.Struct, frozen=True, kw_only=True):
    """All rungs, and the one to take."""

    primary: str
    rows: tuple[Row, ...]
    chosen: str

    def row(self, rung: str) -> Row:
        """Find a rung by its name."""
        return next(r for r in self.rows if r.rung == rung)


def climb(
    scores: Mapping[str, NDArray[np.float64]],
    truth: NDArray[Any],
    blocks: Blocks | NDArray[Any],
    rng: np.random.Generator,
    *,
    primary: str,
    metrics: Iterable[str] = (),
    rows_word: str = "rows",
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> Ladder:
    """Climb from rung to rung, stepping up only where it is worth it.

    Parameters
    ----------
    scores : mapping of str to numpy.ndarray of shape (n_rows,)
        What each rung said, the simplest first.
    truth : numpy.ndarray of shape (n_rows,)
        What came true.
    blocks : Blocks or numpy.ndarray of shape (n_rows,)
        Which rows belong together.
    rng : numpy.random.Generator
        Where the replicates come from.
    primary : str
        The metric that decides.
    metrics : iterable of str
        Further metrics to measure.
    rows_word : str, default="rows"
        What a row is, in the plural.
    replicates, level
        As for `isbjerg.evaluation.comparison.compare`.

    Returns
    -------
    Ladder
        One row per rung, in order.

    Raises
    ------
    ArgumentError
        When there is no rung.

    Examples
    --------
    >>> truth = np.array([0, 1] * 50)
    >>> ladder = climb(
    ...     {"constant": np.full(100, 0.5), "sure": truth * 1.0, "same": truth * 1.0},
    ...     truth,
    ...     np.arange(100),
    ...     np.random.default_rng(0),
    ...     primary="brier",
    ... )
    >>> ladder.chosen
    'sure'
    >>> print(ladder.rows[2].sentence)
    same is not better than sure in brier: difference 0.000 (0.000 to 0.000, 100 rows); the
    step is not worth it.
    """
    if not scores:
        raise ArgumentError.out_of_range("scores", "climb", "hold at least one rung", [])
    grouped = as_blocks(blocks)
    names = list(scores)
    best, rows = names[0], []
    for position, name in enumerate(names):
        measured = measure_all(
            [primary, *metrics],
            truth,
            scores[name],
            grouped,
            rng,
            replicates=replicates,
            level=level,
        )

        def against(other: str, name: str = name) -> Comparison:
            return compare(
                primary,
                truth,
                scores[name],
                scores[other],
                grouped,
                rng,
                names=(name, other),
                rows_word=rows_word,
                replicates=replicates,
                level=level,
            )

        step = against(best) if position else None
        under = names[position - 1]
        below = step if under == best or not position else against(under)
        rows.append(_row(name, measured, step, below, primary))
        best = name if step is not None and step.better else best
    final = tuple(msgspec.structs.replace(r, chosen=r.rung == best) for r in rows)
    return Ladder(primary=primary, rows=final, chosen=best)


def _row(
    name: str,
    measured: dict[str, Measured],
    step: Comparison | None,
    below: Comparison | None,
    primary: str,
) -> Row:
    sentence = step.sentence if step else f"{name} is the first rung: {measured[primary]}."
    return Row(rung=name, metrics=measured, step=step, below=below, chosen=False, sentence=sentence)
