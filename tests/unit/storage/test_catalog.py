from __future__ import annotations

import sqlite3
import subprocess
import sys
from itertools import count
from pathlib import Path

import msgspec
import pytest
from sqlalchemy import event

from isbjerg.data.versions import DataVersion, Part, next_version
from isbjerg.errors import ArgumentError, StoreError
from isbjerg.expressions.tree import Node, Type
from isbjerg.features.sets import FeatureSet, Step
from isbjerg.findings import Finding
from isbjerg.storage.catalog.catalog import Catalog
from isbjerg.storage.catalog.records import Finished, MetricRow, ModelVersion, VerdictRecord


def _plan(epoch, assigned):
    return {"epoch": epoch, "roles": {a.role: [m.number, m.bundle] for a, m in assigned}}


@pytest.fixture
def catalog(tmp_path: Path):
    ticks = count(1)
    with Catalog.open(tmp_path / ".isbjerg" / "catalog.db", lambda: next(ticks)) as opened:
        yield opened


def _version(parent: DataVersion | None, part: str) -> DataVersion:
    return next_version(
        parent, table="t", key=["id"], parts=[Part(part, 2, 9)], schema={"id": Type.INTEGER},
        source="s", at_us=5, live=True, findings=[Finding(code="c", subject="t.id")],
    )  # fmt: skip


def _finish(catalog: Catalog, note: str = "") -> Finished:
    run = catalog.start_run(frame_hash="f", measure_hash="m", note=note)
    return catalog.finish_run(
        msgspec.structs.replace(run, chosen="linear", report={"deep": [1, None]}),
        metrics=[
            MetricRow(run=run.id, rung=r, split="test", metric="brier", value=v, n=10)
            for r, v in (("linear", 0.1), ("constant", None))
        ],
        verdict=VerdictRecord(run=run.id, rung="linear", passed=True, findings=[{"code": "x"}]),
        model=ModelVersion(name="late", bundle="b", run=run.id, rung="linear", card={"use": "no"}),
    )


def test_sqlite_is_set_as_promised(catalog: Catalog) -> None:
    with catalog._engine.connect() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    # 2 is FULL.
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000}
    assert pragmas == expected


def test_data_versions_form_a_chain(catalog: Catalog) -> None:
    first = catalog.record_data_version(_version(None, "a"))
    second = catalog.record_data_version(_version(first, "b"))
    assert catalog.latest_data_version("t") == second
    assert catalog.data_version("t@v1") == first
    assert catalog.record_data_version(second) == second, "again changes nothing"
    assert [v.id for v in catalog.data_versions("t")] == ["t@v2", "t@v1"]
    assert catalog.parts("t") == {"a", "b"}
    assert catalog.latest_data_version("other") is None


def test_a_version_that_came_too_late_is_refused(catalog: Catalog) -> None:
    first = catalog.record_data_version(_version(None, "a"))
    catalog.record_data_version(_version(first, "b"))
    for late in (_version(None, "c"), _version(first, "c")):
        with pytest.raises(StoreError) as caught:
            catalog.record_data_version(late)
        assert caught.value.kind_code == "ISB606"
    orphan = msgspec.structs.replace(_version(None, "c"), id="u@v2", table="u", parent="u@v1")
    with pytest.raises(StoreError):
        catalog.record_data_version(orphan)


def test_row_numbers_are_given_once(catalog: Catalog) -> None:
    assert [catalog.reserve_rows("t", n) for n in (3, 0, 2)] == [0, 3, 3]
    assert catalog.reserve_rows("u", 1) == 0
    with pytest.raises(ArgumentError):
        catalog.reserve_rows("t", -1)


def test_a_run_is_written_whole_and_read_back(catalog: Catalog) -> None:
    done = _finish(catalog, "why")
    assert done.run == catalog.run("r1")
    assert (done.run.status, done.run.verdict, done.run.chosen) == ("finished", "d1", "linear")
    assert catalog.verdict("d1") == done.verdict
    assert catalog.model_version(1) == done.model
    assert done.model is not None
    assert (done.model.id, done.model.verdict, done.model.card) == ("v1", "d1", {"use": "no"})
    assert [m.rung for m in catalog.metrics("r1")] == ["linear", "constant"]
    assert [m.value for m in catalog.metrics("r1")] == [0.1, None]
    assert [(r.id, r.note) for r in catalog.runs()] == [("r1", "why")]


def test_finishing_again_is_the_same_or_refused(catalog: Catalog) -> None:
    run = catalog.start_run(frame_hash="f", measure_hash="m")
    verdict = VerdictRecord(run=run.id, rung="linear", passed=False)
    model = ModelVersion(name="late", bundle="b", run=run.id, rung="linear")
    done = catalog.finish_run(run, verdict=verdict, model=model)
    assert catalog.finish_run(run, verdict=verdict, model=model) == done
    assert len(catalog.model_versions()) == 1
    with pytest.raises(StoreError) as caught:
        catalog.finish_run(run, status="failed")
    assert caught.value.kind_code == "ISB606"
    with pytest.raises(ArgumentError):
        catalog.finish_run(run, model=model)


def test_a_failed_run_leaves_no_model(catalog: Catalog) -> None:
    run = catalog.start_run(frame_hash="f", measure_hash="m")
    done = catalog.finish_run(run, status="failed")
    assert (done.run.status, done.verdict, done.model) == ("failed", None, None)


