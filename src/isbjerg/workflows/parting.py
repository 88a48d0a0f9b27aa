"""Part units as the frame says; say what belongs together, and what leaks between the parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.data.drawing import positions, split_at_random
from isbjerg.data.split import (
    Boundaries,
    Split,
    boundaries_by_fraction,
    keep_groups_whole,
    split_by_time,
)
from isbjerg.errors import ArgumentError, DataError
from isbjerg.features.facts import key_text, match_text
from isbjerg.features.learning import FOLDS, time_folds
from isbjerg.findings import Finding
from isbjerg.frame.frame import Frame
from isbjerg.statistics.bootstrap import Blocks, blocks_of, time_blocks
from isbjerg.workflows.holding_out import TUNING_SHARE, Cut, cut_validation
from isbjerg.workflows.lists import list_blocks, number_lists
from isbjerg.workflows.units import AT, TRUTH, TRUTH_KNOWN

_MANY = 0.01
"""Share of the test rows that may repeat training rows before it is more than a note."""

_CLASSES_MAX = 20
_DEVIATION = 0.2
"""How far a class's share in a part may be from its share in all, relative to that."""


def part_units(units: pl.DataFrame, frame: Frame, key: Sequence[str]) -> Split:
    """Part units in the order of time, or at random, as the frame says.

    Parameters
    ----------
    units : DataFrame
        With ``_at``, ``_truth_known``, the key and the group.
    frame : Frame
        Its split.
    key : sequence of str
        Columns that identify a unit.

    Raises
    ------
    DataError
        When a part is empty.
    """
    how = frame.split
    if frame.split_how == "random":
        texts = _drawn(units, frame, key)
        parts = split_at_random(texts, validation=how.validation, test=how.test, seed=how.seed)
    else:
        parts = _in_time(units, frame)
        if how.group is not None:
            parts = keep_groups_whole(parts, groups(units, how.group, key))
    _check_filled(parts, units, frame)
    return parts


def cut(units: pl.DataFrame, parts: Split, frame: Frame, key: Sequence[str]) -> Cut:
    """Cut the validation rows in those for tuning and those for choosing, as they were parted.

    Rows drawn at random, or by group, are cut by the same hash: no row moves, no group straddles.
    """
    how = frame.split
    if frame.split_how == "time" and how.group is None:
        return cut_validation(units, parts)
    rows = parts.validation
    at = positions(_drawn(units[rows], frame, key), how.seed)
    drawn = frame.split_how == "random"
    share = how.test + how.validation * TUNING_SHARE if drawn else TUNING_SHARE
    tuning = pl.Series(at < share)
    found = Cut(rows.filter(tuning), rows.filter(~tuning))
    return found if len(found.tuning) and len(found.choosing) else Cut(rows, rows)


def folds(units: pl.DataFrame, frame: Frame, key: Sequence[str]) -> NDArray[np.int64]:
    """Fold training rows, as they were parted: what is learnt of a row comes from other folds."""
    if frame.split_how == "time" and frame.split.group is None:
        return time_folds(units[AT])
    # Another seed: the training rows fill only a piece of the line on which they were drawn.
    at = positions(_drawn(units, frame, key), (frame.split.seed + 1) % 2**32)
    return np.minimum((at * FOLDS).astype(np.int64), FOLDS - 1)


def _drawn(units: pl.DataFrame, frame: Frame, key: Sequence[str]) -> pl.Series:
    """Name what is drawn as text: groups, lists, or rows."""
    group = frame.split.group
    if group is not None:
        return groups(units, group, key)
    if frame.target.group:  # a list is drawn as a whole
        return units.select(key_text(units, list(frame.target.group))).to_series()
    return units.select(key_text(units, key)).to_series()


def _in_time(units: pl.DataFrame, frame: Frame) -> Split:
    how = frame.split
    if how.validation_from_us is not None and how.test_from_us is not None:
        boundaries = Boundaries(how.validation_from_us, how.test_from_us)
    else:
        boundaries = _by_fraction(units, frame)
    return split_by_time(units, at=AT, label_known=TRUTH_KNOWN, boundaries=boundaries)


def _by_fraction(units: pl.DataFrame, frame: Frame) -> Boundaries:
    how = frame.split
    try:
        return boundaries_by_fraction(units, AT, validation=how.validation, test=how.test)
    except ArgumentError as fault:
        raise DataError(
            f"{units.height:,} rows with {units[AT].n_unique():,} different times cannot be parted "
            "into training, validation and test rows.",
            mend="give the source more rows, then isbjerg run",
            code="ISB313",
        ) from fault


def _check_filled(parts: Split, units: pl.DataFrame, frame: Frame) -> None:
    sizes = {"training": parts.train, "validation": parts.validation, "test": parts.test}
    empty = [name for name, rows in sizes.items() if not len(rows)]
    if not empty:
        return
    mend = "[split] in frame.toml: move its dates, or give fractions"
    if frame.split_how == "random":
        mend = "give more rows, or larger fractions in [split] of frame.toml"
    elif parts.straddling:
        mend = f'[split] how = "random" in frame.toml: every {frame.split.group} comes early'
    raise DataError(
        f"The {' and the '.join(empty)} part has no rows: {units.height:,} rows were split"
        + (f", {parts.straddling:,} taken out with their group." if parts.straddling else "."),
        mend=mend,
        code="ISB313",
    )


