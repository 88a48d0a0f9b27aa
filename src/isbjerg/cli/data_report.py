"""Tables, their versions and what lies between them, as they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType

from isbjerg.cli.figures import count, instant, measure, share
from isbjerg.cli.output import Column, findings, key_values, table

if TYPE_CHECKING:
    from isbjerg.data.diff import ColumnDiff, RowExample
    from isbjerg.data.distributions import Spread
    from isbjerg.features.sources import Planned
    from isbjerg.workflows.data_diff import DataDiff
    from isbjerg.workflows.data_tables import DataList, DataShow

_MIDDLE = 3
_NAMED = 3
_WORDS_MAX = 60


def planned(sources: Sequence[Planned]) -> Group:
    """Lay out the sources that are not there yet."""
    rows = [(s.name, s.owner, s.why) for s in sources]
    return table("Planned", [Column("table", wrap=False), "owner", "why"], rows)


def list_pieces(found: DataList) -> Iterator[RenderableType]:
    """Lay out one row per table, then what is planned."""
    columns: list[Column | str] = [
        Column("table", wrap=False),
        Column("newest", wrap=False),
        Column("rows", "right"),
        Column("since", wrap=False),
        "owner",
        "licence",
        Column("refresh", wrap=False),
    ]
    rows = [
        (
            line.table,
            line.version or "never read",
            count(line.rows),
            instant(line.at_us),
            line.owner,
            line.licence,
            f"{line.refresh} (stale)" if line.stale else line.refresh,
        )
        for line in found.tables
    ]
    yield table("Tables", columns, rows)
    if found.planned:
        yield planned(found.planned)


def show_pieces(found: DataShow) -> Iterator[RenderableType]:
    """Lay out a table: what it is, its versions, its columns, what its newest read found."""
    line = found.line
    yield key_values(
        line.table,
        [
            ("meaning", found.meaning),
            ("read from", line.source),
            ("owner", line.owner),
            ("licence", line.licence),
            ("refresh", f"{line.refresh} (stale)" if line.stale else line.refresh),
        ],
    )
    counts = ("new", "corrected", "vanished", "quarantined")
    told = [n for n in counts if n == "new" or any(getattr(v, n) for v in found.versions)]
    words = {"quarantined": "set aside"}
    yield table(
        "Versions, newest first",
        [Column("version", wrap=False), "since", *(Column(words.get(n, n), "right") for n in told)],
        [
            (v.version, instant(v.at_us), *(count(getattr(v, n)) for n in told))
            for v in found.versions
        ],
    )
    yield table(
        "Columns",
        ["column", "type", "known", "class", Column("missing", "right"), "values"],
        [
            (
                f"{c.name} (key)" if c.in_key else c.name,
                c.type,
                c.known or "nothing says when",
                c.personal,
                share(c.spread.missing_share),
                _spread(c.spread),
            )
            for c in found.columns
        ],
    )
    if found.findings:
        yield findings("What the newest read found", found.findings)
    if found.assumptions:
        yield findings("Assumptions", found.assumptions)


def diff_pieces(found: DataDiff) -> Iterator[RenderableType]:
    """Lay out what lies between two versions."""
    rows = found.rows
    retyped = [f"{name} ({was} -> {now})" for name, (was, now) in rows.columns_retyped.items()]
    yield key_values(
        f"{found.before} -> {found.after}",
        [
            ("rows", f"{count(rows.rows_before)} -> {count(rows.rows_after)}"),
            ("added", count(rows.added)),
            ("corrected", count(rows.corrected)),
            ("vanished", f"{count(found.vanished)} (kept)" if found.vanished else "0"),
            ("unchanged", count(rows.unchanged)),
            *_named("columns added", rows.columns_added),
            *_named("columns removed", rows.columns_removed),
            *_named("columns retyped", retyped),
            *(
                (f"read by another {name}", f"{_cut(was)} -> {_cut(now)}")
                for name, was, now in found.definition
            ),
        ],
    )
    if found.changed:
        yield findings("Changed definitions", found.changed)
    yield from _examples("Added, for example", rows.added_examples)
    yield from _examples("Corrected, for example (old -> new)", rows.corrected_examples)
    if found.vanished_examples:
        keys = [RowKey(k) for k in found.vanished_examples]
        yield table("Vanished, for example", ["key"], [(str(key),) for key in keys])
    if rows.added or rows.corrected:
        yield _distributions(rows.columns)


class RowKey:
    """A key as people read it: ``flight_id 7``."""

    def __init__(self, key: Mapping[str, Any]) -> None:
        self._key = key

    def __str__(self) -> str:
        return ", ".join(f"{name} {_value(v)}" for name, v in self._key.items())


def _named(title: str, names: Sequence[str]) -> list[tuple[str, str]]:
    return [(title, ", ".join(names))] if names else []


def _examples(title: str, examples: Sequence[RowExample]) -> Iterator[RenderableType]:
    if examples:
        rows = [(str(RowKey(row.key)), _values(row.values)) for row in examples]
        yield table(title, [Column("key", wrap=False), "values"], rows)


def _values(values: Mapping[str, Any]) -> str:
    told = []
    for name, value in values.items():
        if isinstance(value, list):
            told.append(f"{name} {_value(value[0])} -> {_value(value[1])}")
        else:
            told.append(f"{name} {_value(value)}")
    return ", ".join(told)


def _distributions(columns: Sequence[ColumnDiff]) -> Group:
    ordered = sorted(columns, key=lambda c: -(c.distance.value if c.distance else 0.0))
    return table(
        "Columns, rows of before beside those that came or were corrected since",
        [
            Column("column", wrap=False),
            Column("distance", "right"),
            Column("missing", "right"),
            "values before",
            "values since",
        ],
        [
            (
                c.name,
                f"{c.distance.measure} {measure(c.distance.value)}" if c.distance else None,
                f"{share(c.before.missing_share)} -> {share(c.arrived.missing_share)}",
                _spread(c.before),
                _spread(c.arrived),
            )
            for c in ordered
        ],
    )


def _spread(found: Spread) -> str | None:
    if found.quantiles is not None:
        low, middle, high = (found.quantiles[i] for i in (0, _MIDDLE, -1))
        return f"{_value(low)} .. {_value(middle)} .. {_value(high)}"
    if found.top:
        named = ", ".join(f"{_value(v)} {rows:,}" for v, rows in found.top[:_NAMED])
        more = (found.distinct or 0) - min(_NAMED, len(found.top))
        return f"{named}, {more:,} more" if more > 0 else named
    return f"{found.distinct:,} different" if found.distinct else None


def _value(value: Any) -> str:
    if value is None:
        return "missing"
    if isinstance(value, bool) or not isinstance(value, float | datetime):
        return _cut(str(value))
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:.6g}"


def _cut(text: str) -> str:
    return text if len(text) <= _WORDS_MAX else f"{text[: _WORDS_MAX - 3]}..."
