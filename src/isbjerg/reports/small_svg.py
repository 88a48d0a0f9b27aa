"""Small figures for tables: bars, points, one number on a line; each says its values on hovering."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

WIDTH, HEIGHT = 240, 48


def bars(
    title: str,
    values: Sequence[float],
    labels: Sequence[str],
    *,
    width: int = WIDTH,
    height: int = HEIGHT,
    kind: str = "bar",
    most: float | None = None,
) -> Markup:
    """Draw one bar for each value; the highest fills the height, unless `most` says what does.

    Examples
    --------
    >>> drawn = bars("ages", [1, 3], ["<30", "30 up"])
    >>> drawn.count("<rect"), "&lt;30: 1" in drawn
    (2, True)
    """
    highest = most or max(values, default=0) or 1
    step = width / max(len(values), 1)
    parts = []
    for place, (value, label) in enumerate(zip(values, labels, strict=True)):
        tall = round(height * value / highest, 1)
        tall = max(tall, 1.0) if value else 0.0  # a few are more than none
        told = label if kind == "absent" else f"{label}: {value:,}"
        parts.append(
            Markup(
                '<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>'
            ).format(
                kind,
                round(place * step, 1),
                round(height - tall, 1),
                round(max(step - 1, 0.6), 1),
                tall,
                told,
            )
        )
    return _svg(title, parts, width, height)


def points(
    title: str,
    values: Sequence[float],
    labels: Sequence[str],
    weights: Sequence[int],
    mean: float | None,
) -> Markup:
    """Draw values as points, larger for more rows, over a line that stands for the mean of all.

    Examples
    --------
    >>> points("late", [0.1, 0.4], ["AA", "B6"], [10, 30], 0.3).count("<circle")
    2
    """
    if not values:
        return Markup("")
    ends = [*values, *([] if mean is None else [mean])]
    low, high = min(ends), max(ends)
    room = (high - low) or 1.0
    step, heaviest = WIDTH / len(values), max(weights) or 1

    def y(value: float) -> float:
        return round(HEIGHT - 6 - (HEIGHT - 12) * (value - low) / room, 1)

    parts = []
    if mean is not None:
        line = Markup('<line class="guide" x1="0" x2="{0}" y1="{1}" y2="{1}"/>')
        parts.append(line.format(WIDTH, y(mean)))
    placed = [(round((i + 0.5) * step, 1), y(v)) for i, v in enumerate(values)]
    parts += [
        Markup('<circle class="dot" cx="{}" cy="{}" r="{}"><title>{}</title></circle>').format(
            *place, round(2 + 3 * (weight / heaviest) ** 0.5, 1), label
        )
        for place, weight, label in zip(placed, weights, labels, strict=True)
    ]
    return _svg(title, parts, WIDTH, HEIGHT)


def strength(value: float | None, low: float | None, high: float | None, nothing: float) -> Markup:
    """Draw one number between *says nothing* and 1, with its interval.

    Examples
    --------
    >>> "<rect" in strength(0.75, 0.7, 0.8, 0.5)
    True
    """
    width, height = 120, 12

    def x(at: float) -> float:
        return round(width * min(max((at - nothing) / (1.0 - nothing), 0.0), 1.0), 1)

    parts = [Markup('<rect class="empty" x="0" y="4" width="{}" height="4"/>').format(width)]
    if value is not None:
        parts.append(
            Markup('<rect class="bar" x="0" y="4" width="{}" height="4"/>').format(x(value))
        )
    if low is not None and high is not None:
        line = Markup('<line class="interval" x1="{}" x2="{}" y1="6" y2="6"/>')
        parts.append(line.format(x(low), max(x(high), x(low) + 1)))
    return _svg("strength", parts, width, height)


def _svg(title: str, parts: Sequence[str], width: int, height: int) -> Markup:
    head = Markup(
        '<svg role="img" aria-label="{0}" viewBox="0 0 {1} {2}" width="{1}" height="{2}">'
    )
    return head.format(title, width, height) + Markup("").join(parts) + Markup("</svg>")
