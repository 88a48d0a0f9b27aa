"""Learn what features ask of the training rows, and put it into their trees.

A feature set as resolved may hold ``learn`` nodes. After the split `learn` goes through the
steps in order, learns each from the training rows alone, writes an ordinary operation in its
place and computes the step for all units. The fitted sets hold no ``learn`` node: they are
what is bundled and served.

A target mean is the one thing that a training row gets otherwise than a row that is served:
learnt from the other folds, because its own outcome is part of the mean. With it in the
features a model would learn to trust a category of one row completely, and find nothing of the
kind when it serves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from isbjerg.errors import DefinitionError
from isbjerg.expressions.build import describe
from isbjerg.expressions.inference import infer
from isbjerg.expressions.learnt import unlearnt
from isbjerg.expressions.polars import to_polars
from isbjerg.expressions.tree import LEARN, Node, Type, names, walk
from isbjerg.features.learning_rules import learn_plain, learn_target_mean
from isbjerg.features.learnt_values import Learnt, put, say
from isbjerg.features.sets import FeatureSet, Step

FOLDS = 10
"""Stretches of time; a training row's target mean comes from the others."""


class Learned(msgspec.Struct, frozen=True):
    """One thing that was learnt.

    Parameters
    ----------
    feature : str
        Whose.
    name : str
        What, as the feature says it: ``learnt.mean(distance)``.
    rows : int
        Training rows that had a value.
    says : str
        In a few words; the whole of it is in the bundle.
    """

    feature: str
    name: str
    rows: int
    says: str


@dataclass(frozen=True)
class Training:
    """The rows to learn from.

    Parameters
    ----------
    rows : ndarray of int
        Which of the units.
    truth : ndarray of float or None
        Their outcomes; ``None`` when the target is no number.
    folds : ndarray of int
        Their folds, of `time_folds`.
    """

    rows: NDArray[np.int64]
    truth: NDArray[np.float64] | None
    folds: NDArray[np.int64]


@dataclass(frozen=True)
class Fitted:
    """What learning gives: the units with every feature, sets without ``learn``, what was learnt."""

    units: pl.DataFrame
    sets: dict[str, FeatureSet]
    learned: tuple[Learned, ...]


