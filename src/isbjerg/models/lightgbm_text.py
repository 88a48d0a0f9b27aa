"""LightGBM's model text, read into values that are proven safe, and written anew.

LightGBM trusts its own files: a child that points outside its tree, or back at its parent, is
followed, and a number it cannot read ends the process. A bundle may come from elsewhere, so
LightGBM never sees a stranger's text. What predicting needs is read here, each tree is proven
to be a tree, and a text with exactly that, in exactly one way of writing it, is written; a
stored text must be that one. It holds no training statistics and no settings, so that it
depends on nothing but what the model answers. Trees of linear models are not understood, hence
refused. Of several classes each has a tree in turn.

One meaning is changed on the way. At a split on a number that was never missing in training,
LightGBM takes a missing one for 0.0, which may be a value like no other; here it goes where
most of the training rows went.
"""

from __future__ import annotations

import re

import msgspec
import numpy as np
from numpy.typing import NDArray

from isbjerg.errors import BundleError

TREES_MAX = 20_000
LEAVES_MAX = 131_072
CLASSES_MAX = 1_000

_WHOLE = re.compile(r"-?[0-9]{1,10}")
_NUMBER = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,40})?(e[+-][0-9]{1,3})?")
_OBJECTIVE = re.compile(
    r"binary sigmoid:[0-9]{1,6}(\.[0-9]{1,20})?"
    r"|multiclass num_class:[0-9]{1,4}|lambdarank|rank_xendcg"
    r"|(regression|regression_l1|huber|fair|quantile|mape|poisson)( sqrt)?( alpha:0\.[0-9]{1,20})?"
)
_END = "end of trees"
_INFINITE = {"inf": "1e+308", "-inf": "-1e+308"}
_CATEGORICAL_BIT, _LEFT_BIT, _MISSING_BITS, _MISSING_KINDS = 1, 2, 2, 3
_MISSING_IS_NAN = 2 << _MISSING_BITS
_WORD_MAX = 2**32
_HEADER = {"label_index": "0", "version": "v4"}
_SPLIT_FIELDS = ("split_feature", "threshold", "decision_type", "left_child", "right_child")
_CATEGORY_FIELDS = ("cat_boundaries", "cat_threshold")


class _Tree(msgspec.Struct):
    """The words of one tree, each proven to be a number of the right kind."""

    name: str
    leaves: int
    categories: int
    fields: dict[str, list[str]]

    def whole(self, field: str) -> NDArray[np.int64]:
        """Read a field as whole numbers."""
        if not all(_WHOLE.fullmatch(w) for w in self.fields[field]):
            raise _refuse(self.name, f"{field} holds what is no whole number")
        return np.array([int(w) for w in self.fields[field]], dtype=np.int64)

    def floats(self, field: str) -> NDArray[np.float64]:
        """Read a field as finite numbers."""
        words = self.fields[field]
        numbers = np.array([float(w) if _NUMBER.fullmatch(w) else np.nan for w in words])
        if not np.isfinite(numbers).all():
            raise _refuse(self.name, f"{field} holds what is no finite number")
        return numbers


def rewrite(text: str, features: int) -> str:
    """Write what a model's text answers, and nothing else, in the one way.

    Parameters
    ----------
    text : str
        As LightGBM, or this function, wrote it.
    features : int
        Width of the rows it will be asked with.

    Returns
    -------
    str
        Safe for LightGBM to load; rewriting it again changes nothing.

    Raises
    ------
    BundleError
        Naming the tree and what is wrong with it.
    """
    head, end, _ = text.partition(f"\n{_END}\n")
    header, *blocks = re.split(r"\n+(?=Tree=)", head)
    if not end or not 1 <= features <= LEAVES_MAX:
        raise _refuse("header", f"the text does not reach '{_END}', or takes no feature")
    if len(blocks) > TREES_MAX:
        raise _refuse("header", f"{len(blocks)} trees, at most {TREES_MAX} are taken")
    fields = _fields(header)
    objective, outputs = _check_header(fields, features)
    if len(blocks) % outputs:
        raise _refuse(
            "header", f"{len(blocks)} trees are not as many for each of {outputs} classes"
        )
    parts = ["tree", f"num_class={outputs}", f"num_tree_per_iteration={outputs}"]
    parts += [
        *(f"{name}={value}" for name, value in _HEADER.items()),
        f"max_feature_idx={features - 1}",
        f"objective={objective}",
        "feature_names=" + " ".join(f"feature_{i}" for i in range(features)),
        "feature_infos=" + " ".join(["none"] * features),
        "",
    ]
    for number, block in enumerate(blocks):
        fields = _fields(block)
        tree = _read_tree(number, fields)
        _check_tree(tree, features)
        _send_missing(tree, fields)
        parts += _written(number, tree)
    return "\n".join([*parts, _END, ""])


