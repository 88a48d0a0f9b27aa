"""The catalog under one name: every method is one transaction.

A write is durable when its method returns; a process killed before that leaves nothing of
it. Writing the same thing again changes nothing, so a command may always be given again.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Engine

from isbjerg.canonical import content_hash
from isbjerg.data.manifest import DataVersion
from isbjerg.features.sets import FeatureSet
from isbjerg.findings import Finding
from isbjerg.storage.catalog import (
    alarms,
    batches,
    leases,
    notes,
    profiles,
    releases,
    runs,
    versions,
)
from isbjerg.storage.catalog.engine import open_engine, reading, writing
from isbjerg.storage.catalog.migrating import migrate
from isbjerg.storage.catalog.records import (
    Alarm,
    Assigned,
    Assignment,
    AuditEntry,
    BatchRecord,
    DataVersionSummary,
    Finished,
    MetricRow,
    ModelSummary,
    ModelVersion,
    Note,
    Plan,
    Run,
    RunStatus,
    RunSummary,
    VerdictRecord,
    Watch,
)
from isbjerg.storage.catalog.releases import PlanBuilder
from isbjerg.times import Clock


class Catalog:
    """What is known about a project; open it with `Catalog.open`, and close it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with Catalog.open(Path(folder) / "catalog.db", clock=lambda: 0) as catalog:
    ...         run = catalog.start_run(frame_hash="f", measure_hash="m", note="first try")
    ...         catalog.runs()[0].id, catalog.run("r1").note
    ('r1', 'first try')
    """

    def __init__(self, engine: Engine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    @classmethod
    def open(cls, path: Path, clock: Clock) -> Self:
        """Open the catalog file, making or migrating it when needed.

        Raises
        ------
        StoreError
            When the file is damaged, busy, or of a newer isbjerg; the mend says what to do.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        engine = open_engine(path)
        try:
            migrate(engine)
        except BaseException:
            engine.dispose()
            raise
        return cls(engine, clock)

    def close(self) -> None:
        """Close the file."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # Leases

    def lease(self, name: str, what: str) -> AbstractContextManager[None]:
        """Hold the lease `name` (``ingest``, ``run``, ``release``) while a block runs.

        Raises
        ------
        StoreError
            When a living process holds it (``ISB605``). A killed holder holds nothing.
        """
        return leases.lease(self._engine, self._clock, name, what)

    # Frames, feature sets, data versions

    def record_frame(self, name: str, measure_hash: str, content: dict[str, Any]) -> None:
        """Keep a frame as it was read, under its hash."""
        with writing(self._engine) as c:
            columns = {"measure_hash": measure_hash, "at_us": self._clock()}
            versions.put_named(c, versions.FRAMES, name, content, **columns)

    def frame(self, name: str) -> bytes:
        """Return a frame as canonical JSON."""
        with reading(self._engine) as c:
            return versions.get_named(c, versions.FRAMES, "frame", name)

    def record_feature_set(self, feature_set: FeatureSet) -> str:
        """Keep a feature set and return its hash."""
        name = content_hash(feature_set)
        with writing(self._engine) as c:
            versions.put_named(c, versions.FEATURE_SETS, name, feature_set, at_us=self._clock())
        return name

    def feature_set(self, name: str) -> bytes:
        """Return a feature set as canonical JSON."""
        with reading(self._engine) as c:
            return versions.get_named(c, versions.FEATURE_SETS, "feature set", name)

    def reserve_rows(self, table: str, n: int) -> int:
        """Reserve `n` row numbers of a table for ever, and return the first."""
        with writing(self._engine) as c:
            return versions.reserve(c, f"rows:{table}", n)

    def record_data_version(self, version: DataVersion) -> DataVersion:
        """Add a data version to the chain of its table.

        Raises
        ------
        StoreError
            When its parent is not the newest version any more (``ISB606``).
        """
        with writing(self._engine) as c:
            return versions.record_data_version(c, version)

    def latest_data_version(self, table: str) -> DataVersion | None:
        """Return the newest version of a table, or ``None``."""
        with reading(self._engine) as c:
            return versions.latest_data_version(c, table)

    def data_version(self, name: str) -> DataVersion:
        """Return the data version with this id."""
        with reading(self._engine) as c:
            found = versions.find_data_version(c, name)
        if found is None:
            raise versions.missing("data version", name, "isbjerg status")
        return found

    def data_versions(self, table: str | None = None) -> list[DataVersionSummary]:
        """List data versions, newest first."""
        with reading(self._engine) as c:
            return versions.list_data_versions(c, table)

    def parts(self, table: str) -> frozenset[str]:
        """Return the hashes of all parts of a table, for :func:`isbjerg.storage.tables.sweep`."""
        with reading(self._engine) as c:
            return versions.parts(c, table)

    # Runs

    def start_run(self, *, frame_hash: str, measure_hash: str, **facts: Any) -> Run:
        """Begin a run.

        Parameters
        ----------
        frame_hash, measure_hash : str
            Which frame.
        **facts : Any
            Any other field of :class:`isbjerg.storage.catalog.records.Run` that is known.
        """
        known = {"frame_hash": frame_hash, "measure_hash": measure_hash, **facts}
        with writing(self._engine) as c:
            return runs.start_run(c, self._clock(), known)

    def finish_run(
        self,
        run: Run,
        *,
        status: RunStatus = "finished",
        metrics: Sequence[MetricRow] = (),
        verdict: VerdictRecord | None = None,
        model: ModelVersion | None = None,
    ) -> Finished:
        """Write what a run came to, all in one transaction.

        Parameters
        ----------
        run : Run
            As `start_run` gave it, with what was learnt since
            (``msgspec.structs.replace(run, chosen=..., report=...)``).
        status : {"finished", "failed"}
            How it ended.
        metrics, verdict, model
            What it left; ids, numbers and times are given here.

        Returns
        -------
        Finished
            The records as they are now; the same when called again with the same.

        Raises
        ------
        StoreError
            When the run was finished with something else already (``ISB606``).
        """
        with writing(self._engine) as c:
            return runs.finish_run(
                c,
                self._clock(),
                run,
                status=status,
                metrics=metrics,
                verdict=verdict,
                model=model,
            )

    def mark_interrupted_runs(self) -> list[str]:
        """Mark the runs whose process died; return their ids."""
        with writing(self._engine) as c:
            return runs.mark_interrupted(c, self._clock())

    def runs(self, limit: int | None = None) -> list[RunSummary]:
        """List runs, newest first."""
        with reading(self._engine) as c:
            return runs.list_runs(c, limit)

    def run(self, name: str) -> Run:
        """Return everything about one run."""
        with reading(self._engine) as c:
            return runs.get_run(c, name)

    def metrics(self, run: str) -> list[MetricRow]:
        """List the metrics of a run."""
        with reading(self._engine) as c:
            return runs.list_metrics(c, run)

    def verdict(self, name: str) -> VerdictRecord:
        """Return a verdict with its findings."""
        with reading(self._engine) as c:
            return runs.get_verdict(c, name)

    def model_versions(self) -> list[ModelSummary]:
        """List model versions, newest first."""
        with reading(self._engine) as c:
            return runs.list_models(c)

    def model_version(self, number: int) -> ModelVersion:
        """Return a model version with its card."""
        with reading(self._engine) as c:
            return runs.get_model(c, number)

    def add_note(self, text: str, *, who: str, run: str | None = None) -> Note:
        """Write a note into the journal, about a run or about none."""
        with writing(self._engine) as c:
            return notes.add_note(c, self._clock(), text, who=who, run=run)

    def notes(self) -> list[Note]:
        """List the notes, newest first."""
        with reading(self._engine) as c:
            return notes.list_notes(c)

    # Profiles

    def record_profile(self, subject: str, kind: str, payload: bytes) -> None:
        """Keep what was found out about a data version, by its kind."""
        with writing(self._engine) as c:
            profiles.record_profile(c, self._clock(), subject, kind, payload)

    def profile(self, subject: str, kind: str) -> bytes | None:
        """Return what was found out about a data version, or ``None``."""
        with reading(self._engine) as c:
            return profiles.find_profile(c, subject, kind)

    # Releases

    def assign(
        self,
        role: str,
        version: int,
        *,
        by: str,
        why: str,
        build_plan: PlanBuilder,
        share: float = 1.0,
        act: str = "assign",
    ) -> Assigned:
        """Give a role to a model version, all in one transaction.

        Parameters
        ----------
        role : str
            ``live``, or another arm.
        version : int
            Number of the model version.
        by, why : str
            For the audit trail.
        build_plan : callable
            ``(epoch, [(assignment, model version), ...]) -> payload`` of the next serving
            plan; pure, since it runs inside the transaction.
        share : float, default=1.0
            Share of the requests, in ``(0, 1]``.
        act : str, default="assign"
            What the audit trail calls it: ``promote``, ``rollback``.

        Returns
        -------
        Assigned
            The assignment and the newest plan; ``changed`` is false when it stood already.
        """
        with writing(self._engine) as c:
            wanted = Assignment(
                id=0,
                role=role,
                version=version,
                share=share,
                from_us=0,
                until_us=None,
                by=by,
                why=why,
                epoch=0,
            )
            return releases.assign(c, self._clock(), wanted, build_plan, act)

    def assignments(self, role: str | None = None) -> list[Assignment]:
        """List assignments, newest first."""
        with reading(self._engine) as c:
            return releases.list_assignments(c, role)

    def live(self, role: str = "live") -> Assignment | None:
        """Return the assignment of a role that stands, or ``None``."""
        with reading(self._engine) as c:
            return releases.current(c, role)

    def latest_plan(self) -> Plan | None:
        """Return the newest serving plan, or ``None``."""
        with reading(self._engine) as c:
            return releases.latest_plan(c)

    # Watches

    def record_watch(
        self,
        watch: Watch,
        *,
        failing: Sequence[Finding],
        closing: Sequence[tuple[int, str]],
    ) -> None:
        """Keep what a watch saw, and open, count and close alarms, in one transaction.

        One for the same time and model version takes the place of the one before.
        """
        with writing(self._engine) as c:
            alarms.record_watch(c, watch, failing=failing, closing=closing)

    def alarms(self, *, only_open: bool = True) -> list[Alarm]:
        """List alarms, newest first."""
        with reading(self._engine) as c:
            return alarms.list_alarms(c, only_open=only_open)

    def close_alarm(self, number: int, *, by: str, why: str) -> Alarm:
        """Close an alarm by a person's word, with an entry in the audit trail."""
        with writing(self._engine) as c:
            before = alarms.list_alarms(c, only_open=True)
            closed = alarms.close(c, number, self._clock(), why)
            if any(a.id == number for a in before):
                facts = {"code": closed.code, "subject": closed.subject}
                releases.write_audit(
                    c,
                    self._clock(),
                    who=by,
                    act="close alarm",
                    why=why,
                    subject=f"alarm {number}",
                    payload=facts,
                )
            return closed

    def last_watch(self) -> Watch | None:
        """Return the newest watch, or ``None``."""
        with reading(self._engine) as c:
            return alarms.last_watch(c)

    # Acts

    def record_act(
        self, act: str, *, by: str, why: str, subject: str, payload: dict[str, Any]
    ) -> None:
        """Leave an act in the audit trail that changed no assignment."""
        with writing(self._engine) as c:
            releases.write_audit(
                c, self._clock(), who=by, act=act, why=why, subject=subject, payload=payload
            )

    # Batches

    def record_batch(self, batch: BatchRecord, *, who: str) -> bool:
        """Record a batch that is in the ledger; return whether it was not recorded yet."""
        with writing(self._engine) as c:
            return batches.record_batch(c, self._clock(), batch, who=who)

    def batches(self, limit: int | None = None) -> list[BatchRecord]:
        """List batches of predictions, newest first."""
        with reading(self._engine) as c:
            return batches.list_batches(c, limit)

    def audit(self, limit: int | None = None) -> list[AuditEntry]:
        """List acts, newest first."""
        with reading(self._engine) as c:
            return releases.list_audit(c, limit)
