"""The ladder: simplest first, and a rung that is not better is reported so and not chosen.

Each rung is compared with the best one below it, which decides, and with the one directly
below, which explains. The first rung is the constant: it has nothing to beat.

A step up needs proof, with one exception. While no rung is proven better than the constant, the
one that is ahead is taken: that the answer beats the constant is what the gate asks, on rows of
its own, and asking it twice would leave small tables with the constant.

Choosing uses rows up: the best of several rungs is partly the luckiest on the rows on which they
were compared. So `climb` compares on the validation rows, and `measured_on` then measures every
rung on rows that chose nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from isbjerg.errors import ArgumentError
from isbjerg.evaluation.comparison import Comparison
from isbjerg.evaluation.metrics import LEVEL, REPLICATES, Measured, as_blocks
from isbjerg.evaluation.sampling import Rows, Sample
from isbjerg.statistics.bootstrap import Blocks


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One rung, as it was found.

    Parameters
    ----------
    rung : str
        Its name.
    metrics : dict of str to Measured
        Every metric asked for, with its interval; on the test rows, once `measured_on` has
        measured there.
    step : Comparison or None
        Against the best rung below, on the rows on which the ladder chose; ``None`` for the
        first rung.
    below : Comparison or None
        Against the rung directly below; the same as `step` where that is the best one.
    chosen : bool
        Whether it is the ladder's answer.
    sentence : str
        Whether the step is worth it, to be read.
    choosing : dict of str to Measured
        The metrics on the rows on which the ladder chose, when those are not the rows of
        `metrics`.
    evaluated_only : str
        Why it cannot be released, so that no step leads to it; empty for a rung that can be.
    """

    rung: str
    metrics: dict[str, Measured]
    step: Comparison | None
    below: Comparison | None
    chosen: bool
    sentence: str
    choosing: dict[str, Measured] = {}
    evaluated_only: str = ""


