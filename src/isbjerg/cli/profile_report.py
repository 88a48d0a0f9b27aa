"""Profiles as they are read in a terminal: time, what is worth a look, columns, the target."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.console import Group, RenderableType

from isbjerg.cli.figures import NOTHING, count, instant, measure, share, span
from isbjerg.cli.output import Column, findings, key_values, table

if TYPE_CHECKING:
    from isbjerg.data.column_profile import ColumnProfile
    from isbjerg.data.profile import TableProfile
    from isbjerg.data.time_profile import TimeProfile
    from isbjerg.evaluation.relations import GroupMean
    from isbjerg.reports.profile_page import Profiled, ProfileReport, TargetProfile

_BARS = "▁▂▃▄▅▆▇█"
_NAMED = 3
_LOW, _MIDDLE, _HIGH = 0, 3, 6
_TEXT_MAX = 16
_BARS_MAX = 12


def profile_pieces(report: ProfileReport) -> Iterator[RenderableType]:
    """Lay tables out one after the other."""
    for one in report.tables:
        yield _head(one)
        yield _columns(one.profile)
        if one.target is not None:
            yield from _target(one.target)
        if one.findings:
            yield findings("Worth a look", one.findings)


def sparkline(values: Sequence[float], most: float | None = None) -> str:
    """Draw values as little bars; nothing is a blank, anything at least the lowest bar.

    Examples
    --------
    >>> sparkline([0, 1, 50, 100])
    ' ▁▅█'
    """
    highest = most or max(values, default=0) or 1
    return "".join(
        _BARS[min(int(v / highest * len(_BARS)), len(_BARS) - 1)] if v else " " for v in values
    )


def _head(one: Profiled) -> Group:
    found = one.profile
    pairs: list[tuple[str, str | None]] = [
        ("rows", count(found.rows) + _corrected(one)),
        ("key", ", ".join(found.key)),
        ("read from", f"{one.source}, {instant(one.at_us)}"),
    ]
    if one.quarantined:
        pairs.append(("set aside", f"{count(one.quarantined)} rows at its read"))
    if found.time is not None:
        pairs += _time(found.time)
    return key_values(one.version, pairs)


def _corrected(one: Profiled) -> str:
    older = one.rows_ever - one.profile.rows
    return f"; {count(older)} older ones of the same keys" if older else ""


def _time(time: TimeProfile) -> Iterator[tuple[str, str | None]]:
    absent = f"; {count(time.missing)} rows have none" if time.missing else ""
    yield "time", f"{time.column}: {instant(time.first_us)} to {instant(time.last_us)}{absent}"
    drawn = sparkline([p.rows for p in time.periods])
    few, many = (f([p.rows for p in time.periods]) for f in (min, max))
    yield f"per {time.unit}", f"{drawn}  {count(few)} to {count(many)}"
    yield "gaps", _gaps(time)
    for late in time.late:
        named = ", ".join(late.columns)
        told = f"half after {_signed(late.half_us)}, 95% after {_signed(late.most_us)}"
        never = f", in {count(late.never)} rows never" if late.never else ""
        yield f"at {late.rule}", f"{named}: {told}{never}"
    if time.live:
        told = f"half within {span(time.live_half_us)}, 95% within {span(time.live_most_us)}"
        yield "came in live", f"{count(time.live)} rows: {told}"


def _signed(span_us: int) -> str:
    return ("-" if span_us < 0 else "") + span(span_us)


def _gaps(time: TimeProfile) -> str:
    if time.rhythm is None:
        return "no length of time has rows nearly always"
    if not time.gaps:
        return f"none: there are rows every {time.rhythm}"
    told = [f"{instant(g.from_us)} for {span(g.until_us - g.from_us)}" for g in time.gaps[:_NAMED]]
    more = time.gaps_count - len(told)
    rest = f"; {count(more)} more" if more else ""
    return f"{'; '.join(told)}{rest} (rows nearly every {time.rhythm})"


def _columns(found: TableProfile) -> Group:
    rows = [
        (
            f"{c.name} (key)" if c.name in found.key else c.name,
            c.type,
            share(c.missing / c.rows) if c.rows else NOTHING,
            sparkline(_pairs(c.missing_over_time), 1.0) if c.missing else "",
            count(c.distinct),
            sparkline(_half([b.rows for b in c.bins])),
            _values(c),
        )
        for c in found.columns
    ]
    headings: list[Column | str] = [
        Column("column"),
        Column("type", wrap=False),
        Column("missing", "right", wrap=False),
        Column("over time", wrap=False),
        Column("different", "right", wrap=False),
        Column("spread", wrap=False),
        "values",
    ]
    shown = [i for i, _ in enumerate(headings) if i != _MIDDLE or any(r[_MIDDLE] for r in rows)]
    return table("Columns", [headings[i] for i in shown], [[r[i] for i in shown] for r in rows])


def _pairs(shares: Sequence[float | None]) -> list[float]:
    """Take of each two neighbours the larger share; where there are no rows nothing is missing."""
    return [max(s or 0.0 for s in shares[i : i + 2]) for i in range(0, len(shares), 2)]


def _half(values: Sequence[float]) -> list[float]:
    """Join neighbours, where there are many, so that a row stays on its line."""
    if len(values) <= _BARS_MAX:
        return list(values)
    return [sum(values[i : i + 2]) for i in range(0, len(values), 2)]


def _values(column: ColumnProfile) -> str:
    if column.personal is not None:
        return f"not shown: {column.personal}"
    if column.quantiles:
        from isbjerg.reports.words import value_of  # noqa: PLC0415 - the room imports a templater

        ends = (column.quantiles[i] for i in (_LOW, _MIDDLE, _HIGH))
        told = [value_of(v, column.type) for v in ends]
        if column.type in ("instant", "local"):  # the day will do: the line above has the rest
            told = [text.partition(" ")[0] for text in told]
        return " .. ".join(told)
    if column.is_identifier:
        return "each once or nearly so"
    named = [f"{_cut(text)} {count(rows)}" for text, rows in column.top[:_NAMED]]
    more = column.distinct - len(named)
    return ", ".join([*named, *([f"{count(more)} more"] if more > 0 else [])])


def _cut(text: str) -> str:
    told = text if text.strip() == text and text else repr(text)
    return told if len(told) <= _TEXT_MAX else f"{told[: _TEXT_MAX - 3]}..."


_MEASURES = {
    "auc": "AUC (0.5 says nothing, 1 everything)",
    "r2": "R² (0 says nothing, 1 everything)",
    "information": "share of the target's entropy (0 says nothing, 1 everything)",
}


def _target(found: TargetProfile) -> Iterator[RenderableType]:
    if found.relations:
        rows = [
            (
                r.column,
                measure(r.value),
                NOTHING if r.low is None else f"{measure(r.low)} to {measure(r.high)}",
                NOTHING if r.rank is None else f"{r.rank:+.2f}",
                _by_value(r.groups),
            )
            for r in found.relations
        ]
        title = (
            f"What each column alone says about {found.name}: "
            f"{_MEASURES[found.relations[0].measure]}, on {count(found.rows)} training rows"
        )
        headings = [
            Column("column"),
            Column("says", "right", wrap=False),
            Column("95% interval", wrap=False),
            Column("rank", "right", wrap=False),
            Column(f"{found.name} by value", wrap=False),
        ]
        yield table(title, headings, rows)
    if found.aside:
        yield table(
            f"Not held against {found.name}",
            ["column", "why"],
            [(a.column, a.why) for a in found.aside],
        )


def _by_value(groups: Sequence[GroupMean]) -> str:
    means = [g.mean for g in groups]
    if not means:
        return ""
    low, high = min(means), max(means)
    room = (high - low) or 1.0
    drawn = "".join(_BARS[min(int((m - low) / room * 8), 7)] for m in means)
    return f"{drawn}  {measure(low)} to {measure(high)}"
