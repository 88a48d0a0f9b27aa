"""A target that says the same of every row of a part: nothing to learn, or nothing to judge by."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from isbjerg.data.split import Split
from isbjerg.errors import ModelError
from isbjerg.findings import Finding
from isbjerg.frame.frame import Frame

_JUDGED = ("validation", "test")


def check_both_outcomes(truth: pl.Series, parts: Split, frame: Frame) -> None:
    """Refuse a binary target that says one thing in all training rows.

    Raises
    ------
    ModelError
        ISB403, with what the other parts say.
    """
    found = truth[parts.train].drop_nulls().unique().to_list()
    if frame.target.kind != "binary" or len(found) != 1:
        return
    name, rows = frame.target.feature, len(parts.train)
    said = f"'{name}' is {_word(found[0])} in all {rows:,} training rows"
    if truth.n_unique() == 1:
        raise ModelError(
            f"{said}, as in all {len(truth):,} rows: there is nothing to tell apart.",
            code="ISB403",
            mend=f"return a condition in {name}() of features.py that holds in some rows only",
            found=found,
        )
    others = int((truth != found[0]).sum())
    raise ModelError(
        f"{said}; {others:,} of the other {len(truth) - rows:,} rows say otherwise. "
        "What is never seen cannot be learnt.",
        code="ISB403",
        mend='how = "random"   in [split] of frame.toml, or wait for rows that differ',
        found=found,
    )


def told_of_one_outcome(truth: pl.Series, parts: Split, frame: Frame) -> Iterator[Finding]:
    """Say which parts hold one outcome only, and what that makes of them."""
    for name in _JUDGED:
        said = truth[getattr(parts, name)]
        if len(said) < 2 or said.n_unique() != 1:  # noqa: PLR2004 - one row says one thing
            continue
        follows = "no rung can be chosen" if name == "validation" else "no model can be judged"
        yield Finding(
            code="target.one_outcome",
            subject=frame.target.feature,
            severity="warning",
            message=f"It is {_word(said[0])} in all {len(said):,} {name} rows: {follows} by "
            f"{frame.metric.primary} there.",
            mend=f"{name} = 0.3   in [split] of frame.toml: a longer part holds more",
            evidence={"part": name, "rows": len(said)},
        )


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
