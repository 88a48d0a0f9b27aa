from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.workflows.kit import SetClock, opened, us
from tests.workflows import small_project

from isbjerg.errors import IsbjergError, ReleaseError
from isbjerg.expressions.tree import Node, Type
from isbjerg.features.online import OnlineSlot
from isbjerg.features.sets import Known, Slot
from isbjerg.project import Project
from isbjerg.storage.catalog.catalog import Catalog
from isbjerg.storage.catalog.records import VerdictRecord
from isbjerg.storage.following import Follower
from isbjerg.storage.plans import Worker
from isbjerg.storage.processes import process_started
from isbjerg.workflows import feed
from isbjerg.workflows.bundles import load_bundle
from isbjerg.workflows.feed import feed_set, still_needed

NOW = datetime(2024, 5, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with three model versions, none of them live."""
    folder = small_project.write_project(tmp_path_factory.mktemp("trained") / "orders")
    project = Project(folder, clock=SetClock(NOW), who="tester")
    for _ in range(3):
        project.run(as_of=small_project.AS_OF)
    return folder


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Project:
    folder = tmp_path / "orders"
    shutil.copytree(trained, folder)
    return Project(folder, clock=SetClock(NOW), who="tester")


def test_rollbacks_go_back_over_going_back(project: Project) -> None:
    for version in (1, 2, 3):
        project.promote(version)
    assert [project.rollback().version, project.rollback().version] == [2, 1]
    assert project.promote(3).before == 1
    assert project.rollback().version == 1
    with pytest.raises(ReleaseError) as it:
        project.rollback()
    assert it.value.kind_code == "ISB503"
    acts = [(a.act, a.payload["version"]) for a in reversed(project.history().acts)]
    assert acts == [
        ("promote", 1), ("promote", 2), ("promote", 3), ("rollback", 2), ("rollback", 1),
        ("promote", 3), ("rollback", 1),
    ]  # fmt: skip
    assert project.status().next_step == "isbjerg serve"  # v3 was tried


def test_a_rollback_that_names_its_version_can_be_given_again(project: Project) -> None:
    for number in (1, 2, 3):
        project.promote(number)
    assert project.plan_rollback(1).version == 1
    first, again = project.rollback(1), project.rollback(1)
    assert (first.version, first.changed) == (1, True)
    assert (again.version, again.changed) == (1, False)
    with pytest.raises(ReleaseError, match="v3 was not live before"):
        project.rollback(3)
    with pytest.raises(ReleaseError, match="Nothing was live before"):
        project.rollback()


def test_promoting_what_is_live_changes_nothing(project: Project) -> None:
    first, again = project.promote(2), project.promote(2)
    assert (first.changed, first.epoch, again.changed, again.epoch) == (True, 1, False, 1)
    assert len(project.history().acts) == len(project.history().assignments) == 1
    with pytest.raises(ReleaseError):  # nothing was live before
        project.rollback()


def test_the_newest_is_promoted_when_none_is_named(project: Project) -> None:
    released = project.promote(why="it is time")
    assert (released.version, released.before, released.workers) == (3, None, 0)
    (assigned,) = project.history().assignments
    assert (assigned.by, assigned.why, assigned.version) == ("tester", "it is time", 3)


def test_a_plan_says_what_would_happen_and_changes_nothing(project: Project) -> None:
    project.promote(1)
    plan = project.plan_promotion(2)
    assert (plan.act, plan.version, plan.before, plan.changes, plan.verdict) == (
        "promote", 2, 1, True, "d2",
    )  # fmt: skip
    assert "fill 2 looked-up value(s)" in plan.steps[1]
    assert not project.plan_promotion(1).changes
    project.promote(2)
    assert project.plan_rollback().version == 1
    live = project.status().live
    assert live is not None
    assert (live.version, live.epoch) == (2, 2)


def test_what_has_no_passed_verdict_is_refused(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = Catalog.verdict

    def failed(self: Catalog, name: str) -> VerdictRecord:
        record = kept(self, name)
        return VerdictRecord(run=record.run, rung=record.rung, passed=False, id=record.id)

    monkeypatch.setattr(Catalog, "verdict", failed)
    for act in (project.promote, project.plan_promotion):
        with pytest.raises(ReleaseError) as it:
            act(1)
        assert it.value.kind_code == "ISB502"
    assert project.status().live is None


def test_versions_that_are_not_there_are_refused(project: Project, tmp_path: Path) -> None:
    with pytest.raises(ReleaseError, match="Found: v3, v2, v1"):
        project.promote(4)
    empty = Project(small_project.write_project(tmp_path / "new"), clock=SetClock(NOW))
    with pytest.raises(ReleaseError, match="no run has passed"):
        empty.promote()


def test_a_damaged_bundle_is_not_promoted(project: Project) -> None:
    with opened(project.folder, SetClock(NOW)) as (workspace, _):
        bundle = workspace.catalog.model_version(1).bundle
        workspace.blobs.path(bundle).write_bytes(b"{}")
    with pytest.raises(IsbjergError):
        project.promote(1)
    assert project.status().live is None


def test_a_worker_that_does_not_take_the_plan_is_told_of(project: Project) -> None:
    with opened(project.folder, SetClock(NOW)) as (workspace, _):
        pid = os.getpid()
        mine = Worker(
            name="w1",
            pid=pid,
            started=process_started(pid) or 0,
            address="http://127.0.0.1:1",
            epoch=1,
            serving=0,
            at_us=1,
            fault="no room",
        )
        workspace.serving.acknowledge(mine)
    released = project.promote(1)
    assert (released.epoch, released.workers, released.silent) == (1, 1, ("w1: no room",))


def test_a_broken_work_in_progress_stops_no_release(project: Project) -> None:
    project.promote(1)
    (project.folder / "features.py").write_text("1 / 0\n")
    assert project.promote(2).changed
    assert project.rollback().version == 1


# The online store


def slot_values(project: Project, ats: list[datetime]) -> list[object]:
    with opened(project.folder, SetClock(NOW)) as (workspace, _):
        bundle, _ = load_bundle(workspace, workspace.catalog.model_version(1).bundle)
        follower = Follower(workspace.store.online)
        try:
            return [
                follower.read_through(slot).value(on, us(at))
                for slot in bundle.feature_set.slots
                for on in (
                    [("A",), ("B",)] if slot.source == "weather" else [("north",), ("west",)]
                )
                for at in ats
            ]
        finally:
            follower.close()


def window_values(project: Project, at: datetime) -> list[object]:
    with opened(project.folder, SetClock(NOW)) as (workspace, _):
        bundle, _ = load_bundle(workspace, workspace.catalog.model_version(1).bundle)
        sources = [s.source for s in bundle.feature_set.slots for _ in range(2)]
    values = zip(slot_values(project, [at]), sources, strict=True)
    return [value for value, source in values if source == "orders"]


TIMES = [datetime(2024, 4, day, 12, tzinfo=UTC) for day in (8, 9, 10, 11)]


@pytest.mark.parametrize("healed_by", ["promote", "publish"])
def test_a_deleted_online_store_is_filled_again(project: Project, healed_by: str) -> None:
    fed = project.promote(1).facts_fed
    before = slot_values(project, TIMES)
    assert fed > 0
    assert any(value is not None for value in before)
    for file in project.store.glob("online.db*"):
        file.unlink()
    if healed_by == "promote":
        assert project.promote(1).facts_fed == fed
    else:
        assert project.publish() == 1
    assert slot_values(project, TIMES) == before


def test_what_an_ingest_could_not_feed_is_fed_when_a_server_starts(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.promote(1)
    table = small_project.orders()
    table.with_columns(minutes_late=pl.lit(99.0)).write_parquet(
        project.folder / "data/orders.parquet"
    )
    with monkeypatch.context() as cut:
        cut.setattr("isbjerg.workflows.ingest.feed_table", lambda *_: 0)  # killed before it
        project.ingest(["orders"])
    at = [NOW + timedelta(days=1)]
    before = slot_values(project, at)
    project.publish()
    with opened(project.folder, SetClock(NOW)) as (workspace, _), workspace.online() as online:
        for registered in online.slots("orders"):
            assert "orders@v2" in online.fed(registered.slot.name)
    assert slot_values(project, at) == before  # all orders lie more than 7 days back by then


def test_an_earlier_time_is_fed_again(project: Project) -> None:
    project.promote(1)
    with opened(project.folder, SetClock(NOW)) as (workspace, _):
        bundle, _ = load_bundle(workspace, workspace.catalog.model_version(1).bundle)
        earlier = us(datetime(2024, 3, 15, tzinfo=UTC))
        assert feed_set(workspace, bundle.feature_set, earlier) > 0
        assert feed_set(workspace, bundle.feature_set, earlier) == 0
        with workspace.online() as online:
            assert {r.complete_from_us for r in online.slots()} == {earlier}


def test_a_correction_out_of_the_window_takes_back_what_was_in_it(project: Project) -> None:
    """A row whose time moves back before all that is kept must still leave the window."""
    project.promote(1)
    clock = SetClock(NOW)
    table = small_project.orders()
    moves = [NOW + timedelta(hours=1), datetime(2024, 3, 2, tzinfo=UTC)]
    counted = []
    for number, delivered in enumerate(moves, start=1):
        clock.set(NOW + timedelta(days=number))
        moved = table.with_columns(delivered=pl.lit(delivered).cast(table.schema["delivered"]))
        moved.write_parquet(project.folder / "data" / "orders.parquet")
        Project(project.folder, clock=clock).ingest(["orders"])
        counted.append(window_values(project, NOW + timedelta(days=number, hours=1)))
    assert all(v not in (None, 0) for v in counted[0])
    assert all(v in (None, 0) for v in counted[1])


HOUR = 3_600_000_000
FACTS = st.lists(
    st.tuples(
        st.sampled_from(["k1", "k2", "k3"]),
        st.sampled_from(["a", "b"]),
        st.integers(-30, 30),
        st.integers(0, 20),
        st.one_of(st.none(), st.integers(-5, 5)),
    ),
    max_size=12,
)


@settings(max_examples=200)
@given(
    facts=FACTS,
    kind=st.sampled_from(["newest", "past"]),
    span=st.integers(1, 20),
    refresh=st.integers(0, 5),
    since=st.integers(-10, 10),
    asked=st.lists(st.integers(0, 40), min_size=1, max_size=6),
)
def test_what_is_left_out_can_never_matter_again(  # noqa: PLR0917 - drawn by hypothesis
    facts: list[tuple[str, str, int, int, int | None]],
    kind: str,
    span: int,
    refresh: int,
    since: int,
    asked: list[int],
) -> None:
    slot = Slot(
        name="s", kind=kind, source="t", on=(("on", "on"),), key=("key",), known=(Known("at"),),
        value=Node("column", value="v", type=Type.INTEGER),
        type=Type.INTEGER, aggregate="sum" if kind == "past" else None,
        span_us=span * HOUR if kind == "past" else None,
        max_age_us=span * HOUR if kind == "newest" else None,
        refresh_us=refresh * HOUR,
    )  # fmt: skip
    table = pl.DataFrame(
        {
            "_on": [f"t{f[1]}" for f in facts],
            "_key": [f[0] for f in facts],
            "position": [f[2] * HOUR for f in facts],
            "visible": [(f[2] + f[3]) * HOUR for f in facts],
            "_row": list(range(len(facts))),
            "value": [f[4] for f in facts],
        },
        schema={
            "_on": pl.String, "_key": pl.String, "position": pl.Int64, "visible": pl.Int64,
            "_row": pl.Int64, "value": pl.Int64,
        },
    )  # fmt: skip
    kept = still_needed(table, slot, since * HOUR)
    every, some = OnlineSlot(slot), OnlineSlot(slot)
    for online, rows in ((every, table), (some, kept)):
        for row in rows.iter_rows():
            online.insert(*row)
    for hours in asked:
        at = (since + hours) * HOUR
        for on in ("a", "b"):
            assert some.value((on,), at) == every.value((on,), at)


def test_everything_is_kept_where_any_fact_may_matter() -> None:
    table = pl.DataFrame({"_key": ["k"], "position": [0]})
    endless = Slot(
        name="s", kind="newest", source="t", on=(("on", "on"),), key=("key",), known=(Known("at"),),
        value=Node("column", value="v", type=Type.INTEGER), type=Type.INTEGER,
    )  # fmt: skip
    assert feed.still_needed(table, endless, 10**15).height == 1