def check_text(text: str, features: int) -> int:
    """Prove that a stored text is one that `rewrite` wrote; return how many numbers it answers.

    Raises
    ------
    BundleError
        When it is not, naming what is wrong where that is known.
    """
    if rewrite(text, features) != text:
        raise _refuse("text", "it holds more than its trees, or writes them in another way")
    return int(_fields(text.partition("\n\n")[0])["num_class"])


def _fields(block: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in block.split("\n") if line)
    return {name: value for name, _, value in pairs}


def _check_header(header: dict[str, str], features: int) -> tuple[str, int]:
    wanted = {**_HEADER, "max_feature_idx": str(features - 1)}
    for name, value in wanted.items():
        if header.get(name) != value:
            raise _refuse("header", f"{name} is {header.get(name)!r}, not {value!r}")
    objective = header.get("objective", "")
    if not _OBJECTIVE.fullmatch(objective) or objective.endswith("sigmoid:0"):
        raise _refuse("header", f"the objective {objective!r} is not understood")
    outputs = header.get("num_class", "")
    several = re.fullmatch(r"multiclass num_class:([0-9]+)", objective)
    if outputs != (several[1] if several else "1") or outputs != header.get(
        "num_tree_per_iteration"
    ):
        raise _refuse("header", f"num_class is {outputs!r}, which its objective is not")
    if not 1 <= int(outputs) <= CLASSES_MAX or str(int(outputs)) != outputs:
        raise _refuse("header", f"{outputs} classes, at most {CLASSES_MAX:,} are taken")
    return objective, int(outputs)


def _read_tree(number: int, fields: dict[str, str]) -> _Tree:
    name = f"tree {number}"
    alone = [fields.get(f, "") for f in ("Tree", "num_leaves", "num_cat")]
    if not all(_WHOLE.fullmatch(w) for w in alone) or int(alone[0]) != number:
        raise _refuse(name, "it is out of order, or does not tell its size")
    if fields.get("is_linear", "0") != "0":
        raise _refuse(name, "it is a tree of linear models")
    leaves, categories = int(alone[1]), int(alone[2])
    if not 1 <= leaves <= LEAVES_MAX or not 0 <= categories < leaves:
        raise _refuse(name, f"it has {leaves} leaves and {categories} splits on categories")
    lengths = {"leaf_value": leaves}
    if leaves > 1:
        lengths |= dict.fromkeys(_SPLIT_FIELDS, leaves - 1)
    if categories:
        lengths |= {"cat_boundaries": categories + 1}
    words = {f: fields.get(f, "").split(" ") for f in lengths}
    if "threshold" in words:  # between values near the largest float; LightGBM reads it as 1e308
        words["threshold"] = [_INFINITE.get(w, w) for w in words["threshold"]]
    if categories:
        words["cat_threshold"] = fields.get("cat_threshold", "").split(" ")
    for field, length in lengths.items():
        if len(words[field]) != length:
            raise _refuse(name, f"{field} holds {len(words[field])} values, not {length}")
    return _Tree(name, leaves, categories, words)


