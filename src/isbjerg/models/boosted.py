"""The rung of boosted trees: LightGBM, stopped early on rows that come later in time.

Training is deterministic: the same rows, settings and seed give the same text, whatever the
number of threads. Only the trees up to the best iteration are kept.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Any

import lightgbm
import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.errors import ArgumentError
from isbjerg.models.batches import EncodedRows
from isbjerg.models.encoding import Encoder
from isbjerg.models.fitted import Class, Fitted, TargetKind, truth_as_floats
from isbjerg.models.lightgbm_library import parameter_aliases
from isbjerg.models.lightgbm_settings import REFUSALS, check_taken, refused
from isbjerg.models.lightgbm_text import TREES_MAX, rewrite
from isbjerg.models.ranked_rows import Rows, by_list, levels_of

FILE = "trees.txt"
"""Name of the model's text in a bundle."""

DEFAULTS: dict[str, Any] = {
    "learning_rate": 0.05,
    "num_leaves": 31,
    "min_data_in_leaf": 40,
    "num_iterations": 1000,
    "early_stopping_round": 50,
}
"""Used unless given: small steps, and enough rows per leaf that a leaf is no anecdote."""

_OWN: dict[str, Any] = {
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
    "feature_pre_filter": False,
}
_RESERVED = frozenset(
    {*_OWN, "seed", "num_threads", "categorical_feature", "num_class", "linear_tree", "task"}
    | {"boost_from_average_file", "input_model", "output_model", "machines", "data", "valid"}
    | {"forcedsplits_filename", "forcedbins_filename", "force_col_wise", "device_type", "metric"}
    | {"label_gain", "group_column", "weight_column", "label_column", "ignore_column"}
    | {"machine_list_filename", "tree_learner", "num_machines", "snapshot_freq"}
)
_OBJECTIVES: dict[TargetKind, tuple[str, ...]] = {
    "binary": ("binary",),
    "regression": ("regression", "regression_l1", "huber", "fair", "quantile", "mape", "poisson"),
    "multiclass": ("multiclass",),
    "ranking": ("lambdarank", "rank_xendcg"),
}


def check_parameters(given: Mapping[str, Any], target_kind: TargetKind) -> dict[str, Any]:
    """Complete LightGBM's parameters, refusing names it does not know.

    Parameters
    ----------
    given : mapping of str to Any
        What the project asks for, by any of LightGBM's names for it.
    target_kind : {"binary", "regression", "multiclass", "ranking"}
        Decides the objectives that may be asked for.

    Returns
    -------
    dict
        Under LightGBM's main names, `DEFAULTS` filled in.

    Raises
    ------
    ArgumentError
        For a name that LightGBM would silently ignore, with the closest ones, and for one
        that isbjerg sets itself.

    Examples
    --------
    >>> check_parameters({"n_estimators": 200}, "binary")["num_iterations"]
    200
    >>> check_parameters({"num_leafs": 7}, "binary")
    Traceback (most recent call last):
    isbjerg.errors.ArgumentError: `num_leafs` is no parameter of LightGBM. Close: num_leaves...
    ...
    """
    aliases = parameter_aliases()
    main = {other: name for name, others in aliases.items() for other in (name, *others)}
    settings = dict(DEFAULTS)
    for name, value in given.items():
        if name not in main:
            raise _unknown(name, main)
        if main[name] in _RESERVED:
            raise ArgumentError(
                f"`{name}` of `boosted_trees` is set by isbjerg, so that training can be repeated.",
                code="ISB407",
                mend=f"leave `{name}` out",
                name=name,
            )
        settings[main[name]] = value
    allowed = _OBJECTIVES[target_kind]
    objective = settings.setdefault("objective", allowed[0])
    if objective not in allowed:
        raise ArgumentError.out_of_range(
            "objective", "boosted_trees", f"be one of {', '.join(allowed)}", objective
        )
    return settings


def _unknown(name: str, main: Mapping[str, str]) -> ArgumentError:
    close = difflib.get_close_matches(name, main, n=3)
    close.sort(key=lambda other: main[other] != other)  # a main name before another name of one
    hint = f" Close: {', '.join(close)}." if close else ""
    return ArgumentError(
        f"`{name}` is no parameter of LightGBM.{hint}",
        code="ISB406",
        mend=f"ib.boosted_trees({close[0]}=...)" if close else f"leave `{name}` out",
        name=name,
        close=close,
    )


