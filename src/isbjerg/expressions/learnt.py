"""Values that are learnt of the training rows: ``ib.learnt.mean(x)`` and its kin.

Inside a feature they are used like any other value. What they are is not known when the
feature is traced: each becomes a ``learn`` node, which no compiler takes. A run learns it from
its training rows, puts an ordinary operation in its place and keeps that with the model, so a
table and a server compute the same (:mod:`isbjerg.features.learning`).

This module only writes the nodes down.
"""

from __future__ import annotations

from isbjerg.errors import ArgumentError
from isbjerg.expressions.build import Expression, describe, to_expression
from isbjerg.expressions.tree import EDGES_MAX, LEARN, TABLE_MAX, Node, walk

SMOOTHING = 20.0
"""Rows that a category needs until its own mean weighs as much as the mean of all."""

VOCABULARY = 40
"""Texts that a vocabulary keeps by default."""

ROWS_MIN = 5
"""Training rows that a text needs by default to be kept."""

OTHER = "other"


def mean(value: object) -> Expression:
    """Take the mean of `value` over the training rows; missing ones are left out.

    Examples
    --------
    >>> distance = Expression(Node("column", value="distance"))
    >>> mean(distance)
    Expression(learnt.mean(distance))
    """
    return _learn(value, "mean")


def std(value: object) -> Expression:
    """Take the standard deviation of `value` over the training rows (divided by their number).

    Dividing by it is null when all training rows have the same value.

    Examples
    --------
    >>> x = Expression(Node("column", value="x"))
    >>> (x - mean(x)) / std(x)
    Expression(divide(subtract(x, learnt.mean(x)), learnt.std(x)))
    """
    return _learn(value, "std")


def minimum(value: object) -> Expression:
    """Take the smallest `value` of the training rows."""
    return _learn(value, "quantile", q=0.0)


def maximum(value: object) -> Expression:
    """Take the largest `value` of the training rows."""
    return _learn(value, "quantile", q=1.0)


def quantile(value: object, q: float) -> Expression:
    """Take the smallest value that at least a share `q` of the training rows do not exceed.

    It is one of the values themselves, never between two of them.

    Parameters
    ----------
    value : Expression
        A number.
    q : float
        Share of the rows, as a fraction in ``[0, 1]``.

    Raises
    ------
    ArgumentError
        When `q` is no fraction.

    Examples
    --------
    >>> quantile(Expression(Node("column", value="x")), 0.99)
    Expression(learnt.quantile(x, 0.99))
    """
    if type(q) not in {int, float} or not 0 <= q <= 1:
        raise ArgumentError.out_of_range("q", "learnt.quantile", "lie in [0, 1]", q)
    return _learn(value, "quantile", q=float(q))


def bucket(value: object, count: int) -> Expression:
    """Say in which bucket `value` lies, of `count` that share the training rows evenly.

    The edges are quantiles of the training rows; a value equal to an edge is in the bucket
    below it. Where many rows have one value there are fewer buckets.

    Parameters
    ----------
    value : Expression
        A number.
    count : int
        Buckets, at least 2 and at most 1,000.

    Returns
    -------
    Expression
        An integer from 0; null for null.

    Raises
    ------
    ArgumentError
        When `count` is out of its range.

    Examples
    --------
    >>> bucket(Expression(Node("column", value="distance")), 10)
    Expression(learnt.bucket(distance, 10))
    """
    if type(count) is not int or not 2 <= count <= EDGES_MAX:  # noqa: PLR2004 - one is no choice
        raise ArgumentError.out_of_range(
            "count", "learnt.bucket", f"be a whole number from 2 to {EDGES_MAX}", count
        )
    return _learn(value, "bucket", count=count)


