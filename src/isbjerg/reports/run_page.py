"""The page about one run: ladder, figures, numbers, the gate, what it was made with."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from isbjerg.evaluation.curves import Curves
from isbjerg.evaluation.ladder import Ladder
from isbjerg.findings import Finding
from isbjerg.reports import svg


class RunPage(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a run's page shows.

    Parameters
    ----------
    run, objective : str
        Which run, for which product.
    facts : tuple of (str, str)
        What it was made with, in the order to be shown.
    ladder : Ladder
        The rungs.
    findings : tuple of Finding
        What the gate found.
    sentence : str
        The verdict.
    passed : bool
        Whether it may go live.
    curves : Curves or None
        Of the chosen rung.
    stages : tuple of (str, float)
        Seconds of each stage.
    """

    run: str
    objective: str
    facts: tuple[tuple[str, str], ...]
    ladder: Ladder
    findings: tuple[Finding, ...]
    sentence: str
    passed: bool
    curves: Curves | None = None
    stages: tuple[tuple[str, float], ...] = ()


def render(page: RunPage) -> str:
    """Write the page; the same page gives the same bytes."""
    figures = [("The ladder, on the test rows", _ladder(page.ladder)), *_figures(page.curves)]
    return _templates().get_template("run.html").render(page=page, figures=figures)


@cache
def _templates() -> Environment:
    made = Environment(
        loader=PackageLoader("isbjerg.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters["number"] = _number
    made.filters["words"] = lambda name: str(name).replace("_", " ")
    return made


def _number(value: float | None) -> str:
    """Write a number with four decimals, fewer when it is large; nothing as a dash."""
    if value is None:
        return "\u2013"
    return f"{value:,.4f}" if abs(value) < 10 else f"{value:,.1f}"  # noqa: PLR2004 - by its size


def _ladder(ladder: Ladder) -> Markup:
    rows = [
        svg.Interval(row.rung, found.value, found.low, found.high, row.chosen)
        for row in ladder.rows
        if (found := row.metrics[ladder.primary]).value is not None
    ]
    return (
        svg.intervals("the ladder", ladder.primary.replace("_", " "), rows) if rows else Markup("")
    )


def _figures(curves: Curves | None) -> Iterator[tuple[str, Markup]]:
    if curves is None:
        return
    bins = [(b.said, b.true) for b in curves.calibration]
    if bins:
        low, high = svg.span([value for pair in bins for value in pair])
        axes = svg.Axis("said", low, high), svg.Axis("came true", low, high)
        drawn = svg.curve("calibration", *axes, bins, dots=True, diagonal=True)
        yield "Calibration: ten bins of equally many test rows", drawn
    whole = (0.0, 1.0)
    if curves.roc:
        axes = svg.Axis("false positive rate", *whole), svg.Axis("true positive rate", *whole)
        yield "ROC", svg.curve("ROC", *axes, curves.roc, diagonal=True)
    if curves.precision_recall:
        axes = svg.Axis("recall", *whole), svg.Axis("precision", *whole)
        yield "Precision and recall", svg.curve("precision", *axes, curves.precision_recall)
    if len(curves.residuals) > 1:
        edges = [edge for edge, _ in curves.residuals]
        most = max(n for _, n in curves.residuals)
        x, y = svg.Axis("truth minus answer", edges[0], edges[-1]), svg.Axis("rows", 0, most * 1.05)
        if edges[0] < edges[-1]:
            yield "Residuals: the middle 99 %", svg.bars("residuals", x, y, curves.residuals)