def time_folds(at: pl.Series, count: int = FOLDS) -> NDArray[np.int64]:
    """Part rows into stretches of time of about equal size; rows of one moment stay together.

    Examples
    --------
    >>> time_folds(pl.Series([30, 10, 20, 20]), 2).tolist()
    [1, 0, 0, 0]
    """
    times = at.to_physical().cast(pl.Int64).to_numpy()
    before = np.searchsorted(np.sort(times), times)
    folds: NDArray[np.int64] = (before * count // max(1, len(times))).astype(np.int64)
    return folds


def learnable(steps: Sequence[Step]) -> tuple[str, ...]:
    """Name the steps that learn, or use a step that does."""
    found: dict[str, None] = {}
    for step in steps:
        if unlearnt(step.node) or any(n in found for n in names(step.node, "feature")):
            found[step.name] = None
    return tuple(found)


def without_learning(feature_set: FeatureSet) -> FeatureSet:
    """Leave out the steps that need learning: the others can be assembled before the split."""
    later = set(learnable(feature_set.steps))
    return msgspec.structs.replace(
        feature_set,
        steps=tuple(s for s in feature_set.steps if s.name not in later),
        outputs=tuple(name for name in feature_set.outputs if name not in later),
    )


def learn(
    units: pl.DataFrame, everything: FeatureSet, sets: Mapping[str, FeatureSet], training: Training
) -> Fitted:
    """Learn from training rows, and compute the features that needed it for all units.

    Parameters
    ----------
    units : DataFrame
        Assembled over `everything` without learning (`without_learning`).
    everything : FeatureSet
        All sets, merged.
    sets : mapping of str to FeatureSet
        The sets by rung.
    training : Training
        The rows to learn from.

    Returns
    -------
    Fitted
        Units in their order. Nothing of a row outside the training part had an influence.

    Raises
    ------
    DefinitionError
        When a feature asks for the mean of a target that is no number.
    """
    later = set(learnable(everything.steps))
    if not later:
        return Fitted(units, dict(sets), ())
    pending = [step for step in everything.steps if step.name in later]
    work = _Work(units, pending, training)
    for step in pending:
        work.fit(step)
    nodes = {step.name: step.node for step in everything.steps} | work.served
    fitted = {rung: _with_nodes(made, nodes) for rung, made in sets.items()}
    return Fitted(work.finished(), fitted, tuple(work.learned))


class _Work:
    """Goes through the steps; keeps the training rows beside the units while they may differ."""

    def __init__(self, units: pl.DataFrame, pending: Sequence[Step], training: Training) -> None:
        self.served: dict[str, Node] = {}
        self.learned: list[Learned] = []
        self._given = training
        self._units = units
        self._own: set[str] = set()
        """Features whose training rows have another value than a served row would."""
        leaves = {n for step in pending for n in _columns(step.node)}
        self._training = units.select(c for c in units.columns if c in leaves)[training.rows]

    def fit(self, step: Step) -> None:
        """Learn what a step asks for and compute it."""
        known: dict[str, tuple[Node, Node]] = {}
        served, trained = self._both(step.name, step.node, known)
        self.served[step.name] = _retyped(served)
        column = f"feature:{step.name}"
        own = served != trained or any(n in self._own for n in names(served, "feature"))
        self._units = self._units.with_columns(to_polars(self.served[step.name]).alias(column))
        if own:
            self._own.add(step.name)
            values = to_polars(_retyped(trained)).alias(column)
            self._training = self._training.with_columns(values)
        else:
            self._training = self._training.with_columns(self._units[column][self._given.rows])

    def finished(self) -> pl.DataFrame:
        """Put the training rows' own values into the units."""
        place = np.arange(self._units.height)
        place[self._given.rows] = self._units.height + np.arange(len(self._given.rows))
        columns = [f"feature:{name}" for name in sorted(self._own)]
        return self._units.with_columns(
            pl.concat([self._units[c], self._training[c]]).gather(place) for c in columns
        )

    def _both(
        self, feature: str, node: Node, known: dict[str, tuple[Node, Node]]
    ) -> tuple[Node, Node]:
        """Substitute a tree twice: as it is served, and as training rows get it."""
        pairs = [self._both(feature, a, known) for a in node.args]
        served, trained = tuple(s for s, _ in pairs), tuple(t for _, t in pairs)
        if node.op != LEARN:
            kept = node.value, node.type
            return Node(node.op, served, *kept), Node(node.op, trained, *kept)
        name = describe(node)
        if name not in known:
            known[name] = self._learn(feature, node, served[0], trained[0])
        return known[name]

    def _learn(self, feature: str, node: Node, served: Node, trained: Node) -> tuple[Node, Node]:
        values = self._training.select(to_polars(_retyped(trained)).alias("value"))["value"]
        if node.value["what"] == "target_mean":
            truth = self._truth(feature, node)
            value, own = learn_target_mean(values, node.value, truth, self._given.folds)
            leaf = Node("column", value=f"learnt:{len(self.learned)}", type=Type.FLOAT)
            self._training = self._training.with_columns(own.alias(leaf.value))
            both = put(node, served, value), leaf
            self._tell(feature, node, value, len(values))
            return both
        plain = learn_plain(values, node.value)
        self._tell(feature, node, plain, len(values) - values.null_count())
        return put(node, served, plain), put(node, trained, plain)

    def _tell(self, feature: str, node: Node, value: Learnt, rows: int) -> None:
        self.learned.append(Learned(feature, describe(node), rows, say(value)))

    def _truth(self, feature: str, node: Node) -> NDArray[np.float64]:
        if self._given.truth is None:
            raise DefinitionError(
                f"The feature '{feature}' asks for {describe(node)}, "
                "but the target is no number that has a mean.",
                mend="ib.learnt.frequency(...) or ib.learnt.vocabulary(...), which need no target",
                code="ISB224",
                feature=feature,
            )
        return self._given.truth


def _columns(node: Node) -> list[str]:
    """List the columns of a table that stand for the leaves of a tree."""
    return [
        *names(node, "column"),
        *(f"feature:{n}" for n in names(node, "feature")),
        *(f"slot:{n}" for n in names(node, "slot")),
    ]


def _retyped(node: Node) -> Node:
    """Type a tree by the types that its leaves have."""
    leaves: dict[str, dict[str, Type]] = {"column": {}, "feature": {}, "slot": {}}
    for n in walk(node):
        if n.op in leaves and n.type is not None:
            leaves[n.op][n.value] = n.type
    return infer(node, columns=leaves["column"], features=leaves["feature"], slots=leaves["slot"])


def _with_nodes(made: FeatureSet, nodes: Mapping[str, Node]) -> FeatureSet:
    """Put fitted trees into a set, and leave out what only the learning needed."""
    needed = set(made.outputs)
    steps: list[Step] = []
    for step in reversed(made.steps):
        if step.name in needed:
            steps.insert(0, Step(step.name, nodes[step.name]))
            needed |= set(names(nodes[step.name], "feature"))
    used = {leaf for step in steps for leaf in _columns(step.node)}
    slots = tuple(s for s in made.slots if f"slot:{s.name}" in used)
    used |= {unit for slot in slots for _, unit in slot.on}
    return msgspec.structs.replace(
        made,
        columns=tuple((c, t) for c, t in made.columns if c in used),
        slots=slots,
        steps=tuple(steps),
    )
