from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest
from tests.unit.workflows.kit import (
    DAY,
    FEATURES,
    START,
    SetClock,
    loans,
    opened,
    us,
    write_project,
)

from isbjerg.data.contract import Field
from isbjerg.errors import LedgerError, SourceError
from isbjerg.project import Project
from isbjerg.serving.live import Live, load
from isbjerg.storage.following import Follower
from isbjerg.storage.ids import Ids
from isbjerg.storage.ledger import Prediction, unit_key
from isbjerg.storage.ledger_writer import LedgerWriter
from isbjerg.workflows import trace as tracing
from isbjerg.workflows.bundles import load_bundle
from isbjerg.workflows.contracts import read_contract
from isbjerg.workflows.settle import SettleReport

MODELS = """\
import isbjerg as ib

import features as f


@ib.rule
def before(s=f.lost_before, large=f.size):
    return ib.when(s > 0.0).then(0.9).when(large > 1e9).then(0.8).otherwise(0.1)
"""
SPLIT = "[split]\nvalidation = 0.2\ntest = 0.2\n"
COUNT = 600
NOW = START + 700 * DAY


def history() -> pl.DataFrame:
    """Loans of ann are lost, each known a day after it was asked for; those of bob are not."""
    numbers = range(1, COUNT + 1)
    return loans(
        COUNT,
        unpaid=[(50.0 if n % 2 and n % 20 != 1 else 0.0) for n in numbers],
        closed=[START + (n - 1) * DAY + timedelta(hours=20) for n in numbers],
    )


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOW)


@pytest.fixture
def project(tmp_path: Path, clock: SetClock) -> Project:
    """A project with a live model; its windows span 30 days before `NOW` and see nothing."""
    folder = write_project(tmp_path / "loans", history(), models=MODELS)
    made = Project(folder, clock=clock, who="tester")
    report = made.run()
    assert report.model_version == 1, report.verdict.sentence
    made.promote()
    return made


def predict(project: Project, at: datetime, **row: Any) -> Prediction:
    """Answer as the server does, with its own parts, and record it."""
    with opened(project.folder, SetClock(at)) as (workspace, _):
        plan = workspace.serving.read_plan()
        assert plan is not None
        route = plan.route()
        assert route is not None
        loaded = load(plan.epoch, route, workspace.serving.read_bundle(route.bundle))
        follower = Follower(workspace.store.online)
        writer = LedgerWriter(workspace.store.ledger / "w1.db", workspace.clock)
        try:
            made = loaded.bundle.feature_set
            slots = tuple(
                (s.name, follower.read_through(s), tuple(u for _, u in s.on)) for s in made.slots
            )
            live = Live(loaded, tuple(n for n, _ in made.columns), slots)
            inputs, _ = loaded.reader.read({k: _wire(v) for k, v in row.items()})
            looked_up = live.look_up(inputs, us(at))
            features, score = live.score(inputs, looked_up)
            record = Prediction(
                id=Ids(workspace.clock).draw(), epoch=plan.epoch,
                unit_key=unit_key(inputs[name] for name in loaded.bundle.unit.key),
                subject=str(inputs.get("person")), at_us=us(at), received_us=us(at),
                route=route.role, why="the only route", model_version=route.model_version,
                bundle=route.bundle, score=score, inputs=inputs, slots=looked_up,
                features=dict(zip(made.outputs, features, strict=True)), findings=[], latency_us=0,
            )  # fmt: skip

            async def append() -> None:
                await writer.append_all([record], asyncio.get_running_loop())

            asyncio.run(append())
        finally:
            writer.close()
            follower.close()
            loaded.predictor.close()
    return record