def test_a_role_passes_from_version_to_version(catalog: Catalog) -> None:
    _finish(catalog)
    _finish(catalog)
    assert catalog.live() is None
    assert catalog.latest_plan() is None
    first = catalog.assign("live", 1, by="ada", why="first", build_plan=_plan, act="promote")
    second = catalog.assign("live", 2, by="ada", why="better", build_plan=_plan)
    again = catalog.assign("live", 2, by="bob", why="sure?", build_plan=_plan)
    back = catalog.assign("live", 1, by="ada", why="worse", build_plan=_plan, act="rollback")
    assert [a.changed for a in (first, second, again, back)] == [True, True, False, True]
    assert again.assignment == second.assignment
    assert [a.plan.epoch for a in (first, second, again, back)] == [1, 2, 2, 3]
    assert back.plan.payload == {"epoch": 3, "roles": {"live": [1, "b"]}}
    history = catalog.assignments("live")
    assert [(a.version, a.until_us is None) for a in history] == [(1, True), (2, False), (1, False)]
    assert history[1].until_us == history[0].from_us
    assert catalog.live() == back.assignment
    assert catalog.latest_plan() == back.plan
    assert [e.act for e in catalog.audit()] == ["rollback", "assign", "promote"]
    assert catalog.audit(1)[0].payload == {"role": "live", "version": 1, "before": 2, "epoch": 3}


def test_roles_stand_beside_each_other(catalog: Catalog) -> None:
    _finish(catalog)
    catalog.assign("live", 1, by="a", why="", build_plan=_plan)
    both = catalog.assign("shadow", 1, by="a", why="", build_plan=_plan)
    assert both.plan.payload["roles"] == {"live": [1, "b"], "shadow": [1, "b"]}


def test_what_is_not_there_cannot_be_assigned_or_read(catalog: Catalog) -> None:
    reads = (
        lambda: catalog.assign("live", 9, by="a", why="", build_plan=_plan),
        lambda: catalog.run("r9"),
        lambda: catalog.verdict("d9"),
        lambda: catalog.model_version(9),
        lambda: catalog.data_version("t@v9"),
        lambda: catalog.frame("0"),
        lambda: catalog.feature_set("0"),
    )
    for read in reads:
        with pytest.raises(StoreError) as caught:
            read()
        assert caught.value.kind_code == "ISB601"
    _finish(catalog)
    with pytest.raises(ArgumentError):
        catalog.assign("live", 1, by="a", why="", build_plan=_plan, share=0.0)


def test_frames_and_feature_sets_are_kept_by_hash(catalog: Catalog) -> None:
    catalog.record_frame("h", "m", {"b": 1, "a": 2})
    catalog.record_frame("h", "m", {"b": 1, "a": 2})
    assert catalog.frame("h") == b'{"a":2,"b":1}'
    column = Node("column", value="n", type=Type.INTEGER)
    wanted = FeatureSet(
        columns=(("n", Type.INTEGER),), slots=(), steps=(Step("n", column),), outputs=("n",)
    )
    name = catalog.record_feature_set(wanted)
    assert name == wanted.hash == catalog.record_feature_set(wanted)
    assert msgspec.json.decode(catalog.feature_set(name), type=FeatureSet) == wanted


def test_lists_never_touch_payloads(catalog: Catalog) -> None:
    _finish(catalog)
    catalog.record_data_version(_version(None, "a"))
    catalog.assign("live", 1, by="a", why="", build_plan=_plan)
    seen: list[str] = []

    def note(_c, _cursor, statement, *_rest):
        seen.append(statement)

    event.listen(catalog._engine, "before_cursor_execute", note)
    catalog.runs(), catalog.model_versions(), catalog.assignments(), catalog.data_versions()
    catalog.metrics("r1")
    selects = [s for s in seen if s.startswith("SELECT")]
    assert len(selects) == 5
    assert not [s for s in selects if "payload" in s or "card" in s or "findings" in s]


def test_a_damaged_file_is_told_as_such(tmp_path: Path) -> None:
    path = tmp_path / "catalog.db"
    path.write_bytes(b"not a database, " * 100)
    with pytest.raises(StoreError) as caught:
        Catalog.open(path, lambda: 0)
    assert caught.value.kind_code == "ISB602"


def test_a_writer_that_never_ends_is_told_as_busy(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog._engine.dispose()
    monkeypatch.setattr("isbjerg.storage.catalog.engine.BUSY_MS", 10)
    other = sqlite3.connect(str(catalog._engine.url.database), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError) as caught:
        catalog.reserve_rows("t", 1)
    assert caught.value.kind_code == "ISB603"
    assert catalog.runs() == [], "reading goes on"
    other.close()


def test_opening_a_catalog_that_is_up_to_date_does_not_load_alembic(catalog: Catalog) -> None:
    code = (
        "import sys; from pathlib import Path; from isbjerg.storage.catalog.catalog import Catalog\n"
        "Catalog.open(Path(sys.argv[1]), lambda: 0).close(); print('alembic' in sys.modules)"
    )
    path = str(catalog._engine.url.database)
    ran = subprocess.run(
        [sys.executable, "-c", code, path], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == "False"
