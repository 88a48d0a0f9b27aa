"""What a metric would have been on other days: a rung's values under each replicate.

Everything that is said about rungs follows from these samples: a rung's interval is the middle of
its own, a comparison the middle of the differences of two. So a rung's metric is worked out once,
however often it is compared; and since all rungs of a ladder are drawn under the same weights,
every comparison is paired and no rung's numbers depend on which others are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from isbjerg.evaluation.comparison import Comparison, compared
from isbjerg.evaluation.estimating import estimator
from isbjerg.evaluation.estimators import Floats
from isbjerg.evaluation.metrics import (
    LEVEL,
    REPLICATES,
    Measured,
    as_floats,
    measured,
    named,
)
from isbjerg.statistics.bootstrap import BLOCKS_MIN, Blocks, draw_weights


class Sample(msgspec.Struct, frozen=True):
    """One metric of one rung: its value, and its value under each replicate.

    Parameters
    ----------
    metric : str
        The metric.
    value : float
        On the rows as they are; NaN where it is undefined.
    replicates : numpy.ndarray of shape (n_replicates,) or None
        ``None`` when there are too few blocks to draw from.
    """

    metric: str
    value: float
    replicates: Floats | None


class Rows(msgspec.Struct, frozen=True):
    """Rows to measure on, and the weights under which all rungs are drawn.

    Parameters
    ----------
    truth : numpy.ndarray of shape (n_rows,)
        What came true.
    blocks : Blocks
        Which rows belong together.
    weights : numpy.ndarray of shape (n_replicates, n_blocks) or None
        How often each block is in each replicate; ``None`` with too few blocks.
    word : str
        What the rows are called, in the plural.
    """

    truth: NDArray[Any]
    blocks: Blocks
    weights: Floats | None
    word: str = "rows"

    @classmethod
    def draw(
        cls,
        truth: NDArray[Any],
        blocks: Blocks,
        rng: np.random.Generator,
        *,
        replicates: int = REPLICATES,
        word: str = "rows",
    ) -> Rows:
        """Draw the weights once, for all rungs."""
        enough = blocks.count >= BLOCKS_MIN
        weights = draw_weights(blocks, replicates, rng) if enough else None
        return cls(truth, blocks, weights, word)

    def sample(self, metrics: Iterable[str], scores: NDArray[np.float64]) -> dict[str, Sample]:
        """Work metrics out under every replicate.

        Examples
        --------
        >>> rng, truth = np.random.default_rng(0), np.array([0, 1] * 10)
        >>> rows = Rows.draw(truth, Blocks(np.arange(20), 20), rng)
        >>> found = rows.sample(["brier"], np.full(20, 0.5))["brier"]
        >>> found.value, float(found.replicates.max())
        (0.25, 0.25)
        """
        real, said = as_floats(self.truth, scores, self.blocks)
        samples = {}
        for name in dict.fromkeys(metrics):
            replicate = estimator(named(name).name, real, said, self.blocks)
            value = float(replicate(np.ones((1, self.blocks.count)))[0])
            known = self.weights is not None and not np.isnan(value)
            replicates = replicate(self.weights) if known and self.weights is not None else None
            samples[name] = Sample(name, value, replicates)
        return samples

    def measured(self, samples: Mapping[str, Sample], level: float = LEVEL) -> dict[str, Measured]:
        """Give each metric its interval."""
        return {
            name: measured(name, s.value, s.replicates, self.blocks, level=level)
            for name, s in samples.items()
        }

    def compared(
        self, first: Sample, second: Sample, names: tuple[str, str], *, level: float = LEVEL
    ) -> Comparison:
        """Compare two rungs under the same replicates.

        Examples
        --------
        >>> rng, truth = np.random.default_rng(0), np.array([0, 1] * 10)
        >>> rows = Rows.draw(truth, Blocks(np.arange(20), 20), rng)
        >>> sure, half = (rows.sample(["brier"], s)["brier"] for s in (truth * 1.0, truth * 0.5))
        >>> rows.compared(sure, half, ("sure", "half")).difference
        0.125
        """
        both = first.replicates is not None and second.replicates is not None
        return compared(
            first.metric,
            (first.value, second.value),
            (first.replicates, second.replicates) if both else None,  # type: ignore[arg-type]
            self.blocks,
            names=names,
            rows_word=self.word,
            level=level,
        )
