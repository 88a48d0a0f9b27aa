"""Draft a project from one table: files to review, and a finding for each guess in them.

A draft runs as it is, so that the first verdict is minutes away, but it cannot know what only
people know: what the product is for, and when each column becomes known. It guesses, writes
the guess where it will be read, and says so.
"""

from __future__ import annotations

import math
import os
import re
import shlex
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

import msgspec
import polars as pl

from isbjerg.data.tables import CsvTable, JsonLinesTable, ParquetTable
from isbjerg.errors import ArgumentError
from isbjerg.evaluation.class_leakage import naming_skill
from isbjerg.findings import Finding
from isbjerg.times import DAY_US
from isbjerg.workflows.drafting_features import features_py, features_test_py
from isbjerg.workflows.drafting_findings import find_guesses
from isbjerg.workflows.drafting_frame import CASES_TOML, frame_toml, readme_md
from isbjerg.workflows.drafting_goal import Goal, find_goal
from isbjerg.workflows.drafting_models import models_py
from isbjerg.workflows.drafting_names import identifiers
from isbjerg.workflows.drafting_plan import VALIDATION, Plan
from isbjerg.workflows.drafting_reading import Looked, look
from isbjerg.workflows.drafting_sources import sources_py
from isbjerg.workflows.drafting_split import even_seed
from isbjerg.workflows.drafting_strength import Halves, best_halves, strength
from isbjerg.workflows.drafting_table import Column, find_key, plan_column
from isbjerg.workflows.drafting_times import time_format, to_times, told_kind
from isbjerg.workflows.drafting_tooling import tooling_files, write_project

_LEARN_FROM = 0.6
"""The first rule is written from this part of the rows only: the rest will judge it."""

_TEST_ROWS = {"time": 105, "random": 120}
"""The gate asks for 100; the purge between the parts takes some, chance takes more."""

_READERS = {CsvTable: "csv", ParquetTable: "parquet", JsonLinesTable: "jsonl"}

_LONG_US = 30 * DAY_US


class Drafted(msgspec.Struct, frozen=True, kw_only=True):
    """What was drafted: files by their names in the folder, and what to review."""

    folder: Path
    files: tuple[str, ...]
    findings: tuple[Finding, ...] = ()


def draft_project(
    folder: Path,
    table: Path,
    target: str,
    time: str | None = None,
    name: str | None = None,
    *,
    key: str | None = None,
    kind: str | None = None,
) -> Drafted:
    """Draft a project from a file of CSV, Parquet or JSON lines.

    Parameters
    ----------
    folder : Path
        Where the project goes; made when it is not there.
    table : Path
        The file; it is not copied, ``sources.py`` points at it.
    target : str
        Column to predict: a number, one of two values, or one of some classes.
    time : str, optional
        Column that says when the decision about a row is taken. Without it decisions have no
        time: rows are parted at random, and a finding says so.
    name : str, optional
        Name of the source; the file's when not given.
    key : str, optional
        Column that tells rows apart; looked for when not given.
    kind : {"binary", "multiclass", "regression"}, optional
        What `target` is; guessed when not given.

    Returns
    -------
    Drafted
        Names of the files written, and a finding for each guess.

    Raises
    ------
    ArgumentError
        When a column is not in the table or does not fit what it is for, or no usable column is
        left.
    ProjectError
        When files of the same names are in the folder already: choose another one.
    SourceError
        When the table cannot be read.
    """
    folder, table = Path(folder), Path(table)
    looked = look(table)
    _check_columns(looked.frame, {"target": target, "time": time, "key": key})
    _check_key(looked.frame, key)
    whole = time is not None and looked.frame[time].dtype.is_integer()
    form = None if time is None else _time_format(looked.frame[time])
    if time is not None and form:
        frame = looked.frame.with_columns(to_times(looked.frame[time], form))
        looked = msgspec.structs.replace(looked, frame=frame)
    plan, findings = _plan(
        looked,
        _Asked(folder, table, target, time, name or table.stem.removesuffix(".csv"), key, kind),
        form=form,
        whole=whole,
    )
    files = {
        "frame.toml": frame_toml(plan),
        "sources.py": sources_py(plan),
        "features.py": features_py(plan),
        "models.py": models_py(plan),
        "cases.toml": CASES_TOML,
        "test_features.py": features_test_py(plan),
        "README.md": readme_md(plan),
        **tooling_files(),
    }
    options = {"time": time, "key": key, "kind": kind}
    write_project(folder, files, again=_again(folder, table, target, options))
    return Drafted(folder=folder, files=tuple(sorted(files)), findings=findings)