def _check_tree(tree: _Tree, features: int) -> None:
    tree.floats("leaf_value")
    if tree.leaves == 1:
        return
    used, kinds = tree.whole("split_feature"), tree.whole("decision_type")
    if used.min() < 0 or used.max() >= features:
        raise _refuse(tree.name, f"it splits on a feature outside 0..{features - 1}")
    if kinds.min() < 0 or (kinds >> _MISSING_BITS).max() >= _MISSING_KINDS:
        raise _refuse(tree.name, "it decides in an unknown way")
    _check_shape(tree)
    thresholds = tree.floats("threshold")
    _check_categories(tree, thresholds[(kinds & _CATEGORICAL_BIT) > 0])


def _check_shape(tree: _Tree) -> None:
    """Inner nodes are numbered 0.., leaves -1, -2, ..; LightGBM numbers children after parents.

    So "each once, and after its parent" proves a tree.
    """
    splits = tree.leaves - 1
    children = np.concatenate([tree.whole("left_child"), tree.whole("right_child")])
    if sorted(children.tolist()) != [*range(-tree.leaves, 0), *range(1, splits)]:
        raise _refuse(tree.name, "its nodes are not each the child of one other")
    parents = np.tile(np.arange(splits), 2)
    if not ((children < 0) | (children > parents)).all():
        raise _refuse(tree.name, "a node comes before its parent")


def _check_categories(tree: _Tree, thresholds: NDArray[np.float64]) -> None:
    if not np.isin(thresholds, np.arange(tree.categories)).all():
        raise _refuse(tree.name, "it splits on categories that it does not list")
    if not tree.categories:
        return
    bounds, words = tree.whole("cat_boundaries"), tree.whole("cat_threshold")
    if bounds[0] != 0 or (np.diff(bounds) < 1).any() or bounds[-1] != len(words):
        raise _refuse(tree.name, "its category boundaries do not grow from 0 to the last")
    if words.min() < 0 or words.max() >= _WORD_MAX:
        raise _refuse(tree.name, "its categories are no words of 32 bits")


def _send_missing(tree: _Tree, fields: dict[str, str]) -> None:
    """Send a missing number with most of the training rows, at splits that say nothing of it."""
    if tree.leaves == 1:
        return
    kinds = tree.whole("decision_type")
    silent = (kinds & _CATEGORICAL_BIT == 0) & (kinds >> _MISSING_BITS == 0)
    if not silent.any():
        return
    left, right = _rows_below(tree, fields)
    told = np.where(left >= right, _MISSING_IS_NAN | _LEFT_BIT, _MISSING_IS_NAN)
    tree.fields["decision_type"] = [str(k) for k in np.where(silent, told, kinds).tolist()]


def _rows_below(tree: _Tree, fields: dict[str, str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Count the training rows that went left and right at each split."""
    for field, length in (("leaf_count", tree.leaves), ("internal_count", tree.leaves - 1)):
        tree.fields[field] = fields.get(field, "").split(" ")
        if len(tree.fields[field]) != length:
            raise _refuse(tree.name, "a split does not say where a missing number goes")
    inner, leaf = tree.whole("internal_count"), tree.whole("leaf_count")
    # child -1 is leaf 0, -2 leaf 1, ...: counted from the end of the reversed leaves
    rows = np.concatenate([inner, leaf[::-1]])
    return rows[tree.whole("left_child")], rows[tree.whole("right_child")]


def _written(number: int, tree: _Tree) -> list[str]:
    counts = [f"Tree={number}", f"num_leaves={tree.leaves}", f"num_cat={tree.categories}"]
    order = (*_SPLIT_FIELDS, "leaf_value", *_CATEGORY_FIELDS)
    lists = [f"{f}={' '.join(tree.fields[f])}" for f in order if f in tree.fields]
    return [*counts, *lists, "is_linear=0", "shrinkage=1", "", ""]


def _refuse(where: str, why: str) -> BundleError:
    return BundleError(
        f"The boosted trees cannot be loaded, {where}: {why}.",
        code="ISB414",
        mend="train again, or fetch the bundle again from where it was made",
        where=where,
    )
