"""The one place where parts are put together: a project, and every verb as a method.

Heavy libraries are loaded when a verb is said, not when `isbjerg` is imported.
"""

# ruff: noqa: PLC0415 - a verb loads what it needs, `import isbjerg` loads nothing

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from isbjerg.times import Clock, parse_instant, parse_span, system_clock

if TYPE_CHECKING:
    from isbjerg.reports.profile_page import ProfileReport
    from isbjerg.storage.catalog.records import Alarm, Note
    from isbjerg.workflows.compare import CompareReport
    from isbjerg.workflows.data_diff import DataDiff
    from isbjerg.workflows.data_tables import DataList, DataShow
    from isbjerg.workflows.history import HistoryReport
    from isbjerg.workflows.ingest import IngestReport
    from isbjerg.workflows.journal import Journal
    from isbjerg.workflows.predict import PredictReport
    from isbjerg.workflows.progress import Progress
    from isbjerg.workflows.project_files import Definitions
    from isbjerg.workflows.promote import Released, ReleasePlan
    from isbjerg.workflows.reproduce import ReproduceReport
    from isbjerg.workflows.retrain import RetrainPlan, RetrainReport
    from isbjerg.workflows.settle import SettleReport
    from isbjerg.workflows.status import RunDetails, RunLine, StatusReport
    from isbjerg.workflows.trace import Trace
    from isbjerg.workflows.train import RunReport
    from isbjerg.workflows.watch import WatchReport
    from isbjerg.workflows.workspace import Workspace