class _Asked(NamedTuple):
    """What `draft_project` was asked for."""

    folder: Path
    table: Path
    target: str
    time: str | None
    name: str
    key: str | None
    kind: str | None


def _again(folder: Path, table: Path, target: str, options: Mapping[str, str | None]) -> str:
    """Write the command once more, with another folder."""
    number = 2
    while (other := folder.with_name(f"{folder.name}-{number}")).exists():
        number += 1
    words = ["isbjerg", "new", str(other), "--from", str(table), "--target", target]
    given = [word for name, value in options.items() if value for word in (f"--{name}", value)]
    return shlex.join([*words, *given])


def _check_columns(frame: pl.DataFrame, asked: Mapping[str, str | None]) -> None:
    for argument, column in asked.items():
        if column is not None and column not in frame.columns:
            close = get_close_matches(column, frame.columns, n=1)
            raise ArgumentError(
                f"`--{argument}` must name a column of the table. Got '{column}'.\n"
                f"Found: {', '.join(frame.columns)}",
                mend=f"--{argument} {shlex.quote((close or frame.columns)[0])}",
                column=column,
            )


def _check_key(frame: pl.DataFrame, key: str | None) -> None:
    if key is None:
        return
    missing, distinct = frame[key].null_count(), frame[key].n_unique()
    if missing or distinct < frame.height:
        why = (
            f"{missing:,} row(s) have none" if missing else f"it has {distinct:,} different values"
        )
        raise ArgumentError(
            f"`--key` must tell the {frame.height:,} rows apart. Of '{key}' {why}.",
            mend="leave --key out: one is looked for, or the rows are numbered",
            column=key,
        )


def _time_format(values: pl.Series) -> str | None:
    """Say how texts of the time column are read; ``None`` when it holds times already."""
    if isinstance(values.dtype, pl.Datetime) or values.dtype == pl.Date:
        return None
    form = time_format(values)
    if form is None:
        raise ArgumentError(
            f"`--time` must name a column of dates or times. '{values.name}' is "
            f"{told_kind(values)}.",
            mend="write the times as 2013-06-01T17:30:00Z, or leave --time out",
            column=values.name,
        )
    return form


def _plan(
    looked: Looked, asked: _Asked, *, form: str | None, whole: bool
) -> tuple[Plan, tuple[Finding, ...]]:
    """Look at each column and put the guesses together."""
    frame, handle, target, time = looked.frame, looked.handle, asked.target, asked.time
    names = identifiers(frame.columns)
    goal = find_goal(frame, target, asked.kind)
    truth = _truth(frame[target], goal)
    key = asked.key or find_key(frame, [*(c for c in (target, time) if c), *looked.unclear])
    columns = _columns(looked, names, goal, truth, without=(target, time, key))
    if time and not any(c.use != "left_out" for c in columns):
        clock = Column(name=names[time], original=time, use="instant")
        columns = (*columns, clock)  # all that is known is when
    if not any(c.use != "left_out" for c in columns):
        raise ArgumentError(
            "No column of the table is left to predict from.\n"
            + ("\n".join(f"  {c.original}: {c.why}" for c in columns) or "It has no other."),
            code="ISB222",
            mend="add columns that are known before the decision",
        )
    share = _test_share(frame[target].count(), _TEST_ROWS["time" if time else "random"])
    keys = frame[key] if key else pl.int_range(frame.height, eager=True)
    plan = Plan(
        name=_source_name(asked.name, names),
        table=_relative(asked.table, asked.folder),
        reader=_READERS[type(handle)],
        separator=handle.separator if isinstance(handle, CsvTable) else ",",
        time_format=form,
        time_whole=whole,
        numbers=looked.numbers,
        rows=frame.height,
        test_share=share,
        seed=0 if time else even_seed(keys, truth, validation=VALIDATION, test=share),
        key=names[key] if key else "row_number",
        at=names[time] if time else None,
        row_number=key is None,
        zoneless=time is not None and _zoneless(frame[time]),
        label_delay=_label_delay(frame, time),
        goal=msgspec.structs.replace(goal, column=names[target]),
        target=_target_name(names[target], goal),
        columns=columns,
        renamed={old: new for old, new in names.items() if old != new},
        dropped=tuple(c for c in frame.columns if not _is_storable(frame[c].dtype)),
        rule=None if goal.kind == "multiclass" else _first_rule(frame, columns, truth, time),
    )
    return plan, tuple(find_guesses(plan, time))


