"""The table of classes: all when they are few, else the largest and the worst, and how many more."""

from __future__ import annotations

from isbjerg.cli.class_report import class_piece
from isbjerg.cli.output import render
from isbjerg.evaluation.classes import ClassLine


def line(name: str, rows: int, right: int) -> ClassLine:
    return ClassLine(
        name=name,
        trained=2 * rows,
        rows=rows,
        said=rows,
        precision=right / rows if rows else None,
        recall=right / rows if rows else None,
        recall_low=0.25 if rows else None,
        recall_high=0.75 if rows else None,
        few=rows < 20,
    )


def test_few_classes_are_all_shown_and_those_with_too_few_rows_named() -> None:
    shown = render(
        class_piece([line("rain", 40, 20), line("hail", 3, 1), line("fog", 0, 0)]), width=100
    )
    assert shown.splitlines()[3:] == [
        "  rain             80     40      0.5000   0.5000   0.2500 to 0.7500",
        "  hail              6      3      0.3333   0.3333   0.2500 to 0.7500   too few rows",
        "  fog               0      0           \u2013        \u2013                  \u2013   too few rows",
    ]


def test_of_many_classes_the_largest_and_the_worst_are_shown() -> None:
    many = [line(f"c{n:03}", 20 + n, 20 if n != 7 else 1) for n in range(300)]
    shown = render(class_piece(many), width=100)
    named = [
        text.split()[0]
        for text in shown.splitlines()
        if text.strip().startswith("c") and text.split()[0] != "class"
    ]
    assert named[:10] == [f"c{n:03}" for n in range(299, 289, -1)], "the largest first"
    assert named[10] == "c007", "then the worst of the others"
    assert len(named) == 15
    assert "285 more classes: isbjerg runs RUN --json" in shown
