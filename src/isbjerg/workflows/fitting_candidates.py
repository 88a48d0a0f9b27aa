"""Fit a candidate of models.py, whatever its kind, once or as often as a search asks."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.errors import ArgumentError, ModelError
from isbjerg.evaluation.metrics import named
from isbjerg.evaluation.sampling import Rows as SampledRows
from isbjerg.expressions.tree import Type
from isbjerg.features.sets import FeatureSet
from isbjerg.frame.frame import Frame
from isbjerg.models import boosted, catboost_fit, encoding, linear, onnx_fit, sklearn_fit
from isbjerg.models.definitions import Candidate, ModelSpec
from isbjerg.models.fitted import Class, EvaluatedOnly, Fitted
from isbjerg.statistics.bootstrap import Blocks
from isbjerg.workflows.preparing import Prepared
from isbjerg.workflows.searching import Attempt, Searched, search

THREADS_MAX = 4
"""Half the cores, at most so many: a fit leaves room for the server beside it."""

Carried = Callable[[Fitted, pl.DataFrame], NDArray[np.float64]]
"""Scores units with a fitted model, as a server would load it."""


@dataclass(frozen=True)
class Rows:
    """What a candidate is fitted with.

    Parameters
    ----------
    columns : DataFrame
        Features of the training rows, under their own names.
    truth : numpy.ndarray
        Their outcomes.
    types : tuple of Type
        Of the features.
    later : (DataFrame, numpy.ndarray)
        Units that a fit may look at besides, with their outcomes.
    test : DataFrame
        Features of the test rows, on which two forms of a model are compared. Their outcomes
        stay unknown here.
    classes : tuple
        Of a multiclass target.
    blocks : Blocks
        Which of the later rows belong together.
    lists : (numpy.ndarray, numpy.ndarray), optional
        For a ranking: which training rows, and which later rows, are ranked against each other.
    """

    columns: pl.DataFrame
    truth: NDArray[np.float64]
    types: tuple[Type, ...]
    later: tuple[pl.DataFrame, NDArray[np.float64]]
    test: pl.DataFrame
    classes: tuple[Class, ...]
    blocks: Blocks
    lists: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None


def fit_candidate(
    candidate: Candidate, prepared: Prepared, frame: Frame, folder: Path, carried: Carried
) -> tuple[Fitted | EvaluatedOnly, Searched | None]:
    """Fit a candidate on the training rows.

    Parameters
    ----------
    candidate : Candidate
        From models.py.
    prepared : Prepared
        The rows.
    frame : Frame
        Target, metric and seed.
    folder : Path
        The project's, where the files of `isbjerg.onnx` are.
    carried : callable
        How a fitted model scores units.

    Returns
    -------
    tuple
        The model, and what was tried to find it where a search was asked for.

    Raises
    ------
    ArgumentError, ModelError
        When a parameter is unknown, or the rows cannot teach it anything.
    """
    rows = _rows(prepared, prepared.sets[candidate.name])
    spec = candidate.spec
    fit = _Fitting(spec, rows, frame, folder, carried).fit
    if spec.search is None:
        return fit({}).finish(), None
    metric = named(frame.metric.primary)
    best, found = search(
        spec.search,
        fit,
        lambda attempt: _measured(metric.name, attempt, rows),
        rung=candidate.name,
        metric=metric.name,
        higher_is_better=metric.higher_is_better,
        rng=np.random.default_rng(frame.seed),
    )
    return best.finish(), found


def _measured(metric: str, attempt: Attempt, rows: Rows) -> float:
    units, truth = rows.later
    drawn = SampledRows(truth, rows.blocks, weights=None)
    found = drawn.sample([metric], attempt.score(units))[metric].value
    if np.isnan(found):
        raise ModelError(
            f"{metric} is undefined on the {len(truth):,} tuning rows, so a search has nothing to "
            "compare by.",
            code="ISB434",
            mend="widen the validation part: [split] in frame.toml",
        )
    return found


def _rows(prepared: Prepared, feature_set: FeatureSet) -> Rows:
    names, train = feature_set.outputs, prepared.part("train")
    tuning = prepared.part("tuning")

    def features(units: pl.DataFrame) -> pl.DataFrame:
        return units.select(pl.col(f"feature:{n}").alias(n) for n in names)

    return Rows(
        columns=features(train),
        truth=prepared.truth_of(train),
        types=feature_set.output_types,
        later=(tuning, prepared.truth_of(tuning)),
        test=features(prepared.part("test")),
        classes=prepared.classes,
        blocks=prepared.blocks(tuning),
        lists=prepared.lists_of("train", "tuning"),
    )


@dataclass(frozen=True)
class _Done:
    """A model that is fitted in the form in which it is carried."""

    fitted: Fitted | EvaluatedOnly
    carried: Carried

    def score(self, units: pl.DataFrame) -> NDArray[np.float64]:
        if isinstance(self.fitted, EvaluatedOnly):
            return self.fitted.score(units)
        return self.carried(self.fitted, units)

    def finish(self) -> Fitted | EvaluatedOnly:
        return self.fitted


@dataclass(frozen=True)
class _Uncarried:
    """A model that another library fitted; it is written down only if it is the answer."""

    model: sklearn_fit.FittedEstimator
    finisher: Callable[[], Fitted | EvaluatedOnly]

    def score(self, units: pl.DataFrame) -> NDArray[np.float64]:
        return self.model.score(units)

    def finish(self) -> Fitted | EvaluatedOnly:
        return self.finisher()


@dataclass(frozen=True)
class _Fitting:
    """How each kind of model is fitted, with other parameters than its own in `changed`."""

    spec: ModelSpec
    rows: Rows
    frame: Frame
    folder: Path
    carried: Carried

    def fit(self, changed: Mapping[str, Any]) -> Attempt:
        """Fit the kind of model that was asked for."""
        parameters = {**dict(self.spec.parameters), **changed}
        if self.spec.kind == "linear":
            return self._linear(parameters)
        if self.spec.kind == "boosted_trees":
            return self._boosted(parameters)
        if self.spec.kind == "sklearn":
            return self._sklearn(changed)
        if self.spec.kind == "catboost":
            return self._catboost(parameters)
        return self._onnx(parameters)

    def _linear(self, parameters: dict[str, Any]) -> Attempt:
        rows = self.rows
        made = linear.fit(
            rows.columns,
            rows.truth,
            self.frame.target.kind,
            encoder=encoding.fit(rows.columns, rows.types),
            classes=rows.classes,
            **_linear_parameters(parameters),
        )
        return _Done(made, self.carried)

    def _boosted(self, parameters: dict[str, Any]) -> Attempt:
        rows = self.rows
        made = boosted.fit(
            rows.columns,
            rows.truth,
            self.frame.target.kind,
            encoder=encoding.fit(rows.columns, rows.types),
            validation=rows.later,
            parameters=parameters,
            seed=self.frame.seed,
            threads=fit_threads(),
            classes=rows.classes,
            lists=rows.lists,
        )
        return _Done(made, self.carried)

    def _sklearn(self, changed: Mapping[str, Any]) -> Attempt:
        rows = self.rows
        model = sklearn_fit.fit(
            rows.columns,
            rows.truth,
            self.frame.target.kind,
            types=rows.types,
            estimator=self.spec.estimator,
            parameters=changed,
            encode=dict(self.spec.parameters)["encode"],
            seed=self.frame.seed,
            classes=rows.classes,
        )
        return _Uncarried(
            model, partial(sklearn_fit.carry, model, rows.test, rows.types, rows.truth)
        )

    def _catboost(self, parameters: dict[str, Any]) -> Attempt:
        rows = self.rows
        model = catboost_fit.fit(
            rows.columns,
            rows.truth,
            self.frame.target.kind,
            types=rows.types,
            validation=rows.later,
            parameters=parameters,
            seed=self.frame.seed,
            threads=fit_threads(),
            classes=rows.classes,
        )
        return _Uncarried(
            model, partial(catboost_fit.carry, model, rows.test, rows.types, rows.truth)
        )

    def _onnx(self, settings: dict[str, Any]) -> Attempt:
        rows = self.rows
        made = onnx_fit.fit(
            rows.test,
            rows.truth,
            self.frame.target.kind,
            types=rows.types,
            model=onnx_fit.read(self.folder, settings["file"]),
            settings=settings,
            classes=rows.classes,
        )
        return _Done(made, self.carried)


def fit_threads() -> int:
    """Say with how many threads a model is fitted."""
    return min(THREADS_MAX, max(1, (os.cpu_count() or 1) // 2))


def _linear_parameters(given: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(given) - {"penalty"})
    if unknown:
        raise ArgumentError(
            f"`{unknown[0]}` is no parameter of ib.linear. It takes: penalty.",
            mend="ib.linear(penalty=1.0)",
            name=unknown[0],
        )
    return given
