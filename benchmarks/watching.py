"""How often does a watch cry wolf, what does it see, and what does it cost to read the ledger by time?

Real flights: a model of January to August, answers about September to December as the assembly
gives them, watched week by week. The season changes and storms come, so an alarm is not false for
being one: false alarms proper are counted on weeks drawn from the reference's own days.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from tests.workflows import ledger_kit

from benchmarks.figures import Figure, against
from benchmarks.ledgers import prediction
from benchmarks.measuring import interleaved, median, wall
from isbjerg.examples.flights_data import tidy_tables, write_tables
from isbjerg.examples.flights_package import package_folder
from isbjerg.examples.projects import template_files
from isbjerg.findings import Finding
from isbjerg.monitoring.alarms import alarms
from isbjerg.monitoring.inputs import Wiring, judge_columns, judge_missing
from isbjerg.monitoring.quality import judge_scores
from isbjerg.monitoring.reference import SCORE, Reference, read_reference
from isbjerg.monitoring.traffic import Traffic
from isbjerg.project import Project
from isbjerg.storage.ids import Ids
from isbjerg.storage.ledger import Ledger
from isbjerg.storage.ledger_writer import LedgerWriter
from isbjerg.times import HOUR_US
from isbjerg.workflows.drafting_tooling import write_project

AS_OF, FIRST, LAST = (datetime(2013, m, 1, tzinfo=UTC) for m in (9, 9, 12))
AHEAD = timedelta(hours=2)
ASKED = ("missing", "lookup", "distribution", "scores", "volume", "silence", "contract")
LEDGER_ROWS = 200_000


def figures(*, quick: bool) -> Iterator[Figure]:
    """Yield alarms a week and each question's share of failures; then milliseconds of reading."""
    yield from _reading(quick=quick)
    with tempfile.TemporaryDirectory() as folder:
        project = _project(Path(folder) / "flights")
        yield from _weeks(project, weeks=3 if quick else 13)
        yield from _unchanged(project, weeks=50 if quick else 400)


def _project(folder: Path) -> Project:
    tables = tidy_tables(package_folder())
    write_project(folder, template_files("flights"))
    write_tables(tables, folder / "data")
    project = Project(folder)
    report = project.run(AS_OF.date().isoformat())
    project.promote(report.model_version)
    flights = tables["flights"].filter(pl.col("sched_dep_utc").is_between(FIRST, LAST))
    ledger_kit.answer(project, flights, pl.col("sched_dep_utc") - AHEAD)
    return project


def _weeks(project: Project, *, weeks: int) -> Iterator[Figure]:
    """Watch September to November, week by week, as it was."""
    failed: dict[str, int] = {}
    for week in range(1, weeks + 1):
        report = project.watch((FIRST + week * timedelta(days=7)).isoformat(), window="7d")
        for found in filter(alarms, report.findings):
            failed[found.code] = failed.get(found.code, 0) + 1
    for code in ASKED:
        yield against(
            f"watching.autumn.{code}",
            failed.get(f"watch.{code}", 0) / weeks,
            0.0,
            unit="alarms/week",
            conditions=f"{weeks} weeks from {FIRST:%Y-%m-%d}, the model of {AS_OF:%Y-%m-%d} all along",
        )


def _unchanged(project: Project, *, weeks: int) -> Iterator[Figure]:
    """Draw weeks from the reference's own days; whatever is flagged is false."""
    with project._open() as workspace:  # noqa: SLF001 - no verb gives the reference
        reference = read_reference(workspace.catalog.model_version(1).card)
    if reference is None:
        return
    rng = np.random.default_rng(0)
    flagged = any_ = asked = 0
    for _ in range(weeks):
        found = _ask(*_split(reference, rng), rng)
        asked += len(found)
        flagged += sum(map(alarms, found))
        any_ += any(map(alarms, found))
    said = f"{weeks} weeks of 7 days, drawn from {len(reference.days)} test days and held against the rest"
    yield against("watching.unchanged.weeks", any_ / weeks, 0.01, unit="share", conditions=said)
    yield against(
        "watching.unchanged.questions",
        flagged / asked,
        0.01,
        unit="share",
        conditions=f"{asked:,} questions of {said}",
    )


def _split(reference: Reference, rng: np.random.Generator) -> tuple[Reference, Traffic]:
    """Take a run of seven days out of the reference and count it as a window."""
    count = len(reference.days)
    start = int(rng.integers(0, count))
    window = [(start + n) % count for n in range(7)]
    rest = [n for n in range(count) if n not in window]
    kept = {
        name: msgspec.structs.replace(
            c,
            missing=tuple(c.missing[n] for n in rest),
            counts=tuple(c.counts[n] for n in rest) if c.counts else (),
        )
        for name, c in reference.counted.items()
    }
    shorter = msgspec.structs.replace(
        reference,
        days=tuple(reference.days[n] for n in rest),
        rows=tuple(reference.rows[n] for n in rest),
        counted=kept,
    )
    return shorter, _Drawn(reference, window)


class _Drawn(Traffic):
    """Days of a reference as a window of traffic."""

    def __init__(self, reference: Reference, days: list[int]) -> None:
        super().__init__(reference)
        self.rows = sum(reference.rows[n] for n in days)
        self.days = set(days)
        self.missing = {n: sum(c.missing[d] for d in days) for n, c in reference.counted.items()}
        self._drawn = {
            n: c.by_day()[days].sum(axis=0) for n, c in reference.counted.items() if c.counts
        }

    def counts(self, name: str) -> Any:
        return self._drawn[name]


def _ask(reference: Reference, seen: Traffic, rng: np.random.Generator) -> list[Finding]:
    slots = [n.removeprefix("slot:") for n in reference.counted if n.startswith("slot:")]
    wiring = Wiring("flights", dict.fromkeys(slots, "looked up"), {})
    seed = int(rng.integers(2**31))
    found = judge_missing(reference, seen, wiring)
    found += judge_columns(reference, seen, wiring, lambda: np.random.default_rng(seed))
    if SCORE in reference.counted:
        found.append(judge_scores(reference, seen, "v1", rng))
    return found


def _reading(*, quick: bool) -> Iterator[Figure]:
    """Read one day of a ledger of 200,000, with the index by time and without."""
    rows = LEDGER_ROWS // 10 if quick else LEDGER_ROWS
    with tempfile.TemporaryDirectory() as folder:
        writer = LedgerWriter(Path(folder) / "w1.db", lambda: 0)
        ids, span_us = Ids(lambda: 0), 200 * 24 * HOUR_US
        for start in range(0, rows, 2_000):
            waits = [
                writer.append(
                    msgspec.structs.replace(prediction(ids.draw()), at_us=n * span_us // rows)
                )
                for n in range(start, min(rows, start + 2_000))
            ]
            for wait in waits:
                wait.result()
        writer.close()
        ledger = Ledger(Path(folder))
        day = partial(_read, ledger, 100 * 24 * HOUR_US, 101 * 24 * HOUR_US)
        whole = partial(_read, ledger, None, None)
        costs = interleaved({"day": wall(day), "whole": wall(whole)}, rounds=3 if quick else 5)
        yield against(
            "watching.day_of_ledger",
            1e3 * median(costs["day"]),
            1e3 * median(costs["whole"]),
            unit="ms",
            conditions=f"{rows // 200:,} of {rows:,} records; reference: reading all of them",
        )


def _read(ledger: Ledger, since_us: int | None, until_us: int | None) -> int:
    return sum(1 for _ in ledger.scan(since_us=since_us, until_us=until_us))
