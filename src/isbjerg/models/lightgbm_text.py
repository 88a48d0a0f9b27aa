"""LightGBM's model text, reduced to what predicts, and checked before it is loaded.

LightGBM trusts its own files: a child that points outside its tree, or back at its parent,
is followed, and the process dies or never answers. A bundle may come from elsewhere, so each
tree is proven to be a tree here, in the little that predicting reads. Trees of linear models
and several outputs are not understood, hence refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from isbjerg.errors import BundleError

TREES_MAX = 20_000
LEAVES_MAX = 131_072

_OBJECTIVE = re.compile(
    r"(binary sigmoid:[0-9.]+|regression|regression_l1|huber|fair|quantile|mape|poisson|gamma"
    r"|tweedie)( [a-z_]+:?[0-9.]*)*"
)
_END = "end of trees"
_HEADER = {"num_class": "1", "num_tree_per_iteration": "1", "label_index": "0", "version": "v4"}
_CATEGORICAL_BIT = 1


def reduce_text(text: str) -> str:
    """Drop what follows the trees: importances, and settings such as the number of threads.

    What is left depends on the data, the seed and what shapes the trees, so that training
    again gives the same bytes on a machine with other cores.
    """
    return text.partition(f"\n{_END}\n")[0] + f"\n{_END}\n"


def check_text(text: str, features: int) -> None:
    """Prove that a model's text can be asked without harm.

    Parameters
    ----------
    text : str
        As `reduce_text` left it.
    features : int
        Width of the rows it will be asked with.

    Raises
    ------
    BundleError
        Naming the tree and what is wrong with it.
    """
    head, end, rest = text.partition(f"\n{_END}\n")
    if not end or rest:
        raise _refuse("header", f"the text does not stop at '{_END}'")
    header, *trees = re.split(r"\n+(?=Tree=)", head)
    _check_header(_fields(header), features)
    if len(trees) > TREES_MAX:
        raise _refuse("header", f"{len(trees)} trees, at most {TREES_MAX} are taken")
    for number, tree in enumerate(trees):
        _check_tree(f"tree {number}", _fields(tree), number, features)
    sizes = _fields(header).get("tree_sizes", "").split()
    if len(sizes) != len(trees):
        raise _refuse("header", f"{len(sizes)} tree sizes for {len(trees)} trees")
    _check_sizes(sizes, head, trees)


def _fields(block: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in block.split("\n") if line)
    return {name: value for name, _, value in pairs}


def _check_header(header: dict[str, str], features: int) -> None:
    for name, wanted in _HEADER.items():
        if header.get(name) != wanted:
            raise _refuse("header", f"{name} is {header.get(name)!r}, not {wanted!r}")
    if header.get("max_feature_idx") != str(features - 1):
        raise _refuse("header", f"max_feature_idx is not {features - 1}")
    for name in ("feature_names", "feature_infos"):
        if len(header.get(name, "").split(" ")) != features:
            raise _refuse("header", f"{name} does not name {features} features")
    if not _OBJECTIVE.fullmatch(header.get("objective", "")):
        raise _refuse("header", f"the objective {header.get('objective')!r} is not understood")


def _check_sizes(sizes: list[str], head: str, trees: list[str]) -> None:
    """LightGBM jumps through its text by these sizes."""
    starts = [m.start() for m in re.finditer(r"(?<=\n)Tree=", head)]
    spans = [b - a for a, b in zip(starts, [*starts[1:], len(head) + 1], strict=True)]
    # the last tree is followed by an empty line of its own before the end
    if [int(s) for s in sizes] != spans or len(spans) != len(trees):
        raise _refuse("header", "tree_sizes do not fit the trees")


def _check_tree(name: str, fields: dict[str, str], number: int, features: int) -> None:
    if fields.get("Tree") != str(number) or fields.get("is_linear", "0") != "0":
        raise _refuse(name, "it is out of order, or a tree of linear models")
    leaves = _whole(name, fields, "num_leaves", 1)[0]
    if not 1 <= leaves <= LEAVES_MAX:
        raise _refuse(name, f"it has {leaves} leaves")
    if not np.isfinite(_floats(name, fields, "leaf_value", int(leaves))).all():
        raise _refuse(name, "a leaf is not finite")
    if leaves > 1:
        _check_splits(name, fields, int(leaves), features)


def _check_splits(name: str, fields: dict[str, str], leaves: int, features: int) -> None:
    splits = leaves - 1
    used = _whole(name, fields, "split_feature", splits)
    if used.min() < 0 or used.max() >= features:
        raise _refuse(name, f"it splits on a feature outside 0..{features - 1}")
    kinds = _whole(name, fields, "decision_type", splits)
    thresholds = _floats(name, fields, "threshold", splits)
    children = np.concatenate(
        [_whole(name, fields, side, splits) for side in ("left_child", "right_child")]
    )
    # Inner nodes are numbered 0.., leaves -1, -2, ..; LightGBM numbers children after their
    # parents, so "each greater than its parent, each once" proves a tree.
    if sorted(children.tolist()) != [*range(-leaves, 0), *range(1, splits)]:
        raise _refuse(name, "its nodes are not each the child of one other")
    parents = np.tile(np.arange(splits), 2)
    if not ((children < 0) | (children > parents)).all():
        raise _refuse(name, "a node comes before its parent")
    _check_categories(name, fields, thresholds[(kinds & _CATEGORICAL_BIT) > 0])


def _check_categories(name: str, fields: dict[str, str], thresholds: NDArray[np.float64]) -> None:
    count = _whole(name, fields, "num_cat", 1)[0]
    if not count:
        if thresholds.size:
            raise _refuse(name, "it splits on categories that it does not list")
        return
    bounds = _whole(name, fields, "cat_boundaries", int(count) + 1)
    if bounds[0] != 0 or (np.diff(bounds) < 1).any():
        raise _refuse(name, "its category boundaries do not grow from 0")
    _whole(name, fields, "cat_threshold", int(bounds[-1]))
    if not np.isin(thresholds, np.arange(count)).all():
        raise _refuse(name, "it splits on categories that it does not list")


def _words(name: str, fields: dict[str, str], field: str, count: int) -> Iterator[str]:
    words = fields.get(field, "").split(" ")
    if not 0 < count == len(words):
        raise _refuse(name, f"{field} holds {len(words)} values, not {count}")
    return iter(words)


def _whole(name: str, fields: dict[str, str], field: str, count: int) -> NDArray[np.int64]:
    try:
        return np.array([int(w) for w in _words(name, fields, field, count)], dtype=np.int64)
    except (ValueError, OverflowError) as fault:
        raise _refuse(name, f"{field} holds what is no whole number") from fault


def _floats(name: str, fields: dict[str, str], field: str, count: int) -> NDArray[np.float64]:
    try:
        return np.array([float(w) for w in _words(name, fields, field, count)], dtype=np.float64)
    except ValueError as fault:
        raise _refuse(name, f"{field} holds what is no number") from fault


def _refuse(where: str, why: str) -> BundleError:
    return BundleError(
        f"The boosted trees cannot be loaded, {where}: {why}.",
        code="ISB414",
        mend="train again, or fetch the bundle again from where it was made",
        where=where,
    )