def _test_share(rows: int, wanted: int) -> float:
    """Take a fifth; more of a small table, because the gate asks for enough rows to judge by."""
    if rows <= 0:
        return 0.2
    return min(0.4, max(0.2, math.ceil(wanted / rows * 20) / 20))


def _is_storable(dtype: pl.DataType) -> bool:
    return not (dtype.is_nested() or dtype in (pl.Time, pl.Binary, pl.Object, pl.Null))


def _columns(
    looked: Looked,
    names: Mapping[str, str],
    goal: Goal,
    truth: pl.Series,
    *,
    without: tuple[str | None, ...],
) -> tuple[Column, ...]:
    """Plan each column besides target, time and key."""
    _, time, _ = without
    return tuple(
        plan_column(
            looked.frame,
            column,
            names[column],
            _power(looked.frame[column], truth, goal),
            target=goal.column,
            time=time,
            unclear=column in looked.unclear,
        )
        for column in looked.frame.columns
        if column not in without
    )


def _power(values: pl.Series, truth: pl.Series, goal: Goal) -> float:
    """Say how well a column alone tells the target, from 0.5 to 1.0."""
    if goal.kind != "multiclass":
        return strength(values, truth)
    known = truth.is_not_null()
    if values.dtype.is_nested() or values.dtype in (pl.Time, pl.Binary, pl.Object):
        return 0.5
    return 0.5 + max(0.0, naming_skill(values.filter(known), truth.filter(known))) / 2


def _truth(values: pl.Series, goal: Goal) -> pl.Series:
    """Give the target as numbers, or as texts of classes; null where it is missing."""
    match goal.kind:
        case "binary":
            return (values == goal.positive).cast(pl.Float64)
        case "multiclass":
            return values.cast(pl.String)
        case "regression":
            return values.cast(pl.Float64)


def _zoneless(times: pl.Series) -> bool:
    return not isinstance(times.dtype, pl.Datetime) or times.dtype.time_zone is None


def _label_delay(frame: pl.DataFrame, time: str | None) -> str:
    """Guess a day where the rows span a month or more: long enough to be noticed and edited."""
    if time is None or frame[time].null_count() == frame.height:
        return "1s"
    days = frame.select(pl.col(time).cast(pl.Datetime("us")).cast(pl.Int64))[time].drop_nulls()
    ordered = days.sort()
    return "1d" if int(ordered[-1]) - int(ordered[0]) >= _LONG_US else "1m"


def _source_name(stem: str, names: Mapping[str, str]) -> str:
    name = identifiers([stem])[stem]
    return f"{name}_rows" if name in names.values() else name


def _target_name(column: str, goal: Goal) -> str:
    if goal.kind != "binary":
        return f"{column}_{'value' if goal.kind == 'regression' else 'class'}"
    if isinstance(goal.positive, str):
        word = re.sub(r"\W+", "_", goal.positive, flags=re.ASCII).strip("_").lower() or "other"
        return f"{column}_is_{word}"
    return f"is_{column}"


def _relative(table: Path, folder: Path) -> str:
    try:
        return Path(os.path.relpath(table.resolve(), folder.resolve())).as_posix()
    except ValueError:  # another drive
        return table.resolve().as_posix()


def _first_rule(
    frame: pl.DataFrame, columns: tuple[Column, ...], truth: pl.Series, time: str | None
) -> Halves | None:
    """Part the first rows by the column that parts them best."""
    numbered = frame.with_columns(_truth=truth)
    early = (numbered.sort(time) if time else numbered).head(int(frame.height * _LEARN_FROM))
    early = early.filter(pl.col("_truth").is_not_null())
    plain = [c for c in columns if c.use in ("number", "boolean", "category")]
    found = (best_halves(early[c.original], early["_truth"], c.name) for c in plain)
    return max((f for f in found if f is not None), key=lambda f: f.gain, default=None)