def groups(units: pl.DataFrame, group: str, key: Sequence[str]) -> pl.Series:
    """Name the group of each row as text; a row without one is a group of its own."""
    named = pl.coalesce(match_text(units, [group]), pl.lit("\0") + key_text(units, key))
    return units.select(named.alias("group")).to_series()


def blocks(units: pl.DataFrame, frame: Frame, key: Sequence[str]) -> Blocks:
    """Say which rows belong together when chance is reckoned: a list's, a group's, a day's, or none.

    Parameters
    ----------
    units : DataFrame
        Rows of one part.
    frame : Frame
        Its split names a group, or none.
    key : sequence of str
        Columns that identify a unit.
    """
    if frame.target.group:
        at_us = None if frame.unit.at is None else units[AT].to_physical().to_numpy()
        return list_blocks(number_lists(units, frame.target.group), at_us)
    if frame.split.group is not None:
        return blocks_of(groups(units, frame.split.group, key).to_numpy(), "groups")
    if frame.unit.at is None:
        return blocks_of(pl.int_range(units.height, eager=True).to_numpy(), "rows")
    return time_blocks(units[AT].to_physical().to_numpy())


def parting_findings(units: pl.DataFrame, parts: Split, frame: Frame) -> Iterator[Finding]:
    """Say what a split at random cannot keep apart.

    Parameters
    ----------
    units : DataFrame
        Assembled units.
    parts : Split
        Their parts.
    frame : Frame
        How they were parted.

    Yields
    ------
    Finding
        ``split.repeated``: test rows that say the same as training rows.
        ``split.subject``: subjects in several parts. ``split.order``: decisions have a time that
        the split does not heed. ``split.classes``: a class that chance dealt unevenly.
    """
    if frame.split_how != "random":
        return
    if frame.unit.at is not None:
        yield Finding(
            code="split.order",
            subject="split",
            message="Decisions have a time, and the parts do not heed it: a model is judged on "
            "days that it learnt from.",
            mend='[split] how = "time" in frame.toml',
        )
    train, test = units[parts.train], units[parts.test]
    yield from _repeated(train, test)
    yield from _subjects(train, test, frame)
    if frame.target.kind != "regression":
        yield from _classes(units, parts)


def _repeated(train: pl.DataFrame, test: pl.DataFrame) -> Iterator[Finding]:
    said = [c for c in test.columns if c.startswith("feature:")]
    if not said:
        return
    same = test.join(train.unique([*said, TRUTH]), on=[*said, TRUTH], how="semi", nulls_equal=True)
    if not same.height:
        return
    share = same.height / test.height
    yield Finding(
        code="split.repeated",
        subject="split",
        severity="warning" if share > _MANY else "info",
        message=f"{same.height:,} of {test.height:,} test rows have the same features and the same "
        "target as a training row: what is learnt by heart counts as right there.",
        mend='drop repeated rows in sources.py, or [split] group = "COLUMN" in frame.toml, of what '
        "they have in common",
        evidence={"rows": same.height, "of": test.height},
    )


def _subjects(train: pl.DataFrame, test: pl.DataFrame, frame: Frame) -> Iterator[Finding]:
    subject = frame.unit.subject
    if subject is None or subject == frame.split.group or subject not in test.columns:
        return
    both = test.drop_nulls(subject).join(train, on=subject, how="semi")
    if both.height:
        yield Finding(
            code="split.subject",
            subject=f"split.{subject}",
            message=f"{both.height:,} of {test.height:,} test rows are about a {subject} that the "
            "training rows are about too.",
            mend=f'[split] group = "{subject}" in frame.toml',
            evidence={"rows": both.height, "of": test.height},
        )


def _classes(units: pl.DataFrame, parts: Split) -> Iterator[Finding]:
    truth = units[TRUTH].cast(pl.String)
    if truth.n_unique() > _CLASSES_MAX:
        return
    overall = _shares(truth)
    for name in ("train", "validation", "test"):
        here = _shares(truth.gather(getattr(parts, name)))
        off = {
            c: here.get(c, 0.0)
            for c, s in overall.items()
            if abs(here.get(c, 0.0) / s - 1) > _DEVIATION
        }
        for label, share in off.items():
            yield Finding(
                code="split.classes",
                subject=f"split.{name}",
                severity="info" if share else "warning",
                message=f"Chance dealt {share:.1%} of '{label}' to the {name} part; of all rows it "
                f"is {overall[label]:.1%}.",
                mend="[split] seed = 1 in frame.toml, once, before anything is compared",
                evidence={"share": share, "overall": overall[label]},
            )


def _shares(values: pl.Series) -> dict[str, float]:
    counted = values.value_counts(normalize=True).rows()
    return {str(value): float(share) for value, share in counted}
