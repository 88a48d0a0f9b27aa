"""Figures as inline SVG: points, lines and intervals in a plain frame with round ticks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH, HEIGHT = 420, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 12, 12, 42
_TICKS_WANTED = 5


class Axis(NamedTuple):
    """One axis: what it shows, from where to where."""

    label: str
    low: float
    high: float


class Interval(NamedTuple):
    """A named value with its interval, for `intervals`."""

    name: str
    value: float
    low: float | None
    high: float | None
    chosen: bool = False


def span(values: Sequence[float]) -> tuple[float, float]:
    """Choose the ends of an axis that shows all values with a little room.

    Examples
    --------
    >>> span([1.0, 3.0])
    (0.9, 3.1)
    """
    low, high = min(values), max(values)
    room = 0.05 * ((high - low) or abs(high) or 1.0)
    return low - room, high + room


def ticks(low: float, high: float) -> list[float]:
    """Place round ticks.

    Examples
    --------
    >>> ticks(0.0, 1.0)
    [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    """
    raw = (high - low) / _TICKS_WANTED or 1.0
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * times for times in (1, 2, 5, 10) if size * times >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [round(n * step, 12) + 0.0 for n in range(first, last + 1)]


def curve(
    title: str,
    x: Axis,
    y: Axis,
    points: Sequence[tuple[float, float]],
    *,
    dots: bool = False,
    diagonal: bool = False,
) -> Markup:
    """Draw a line through points; with `dots` the points themselves, with `diagonal` x = y."""
    placed = [(_x(a, x), _y(b, y)) for a, b in points]
    parts = [_frame(x, y)]
    if diagonal:
        low, high = max(x.low, y.low), min(x.high, y.high)
        ends = (_x(low, x), _y(low, y), _x(high, x), _y(high, y))
        parts.append(Markup('<line class="guide" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(*ends))
    path = " ".join(f"{a},{b}" for a, b in placed)
    parts.append(Markup('<polyline class="line" points="{}"/>').format(path))
    if dots:
        parts += [
            Markup('<circle class="dot" cx="{}" cy="{}" r="3.5"/>').format(*p) for p in placed
        ]
    return _svg(title, parts)


def bars(title: str, x: Axis, y: Axis, edges: Sequence[tuple[float, int]]) -> Markup:
    """Draw a histogram from where each bar begins and how high it is; the last only ends."""
    parts = [_frame(x, y)]
    for (left, n), (right, _) in pairwise(edges):
        a, b, top = _x(left, x), _x(right, x), _y(n, y)
        size = (a, top, _short(max(b - a - 1, 0.5)), _short(HEIGHT - _BOTTOM - top))
        parts.append(
            Markup('<rect class="bar" x="{}" y="{}" width="{}" height="{}"/>').format(*size)
        )
    return _svg(title, parts)


def intervals(title: str, label: str, rows: Sequence[Interval]) -> Markup:
    """Draw one line per row: its value as a dot, its interval as a bar."""
    ends = [v for r in rows for v in (r.value, r.low, r.high) if v is not None]
    axis, height = Axis(label, *span(ends)), 26
    left, bottom = 150, _TOP + height * len(rows)
    inner = WIDTH + 100 - left - _RIGHT

    def place(value: float) -> float:
        return _short(left + inner * (value - axis.low) / (axis.high - axis.low))

    grid = Markup(
        '<line class="grid" x1="{0}" y1="{1}" x2="{0}" y2="{2}"/>'
        '<text class="tick" x="{0}" y="{3}" text-anchor="middle">{4}</text>'
    )
    parts = [
        grid.format(place(tick), _TOP, bottom, bottom + 16, f"{tick:g}")
        for tick in ticks(axis.low, axis.high)
    ]
    for number, row in enumerate(rows):
        y = _TOP + height * number + height // 2
        kind = "chosen" if row.chosen else "other"
        parts.append(
            Markup('<text class="name {}" x="{}" y="{}" text-anchor="end">{}</text>').format(
                kind, left - 10, y + 4, row.name
            )
        )
        if row.low is not None and row.high is not None:
            parts.append(
                Markup('<line class="interval {}" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(
                    kind, place(row.low), y, place(row.high), y
                )
            )
        parts.append(
            Markup('<circle class="value {}" cx="{}" cy="{}" r="4"/>').format(
                kind, place(row.value), y
            )
        )
    parts.append(
        Markup('<text class="label" x="{}" y="{}" text-anchor="middle">{}</text>').format(
            left + inner // 2, bottom + 34, label
        )
    )
    return _svg(title, parts, width=WIDTH + 100, height=bottom + 42)


def _frame(x: Axis, y: Axis) -> Markup:
    under = Markup('<text class="tick" x="{}" y="{}" text-anchor="middle">{}</text>')
    beside = Markup(
        '<line class="grid" x1="{0}" y1="{1}" x2="{2}" y2="{1}"/>'
        '<text class="tick" x="{3}" y="{4}" text-anchor="end">{5}</text>'
    )
    parts = [
        *(under.format(_x(t, x), HEIGHT - _BOTTOM + 16, f"{t:g}") for t in ticks(x.low, x.high)),
        *(
            beside.format(_LEFT, _y(t, y), WIDTH - _RIGHT, _LEFT - 6, _y(t, y) + 4, f"{t:g}")
            for t in ticks(y.low, y.high)
        ),
    ]
    middle = (_TOP + HEIGHT - _BOTTOM) // 2
    parts.append(
        Markup(
            '<text class="label" x="{0}" y="{1}" text-anchor="middle">{2}</text>'
            '<text class="label" x="14" y="{3}" text-anchor="middle" '
            'transform="rotate(-90 14 {3})">{4}</text>'
        ).format((_LEFT + WIDTH - _RIGHT) // 2, HEIGHT - 8, x.label, middle, y.label)
    )
    return Markup("").join(parts)


def _svg(title: str, parts: Sequence[str], *, width: int = WIDTH, height: int = HEIGHT) -> Markup:
    head = Markup('<svg role="img" aria-label="{}" viewBox="0 0 {} {}" width="{}">').format(
        escape(title), width, height, width
    )
    return head + Markup("").join(parts) + Markup("</svg>")


def _x(value: float, axis: Axis) -> float:
    inner = WIDTH - _LEFT - _RIGHT
    return _short(_LEFT + inner * (value - axis.low) / (axis.high - axis.low))


def _y(value: float, axis: Axis) -> float:
    inner = HEIGHT - _TOP - _BOTTOM
    return _short(HEIGHT - _BOTTOM - inner * (value - axis.low) / (axis.high - axis.low))


def _short(value: float) -> float:
    return round(value, 1)
