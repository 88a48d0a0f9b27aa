"""Refuse a table of units that nothing can be learnt from, before types are asked of it.

An empty CSV file has no types, and a column that is not there has none either: what would follow
from that says nothing about the cause, so it is looked at first.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

from isbjerg.data.manifest import DataVersion
from isbjerg.errors import DataError, DefinitionError
from isbjerg.features.sets import Known
from isbjerg.features.sources import Source
from isbjerg.workflows.project_files import Definitions


def check_tables(definitions: Definitions, versions: Mapping[str, DataVersion]) -> None:
    """Refuse a unit's table without rows, and times that tables do not have.

    Raises
    ------
    DataError
        ISB331 when the table of the unit never had a row.
    DefinitionError
        ISB214 when ``[unit] at`` or a rule of `known` names a column that is not there.
    """
    source = definitions.decision.source
    if not versions[source.name].rows:
        raise DataError(
            f"'{source.name}' has no row, so there is nothing to learn from.",
            mend=f"give '{source.name}' its rows, then isbjerg run",
            code="ISB331",
        )
    at = definitions.decision.at
    if at is not None:
        _check_named(at.column, "[unit] at of frame.toml", source, versions)
    for name, version in versions.items():
        if not version.rows:
            continue
        for pattern, rule in definitions.sources[name].known:
            if isinstance(rule, Known):
                place = f'known["{pattern}"] in sources.py'
                _check_named(rule.column, place, definitions.sources[name], versions)


def _check_named(
    column: str, place: str, source: Source, versions: Mapping[str, DataVersion]
) -> None:
    there = [name for name, _ in versions[source.name].schema]
    if column in there:
        return
    close = get_close_matches(column, there, n=1)
    raise DefinitionError(
        f"{place} names '{column}', which '{source.name}' does not have.\n"
        f"Found: {', '.join(there)}",
        mend=f"write '{close[0]}' there"
        if close
        else f"isbjerg data show {source.name}, and name a column of times",
        code="ISB214",
        column=column,
    )