class Project:
    """A project's folder and what can be done with it.

    Parameters
    ----------
    folder : str or Path, default="."
        Where frame.toml is.
    clock : Clock
        What time it is; the machine's clock unless a replay says otherwise.
    who : str, optional
        Who acts, for the audit trail; the user of the machine when not given.

    Raises
    ------
    ProjectError
        By any verb, when the folder holds no frame.toml.

    Examples
    --------
    >>> Project("flights").folder.name
    'flights'
    """

    def __init__(
        self, folder: str | Path = ".", *, clock: Clock = system_clock, who: str | None = None
    ) -> None:
        self.folder = Path(folder)
        self._clock = clock
        self._who = who

    def definitions(self) -> Definitions:
        """Read what the project's files define."""
        from isbjerg.workflows.project_files import load_definitions

        return load_definitions(self.folder)

    def ingest(
        self,
        tables: Sequence[str] | None = None,
        *,
        live: bool = False,
        full: bool = False,
        accept_change: str | None = None,
        progress: Progress | None = None,
    ) -> IngestReport:
        """Bring what the sources hold into data versions.

        Parameters
        ----------
        tables : sequence of str, optional
            Only these sources.
        live : bool, default=False
            Whether new rows count as known only from now on.
        full : bool, default=False
            Whether to read everything again, also what is known to be read already.
        accept_change : str, optional
            Why the changed meanings of the one table that is named are right.
        progress : callable, optional
            Told each stage and the share done.
        """
        from isbjerg.workflows.ingest import ingest

        definitions = self.definitions()
        with self._open() as workspace:
            return ingest(
                workspace,
                definitions,
                tables=tables,
                live=live,
                full=full,
                accept_change=accept_change,
                **_told(progress),
            )

    def data_list(self) -> DataList:
        """List the tables: versions, rows, owner, licence, refresh, and what is planned."""
        from isbjerg.workflows.data_tables import list_data

        definitions = self.definitions()
        with self._open() as workspace:
            return list_data(workspace, definitions)

    def data_show(self, table: str) -> DataShow:
        """Show one table: its source, its versions, its columns, what its newest read found."""
        from isbjerg.workflows.data_tables import show_data

        definitions = self.definitions()
        with self._open() as workspace:
            return show_data(workspace, definitions, table)

    def data_diff(self, table: str, *versions: str) -> DataDiff:
        """Compare two versions of a table: rows, columns, distributions.

        Parameters
        ----------
        table : str
            Name of the source.
        *versions : str
            Two versions such as ``"v1"``, or one to be compared with the newest; the newest two
            when none is named.
        """
        from isbjerg.workflows.data_diff import diff_data

        definitions = self.definitions()
        with self._open() as workspace:
            return diff_data(workspace, definitions, table, versions)

    def profile(
        self,
        table: str | None = None,
        *,
        version: str | None = None,
        as_of: str | None = None,
        progress: Progress | None = None,
    ) -> ProfileReport:
        """Say what tables hold, and what columns alone say about the target; a notebook shows it.

        Parameters
        ----------
        table : str, optional
            Only this source.
        version : str, optional
            Such as ``"flights@v3"``; the newest when not given.
        as_of : str, optional
            As for `run`: the target's training rows as of this time.
        progress : callable, optional
            Told each stage and the share done.
        """
        from isbjerg.workflows.profiling import profile

        definitions = self.definitions()
        as_of_us = None if as_of is None else parse_instant(as_of)
        with self._open() as workspace:
            return profile(
                workspace,
                definitions,
                table,
                version=version,
                as_of_us=as_of_us,
                **_told(progress),
            )

    def run(
        self,
        as_of: str | None = None,
        *,
        note: str = "",
        fresh: bool = False,
        progress: Progress | None = None,
    ) -> RunReport:
        """Run the loop once: ingest, features, ladder, evaluation, gate.

        Parameters
        ----------
        as_of : str, optional
            Logical time as ISO 8601, such as ``"2013-06-01"`` (UTC): what became known later
            is not used. Now, when not given.
        note : str
            Why this run is made.
        fresh : bool, default=False
            Whether to compute everything, whatever earlier runs left in the cache.
        progress : callable, optional
            Told each stage and the share done.
        """
        from isbjerg.workflows.progress import silent
        from isbjerg.workflows.train import run

        definitions = self.definitions()
        as_of_us = None if as_of is None else parse_instant(as_of)
        with self._open() as workspace:
            return run(
                workspace,
                definitions,
                as_of_us=as_of_us,
                note=note,
                fresh=fresh,
                succession=None,
                progress=progress or silent,
            )

    def plan_retrain(
        self,
        as_of: str | None = None,
        *,
        rungs: Sequence[str] | None = None,
        promote: bool | None = None,
    ) -> RetrainPlan:
        """Say what `retrain` would do with what is ingested now."""
        from isbjerg.workflows.retrain import NEIGHBOURS, plan_retrain

        definitions = self.definitions()
        as_of_us = None if as_of is None else parse_instant(as_of)
        with self._open() as workspace:
            return plan_retrain(
                workspace,
                definitions,
                as_of_us=as_of_us,
                rungs=rungs or NEIGHBOURS,
                promotes=promote,
            )

    def retrain(
        self,
        as_of: str | None = None,
        *,
        rungs: Sequence[str] | None = None,
        promote: bool | None = None,
        note: str = "",
        progress: Progress | None = None,
    ) -> RetrainReport:
        """Train the live rung and its neighbours again; the better model may go live.

        Parameters
        ----------
        as_of : str, optional
            Logical time as ISO 8601: what became known later is not used. Now, when not given.
        rungs : sequence of str, optional
            ``"live"``, ``"-1"`` and ``"+1"`` for the rungs around the live one, which is the
            default, or names of rungs.
        promote : bool, optional
            Whether a model that earned it goes live; when not given, as ``[release] strategy``
            says: ``"direct"`` does.
        note : str
            Why; kept with the run.
        progress : callable, optional
            Told each stage and the share done.
        """
        from isbjerg.workflows.retrain import NEIGHBOURS, retrain

        definitions = self.definitions()
        as_of_us = None if as_of is None else parse_instant(as_of)
        with self._open() as workspace:
            return retrain(
                workspace,
                definitions,
                as_of_us=as_of_us,
                rungs=rungs or NEIGHBOURS,
                promotes=promote,
                note=note,
                **_told(progress),
            )

    def predict(
        self,
        given: str | Path,
        out: str | Path,
        *,
        version: int | None = None,
        as_of: str | None = None,
        replay: bool = False,
        purpose: str = "decision",
        top: int | None = None,
        progress: Progress | None = None,
    ) -> PredictReport:
        """Score a table: the same contract, features, model and ledger as the server's.

        Parameters
        ----------
        given, out : str or Path
            A Parquet, CSV or JSON lines file, relative to the working folder, or
            ``"sqlite:///shop.db#orders"``, ``"postgresql://...#orders"``.
        version : int, optional
            Which model version; the live one when not given.
        as_of : str, optional
            Time of all decisions as ISO 8601, such as the date of a schedule; now, when not
            given. With it the same rows make another batch for each date.
        replay : bool, default=False
            Decide about each row at its own time, with what was known then.
        purpose : str, default="decision"
            What the predictions are for.
        top : int, optional
            Publish only so many of each list, best first; of a target without lists, of all rows.
        progress : callable, optional
            Told each stage and the share done.
        """
        from isbjerg.workflows.predict import predict

        with self._open() as workspace:
            return predict(
                workspace,
                str(given),
                str(out),
                root=Path.cwd(),
                version=version,
                as_of_us=None if as_of is None else parse_instant(as_of),
                replay=replay,
                purpose=purpose,
                top=top,
                **_told(progress),
            )

    def plan_promotion(self, version: int | None = None) -> ReleasePlan:
        """Say what `promote` would do."""
        from isbjerg.workflows.promote import plan_promotion

        with self._open() as workspace:
            return plan_promotion(workspace, version)

    def promote(self, version: int | None = None, *, why: str = "") -> Released:
        """Make a model version live; the newest when none is named."""
        from isbjerg.workflows.promote import promote

        with self._open() as workspace:
            return promote(workspace, version, why)

    def plan_rollback(self, to: int | None = None) -> ReleasePlan:
        """Say what `rollback` would do."""
        from isbjerg.workflows.promote import plan_rollback

        with self._open() as workspace:
            return plan_rollback(workspace, to)

    def rollback(self, to: int | None = None, *, why: str = "") -> Released:
        """Make a version live again that was live before; the last one when none is named."""
        from isbjerg.workflows.promote import rollback

        with self._open() as workspace:
            return rollback(workspace, to, why)

    def publish(self) -> int | None:
        """Write the serving plan again from the catalog; return its epoch, if there is one."""
        from isbjerg.workflows.promote import publish

        with self._open() as workspace:
            plan = publish(workspace)
            return plan.epoch if plan else None

    def example_request(self, host: str, port: int) -> str | None:
        """Write a shell command that asks the live model; ``None`` when nothing is live."""
        from isbjerg.workflows.asking import example_request

        with self._open() as workspace:
            return example_request(workspace, host, port)

    def settle(self, path: str | Path, *, plan: bool = False) -> SettleReport:
        """Take in a file of outcomes that have become known.

        Parameters
        ----------
        path : str or Path
            CSV or Parquet with the unit's key (or ``prediction_id``) and the target's columns.
        plan : bool, default=False
            Only say what would happen.
        """
        from isbjerg.workflows.settle import settle

        definitions = self.definitions()
        with self._open() as workspace:
            return settle(workspace, definitions, Path(path), plan=plan)

    def trace(self, prediction_id: str) -> Trace:
        """Show everything behind one prediction, replayed."""
        from isbjerg.workflows.trace import trace

        with self._open() as workspace:
            return trace(workspace, prediction_id)

    def watch(self, as_of: str | None = None, *, window: str | None = None) -> WatchReport:
        """Look once whether what is live is still what was tested.

        Parameters
        ----------
        as_of : str, optional
            End of the window as ISO 8601; now, when not given.
        window : str, optional
            Its length, such as ``"7d"``; a day when not given.
        """
        from isbjerg.workflows.watch import WINDOW_US, watch

        definitions = self.definitions()
        as_of_us = None if as_of is None else parse_instant(as_of)
        window_us = WINDOW_US if window is None else parse_span(window)
        with self._open() as workspace:
            return watch(workspace, definitions, as_of_us=as_of_us, window_us=window_us)

    def alarms(self, *, only_open: bool = True) -> tuple[Alarm, ...]:
        """List alarms, newest first."""
        with self._open() as workspace:
            return tuple(workspace.catalog.alarms(only_open=only_open))

    def close_alarm(self, number: int, *, why: str) -> Alarm:
        """Close an alarm by a person's word; a watch opens another while the thing lasts."""
        with self._open() as workspace:
            return workspace.catalog.close_alarm(number, by=workspace.who, why=why)

    def status(self) -> StatusReport:
        """Say where the project stands."""
        from isbjerg.workflows.status import status

        definitions = self.definitions()
        with self._open() as workspace:
            return status(workspace, definitions)

    def runs(self, limit: int | None = None) -> tuple[RunLine, ...]:
        """List runs, newest first."""
        from isbjerg.workflows.status import list_runs

        with self._open() as workspace:
            return list_runs(workspace, limit)

    def run_details(self, run: str) -> RunDetails:
        """Show one run: its ladder, its verdict, what it was made with."""
        from isbjerg.workflows.status import run_details

        with self._open() as workspace:
            return run_details(workspace, run)

    def reproduce(self, run: str, *, progress: Progress | None = None) -> ReproduceReport:
        """Run a run again, with its data and seed, and say whether the same bytes came out."""
        from isbjerg.workflows.reproduce import reproduce

        definitions = self.definitions()
        with self._open() as workspace:
            return reproduce(workspace, definitions, run, **_told(progress))

    def compare(self, before: str, after: str) -> CompareReport:
        """Say what differs between two runs, and what it did on the rows they share."""
        from isbjerg.workflows.compare import compare_runs

        definitions = self.definitions()
        with self._open() as workspace:
            return compare_runs(workspace, definitions, before, after)

    def journal(self, limit: int | None = None) -> Journal:
        """Tell what was tried, what changed and what it did, newest first."""
        from isbjerg.workflows.journal import journal

        with self._open() as workspace:
            return journal(workspace, limit)

    def add_note(self, text: str, *, run: str | None = None) -> Note:
        """Write a note into the journal, about a run or about none."""
        from isbjerg.workflows.journal import add_note

        with self._open() as workspace:
            return add_note(workspace, text, run)

    def report(self, run: str, out: str | Path) -> Path:
        """Write the page of a run as one HTML file; the same run gives the same bytes."""
        from isbjerg.workflows.report import write_report

        with self._open() as workspace:
            return write_report(workspace, run, Path(out))

    def history(self) -> HistoryReport:
        """Show what was live when, by whom and why."""
        from isbjerg.workflows.history import history

        with self._open() as workspace:
            return history(workspace)

    @property
    def store(self) -> Path:
        """Folder of the embedded store."""
        from isbjerg.workflows.workspace import STORE

        return self.folder / STORE

    @contextmanager
    def _open(self) -> Iterator[Workspace]:
        from isbjerg.workflows.project_files import frame_file
        from isbjerg.workflows.workspace import open_workspace

        frame_file(self.folder)  # a store is made in a project only
        with open_workspace(self.folder, self._clock, self._who) as workspace:
            yield workspace


def _told(progress: Progress | None) -> dict[str, Progress]:
    return {} if progress is None else {"progress": progress}
