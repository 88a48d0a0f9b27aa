"""Hold a project's assumptions against its tables: what an ingest brought, and what there is.

An answer follows from the data versions and the assumption, so it is kept beside the version and
not worked out again. An assumption that was edited is asked again of the version that stands.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from typing import NamedTuple

import msgspec
import polars as pl

from isbjerg.canonical import canonical_json, content_hash
from isbjerg.data.versions import ROW, DataVersion
from isbjerg.errors import DataError, TypingError
from isbjerg.expressions.inference import infer
from isbjerg.expressions.polars import polars_column, polars_type, to_polars
from isbjerg.expressions.tree import Node, Type, names
from isbjerg.features.assumptions import Assumption
from isbjerg.features.lookups import Asked
from isbjerg.features.sources import Source
from isbjerg.findings import Finding
from isbjerg.workflows.project_files import Definitions
from isbjerg.workflows.standing import standing
from isbjerg.workflows.workspace import Workspace

_SHOWN = 5
"""So many keys stand in a finding."""

_FORMAT = 1
_SUMMABLE = (Type.BOOLEAN, Type.INTEGER, Type.FLOAT)
_HOLDS = "_holds"


class _Judged(NamedTuple):
    """Some rows or groups, and of each whether it keeps the assumption; null: not known."""

    rows: pl.DataFrame
    shown: tuple[str, ...]

    @property
    def known(self) -> int:
        return self.rows.height - self.rows[_HOLDS].null_count()

    @property
    def broken(self) -> int:
        return self.known - int(self.rows[_HOLDS].sum() or 0)

    def keeps(self, share: float) -> bool:
        return self.broken <= (1.0 - share) * self.known * (1 + 1e-12)


def hold_assumptions(
    workspace: Workspace, definitions: Definitions, tables: Sequence[str]
) -> tuple[Finding, ...]:
    """Check the assumptions about some tables as they stand now.

    Parameters
    ----------
    workspace : Workspace
        Where the tables are.
    definitions : Definitions
        The project.
    tables : sequence of str
        Only assumptions about one of these.

    Returns
    -------
    tuple of Finding
        One for each assumption: ``assumption.held`` or ``assumption.failed``; not run, as long
        as a table that it is about was never read.
    """
    about = [a for a in definitions.assumptions if any(s.name in tables for s in a.sources)]
    read = _Read(workspace, about)
    return tuple(_held(read, a) for a in about)


def check_assumed(findings: Sequence[Finding]) -> None:
    """Stop before learning from tables that break a blocking assumption.

    Raises
    ------
    DataError
        When one is broken, or could not be checked.
    """
    broken = [f for f in findings if f.blocks]
    if broken:
        told = "\n".join(f"  {f.message}" for f in broken)
        raise DataError(
            f"{len(broken)} blocking assumption(s) of the project do not hold.\n{told}",
            mend=broken[0].mend,
            code="ISB332",
            assumptions=[f.subject for f in broken],
        )


class _Read:
    """Tables as they stand, each read once for all that is asked of its rows."""

    def __init__(self, workspace: Workspace, about: Sequence[Assumption]) -> None:
        self.workspace = workspace
        self._columns: dict[str, dict[str, None]] = {}
        self._tables: dict[tuple[str, int], pl.DataFrame] = {}
        for assumption in about:
            if not assumption.of_groups:
                asked = names(assumption.value.row_value(), "column")
                self._columns.setdefault(assumption.sources[0].name, {}).update(
                    dict.fromkeys(asked)
                )

    def rows(self, version: DataVersion) -> pl.DataFrame:
        """Return the rows of a version, or of some of its parts, in the columns asked of them."""
        which = (version.id, len(version.parts))
        if which not in self._tables:
            there = dict(version.schema)
            columns = [c for c in self._columns[version.table] if c in there]
            self._tables[which] = standing(self.workspace, version, columns)
        return self._tables[which]


def _held(read: _Read, assumption: Assumption) -> Finding:
    workspace = read.workspace
    found = {s.name: workspace.catalog.latest_data_version(s.name) for s in assumption.sources}
    versions = {name: version for name, version in found.items() if version is not None}
    subject = f"{assumption.sources[0].name}.{assumption.name}"
    if len(versions) < len(found):
        unread = next(name for name in found if name not in versions)
        return Finding(
            code="assumption.held",
            subject=subject,
            outcome="not_run",
            severity="info",
            message=f"{assumption.meaning}: not checked, '{unread}' was never read.",
            mend=f"isbjerg ingest {unread}",
        )
    first = versions[assumption.sources[0].name]
    asked = content_hash([_FORMAT, assumption.hash, [v.id for v in versions.values()]])
    kind = f"assumption:{assumption.name}:{asked[:16]}"
    stored = workspace.catalog.profile(first.id, kind)
    if stored is not None:
        return msgspec.json.decode(stored, type=Finding)
    try:
        finding = _judge(read, assumption, versions, subject)
    except TypingError as fault:
        return _misfit(assumption, subject, fault)
    workspace.catalog.record_profile(first.id, kind, canonical_json(finding))
    return finding


def _judge(
    read: _Read,
    assumption: Assumption,
    versions: Mapping[str, DataVersion],
    subject: str,
) -> Finding:
    if assumption.of_groups:
        whole = _groups(read.workspace, assumption, versions)
        return _told(assumption, subject, whole, "groups" if assumption.by else "table")
    version = versions[assumption.sources[0].name]
    whole = _rows(read, assumption, version)
    own = _own(read.workspace, version)
    if own is None or not whole.keeps(assumption.share):
        return _told(assumption, subject, whole, "rows")
    brought = _rows(read, assumption, own)
    if not brought.keeps(assumption.share):
        return _told(assumption, subject, brought, f"rows that came with {version.id}")
    return _told(assumption, subject, whole, "rows")


def _own(workspace: Workspace, version: DataVersion) -> DataVersion | None:
    """Take of a version only what it brought; ``None`` for the first, which brought everything."""
    if version.parent is None:
        return None
    before = {p.hash for p in workspace.catalog.data_version(version.parent).parts}
    own = tuple(p for p in version.parts if p.hash not in before)
    return msgspec.structs.replace(version, parts=own, rows=sum(p.rows for p in own))


def _rows(read: _Read, assumption: Assumption, version: DataVersion) -> _Judged:
    """Ask of each row of a source whether it keeps the assumption."""
    source = assumption.sources[0]
    node = _boolean(infer(assumption.value.row_value(), columns=dict(version.schema)))
    facts = read.rows(version)
    shown = () if any(source.hides(c) for c in source.key) else tuple(version.key)
    kept = facts.select(*(shown or (ROW,)), to_polars(node).alias(_HOLDS))
    return _Judged(kept, shown)


def _groups(
    workspace: Workspace, assumption: Assumption, versions: Mapping[str, DataVersion]
) -> _Judged:
    """Add the rows of each source up by group, and compare."""
    keys = [f"_by{n}" for n, _ in enumerate(assumption.by)]
    sums = [_summed(workspace, assumption, s, versions[s.name], keys) for s in assumption.sources]
    joined = reduce(
        lambda a, b: (
            a.join(b, on=keys, how="full", coalesce=True, nulls_equal=True)
            if keys
            else pl.concat([a, b], how="horizontal")
        ),
        sums,
    )
    asked = {
        a.name: _typed(a, dict(versions[a.lookup.source.name].schema))[1]
        for a in assumption.value.asked
    }
    none = [
        pl.col(polars_column("slot", a.name)).fill_null(0)
        for a in assumption.value.asked
        if a.aggregate != "mean"
    ]
    node = _boolean(infer(assumption.value.node, columns={}, slots=asked))
    hidden = any(
        s.hides(c)
        for s in assumption.sources
        for _, by in assumption.by
        for c in names(by, "column")
    )
    shown = () if hidden else tuple(name for name, _ in assumption.by)
    judged = joined.with_columns(none).with_columns(to_polars(node).alias(_HOLDS)).sort(*keys)
    named = [pl.col(key).alias(name) for key, name in zip(keys, shown, strict=False)]
    return _Judged(judged.select(*named, _HOLDS), shown)


def _summed(
    workspace: Workspace,
    assumption: Assumption,
    source: Source,
    version: DataVersion,
    keys: Sequence[str],
) -> pl.DataFrame:
    types = dict(version.schema)
    by = [infer(node, columns=types) for _, node in assumption.by]
    mine = [a for a in assumption.value.asked if a.lookup.source.name == source.name]
    values = [_typed(a, types)[0] for a in mine]
    facts = standing(workspace, version, [c for n in (*by, *values) for c in names(n, "column")])
    chosen = facts.select(
        *(to_polars(node).alias(key) for node, key in zip(by, keys, strict=True)),
        *(to_polars(node).alias(f"_v{i}") for i, node in enumerate(values)),
    )
    added = [_added(f"_v{i}", a).alias(polars_column("slot", a.name)) for i, a in enumerate(mine)]
    return chosen.group_by(keys).agg(added) if keys else chosen.select(added)


def _added(column: str, asked: Asked) -> pl.Expr:
    value = pl.col(column)
    if asked.aggregate == "count":
        return value.count().cast(pl.Int64)
    number = value.cast(polars_type(Type.FLOAT))
    return number.sum() if asked.aggregate == "sum" else number.mean()


def _typed(asked: Asked, types: Mapping[str, Type]) -> tuple[Node, Type]:
    """Type a value that is added up, and say of which type its sum is."""
    node = infer(asked.value, columns=types)
    if asked.aggregate == "count":
        return node, Type.INTEGER
    if node.type not in _SUMMABLE:
        raise TypingError(
            f"Values of type {node.type} are added up; {asked.aggregate} takes booleans and numbers.",
            mend="choose a number of it first, such as .total_minutes() in a feature of the row",
        )
    return node, Type.FLOAT


def _boolean(node: Node) -> Node:
    if node.type is not Type.BOOLEAN:
        raise TypingError(
            f"It gives values of type {node.type}, not whether it holds.",
            mend="return a comparison",
        )
    return node


def _misfit(assumption: Assumption, subject: str, fault: TypingError) -> Finding:
    return Finding(
        code="assumption.failed",
        subject=subject,
        severity=assumption.severity,
        message=f"{assumption.meaning}: could not be checked. {fault.message}",
        mend=fault.mend or f"mend {assumption.name} at {assumption.value.place}",
        evidence={"assumption": assumption.name, "checked": False},
    )


def _told(assumption: Assumption, subject: str, judged: _Judged, what: str) -> Finding:
    broken, known = judged.broken, judged.known
    missing = judged.rows.height - known
    evidence = {
        "assumption": assumption.name,
        "rows": known,
        "broken": broken,
        "missing": missing,
        "share": (known - broken) / known if known else None,
        "wanted": assumption.share,
        "owner": assumption.owner,
    }
    unknown = f"; of {missing:,} it cannot be said" if missing else ""
    if judged.keeps(assumption.share):
        allowed = f", {broken:,} do not" if broken else ""
        return Finding(
            code="assumption.held",
            subject=subject,
            outcome="passed" if known else "not_applicable",
            severity="info",
            message=f"{assumption.meaning}: holds for {known - broken:,} of {known:,} {what}"
            f"{allowed}{unknown}.",
            evidence=evidence,
        )
    first = judged.rows.filter(~pl.col(_HOLDS)).head(_SHOWN)
    examples = first.drop(_HOLDS).select(pl.all().cast(pl.String)).to_dicts()
    return Finding(
        code="assumption.failed",
        subject=subject,
        severity=assumption.severity,
        message=f"{assumption.meaning}: does not hold for {broken:,} of {known:,} {what} "
        f"({broken / known:.2%}), allowed are {1 - assumption.share:.2%}{unknown}{_named(examples)}.",
        mend=f"ask {assumption.owner or 'the owner of the data'} what these rows mean; then mend "
        f"the source, or {assumption.name} at {assumption.value.place}",
        evidence=evidence | {"examples": examples},
    )


def _named(examples: Sequence[Mapping[str, str | None]]) -> str:
    if not examples or not examples[0]:
        return ""
    told = [", ".join(f"{name} {value}" for name, value in row.items()) for row in examples]
    return f": {'; '.join(told)}"