def fit(
    columns: pl.DataFrame,
    truth: NDArray[Any],
    target_kind: TargetKind,
    *,
    encoder: Encoder,
    validation: tuple[pl.DataFrame, NDArray[Any]],
    parameters: Mapping[str, Any] | None = None,
    seed: int = 0,
    threads: int = 1,
    classes: tuple[Class, ...] = (),
    lists: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None,
) -> Fitted:
    """Learn boosted trees.

    Parameters
    ----------
    columns : polars.DataFrame
        Features of the training rows.
    truth : numpy.ndarray of shape (n_rows,)
        Truth values, numbers, or positions of classes.
    target_kind : {"binary", "regression", "multiclass", "ranking"}
        Decides the objective.
    encoder : Encoder
        Learnt on the training rows.
    validation : (polars.DataFrame, numpy.ndarray)
        Rows later than the training rows and earlier than the test rows; training stops when
        the loss on them has stopped falling.
    parameters : mapping, optional
        LightGBM's; see `check_parameters`.
    seed : int, default=0
        Decides every sample that LightGBM draws.
    threads : int, default=1
        Threads to train with; does not change the result.
    classes : tuple, optional
        Of a multiclass target; rows of `validation` that are of none are left out.
    lists : (numpy.ndarray, numpy.ndarray), optional
        For a ranking: which training and validation rows are ranked against each other.

    Returns
    -------
    Fitted
        One file, ``trees.txt``; notes tell the number of trees.
    """
    settings = check_parameters(parameters or {}, target_kind)
    rounds = min(settings.pop("num_iterations"), TREES_MAX // max(len(classes), 1))
    patience = settings.pop("early_stopping_round")
    fixed = {**settings, **_OWN, "seed": seed, "num_threads": threads}
    if classes:
        fixed["num_class"] = len(classes)
    if parameters:
        check_taken(fixed)
    numbers = truth_as_floats(truth, target_kind)
    if lists is None:
        rows = Rows(_encoded(columns, encoder), numbers)
        later = _known_rows(validation, encoder, classes)
    else:
        levels = levels_of(numbers)
        fixed |= {"label_gain": list(levels.gains), "eval_at": settings.get("eval_at", [10])}
        later_numbers = np.asarray(validation[1], dtype=np.float64)
        rows = by_list(encoder.encode_many(columns), numbers, lists[0], levels)
        later = by_list(encoder.encode_many(validation[0]), later_numbers, lists[1], levels)
    booster = _boosted(_dataset(rows, encoder, fixed), later, fixed, rounds, patience)
    trees = booster.best_iteration if booster.best_iteration > 0 else booster.current_iteration()
    text = rewrite(booster.model_to_string(num_iteration=trees), len(encoder.encodings))
    return Fitted(
        kind="boosted_trees",
        target_kind=target_kind,
        classes=classes,
        encoder=encoder,
        parameters={"settings": {**settings, "num_iterations": rounds}, "trees": trees},
        files={FILE: text.encode()},
        notes=(
            f"{trees} trees{' of each class' if classes else ''} of at most {rounds}.",
            *_told_constant(text),
        ),
    )


def _told_constant(text: str) -> tuple[str, ...]:
    """Say of trees that none of them splits: such a rung answers every row alike."""
    leaves = [line for line in text.splitlines() if line.startswith("num_leaves=")]
    if any(line != "num_leaves=1" for line in leaves):
        return ()
    told = "No tree splits: it answers every row alike. With few rows, let leaves be smaller: "
    return (told + "min_data_in_leaf=5 in its parameters.",)


def _boosted(
    train: lightgbm.Dataset, later: Rows, fixed: dict[str, Any], rounds: int, patience: int
) -> lightgbm.Booster:
    watched = [train.create_valid(later.matrix, later.truth, group=later.sizes)]
    watched = watched if len(later.truth) else []
    stop: list[Callable[..., Any]] = (
        [lightgbm.early_stopping(patience, verbose=False)] if patience > 0 and watched else []
    )
    try:
        return lightgbm.train(fixed, train, rounds, valid_sets=watched, callbacks=stop)
    except REFUSALS as fault:
        raise refused(fault) from fault


def _known_rows(
    rows: tuple[pl.DataFrame, NDArray[Any]], encoder: Encoder, classes: tuple[Class, ...]
) -> Rows:
    """Encode rows; LightGBM takes no row of a class that it was not told of."""
    columns, truth = rows
    numbers = np.asarray(truth, dtype=np.float64)
    if not classes:
        return Rows(_encoded(columns, encoder), numbers)
    known = numbers < len(classes)
    return Rows(
        _encoded(columns if known.all() else columns.filter(known), encoder), numbers[known]
    )


def _encoded(columns: pl.DataFrame, encoder: Encoder) -> NDArray[np.float64] | EncodedRows:
    """Encode rows at once where they are few, else when they are asked for.

    Which it is depends on the table alone, not on the memory there is: of more rows than it looks
    at to find its bins LightGBM draws others in the one case than in the other.
    """
    rows = EncodedRows(columns, encoder)
    return encoder.encode_many(columns) if len(rows) <= rows.batch_size else rows


def _dataset(rows: Rows, encoder: Encoder, fixed: dict[str, Any]) -> lightgbm.Dataset:
    return lightgbm.Dataset(
        rows.matrix,
        rows.truth,
        group=rows.sizes,
        categorical_feature=list(encoder.categories),
        feature_name=[f"feature_{i}" for i in range(len(encoder.encodings))],
        params=fixed,
        free_raw_data=True,
    )