def vocabulary(
    value: object, most: int = VOCABULARY, *, rows_min: int = ROWS_MIN, other: str = OTHER
) -> Expression:
    """Keep the texts that the training rows have most often, and call every other one `other`.

    Parameters
    ----------
    value : Expression
        A text.
    most : int, default=40
        Texts to keep; of equally frequent ones those first in code point order.
    rows_min : int, default=5
        Training rows that a text needs.
    other : str, default="other"
        What a rare or unknown text becomes, so that a model learns what rareness means.

    Returns
    -------
    Expression
        A text; null for null.

    Raises
    ------
    ArgumentError
        When `most` or `rows_min` is out of its range.

    Examples
    --------
    >>> vocabulary(Expression(Node("column", value="carrier")), 10)
    Expression(learnt.vocabulary(carrier, 10, 5, 'other'))
    """
    _check_most(most, "vocabulary")
    if type(rows_min) is not int or rows_min < 1:
        raise ArgumentError.out_of_range(
            "rows_min", "learnt.vocabulary", "be a whole number from 1 on", rows_min
        )
    if not isinstance(other, str):
        raise ArgumentError.out_of_range("other", "learnt.vocabulary", "be a plain text", other)
    return _learn(value, "vocabulary", most=most, rows_min=rows_min, other=other)


def frequency(value: object, *, most: int = TABLE_MAX) -> Expression:
    """Tell in which share of the training rows a category occurs; 0 for one never seen.

    Parameters
    ----------
    value : Expression
        A text, an integer or a boolean.
    most : int, default=50,000
        Categories to keep, the most frequent first; the others count as never seen.

    Raises
    ------
    ArgumentError
        When `most` is out of its range.

    Examples
    --------
    >>> frequency(Expression(Node("column", value="tail_number")))
    Expression(learnt.frequency(tail_number, 50000))
    """
    _check_most(most, "frequency")
    return _learn(value, "frequency", most=most)


def target_mean(
    value: object, *, smoothing: float = SMOOTHING, most: int = TABLE_MAX
) -> Expression:
    """Take the mean of the target in the category of `value`, drawn towards the mean of all.

    A category with ``n`` rows gets ``(sum + smoothing * mean) / (n + smoothing)``; one never
    seen gets the mean of all, and missing is a category of its own.

    Parameters
    ----------
    value : Expression
        A text, an integer or a boolean.
    smoothing : float, default=20
        Rows that a category needs until its own mean weighs as much as that of all; above 0.
    most : int, default=50,000
        Categories to keep, the most frequent first; the others get the mean of all.

    Raises
    ------
    ArgumentError
        When `smoothing` or `most` is out of its range.

    Notes
    -----
    A training row never sees its own outcome: its value is learnt from the training rows of
    other stretches of time (cross-fitting). All other rows, and the server, get the value
    learnt from all training rows. Without this a category of one row would carry the answer.

    References
    ----------
    .. [1] Micci-Barreca, D. (2001). "A preprocessing scheme for high-cardinality categorical
       attributes in classification and prediction problems." SIGKDD Explorations 3(1), 27-32.
       https://doi.org/10.1145/507533.507538

    Examples
    --------
    >>> target_mean(Expression(Node("column", value="carrier")), smoothing=5)
    Expression(learnt.target_mean(carrier, 5.0, 50000))
    """
    if type(smoothing) not in {int, float} or not 0 < smoothing < float("inf"):
        raise ArgumentError.out_of_range("smoothing", "learnt.target_mean", "be above 0", smoothing)
    _check_most(most, "target_mean")
    return _learn(value, "target_mean", smoothing=float(smoothing), most=most)


def unlearnt(node: Node) -> tuple[Node, ...]:
    """List what a tree still has to learn, each once, in order of first use.

    Examples
    --------
    >>> x = Expression(Node("column", value="x"))
    >>> [describe(n) for n in unlearnt(((x - mean(x)) * mean(x)).node)]
    ['learnt.mean(x)']
    """
    return tuple({describe(n): n for n in walk(node) if n.op == LEARN}.values())


def _learn(value: object, what: str, **parameters: float | str) -> Expression:
    return Expression(Node(LEARN, (to_expression(value).node,), {"what": what, **parameters}))


def _check_most(most: object, of: str) -> None:
    if type(most) is not int or not 1 <= most <= TABLE_MAX:
        raise ArgumentError.out_of_range(
            "most", f"learnt.{of}", f"be a whole number from 1 to {TABLE_MAX}", most
        )
