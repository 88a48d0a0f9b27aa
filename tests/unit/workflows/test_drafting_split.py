"""The seed of a drafted split: of the few that are looked at, the most even one."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.stats import chi2_contingency

from isbjerg.data.drawing import split_at_random
from isbjerg.data.split import PARTS
from isbjerg.features.facts import key_text
from isbjerg.workflows.drafting_split import SEEDS, even_seed


def statistic(seed: int, truth: list[str]) -> float:
    """Pearson's chi-squared of parts and classes, as SciPy reckons it, and of the sizes."""
    table = pl.DataFrame({"key": range(len(truth))})
    texts = table.select(key_text(table, ["key"])).to_series()
    parts = split_at_random(texts, seed=seed)
    classes = sorted(set(truth))
    seen = np.array(
        [[sum(truth[r] == c for r in getattr(parts, p)) for c in classes] for p in PARTS]
    )
    return float(chi2_contingency(seen).statistic)


def test_the_seed_is_more_even_than_most() -> None:
    truth = ["rare" if n % 10 == 0 else "often" for n in range(300)]
    chosen = even_seed(pl.Series(range(300)), pl.Series(truth), validation=0.2, test=0.2)
    others = sorted(statistic(seed, truth) for seed in range(SEEDS))
    assert statistic(chosen, truth) <= others[SEEDS // 3]


def test_whether_classes_are_texts_or_numbers_does_not_matter() -> None:
    labels = [n % 3 for n in range(200)]
    keys = pl.Series([f"id-{n}" for n in range(200)])
    as_numbers = even_seed(keys, pl.Series(labels, dtype=pl.Float64), validation=0.2, test=0.3)
    as_texts = even_seed(keys, pl.Series("abc"[n] for n in labels), validation=0.2, test=0.3)
    assert as_numbers == as_texts


def test_rows_without_a_target_have_no_say() -> None:
    keys, truth = list(range(150)), [float(n % 2) for n in range(150)]
    known = even_seed(pl.Series(keys), pl.Series(truth), validation=0.2, test=0.2)
    more = pl.Series([*truth, *[None] * 50])
    assert even_seed(pl.Series(range(200)), more, validation=0.2, test=0.2) == known
    nothing = pl.Series([None] * 5, dtype=pl.Float64)
    assert even_seed(pl.Series(range(5)), nothing, validation=0.2, test=0.2) == 0
