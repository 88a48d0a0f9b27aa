"""The page about one run, from its record alone: the same run gives the same bytes at any time."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import msgspec

from isbjerg.errors import ArgumentError
from isbjerg.evaluation.curves import Curves
from isbjerg.evaluation.ladder import Ladder
from isbjerg.findings import Finding
from isbjerg.reports.run_page import RunPage, render
from isbjerg.storage.catalog.records import Run
from isbjerg.storage.durable import write_durably
from isbjerg.times import format_instant
from isbjerg.workflows.looks import rows_looked_at
from isbjerg.workflows.workspace import Workspace


def page_of(workspace: Workspace, name: str) -> RunPage:
    """Gather what a run's page shows.

    Raises
    ------
    ArgumentError
        When the run did not finish: it has no ladder to show.
    StoreError
        When there is no such run.
    """
    run = workspace.catalog.run(name)
    if run.verdict is None or "ladder" not in run.report:
        raise ArgumentError(
            f"{name} has the status '{run.status}': it came to no ladder and no verdict.",
            mend=f"isbjerg runs {name}",
            code="ISB132",
        )
    verdict = workspace.catalog.verdict(run.verdict)
    return RunPage(
        run=run.id,
        objective=_objective(workspace, run),
        facts=tuple(_facts(run).items()),
        ladder=msgspec.convert(run.report["ladder"], Ladder),
        findings=tuple(msgspec.convert(verdict.findings, list[Finding])),
        sentence=str(verdict.payload.get("sentence", verdict.rung)),
        passed=verdict.passed,
        curves=msgspec.convert(run.report.get("curves"), Curves | None),
        stages=tuple(run.stages.items()),
    )


def write_report(workspace: Workspace, name: str, out: Path) -> Path:
    """Write a run's page as one HTML file that needs nothing else."""
    write_durably(out, render(page_of(workspace, name)).encode())
    return out


def _objective(workspace: Workspace, run: Run) -> str:
    """Read the objective from the frame as it was."""
    text = msgspec.json.decode(workspace.catalog.frame(run.frame_hash))["text"]
    return str(tomllib.loads(text).get("objective", ""))


def _facts(run: Run) -> dict[str, str]:
    parts: dict[str, Any] = run.report.get("parts", {})
    code = run.code.commit or "not under version control"
    looked = rows_looked_at(run)
    told = {
        "started": format_instant(run.started_us),
        "as of": "" if run.as_of_us is None else format_instant(run.as_of_us),
        "note": run.note,
        "data": ", ".join(run.data_versions.values()),
        "rows": ", ".join(
            f"{parts[k]:,} {k}" for k in ("train", "validation", "test") if k in parts
        ),
        "looks at the test rows": "" if looked is None else str(looked.looks),
        "code": code + (", with uncommitted changes (kept)" if run.code.dirty else ""),
        "seed": str(run.seed),
        "frame": run.frame_hash,
        "measure": run.measure_hash,
        "environment": run.environment or "",
        "bundle": str(run.report.get("bundles", {}).get(run.chosen, "")),
    }
    return {name: value for name, value in told.items() if value}
