"""The page about tables: how they cover time, each column, what it alone says about the target."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from isbjerg.data.column_profile import ColumnProfile
from isbjerg.data.profile import TableProfile
from isbjerg.evaluation.relations import Relation
from isbjerg.findings import Finding
from isbjerg.reports import small_svg
from isbjerg.reports.words import count, number, share, spanned, value_of

MEASURED = {
    "auc": ("AUC", "0.5 says nothing, 1 everything", 0.5),
    "r2": ("R²", "0 says nothing, 1 everything", 0.0),
    "information": ("information", "share of the target's entropy: 0 nothing, 1 everything", 0.0),
}
"""Of each measure its name, how it is read, and where it begins to say something."""


class SetAside(msgspec.Struct, frozen=True):
    """A column that is not held against the target, and why."""

    column: str
    why: str


class TargetProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What the columns of the unit's table alone say about the target, on training rows.

    Parameters
    ----------
    name, kind : str
        Of the target.
    rows : int
        Training rows.
    as_of_us : int
        As of when.
    mean : float, optional
        Of the target, on them; a rate when it is binary.
    classes : tuple of (str, int)
        Of a multiclass target: how often each.
    relations : tuple of Relation
        One for each column known at the decision, most first.
    aside : tuple of SetAside
        The other columns.
    findings : tuple of Finding
        Columns that know too much: leakage suspects.
    """

    name: str
    kind: str
    rows: int
    as_of_us: int
    relations: tuple[Relation, ...]
    aside: tuple[SetAside, ...]
    findings: tuple[Finding, ...]
    mean: float | None = None
    classes: tuple[tuple[str, int], ...] = ()


class Profiled(msgspec.Struct, frozen=True, kw_only=True):
    """One data version, profiled.

    Parameters
    ----------
    version, source : str
        Its id, and how it was read.
    at_us : int
        When it was ingested.
    rows_ever : int
        Rows of all its parts, those corrected since included.
    quarantined : int
        Rows that its read set aside.
    profile : TableProfile
        What it holds.
    target : TargetProfile, optional
        Of the unit's table.
    """

    version: str
    source: str
    at_us: int
    rows_ever: int
    quarantined: int
    profile: TableProfile
    target: TargetProfile | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What will need a person, of the table and of the target."""
        return (*self.profile.findings, *(self.target.findings if self.target else ()))


class ProfileReport(msgspec.Struct, frozen=True, kw_only=True):
    """Tables, profiled; in a notebook it shows as the page."""

    objective: str
    tables: tuple[Profiled, ...]

    def _repr_html_(self) -> str:
        """Show the page in a notebook, apart from the notebook's own styles."""
        frame = Markup(
            '<iframe title="profile" sandbox srcdoc="{}" style="width:100%;height:80vh;border:0">'
            "</iframe>"
        )
        # Markup.format escapes the page as a plain text: it is an attribute here
        return str(frame.format(render(self)))


def render(report: ProfileReport) -> str:
    """Write the page; the same report gives the same bytes."""
    return _templates().get_template("profile.html").render(report=report, measured=MEASURED)


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
    made.filters |= {
        "count": count,
        "number": number,
        "share": share,
        "span": spanned,
        "moment": lambda at_us: value_of(at_us, "instant"),
        "value": value_of,
    }
    made.globals |= {
        "histogram": _histogram,
        "over_time": _over_time,
        "absent": _absent,
        "strength": _strength,
        "means": _means,
    }
    return made


def _histogram(column: ColumnProfile) -> Markup:
    labels = [
        value_of(b.low, column.type)
        if b.low == b.high
        else f"{value_of(b.low, column.type)} to {value_of(b.high, column.type)}"
        for b in column.bins
    ]
    return small_svg.bars(column.name, [b.rows for b in column.bins], labels)


def _over_time(profile: TableProfile) -> Markup:
    if profile.time is None:
        return Markup("")
    labels = [value_of(p.from_us, "instant") for p in profile.time.periods]
    rows = [p.rows for p in profile.time.periods]
    return small_svg.bars(f"rows per {profile.time.unit}", rows, labels, width=960, height=90)


def _absent(column: ColumnProfile) -> Markup:
    shares = [s or 0.0 for s in column.missing_over_time]
    labels = [f"{share(s)} missing" for s in shares]
    return small_svg.bars("missing over time", shares, labels, height=18, kind="absent", most=1.0)


def _strength(relation: Relation) -> Markup:
    _, _, nothing = MEASURED[relation.measure]
    return small_svg.strength(relation.value, relation.low, relation.high, nothing)


def _means(relation: Relation, column: ColumnProfile, mean: float | None) -> Markup:
    labels = [_label(g.label, g.low, g.high, column.type) for g in relation.groups]
    told = [
        f"{label}: {number(g.mean)} on {count(g.rows)} rows"
        for label, g in zip(labels, relation.groups, strict=True)
    ]
    values: Sequence[float] = [g.mean for g in relation.groups]
    return small_svg.points(
        "the target by value", values, told, [g.rows for g in relation.groups], mean
    )


def _label(label: str, low: float | None, high: float | None, kind: str) -> str:
    if low is None or high is None:
        return label
    ends = (value_of(low, kind), value_of(high, kind))
    return ends[0] if low == high else f"{ends[0]} to {ends[1]}"
