"""What there is to learn that the run before did not know."""

from __future__ import annotations

import msgspec
import polars as pl

from isbjerg.features.sets import LIVE_AT
from isbjerg.frame.hashes import frame_hash
from isbjerg.storage.catalog.records import Run
from isbjerg.storage.tables import read_facts
from isbjerg.times import format_instant
from isbjerg.workflows.project_files import Definitions
from isbjerg.workflows.units import outcome_known, typed_target
from isbjerg.workflows.workspace import Workspace

RUNS_LOOKED_AT = 50
"""How far back the run before is looked for."""


class News(msgspec.Struct, frozen=True, kw_only=True):
    """What has come since the newest run that stood at the same time or earlier.

    Parameters
    ----------
    run : str or None
        That run; ``None`` when there is none.
    since_us : int or None
        The time it stood at.
    outcomes : int
        Outcomes that became known since.
    tables : tuple of str
        Sources with another data version than it read.
    frame : bool
        Whether frame.toml is another one.
    """

    run: str | None
    since_us: int | None = None
    outcomes: int = 0
    tables: tuple[str, ...] = ()
    frame: bool = False

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to learn: neither an outcome, nor a fact, nor a wish."""
        return self.run is not None and not (self.outcomes or self.tables or self.frame)

    def say(self) -> str:
        """Tell it in a sentence.

        Examples
        --------
        >>> News(run="r7", since_us=0).say()
        'Nothing new came since r7, which stood at 1970-01-01T00:00:00Z.'
        >>> News(run="r7", since_us=0, outcomes=5931, tables=("flights",)).say()
        '5,931 outcomes became known since r7, which stood at 1970-01-01T00:00:00Z; flights changed.'
        """
        if self.run is None or self.since_us is None:
            return "No run stood at this time or earlier."
        since = f"since {self.run}, which stood at {format_instant(self.since_us)}"
        changed = [*self.tables, *(["frame.toml"] if self.frame else [])]
        if self.nothing:
            return f"Nothing new came {since}."
        told = f"; {', '.join(changed)} changed" if changed else ""
        return f"{self.outcomes:,} outcomes became known {since}{told}."


def news_since(workspace: Workspace, definitions: Definitions, at_us: int) -> News:
    """Compare what is ingested with what the newest run knew, as of a time.

    Code is left out: what features and models are, a person changed and a person runs.
    """
    before = _before(workspace, at_us)
    if before is None or before.as_of_us is None:
        return News(run=None)
    known = workspace.catalog.run(before.id).data_versions
    found = {name: workspace.catalog.latest_data_version(name) for name in definitions.sources}
    return News(
        run=before.id,
        since_us=before.as_of_us,
        outcomes=_outcomes(workspace, definitions, before.as_of_us, at_us),
        tables=tuple(n for n, v in found.items() if v is not None and known.get(n) != v.id),
        frame=frame_hash(definitions.frame_text) != before.frame_hash,
    )


def _before(workspace: Workspace, at_us: int) -> Run | None:
    for summary in workspace.catalog.runs(RUNS_LOOKED_AT):
        as_of_us = summary.as_of_us
        if summary.status == "finished" and as_of_us is not None and as_of_us <= at_us:
            return workspace.catalog.run(summary.id)
    return None


def _outcomes(workspace: Workspace, definitions: Definitions, since_us: int, until_us: int) -> int:
    """Count the rows of the unit's source whose outcome became known in ``[since, until)``."""
    decision = definitions.decision
    version = workspace.catalog.latest_data_version(decision.source.name)
    if version is None or since_us >= until_us:
        return 0
    types = {decision.source.name: dict(version.schema)}
    target = typed_target(definitions.target, decision, types, definitions.frame.target.kind)
    known = outcome_known(target, decision)
    columns = list(dict.fromkeys([*decision.source.key, *known.meta.root_names()]))
    facts = read_facts(workspace.store, version, columns, verify=False)
    live_us = pl.col(LIVE_AT).dt.epoch("us")
    known_us = pl.when(known.is_not_null()).then(pl.max_horizontal(known, live_us))
    fresh = facts.filter(known_us.is_between(since_us, until_us, closed="left"))
    return fresh.select(list(decision.source.key)).n_unique()