class Ladder(msgspec.Struct, frozen=True, kw_only=True):
    """All rungs, and the one to take.

    Parameters
    ----------
    primary : str
        The metric that decides.
    rows : tuple of Row
        The rungs, the simplest first.
    chosen : str
        The rung that the steps lead to.
    chosen_on : {"test", "validation"}
        Which rows the steps were compared on; a stored ladder that does not say compared on the
        rows on which it measured.
    """

    primary: str
    rows: tuple[Row, ...]
    chosen: str
    chosen_on: Literal["test", "validation"] = "test"

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
    evaluated_only: Mapping[str, str] | None = None,
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> Ladder:
    """Climb from rung to rung, stepping up only where it is worth it.

    Parameters
    ----------
    scores : mapping of str to numpy.ndarray of shape (n_rows,) or (n_rows, n_classes)
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
    evaluated_only : mapping of str to str, optional
        Rungs that cannot be released, with the reason: they are compared with the best one below
        and never become it.
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
    drawn = Rows.draw(truth, as_blocks(blocks), rng, replicates=replicates, word=rows_word)
    wanted = [primary, *metrics]
    samples = {name: drawn.sample(wanted, said) for name, said in scores.items()}
    return climb_samples(
        drawn, samples, primary=primary, evaluated_only=evaluated_only, level=level
    )


def climb_samples(
    rows: Rows,
    samples: Mapping[str, Mapping[str, Sample]],
    *,
    primary: str,
    evaluated_only: Mapping[str, str] | None = None,
    level: float = LEVEL,
) -> Ladder:
    """Climb with samples that were drawn already, such as some of an earlier run; see `climb`.

    Parameters
    ----------
    rows : Rows
        The rows on which the ladder chooses.
    samples : mapping of str to mapping of str to Sample
        Of each rung, the simplest first, its metrics on these rows.
    primary : str
        The metric that decides.
    evaluated_only : mapping of str to str, optional
        Rungs that cannot be released, with the reason.
    level : float, default=0.95
        Coverage aimed at.
    """
    if not samples:
        raise ArgumentError.out_of_range("scores", "climb", "hold at least one rung", [])
    names = list(samples)

    def against(name: str, other: str) -> Comparison:
        pair = samples[name][primary], samples[other][primary]
        return rows.compared(*pair, (name, other), level=level)

    best, proven, found = names[0], False, list[Row]()
    for position, name in enumerate(names):
        measured = rows.measured(samples[name], level)
        step = against(name, best) if position else None
        under = names[position - 1]
        below = step if under == best or not position else against(name, under)
        row = _row(name, measured, step, below, primary)
        why = (evaluated_only or {}).get(name, "")
        if why:
            row = msgspec.structs.replace(row, evaluated_only=why)
        elif step is not None and step.better:
            best, proven = name, True
        elif step is not None and not proven and (step.difference or 0.0) > 0.0:
            proven = best != names[0] and against(name, names[0]).better
            best, row = name, _replaced(row, sentence=_ahead(step, rows.word, proven=proven))
        found.append(row)
    final = tuple(_replaced(r, chosen=r.rung == best) for r in found)
    return Ladder(primary=primary, rows=final, chosen=best)


def _ahead(step: Comparison, rows_word: str, *, proven: bool) -> str:
    """Say why a rung was taken that is not proven better than the best one below it."""
    where = f"{step.n:,} {rows_word}"
    if step.low is not None and step.high is not None:
        where = f"{step.low + 0.0:.3f} to {step.high + 0.0:.3f}, {where}"
    why = "it is the first that is proven better than the constant"
    if not proven:
        why = "no rung is proven better than the constant yet"
    return (
        f"{step.name} is ahead of {step.against} by {step.difference:.3f} "
        f"{step.metric.replace('_', ' ')} ({where}), which is no proof; it is taken, since {why}."
    )


def measured_on(
    ladder: Ladder,
    scores: Mapping[str, NDArray[np.float64]],
    truth: NDArray[Any],
    blocks: Blocks | NDArray[Any],
    rng: np.random.Generator,
    *,
    metrics: Iterable[str] = (),
    replicates: int = REPLICATES,
    level: float = LEVEL,
) -> Ladder:
    """Measure the rungs of a ladder that chose on validation rows on rows that chose nothing.

    Parameters
    ----------
    ladder : Ladder
        From `climb` on the validation rows; what it chose stays chosen.
    scores : mapping of str to numpy.ndarray of shape (n_rows,)
        What each rung said of the test rows.
    truth, blocks, rng, metrics, replicates, level
        As for `climb`, of the test rows.

    Returns
    -------
    Ladder
        With the test rows' numbers as `metrics`, the former ones as `choosing`.

    Examples
    --------
    >>> rng, days = np.random.default_rng(0), np.arange(100)
    >>> early, late = np.array([0, 1] * 50), np.array([0, 0, 1, 1] * 25)
    >>> said = {"constant": np.full(100, 0.5), "sure": early * 1.0}
    >>> chosen = climb(said, early, days, rng, primary="brier")
    >>> ladder = measured_on(chosen, said, late, days, rng)
    >>> ladder.chosen, ladder.row("sure").choosing["brier"].value
    ('sure', 0.0)
    >>> ladder.row("sure").metrics["brier"].value
    0.5
    """
    drawn = Rows.draw(truth, as_blocks(blocks), rng, replicates=replicates)
    wanted = [ladder.primary, *metrics]
    samples = {name: drawn.sample(wanted, said) for name, said in scores.items()}
    return measured_samples(ladder, drawn, samples, level=level)


def measured_samples(
    ladder: Ladder,
    rows: Rows,
    samples: Mapping[str, Mapping[str, Sample]],
    *,
    level: float = LEVEL,
) -> Ladder:
    """Measure with samples that were drawn already; see `measured_on`."""
    found = tuple(
        _replaced(row, choosing=row.metrics, metrics=rows.measured(samples[row.rung], level))
        for row in ladder.rows
    )
    return msgspec.structs.replace(ladder, rows=found, chosen_on="validation")


_replaced = msgspec.structs.replace


def _row(
    name: str,
    measured: dict[str, Measured],
    step: Comparison | None,
    below: Comparison | None,
    primary: str,
) -> Row:
    sentence = step.sentence if step else f"{name} is the first rung: {measured[primary]}."
    return Row(rung=name, metrics=measured, step=step, below=below, chosen=False, sentence=sentence)
