"""Profile tables: what they hold, and what their columns alone say about the target.

Both are kept beside the data version, so that they are worked out once. What is said about the
target is said of training rows only, with what was known at each decision: a look at the data
must not become a look at the test rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from isbjerg.canonical import canonical_json, content_hash
from isbjerg.data.contract import HIDDEN
from isbjerg.data.profile import FORMAT_VERSION, TableProfile, profile_table
from isbjerg.data.time_profile import Rule
from isbjerg.data.versions import DataVersion
from isbjerg.errors import ArgumentError, DefinitionError
from isbjerg.expressions.tree import Type
from isbjerg.features.knowledge import Decision, known_rule, moment
from isbjerg.features.sets import LIVE_AT, Known
from isbjerg.features.sources import Source
from isbjerg.reports.profile_page import Profiled, ProfileReport, TargetProfile, render
from isbjerg.storage.durable import write_durably
from isbjerg.workflows.contracts import contract_path, read_contract
from isbjerg.workflows.data_tables import source_named
from isbjerg.workflows.progress import Progress, silent
from isbjerg.workflows.project_files import Definitions
from isbjerg.workflows.relating import asked_of_target, relate
from isbjerg.workflows.standing import standing
from isbjerg.workflows.workspace import Workspace

_T = TypeVar("_T", TableProfile, TargetProfile)


def profile(
    workspace: Workspace,
    definitions: Definitions,
    table: str | None = None,
    *,
    version: str | None = None,
    as_of_us: int | None = None,
    progress: Progress = silent,
) -> ProfileReport:
    """Profile one table, or all that were ever read.

    Parameters
    ----------
    workspace : Workspace
        Where the tables are.
    definitions : Definitions
        The project.
    table : str, optional
        A source; all of them when not given.
    version : str, optional
        Which version of it, such as ``"flights@v3"``; the newest when not given.
    as_of_us : int, optional
        What is said about the target is said as of this time; of the version's when not given.
    progress : Progress
        Whom to tell.

    Raises
    ------
    ArgumentError
        When there is no such source or version, or nothing was read yet.
    """
    workspace = workspace.within(definitions.frame.memory_bytes)
    chosen = _chosen(workspace, definitions, table, version)
    done = []
    for index, (source, at) in enumerate(chosen):
        progress(f"Profiling {at.id}", index / len(chosen))
        done.append(_profiled(workspace, definitions, source, at, as_of_us))
    progress("Profiled", 1.0)
    return ProfileReport(objective=definitions.frame.objective, tables=tuple(done))


def write_page(report: ProfileReport, out: Path) -> Path:
    """Write a profile as one HTML file that needs nothing else."""
    write_durably(out, render(report).encode())
    return out


def _chosen(
    workspace: Workspace, definitions: Definitions, table: str | None, version: str | None
) -> list[tuple[Source, DataVersion]]:
    if version is not None:
        named, _, number = version.rpartition("@")
        name = f"{named or table}@{number}"
        if table is not None and named not in ("", table):
            raise ArgumentError(
                f"'{version}' is no version of '{table}'.", mend=f"isbjerg profile {named}"
            )
        return [
            (source_named(definitions, named or table or ""), workspace.catalog.data_version(name))
        ]
    sources = [source_named(definitions, table)] if table else list(definitions.sources.values())
    found = [(s, workspace.catalog.latest_data_version(s.name)) for s in sources]
    read = [(s, v) for s, v in found if v is not None]
    if not read:
        raise ArgumentError(
            f"{f'{table!r} was' if table else 'No table was'} read yet, so there is nothing to profile.",
            mend=f"isbjerg ingest{f' {table}' if table else ''}",
        )
    return read


def _profiled(
    workspace: Workspace,
    definitions: Definitions,
    source: Source,
    version: DataVersion,
    as_of_us: int | None,
) -> Profiled:
    decision = definitions.decision
    personal = _personal(workspace, source)
    at = _time_of(source, version, decision)
    at = None if at is None or personal(at) else at
    rules = _rules(source, version, decision, at)
    classes = {name: personal(name) for name, _ in version.schema}
    asked = content_hash([FORMAT_VERSION, at, [list(r) for r in rules], classes])

    def look() -> TableProfile:
        rows = standing(workspace, version, list(dict(version.schema)))
        return profile_table(
            rows, source.name, version.key, at=at, rules=rules, live_at=LIVE_AT, personal=personal
        )

    target = None
    if source.name == decision.source.name:
        until_us = version.at_us if as_of_us is None else as_of_us
        about = content_hash([asked, asked_of_target(definitions, version), until_us])
        target = _kept(
            workspace,
            version,
            "target",
            about,
            form=TargetProfile,
            make=lambda: relate(workspace, definitions, version, until_us, personal),
        )
    return Profiled(
        version=version.id,
        source=version.source,
        at_us=version.at_us,
        rows_ever=version.rows,
        quarantined=version.quarantined,
        profile=_kept(workspace, version, "table", asked, form=TableProfile, make=look),
        target=target,
    )


def _kept(
    workspace: Workspace,
    version: DataVersion,
    kind: str,
    asked: str,
    *,
    form: type[_T],
    make: Callable[[], _T],
) -> _T:
    """Take what was worked out before for the same question, or work it out and keep it."""
    stored = workspace.catalog.profile(version.id, kind)
    if stored is not None:
        held = msgspec.json.decode(stored)
        if held["asked"] == asked:
            return msgspec.convert(held["profile"], form)
    made = make()
    held = canonical_json({"asked": asked, "profile": msgspec.to_builtins(made)})
    workspace.catalog.record_profile(version.id, kind, held)
    return made


def _personal(workspace: Workspace, source: Source) -> Callable[[str], str | None]:
    """Say of a column its class of personal data, where source or contract hide its values."""
    there = contract_path(workspace, source.name).is_file()
    fields = read_contract(workspace, source.name).fields if there else ()
    promised = {f.name: f.personal for f in fields}

    def hidden(column: str) -> str | None:
        classes = (source.class_of(column), promised.get(column))
        return next((kind for kind in classes if kind in HIDDEN), None)

    return hidden


def _time_of(source: Source, version: DataVersion, decision: Decision) -> str | None:
    """Choose the column that says when a row is: of the decision, of the key, of knowledge."""
    times = [name for name, kind in version.schema if kind in (Type.INSTANT, Type.LOCAL)]
    if source.name == decision.source.name and decision.at is not None:
        return decision.at.column
    rules = Counter(rule.column for _, rule in source.known if isinstance(rule, Known))
    wanted = [*(c for c in version.key if c in times), *(c for c, _ in rules.most_common()), *times]
    return next((c for c in wanted if c in times), None)


def _rules(source: Source, version: DataVersion, decision: Decision, at: str | None) -> list[Rule]:
    """Gather columns by when they are known, where that is another time than the row's."""
    if at is None:
        return []
    types = dict(version.schema)
    found: dict[tuple[str, int], list[str]] = {}
    for name in types:
        try:
            rule = known_rule(source, name, decision)
        except DefinitionError:
            continue
        if rule.column in types and types[rule.column] is types.get(at) and rule.column != at:
            found.setdefault((rule.column, rule.offset_us), []).append(name)
    return [
        Rule(tuple(columns), moment(Known(*rule)), *rule) for rule, columns in sorted(found.items())
    ]
