"""Further kinds of models that models.py can ask for: other libraries' estimators, and a search.

Nothing is loaded here; an estimator is the user's own object, whose library they imported.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from isbjerg.errors import ArgumentError
from isbjerg.models.definitions import ModelSpec
from isbjerg.models.search import TRIALS_DEFAULT, TRIALS_MAX, Search, read_space
from isbjerg.times import parse_span


def sklearn(estimator: Any, *, encode: bool | None = None) -> ModelSpec:
    """Ask for any scikit-learn estimator: a classifier or a regressor, alone or in a Pipeline.

    It is fitted on the training rows and written down as ONNX; when the ONNX form answers alike on
    the test rows and on rows made up to be odd, it is released like any other rung. Otherwise it
    is *evaluated only*: it stands in the ladder with the reason, and a rung that can be carried is
    chosen. Needs ``isbjerg[sklearn]``.

    Parameters
    ----------
    estimator : scikit-learn estimator
        With ``predict_proba`` or ``decision_function`` for a binary target. A Pipeline is given a
        pandas table with the features' names: numbers and truth values as floats (missing is
        NaN), texts as texts (missing is ``""``).
    encode : bool, optional
        Whether to put the default encoding in front: numbers filled with the median, standardised
        and with a column that says where they were missing; a column for each frequent text. Not
        given: for everything but a Pipeline.

    Raises
    ------
    ArgumentError
        When it cannot be fitted: give an object, not a class.

    Examples
    --------
    >>> from sklearn.naive_bayes import GaussianNB
    >>> sklearn(GaussianNB()).kind
    'sklearn'
    >>> sklearn(GaussianNB)
    Traceback (most recent call last):
    isbjerg.errors.ArgumentError: `estimator` of `sklearn` must be a scikit-learn estimator, not...
    ...
    """
    if isinstance(estimator, type) or not (
        hasattr(estimator, "fit") and hasattr(estimator, "get_params")
    ):
        raise ArgumentError.out_of_range(
            "estimator", "sklearn", "be a scikit-learn estimator, not a class", estimator
        )
    return ModelSpec("sklearn", (("encode", encode),), estimator=estimator)


def onnx(
    file: str,
    *,
    inputs: Mapping[str, str | Sequence[str]] | None = None,
    output: str | None = None,
    column: int = -1,
    logits: bool = False,
    missing: Mapping[str, float | str] | None = None,
) -> ModelSpec:
    """Ask for an ONNX model as it is, made elsewhere: scored, compared, judged and released.

    Needs ``isbjerg[onnx]``. What such a model may hold is told in ``docs/how-to/rungs.md``.

    Parameters
    ----------
    file : str
        In the project's folder.
    inputs : mapping of str to str or list of str, optional
        Which features each input of the model takes, in order. Not given: inputs are found by the
        features' names, or the only one takes all features.
    output : str, optional
        The output that holds the score; the last one of floats when not given.
    column : int, default=-1
        Its column; for a classifier the last is the probability of a truth.
    logits : bool, default=False
        Whether a binary score is a decision value, to be put through the logistic function.
    missing : mapping of str to float or str, optional
        By input, what stands for a missing value: NaN for floats and ``""`` for texts when not
        given. An input of whole numbers or truth values must say.

    Examples
    --------
    >>> onnx("churn.onnx", inputs={"features": ["age", "visits"]}).kind
    'onnx'
    """
    if not file:
        raise ArgumentError.out_of_range("file", "onnx", "be a path in the project's folder", file)
    taken = tuple(
        (name, (features,) if isinstance(features, str) else tuple(features))
        for name, features in (inputs or {}).items()
    )
    settings = {
        "file": file,
        "inputs": taken,
        "output": output,
        "column": column,
        "logits": logits,
        "missing": tuple((missing or {}).items()),
    }
    return ModelSpec("onnx", tuple(settings.items()))


def catboost(**parameters: Any) -> ModelSpec:
    """Ask for gradient-boosted symmetric trees, fitted by CatBoost.

    Carried as ONNX, with the same proof as `sklearn`. Training stops on rows that come later in
    time. Needs ``isbjerg[catboost]``.

    Parameters
    ----------
    **parameters : Any
        CatBoost's own names, such as ``depth``; what is not given has a default that did well on
        many tables [1]_ and is shown in the run's record.

    References
    ----------
    .. [1] Holzmueller, D., Grinsztajn, L., Steinwart, I. (2024). "Better by default: strong
       pre-tuned MLPs and boosted trees on tabular data." NeurIPS.

    Examples
    --------
    >>> catboost(depth=6).parameters
    (('depth', 6),)
    """
    return ModelSpec("catboost", tuple(sorted(parameters.items())))


def search(
    spec: ModelSpec,
    *,
    over: Mapping[str, Any],
    trials: int | None = None,
    budget: str | None = None,
) -> ModelSpec:
    """Ask for the best of several fits with other parameters, judged on validation rows.

    The first fit is made with the parameters that `spec` has already, so the answer is never
    worse there than without a search. Test rows are not looked at. Every fit is recorded in the
    run; an answer at the border of the space is a finding, with the widened space to paste.

    Parameters
    ----------
    spec : ModelSpec
        From `linear`, `boosted_trees`, `sklearn` or `catboost`.
    over : mapping
        By parameter: ``(low, high)`` for a range, whole if both ends are; ``(low, high, "log")``
        where ratios matter; a list of values.
    trials : int, optional
        How many fits; 20 when nothing is given. The same seed gives the same fits.
    budget : str, optional
        Time after which no further fit is begun, such as ``"60s"``; how many it was good for
        depends on the machine and is recorded. With that many `trials` the answer is the same.

    Raises
    ------
    ArgumentError
        When both `trials` and `budget` are given, or the space is none.

    Examples
    --------
    >>> from isbjerg.models.definitions import boosted_trees
    >>> asked = search(boosted_trees(), over={"num_leaves": (8, 256)}, trials=10)
    >>> asked.kind, asked.search.trials
    ('boosted_trees', 10)
    """
    if spec.kind == "onnx" or spec.search is not None:
        raise ArgumentError.out_of_range(
            "spec", "search", "come from ib.linear, boosted_trees, sklearn or catboost", spec
        )
    if trials is not None and budget is not None:
        raise ArgumentError.out_of_range(
            "budget", "search", "stand alone: give either trials or budget", budget
        )
    if trials is not None and not 1 <= trials <= TRIALS_MAX:
        raise ArgumentError.out_of_range("trials", "search", f"lie in 1 to {TRIALS_MAX}", trials)
    wanted = TRIALS_DEFAULT if trials is None and budget is None else trials
    asked = Search(read_space(over), wanted, None if budget is None else parse_span(budget))
    return dataclasses.replace(spec, search=asked)
