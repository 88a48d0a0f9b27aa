"""The records of the catalog, as values.

A *summary* is what a list shows; the full record adds what is read one at a time (reports,
cards, payloads), so that a list never touches it.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from isbjerg.findings import Finding

RunStatus = Literal["running", "finished", "failed", "interrupted"]


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """Which code ran: the commit, and the difference from it as a blob."""

    commit: str | None = None
    dirty: bool = False
    diff: str | None = None


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of runs shows.

    Parameters
    ----------
    id : str
        ``r7``.
    number : int
        Grows with each run of the project.
    status : {"running", "finished", "failed", "interrupted"}
        *interrupted* when its process died.
    started_us, finished_us : int
        When; ``finished_us`` is null while it runs.
    parent : str, optional
        The run it was started from.
    frame_hash, measure_hash : str
        Which frame; only runs with an equal measure hash may be compared by numbers.
    as_of_us : int, optional
        The logical time it stood at.
    seed : int
        Where its randomness began.
    note : str
        Why it was made, in the user's words.
    chosen : str, optional
        The rung it chose.
    verdict : str, optional
        Id of the gate's verdict.
    """

    id: str
    number: int
    started_us: int
    status: RunStatus = "running"
    finished_us: int | None = None
    parent: str | None = None
    frame_hash: str = ""
    measure_hash: str = ""
    as_of_us: int | None = None
    seed: int = 0
    note: str = ""
    chosen: str | None = None
    verdict: str | None = None


class Run(RunSummary, frozen=True, kw_only=True):
    """Everything needed to make a run again, and what came of it.

    Parameters
    ----------
    code : Code
        Commit and difference.
    environment : str, optional
        Blob of the environment's lock text.
    data_versions : dict of str to str
        Table to data version.
    feature_sets : dict of str to str
        Rung to the hash of its feature set.
    parameters : dict
        As given to the candidates.
    stages : dict of str to float
        Seconds each stage took.
    report : dict
        The evaluation, in built-in values.
    """

    code: Code = Code()
    environment: str | None = None
    data_versions: dict[str, str] = msgspec.field(default_factory=dict)
    feature_sets: dict[str, str] = msgspec.field(default_factory=dict)
    parameters: dict[str, Any] = msgspec.field(default_factory=dict)
    stages: dict[str, float] = msgspec.field(default_factory=dict)
    report: dict[str, Any] = msgspec.field(default_factory=dict)


class MetricRow(msgspec.Struct, frozen=True, kw_only=True):
    """One number of one rung on one split, with its interval."""

    run: str
    rung: str
    split: str
    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    n: int = 0


class VerdictRecord(msgspec.Struct, frozen=True, kw_only=True):
    """What the gate said about one rung of one run; never changed.

    Its id is given when the run is finished: ``d7`` for run ``r7``.
    """

    run: str
    rung: str
    passed: bool
    id: str = ""
    at_us: int = 0
    findings: list[dict[str, Any]] = msgspec.field(default_factory=list)
    payload: dict[str, Any] = msgspec.field(default_factory=dict)


class ModelSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of model versions shows.

    Number, verdict and time are given when the run is finished.
    """

    name: str
    bundle: str
    run: str
    rung: str
    number: int = 0
    verdict: str = ""
    at_us: int = 0

    @property
    def id(self) -> str:
        """``v3``."""
        return f"v{self.number}"


class ModelVersion(ModelSummary, frozen=True, kw_only=True):
    """A bundle that may be released, with its card."""

    card: dict[str, Any] = msgspec.field(default_factory=dict)


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """What finishing a run left in the catalog."""

    run: Run
    verdict: VerdictRecord | None = None
    model: ModelVersion | None = None


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """Which model version had which role, from when until when; ``until_us`` null: still."""

    id: int
    role: str
    version: int
    share: float
    from_us: int
    until_us: int | None
    by: str
    why: str
    epoch: int


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A numbered serving plan, as published to the servers."""

    epoch: int
    at_us: int
    payload: dict[str, Any]


class Assigned(msgspec.Struct, frozen=True, kw_only=True):
    """What an assignment left in the catalog; `changed` is false when it stood already."""

    assignment: Assignment
    plan: Plan
    changed: bool


class BatchRecord(msgspec.Struct, frozen=True, kw_only=True):
    """A batch of predictions that is in the ledger.

    Parameters
    ----------
    id : str
        Drawn from what went in.
    version : int
        The model version that answered.
    rows : int
        Predictions.
    started_us : int
        When it was made.
    payload : dict
        What it was given, and what for.
    """

    id: str
    version: int
    rows: int
    started_us: int
    payload: dict[str, Any] = msgspec.field(default_factory=dict)


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What a person wrote into the journal, about a run or about none."""

    id: int
    run: str | None
    at_us: int
    who: str
    text: str


class AuditEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One act: who did what to what, when and why."""

    id: int
    at_us: int
    who: str
    act: str
    why: str
    subject: str
    payload: dict[str, Any] = msgspec.field(default_factory=dict)


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """What a watch saw as of a time, of the model version that was live."""

    at_us: int
    version: int | None
    failed: int
    findings: tuple[Finding, ...]
    payload: dict[str, Any] = msgspec.field(default_factory=dict)


class Alarm(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong, from when until when, and how often it was seen.

    `last_us` is when a watch saw it last; ``closed_us`` null: it is open. `finding` is the newest.
    """

    id: int
    code: str
    subject: str
    severity: str
    opened_us: int
    last_us: int
    times: int
    closed_us: int | None
    why_closed: str | None
    finding: Finding


class DataVersionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a list of data versions shows."""

    id: str
    table: str
    number: int
    parent: str | None
    rows: int
    at_us: int
    live: bool
    fingerprint: str | None
