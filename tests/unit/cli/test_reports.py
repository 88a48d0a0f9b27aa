"""What each verb prints, from the structures that the workflows return."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pytest
from msgspec import structs
from rich.console import RenderableType

from isbjerg.cli.history_report import history_pieces
from isbjerg.cli.ladder_report import ladder_pieces
from isbjerg.cli.output import render
from isbjerg.cli.release_report import plan_pieces, released_pieces
from isbjerg.cli.run_report import run_pieces
from isbjerg.cli.runs_report import details_pieces, list_pieces
from isbjerg.cli.settle_report import settle_pieces
from isbjerg.cli.status_report import status_pieces
from isbjerg.cli.trace_report import trace_pieces
from isbjerg.evaluation.ladder import Ladder, climb
from isbjerg.expressions.tree import Type
from isbjerg.findings import Finding
from isbjerg.release.gate import Verdict
from isbjerg.storage.catalog.records import Assignment, AuditEntry, Code, Run, VerdictRecord
from isbjerg.storage.ledger import Prediction
from isbjerg.storage.outcomes import Settlement
from isbjerg.workflows.history import HistoryReport
from isbjerg.workflows.ingest import IngestReport, TableIngest
from isbjerg.workflows.promote import Released, ReleasePlan
from isbjerg.workflows.recording import PartSizes
from isbjerg.workflows.settle import SettleReport
from isbjerg.workflows.status import LiveLine, RunDetails, RunLine, StatusReport, TableLine
from isbjerg.workflows.trace import Lineage, Trace
from isbjerg.workflows.train import RunReport
from isbjerg.workflows.units import UnitCounts

JUNE_US = 1_370_088_000_000_000  # 2013-06-01 12:00 UTC
GUARDRAIL = Finding(
    code="gate.guardrail",
    subject="boosted",
    severity="blocking",
    message="brier is 0.1512, above 0.14.",
    mend="isbjerg runs r7",
)


def ladder() -> Ladder:
    truth = np.array([0.0, 1.0] * 50)
    return climb(
        {"constant": np.full(100, 0.5), "boosted": truth * 0.8 + 0.1},
        truth,
        np.arange(100) // 5,
        np.random.default_rng(0),
        primary="brier",
        metrics=["roc_auc"],
        rows_word="flights",
    )


def verdict(*, passed: bool) -> Verdict:
    sentence = "boosted may go live." if passed else "boosted may not go live: brier."
    findings = () if passed else (GUARDRAIL,)
    return Verdict(
        format_version=1, candidate="boosted", passed=passed, findings=findings, sentence=sentence
    )


def run_report(*, passed: bool) -> RunReport:
    tables = (
        TableIngest(table="flights", version="flights@v2", changed=True, rows=10, quarantined=3),
        TableIngest(table="weather", version="weather@v1", changed=False, rows=5),
    )
    return RunReport(
        run="r7",
        as_of_us=JUNE_US,
        ingest=IngestReport(tables),
        counts=UnitCounts(100, 80, 5, 15),
        parts=PartSizes(50, 20, 10, purged=2),
        ladder=ladder(),
        verdict=verdict(passed=passed),
        model_version=3 if passed else None,
        notes={"boosted": ("stopped after 12 trees",)},
        findings=(
            Finding(code="feature.blank", subject="wind", message="It is missing.", mend="look"),
            Finding(code="feature.blank", subject="hour", outcome="passed"),
        ),
        stages={"fit": 61.0, "gate": 12.0},
        next_step="isbjerg promote v3" if passed else "isbjerg runs r7",
    )


def run_line(**changes: Any) -> RunLine:
    facts = {
        "run": "r7",
        "status": "finished",
        "started_us": JUNE_US,
        "seconds": 73.0,
        "chosen": "boosted",
        "passed": True,
        "metric": "brier",
        "value": 0.14,
        "low": 0.13,
        "high": 0.15,
        "note": "with wind",
        "comparable": True,
    }
    return RunLine(**{**facts, **changes})


def trace(*replays: Finding) -> Trace:
    prediction = Prediction(
        id="01JZ-w1-7",
        epoch=5,
        unit_key='["UA1"]',
        subject="N14228",
        at_us=JUNE_US,
        received_us=JUNE_US,
        route="live",
        why="everything goes to live",
        model_version=3,
        bundle="b" * 64,
        score=0.1,
        inputs={"sched_dep_utc": JUNE_US, "carrier": "UA"},
        slots={"wind": None},
        features={"hour": 12},
        findings=[],
        latency_us=850,
    )
    lineage = Lineage(
        model_version=3,
        rung="boosted",
        bundle="b" * 64,
        run="r7",
        verdict="d" * 64,
        commit="c" * 40,
        dirty=True,
        data_versions={"flights": "flights@v2"},
        feature_set="f" * 64,
    )
    return Trace(
        prediction=prediction,
        lineage=lineage,
        replays=replays,
        outcome=None,
        types={"sched_dep_utc": Type.INSTANT},
    )


def replay(outcome: Any) -> Finding:
    code = "trace.score_from_recorded_features"
    return Finding(code=code, subject="prediction", outcome=outcome, message="Said so.")


def read(pieces: Iterable[RenderableType]) -> str:
    """Render at both usual widths, and see that nothing is wider."""
    shown = list(pieces)
    for width in (80, 120):
        assert max(len(line) for line in render(*shown, width=width).splitlines()) <= width
    return render(*shown, width=120)


def test_a_run_that_passed_ends_in_what_to_do_next() -> None:
    text = read(run_pieces(run_report(passed=True)))
    assert text.startswith("Run r7\n  as of      2013-06-01 12:00 UTC\n")
    assert "flights@v2, weather@v1 (as before)" in text
    assert "3 rows break their contract" in text
    assert "1 min 13 s" in text
    assert "  ●   boosted" in text
    assert "│ ✓ boosted may go live.  │" in text
    assert text.endswith("Next: isbjerg promote v3")


def test_a_run_that_failed_shows_what_blocks() -> None:
    text = read(run_pieces(run_report(passed=False)))
    assert "✗ failed  boosted: brier is 0.1512, above 0.14.  [gate.guardrail]  blocks" in text
    assert "│ ✗ boosted may not go live: brier. │" in text


def test_a_list_of_runs_marks_what_must_not_be_compared() -> None:
    text = read(
        list_pieces(
            [
                run_line(run="r9", status="interrupted", seconds=None, value=None, metric=None),
                run_line(),
                run_line(run="r6", passed=False, comparable=False),
            ]
        )
    )
    rows = text.splitlines()
    assert "interrupted" in rows[3]
    assert "✓ passed" in rows[4]
    assert "0.1400 *" in rows[5]
    assert rows[-1].startswith("* measures something else")


def test_runs_with_several_metrics_name_them() -> None:
    text = read(list_pieces([run_line(), run_line(metric="roc_auc", value=0.7)]))
    assert "roc_auc 0.7000" in text
    assert "brier 0.1400" in text


def test_one_run_is_shown_from_its_record() -> None:
    import msgspec

    run = Run(
        id="r7",
        number=7,
        started_us=JUNE_US,
        finished_us=JUNE_US + 5_000_000,
        status="finished",
        code=Code(commit="c" * 40, dirty=True),
        data_versions={"flights": "flights@v2"},
    )
    record = VerdictRecord(
        run="r7",
        rung="boosted",
        passed=False,
        findings=[msgspec.to_builtins(GUARDRAIL)],
        payload={"sentence": "boosted may not go live: brier."},
    )
    details = RunDetails(run=run, metrics=(), verdict=record, ladder=msgspec.to_builtins(ladder()))
    text = read(details_pieces(details))
    assert "cccccccccc, with uncommitted changes (kept)" in text
    assert "●   boosted" in text
    assert "✗ boosted may not go live: brier." in text
    bare = RunDetails(run=run, metrics=(), verdict=None, ladder={})
    assert "The gate" not in read(details_pieces(bare))


@pytest.mark.parametrize("changes", [True, False])
def test_a_plan_says_that_nothing_was_done(changes: bool) -> None:
    plan = ReleasePlan(
        act="promote",
        version=3,
        rung="boosted",
        run="r7",
        verdict="d1",
        before=None,
        changes=changes,
        steps=("lay down bundle b1", "publish it"),
    )
    text = read(plan_pieces(plan))
    assert text.startswith("Promote, planned: nothing was done\n")
    assert "  2.  publish it" in text
    assert ("it is live already" in text) is not changes
    assert text.endswith("Next: isbjerg promote v3")


def test_a_release_names_servers_that_do_not_follow() -> None:
    done = Released(
        act="promote",
        version=3,
        rung="boosted",
        before=2,
        epoch=5,
        changed=True,
        facts_fed=33_333,
        workers=2,
        silent=("w1: no answer",),
    )
    text = read(released_pieces(done))
    assert "○ v3 (boosted) is live" in text
    assert "1 of 2 server processes follow" in text
    assert text.endswith("Not following: w1: no answer")


def test_history_holds_assignments_and_acts() -> None:
    assignment = Assignment(
        id=1,
        role="live",
        version=3,
        share=1.0,
        from_us=JUNE_US,
        until_us=None,
        by="ada",
        why="[better]",
        epoch=5,
    )
    act = AuditEntry(id=1, at_us=JUNE_US, who="ada", act="promote", why="[better]", subject="v3")
    text = read(history_pieces(HistoryReport((assignment,), (act,))))
    assert text.count("[better]") == 2
    assert "now" in text


def test_status_says_what_is_live_and_what_is_not_there() -> None:
    table = TableLine(table="flights", version=None, rows=0, at_us=None, findings=0)
    facts: dict[str, Any] = {
        "objective": "Fewer surprises.",
        "newest": None,
        "tables": (table,),
        "runs": 0,
        "predictions": 0,
        "outcomes": 0,
        "unmatched": 0,
        "workers": (),
        "next_step": "isbjerg run",
    }
    text = read(status_pieces(StatusReport(live=None, **facts)))
    assert "nothing yet" in text
    assert "never read" in text
    live = LiveLine(version=3, rung="boosted", run="r7", since_us=JUNE_US, by="ada", epoch=5)
    text = read(status_pieces(StatusReport(live=live, **{**facts, "unmatched": 2})))
    assert "v3 (boosted, r7) since 2013-06-01 12:00 UTC, by ada" in text
    assert "0, 2 without a prediction" in text


def test_a_settlement_counts_every_row() -> None:
    report = SettleReport(
        rows=10,
        not_yet_known=1,
        outcomes=Settlement(new=5, duplicates=2, corrections=1, unmatched=1, matched_late=0),
        facts=6,
        ignored=("remark",),
    )
    text = read(settle_pieces(report, "june.csv", plan=True))
    assert text.startswith("june.csv, planned: nothing was done\n")
    assert text.endswith("Next: isbjerg settle june.csv")
    done = read(settle_pieces(report, "june.csv", plan=False))
    assert done.startswith("june.csv, settled\n")
    assert "remark" in done
    assert "nameless" not in done


def test_a_settlement_shows_the_rows_that_it_did_not_take() -> None:
    found = Finding(
        code="settle.contradiction", subject="id", severity="error", message="Two rows.", mend="x"
    )
    report = SettleReport(
        rows=10,
        not_yet_known=0,
        outcomes=Settlement(new=0, duplicates=0, corrections=0, unmatched=0, matched_late=0),
        facts=0,
        ignored=(),
        nameless=1,
        without_value=2,
        refused=3,
        contradicting=4,
        read_as={"Churned?": "churned"},
        findings=(found,),
    )
    text = read(settle_pieces(report, "june.csv", plan=False))
    lines = dict(line.split(None, 1) for line in text.splitlines() if line.startswith("  "))
    assert lines["nameless"].startswith("1 without a unit")
    assert lines["refused"].startswith("3 against")
    assert lines["contradicting"].startswith("4 against")
    assert "2 with values that the target does not know" in text
    assert "'Churned?' as churned" in text
    assert "id: Two rows.  [settle.contradiction]" in text


def test_a_trace_shows_every_replay() -> None:
    text = read(trace_pieces(trace(replay("passed"), replay("passed"))))
    assert text.count("✓ passed") == 2
    assert "sched_dep_utc  2013-06-01 12:00:00 UTC" in text
    assert "wind  missing" in text
    assert "│ ✓ Everything came out equal. │" in text


@pytest.mark.parametrize(
    ("outcome", "answer"),
    [
        ("failed", "✗ What was recorded cannot be replayed."),
        ("not_run", "○ What could be replayed"),
    ],
)
def test_a_trace_that_does_not_hold_says_so(outcome: str, answer: str) -> None:
    assert answer in read(trace_pieces(trace(replay("passed"), replay(outcome))))


def test_the_rung_directly_below_is_told_where_it_is_not_the_best_one() -> None:
    table = ladder()
    step = table.rows[-1].step
    beside = structs.replace(step, against="linear", sentence="boosted is as good as linear.")
    rows = (*table.rows[:-1], structs.replace(table.rows[-1], below=beside))
    shown = render(*ladder_pieces(structs.replace(table, rows=rows)))
    assert "Directly below: boosted is as good as linear." in shown
    assert "Directly below" not in render(*ladder_pieces(table))