def _wire(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


def a_prediction(
    project: Project, number: int = 901, person: str = "ann", at: datetime = NOW
) -> Prediction:
    return predict(project, at, id=number, person=person, amount=10.0)


def settle(project: Project, text: str, *, plan: bool = False) -> SettleReport:
    path = project.folder / "outcomes.csv"
    path.write_text(text, encoding="utf-8")
    return project.settle(path, plan=plan)


def counts(report: SettleReport) -> tuple[int, int, int, int, int]:
    o = report.outcomes
    return o.new, o.duplicates, o.corrections, o.unmatched, report.facts


def window(project: Project, person: str, at: datetime) -> object:
    with opened(project.folder, SetClock(at)) as (workspace, _):
        bundle, _ = load_bundle(workspace, workspace.catalog.model_version(1).bundle)
        (slot,) = bundle.feature_set.slots
        follower = Follower(workspace.store.online)
        try:
            return follower.read_through(slot).value((person,), us(at))
        finally:
            follower.close()


LATER = NOW + timedelta(hours=1)
CLOSED = (NOW - timedelta(hours=1)).isoformat()
EARLIER = (NOW - timedelta(hours=2)).isoformat()


def test_an_outcome_is_settled_by_key_and_seen_by_windows(project: Project) -> None:
    a_prediction(project)
    assert window(project, "ann", LATER) in (None, 0)
    report = settle(project, f"id,unpaid,closed\n901,50.0,{CLOSED}\n")
    assert counts(report) == (1, 0, 0, 0, 1)
    # The person was not in the file: it is known from the prediction.
    assert window(project, "ann", LATER) == 1
    assert window(project, "bob", LATER) in (None, 0)


def test_an_outcome_is_settled_by_prediction_id(project: Project) -> None:
    record = a_prediction(project)
    report = settle(
        project, f"prediction_id,unpaid,closed\n{record.id},50.0,{CLOSED}\nnobody,0.0,{CLOSED}\n"
    )
    assert counts(report) == (2, 0, 0, 1, 1)
    found = project.trace(record.id).outcome
    assert found is not None
    assert (found.value, found.known_us) == (True, us(NOW - timedelta(hours=1)))
    assert window(project, "ann", LATER) == 1


def test_parquet_gives_the_same(project: Project) -> None:
    a_prediction(project)
    path = project.folder / "outcomes.parquet"
    rows = {"id": [901], "unpaid": [50], "closed": [NOW - timedelta(hours=1)]}
    pl.DataFrame(rows).write_parquet(path)  # whole numbers where the source has floats
    assert counts(project.settle(path)) == (1, 0, 0, 0, 1)


def test_a_plan_changes_nothing(project: Project) -> None:
    record = a_prediction(project)
    text = f"id,unpaid,closed\n901,50.0,{CLOSED}\n"
    plan = settle(project, text, plan=True)
    assert project.trace(record.id).outcome is None
    assert window(project, "ann", LATER) in (None, 0)
    assert settle(project, text) == plan


def test_a_second_settle_posts_nothing(project: Project) -> None:
    a_prediction(project)
    # The one that became known last corrects, wherever it stands in the file.
    text = f"id,unpaid,closed\n901,0.0,{CLOSED}\n901,50.0,{EARLIER}\n901,0.0,{CLOSED}\n"
    report = settle(project, text)
    assert counts(report) == (1, 1, 1, 0, 1)
    assert [f.code for f in report.findings] == ["settle.several"]
    assert counts(settle(project, text)) == (0, 3, 0, 0, 0)
    assert window(project, "ann", LATER) == 0


def test_rows_that_contradict_each_other_at_the_same_time_are_not_guessed(
    project: Project,
) -> None:
    a_prediction(project)
    other = f"902,0.0,{CLOSED}\n902,0.0,{CLOSED}\n"  # the same twice is no contradiction
    report = settle(
        project, f"id,unpaid,closed\n901,50.0,{CLOSED}\n{other}901,0.0,{CLOSED}\n901,1,{EARLIER}\n"
    )
    assert counts(report) == (1, 1, 0, 2, 1)
    assert (report.rows, report.contradicting, report.not_yet_known) == (5, 3, 0)
    (found,) = report.findings
    assert (found.code, found.severity) == ("settle.contradiction", "error")
    assert found.evidence == {"count": 3, "first": [0, 3, 4]}
    assert window(project, "ann", LATER) in (None, 0)
    untimed = settle(project, "id,unpaid\n901,50.0\n901,0.0\n")
    assert (untimed.contradicting, counts(untimed)) == (2, (0, 0, 0, 0, 0))


CAREFUL = FEATURES.replace(
    "unpaid > 0.0",
    "ib.when(unpaid > 9.0).then(True).when(unpaid < 1.0).then(False).otherwise(None)",
)


@pytest.fixture
def ingested(tmp_path: Path, clock: SetClock) -> Project:
    """A project whose data is there, but no model; its target does not know every value."""
    folder = write_project(tmp_path / "ingested", history(), features=CAREFUL)
    made = Project(folder, clock=clock, who="tester")
    made.ingest()
    return made


def test_a_value_that_the_target_does_not_know_is_told_with_its_rows(ingested: Project) -> None:
    report = settle(
        ingested, f"id,unpaid,closed\n,1,{CLOSED}\n1,5,{CLOSED}\n2,,{CLOSED}\n3,50,{CLOSED}\n"
    )
    assert (report.rows, report.nameless, report.not_yet_known) == (4, 1, 1)
    assert (report.without_value, report.outcomes.new) == (1, 1)
    (found,) = report.findings
    assert (found.code, found.evidence) == ("settle.no_outcome", {"count": 1, "first": [1]})
    assert "unpaid" in found.mend


def test_a_row_that_breaks_the_contract_is_neither_outcome_nor_fact(ingested: Project) -> None:
    text = f"id,unpaid,person,closed\n1,-4,ann,{CLOSED}\n2,50,,{CLOSED}\n3,50,ann,{CLOSED}\n"
    report = settle(ingested, text)
    assert (report.refused, counts(report)) == (2, (1, 0, 0, 1, 1))
    assert {(f.code, f.subject, *f.evidence["first"]) for f in report.findings} == {
        ("contract.range", "loans.unpaid", 0),
        ("contract.required", "loans.person", 1),
    }
    assert all(f.mend for f in report.findings)


def test_headers_that_a_draft_would_rename_are_read_as_what_they_became(ingested: Project) -> None:
    report = settle(ingested, f"ID!,Unpaid?,Closed (UTC),closed\n007,50,x,{CLOSED}\n")
    assert (report.read_as, report.ignored) == (
        {"ID!": "id", "Unpaid?": "unpaid"},
        ("Closed (UTC)",),
    )
    assert counts(report) == (1, 0, 0, 1, 1)
    with pytest.raises(SourceError) as it:
        settle(ingested, "id,Unpaids\n1,50\n")
    assert it.value.mend == "rename 'Unpaids' to unpaid"


def killed_between(project: Project, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Settle, and die when the outcomes are in the ledger and the facts are not posted."""

    def dies(*_: object, **__: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("isbjerg.workflows.settle.post_rows", dies)
        with pytest.raises(KeyboardInterrupt):
            settle(project, text)


def test_an_outcome_that_goes_back_is_posted_by_the_settle_after_a_kill(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_prediction(project)
    lost, kept = (f"id,unpaid,closed\n901,{v},{CLOSED}\n" for v in ("50.0", "0.0"))
    settle(project, lost)
    settle(project, kept)
    again = lost + f"902,0.0,{CLOSED}\n"  # another file that says the first thing
    killed_between(project, monkeypatch, again)
    assert window(project, "ann", LATER) == 0
    assert counts(settle(project, again)) == (0, 2, 0, 1, 2)
    assert window(project, "ann", LATER) == 1
    # No file that was settled before undoes it.
    for text in (lost, kept, again):
        assert counts(settle(project, text))[-1] == 0
    assert window(project, "ann", LATER) == 1


def test_a_killed_settle_that_was_overtaken_posts_nothing(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_prediction(project)
    lost, kept = (f"id,unpaid,closed\n901,{v},{CLOSED}\n" for v in ("50.0", "0.0"))
    killed_between(project, monkeypatch, lost)
    settle(project, kept)
    assert counts(settle(project, lost)) == (0, 1, 0, 0, 0)
    assert window(project, "ann", LATER) == 0


def test_an_amount_that_goes_back_without_another_outcome_is_posted(ingested: Project) -> None:
    first, second = (f"id,unpaid,closed\n1,{v},{CLOSED}\n" for v in ("50.0", "60.0"))
    assert [counts(settle(ingested, text))[-1] for text in (first, second, first)] == [1, 1, 0]
    assert counts(settle(ingested, first + "\n"))[-1] == 1  # another file, newer than both


def test_a_file_settled_again_does_not_undo_a_correction(project: Project) -> None:
    record = a_prediction(project)
    first, second = (f"id,unpaid,closed\n901,{v},{CLOSED}\n" for v in ("50.0", "0.0"))
    settle(project, first)
    assert counts(settle(project, second)) == (0, 0, 1, 0, 1)
    assert counts(settle(project, first)) == (0, 1, 0, 0, 0)
    found = project.trace(record.id).outcome
    assert found is not None
    assert found.value is False
    assert window(project, "ann", LATER) == 0


def test_units_that_nobody_predicted_wait_for_their_prediction(project: Project) -> None:
    assert counts(settle(project, f"id,unpaid,closed\n902,50.0,{CLOSED}\n")) == (1, 0, 0, 1, 1)
    assert project.status().unmatched == 1
    record = a_prediction(project, 902, at=LATER)
    report = settle(project, f"id,unpaid,closed\n903,0.0,{CLOSED}\n")
    assert report.outcomes.matched_late == 1
    found = project.trace(record.id).outcome
    assert found is not None
    assert found.value is True


def test_the_status_sees_that_a_prediction_came_after_its_outcome(project: Project) -> None:
    settle(project, f"id,unpaid,closed\n902,50.0,{CLOSED}\n")
    a_prediction(project, 902, at=LATER)
    assert project.status().unmatched == 0


def test_what_is_not_known_yet_is_counted_not_guessed(project: Project) -> None:
    ahead = (NOW + DAY).isoformat()
    text = f"id,unpaid,closed\n901,,{CLOSED}\n902,50.0,{ahead}\n903,50.0,\n,50.0,{CLOSED}\n"
    report = settle(project, text)
    assert (report.rows, report.not_yet_known, report.nameless) == (4, 3, 1)
    assert counts(report) == (0, 0, 0, 0, 0)


def test_columns_the_source_does_not_have_are_ignored_and_told(project: Project) -> None:
    a_prediction(project)
    text = '\ufeff"id",unpaid,"remark, long",closed\n901,50.0,"late, very",' + CLOSED + "\n"
    report = settle(project, text)
    assert report.ignored == ("remark, long",)
    assert counts(report) == (1, 0, 0, 0, 1)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("id,closed\n901,2024-01-01T00:00:00Z\n", "ISB321"),
        ("person,unpaid\nann,1.0\n", "ISB321"),
        ("id,unpaid\nnine,1.0\n", "ISB301"),
    ],
)
def test_files_that_cannot_be_settled_are_refused(project: Project, text: str, code: str) -> None:
    with pytest.raises(SourceError) as it:
        settle(project, text)
    assert it.value.kind_code == code


def test_a_key_of_another_type_is_refused_rather_than_never_matched(project: Project) -> None:
    path = project.folder / "outcomes.parquet"
    pl.DataFrame({"id": ["901"], "unpaid": [1.0]}).write_parquet(path)
    with pytest.raises(SourceError) as it:
        project.settle(path)
    assert it.value.kind_code == "ISB322"


def test_outcomes_come_in_any_usual_file(project: Project) -> None:
    table = pl.DataFrame({"id": [600], "unpaid": [77.0], "closed": [CLOSED]})
    times = table.with_columns(pl.col("closed").str.to_datetime(time_zone="UTC"))
    folder = project.folder
    times.write_parquet(folder / "o.parquet")
    table.write_ndjson(folder / "o.jsonl")
    for name, separator in (("o.csv", ";"), ("o.tsv", "\t"), ("O.CSV", "|"), ("plain.csv", ",")):
        table.write_csv(folder / name, separator=separator)
    names = ("o.parquet", "o.jsonl", "o.csv", "o.tsv", "O.CSV", "plain.csv")
    for name in names:
        assert counts(project.settle(folder / name, plan=True)) == (1, 0, 0, 1, 1), name


def test_a_missing_file_and_a_project_without_data(project: Project, tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        project.settle(project.folder / "nowhere.csv")
    new = Project(write_project(tmp_path / "new", history()), clock=SetClock(NOW))
    with pytest.raises(SourceError) as it:
        settle(new, "id,unpaid\n1,0.0\n")
    assert it.value.kind_code == "ISB320"


def test_a_settled_row_keeps_what_is_known_of_it_and_joins_the_next_version(
    project: Project, clock: SetClock
) -> None:
    # Loan 600 (bob) is in the data; its file names only what came true.
    report = settle(project, f"id,unpaid,closed\n600,77.0,{CLOSED}\n")
    assert counts(report) == (1, 0, 0, 1, 1)
    assert window(project, "bob", LATER) == 1
    clock.set(LATER)
    (table,) = project.ingest().tables
    assert (table.version, table.rows, table.read) == ("loans@v2", COUNT + 1, False)
    with opened(project.folder, clock) as (workspace, _):
        version = workspace.catalog.latest_data_version("loans")
        assert version is not None
        last = pl.read_parquet(workspace.store.part("loans", version.parts[-1].hash))
    assert last.select("id", "person", "amount", "unpaid").row(0) == (600, "bob", 60000.0, 77.0)
    assert window(project, "bob", LATER) == 1
    assert counts(settle(project, f"id,unpaid,closed\n600,77.0,{CLOSED}\n"))[-1] == 0


@pytest.mark.parametrize("promoted", [True, False])
def test_facts_settled_after_the_online_store_was_lost_are_not_taken_for_earlier_ones(
    project: Project, clock: SetClock, promoted: bool
) -> None:
    settle(project, f"id,unpaid,closed\n600,77.0,{CLOSED}\n")
    project.ingest()
    for file in project.store.glob("online.db*"):
        file.unlink()
    if promoted:
        project.promote()
    assert counts(settle(project, f"id,unpaid,closed\n598,77.0,{CLOSED}\n"))[-1] == 1
    if promoted:
        assert window(project, "bob", LATER) == 2
    (table,) = project.ingest().tables
    assert (table.version, table.rows) == ("loans@v3", COUNT + 2)


def test_servers_hold_posted_facts_to_the_contract_as_it_stands(project: Project) -> None:
    def promised() -> set[tuple[Field, ...]]:
        with opened(project.folder, SetClock(NOW)) as (workspace, _), workspace.online() as online:
            return {registered.contract for registered in online.slots("loans")}

    def stands() -> tuple[Field, ...]:
        with opened(project.folder, SetClock(NOW)) as (workspace, _):
            return read_contract(workspace, "loans").fields

    drafted = stands()
    assert promised() == {drafted}
    path = project.folder / "contracts" / "loans.odcs.yaml"
    path.write_text(path.read_text().replace("required: true", "required: false"))
    project.ingest()
    assert promised() == {stands()} != {drafted}


# Trace


def outcomes_of(found: tracing.Trace) -> dict[str, str]:
    return {f.code.removeprefix("trace."): f.outcome for f in found.replays}


ALL = (
    "score_from_recorded_features",
    "features_from_recorded_inputs",
    "looked_up_values_from_facts",
)


def test_a_served_prediction_is_had_again_from_each_of_its_three_beginnings(
    project: Project, clock: SetClock
) -> None:
    settle(project, f"id,unpaid,closed\n600,77.0,{CLOSED}\n")
    record = a_prediction(project, person="bob", at=LATER)
    assert record.score == 0.9  # bob has a lost loan in the window
    found = project.trace(record.id)
    assert outcomes_of(found) == dict.fromkeys(ALL, "passed")
    assert found.holds
    clock.set(LATER + DAY)
    project.ingest()  # what was posted is in a version now
    assert outcomes_of(project.trace(record.id)) == dict.fromkeys(ALL, "passed")
    assert found.lineage is not None
    assert (found.lineage.model_version, found.lineage.run, found.lineage.verdict) == (
        1,
        "r1",
        "d1",
    )
    assert found.lineage.data_versions == {"loans": "loans@v1"}
    assert found.lineage.bundle == record.bundle
    assert len(found.lineage.feature_set) == 64


@pytest.mark.parametrize(
    ("change", "failing"),
    [
        ({"score": 0.123}, {ALL[0]}),
        ({"features": {"before": 0.5}}, {ALL[0], ALL[1]}),
        ({"features": {}}, {ALL[0], ALL[1]}),
        ({"slots": "other"}, {ALL[1], ALL[2]}),
        ({"bundle": "0" * 64}, None),
        ({"bundle": "../../x"}, None),
    ],
)
def test_what_was_tampered_with_fails_its_own_question(
    project: Project,
    monkeypatch: pytest.MonkeyPatch,
    change: dict[str, Any],
    failing: set[str] | None,
) -> None:
    record = a_prediction(project)
    if change.get("slots") == "other":
        change = {"slots": dict.fromkeys(record.slots, 7)}
    tampered = msgspec.structs.replace(record, **change)
    monkeypatch.setattr("isbjerg.storage.ledger.Ledger.find", lambda *_: tampered)
    found = outcomes_of(project.trace(record.id))
    if failing is None:
        assert set(found.values()) == {"not_run"}
    else:
        assert {code for code, outcome in found.items() if outcome == "failed"} == failing
        assert not project.trace(record.id).holds


def test_a_model_that_the_catalog_does_not_know_has_no_lineage(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    stranger = msgspec.structs.replace(a_prediction(project), model_version=9)
    monkeypatch.setattr("isbjerg.storage.ledger.Ledger.find", lambda *_: stranger)
    found = project.trace(stranger.id)
    assert found.lineage is None
    assert found.holds


def test_an_unknown_prediction_is_refused(project: Project) -> None:
    with pytest.raises(LedgerError) as it:
        project.trace("nobody")
    assert it.value.kind_code == "ISB619"
    assert datetime.now(UTC) > START
