"""Batches: the same answers as the server's, whole or not at all, and never twice."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
from tests.workflows import small_project
from tests.workflows.server_kit import serve

from isbjerg.errors import ArgumentError, IsbjergError, ReleaseError, SourceError, StoreError
from isbjerg.project import Project
from isbjerg.storage import batch_parts
from isbjerg.storage.batch_parts import BatchParts
from isbjerg.storage.layout import Store
from isbjerg.storage.ledger import Ledger
from isbjerg.workflows import predict as act
from isbjerg.workflows.drafting import draft_project

pytestmark = pytest.mark.slow

UP_FRONT = ("order_id", "placed", "customer", "shop", "city", "amount")


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = small_project.write_project(tmp_path_factory.mktemp("batch") / "p", count=560)
    project = Project(folder)
    assert project.run(as_of=small_project.AS_OF).model_version == 1
    project.promote(1)
    return project


def ask(project: Project, rows: pl.DataFrame, name: str) -> Path:
    path = project.folder / f"{name}.parquet"
    rows.write_parquet(path)
    return path


def newest_orders() -> pl.DataFrame:
    """Forty orders that the project has not seen: after its files end."""
    return small_project.orders().tail(40).select(UP_FRONT)


def ledger(project: Project) -> Ledger:
    return Ledger(project.store / "ledger")


def test_a_batch_gives_the_servers_answers_to_the_last_bit(released: Project) -> None:
    # A server keeps what decisions from the run's time on can ask for.
    rows = newest_orders().filter(pl.col("placed") >= datetime(2024, 4, 8, tzinfo=UTC))
    assert rows.height > 10
    given, out = ask(released, rows, "same"), released.folder / "same_scores.parquet"
    report = released.predict(given, out, replay=True)
    assert (report.answered, report.refused, report.new) == (rows.height, 0, rows.height)
    scores = dict(pl.read_parquet(out).select("order_id", "score").iter_rows())
    with serve(SimpleNamespace(store=Store(released.store)), "--allow-replay") as server:
        for row in rows.iter_rows(named=True):
            at = row["placed"].isoformat()
            inputs = {k: v for k, v in row.items() if k != "placed"}
            status, told = server.ask("/predict", {"inputs": {**inputs, "placed": at}, "at": at})
            assert status == 200, told
            assert told["score"] == scores[row["order_id"]]
            kept, batched = (
                ledger(released).find(i) for i in (told["id"], _id_of(out, row["order_id"]))
            )
            assert kept is not None
            assert batched is not None
            same = ("unit_key", "subject", "at_us", "model_version", "bundle", "score", "inputs")
            assert all(getattr(kept, n) == getattr(batched, n) for n in same)
            assert (kept.slots, kept.features) == (batched.slots, batched.features)
            assert (batched.route, batched.findings) == ("replay", kept.findings)


def _id_of(out: Path, order: int) -> str:
    return str(pl.read_parquet(out).filter(pl.col("order_id") == order)["prediction_id"].item())


def test_a_batch_given_again_adds_nothing(released: Project) -> None:
    given, out = ask(released, newest_orders().head(7), "again"), released.folder / "again.csv"
    before = ledger(released).count()
    first = released.predict(given, out)
    content = out.read_bytes()
    out.unlink()
    second = released.predict(given, out)
    assert (first.new, second.new, second.answered) == (7, 0, 7)
    assert out.read_bytes() == content
    assert second.as_of_us == first.as_of_us  # these are the answers of then
    at = pl.read_csv(out, try_parse_dates=True)["at"].unique()
    assert at.dt.epoch("us").to_list() == [first.as_of_us]
    assert ledger(released).count() == before + 7
    dated = released.predict(given, out, as_of="2024-04-09")
    assert dated.new == 7  # another date is another batch
    tried = released.predict(given, out, as_of="2024-04-09", purpose="a test")
    assert tried.new == 7  # and so is another purpose, and the best of the rows
    assert released.predict(given, out, as_of="2024-04-09", top=2).new == 7
    assert ledger(released).count() == before + 4 * 7


def test_a_table_of_a_database_gets_rows_once(released: Project, tmp_path: Path) -> None:
    shop = tmp_path / "shop.db"
    newest_orders().head(9).write_database("orders", f"sqlite:///{shop}", engine="sqlalchemy")
    where = f"sqlite:///{shop}"
    for _ in range(2):
        report = released.predict(f"{where}#orders", f"{where}#scores", as_of="2024-04-09")
    assert (report.new, report.published) == (0, 0)
    with closing(sqlite3.connect(shop)) as db:
        rows = db.execute("SELECT order_id, score, model FROM scores ORDER BY order_id").fetchall()
    assert len(rows) == 9
    assert all(0 < score < 1 and model == 1 for _, score, model in rows)


def test_a_table_keeps_what_other_batches_put_there(released: Project, tmp_path: Path) -> None:
    where = f"sqlite:///{tmp_path / 'scores.db'}#scores"
    for day in ("2024-04-09", "2024-04-10", "2024-04-09"):
        given = ask(released, newest_orders().head(5), "kept")
        report = released.predict(given, where, as_of=day)
    assert (report.new, report.published) == (0, 0)
    with closing(sqlite3.connect(tmp_path / "scores.db")) as db:
        assert db.execute("SELECT count(*), count(DISTINCT at) FROM scores").fetchone() == (10, 2)


def test_the_input_is_never_the_output(released: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    given = ask(released, newest_orders().head(2), "twice")
    monkeypatch.chdir(given.parent)
    before = given.read_bytes()
    with pytest.raises(IsbjergError, match="the input itself"):
        released.predict("twice.parquet", str(given))
    assert given.read_bytes() == before


def test_a_file_that_is_written_to_meanwhile_is_refused(
    released: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = ask(released, newest_orders().head(3), "written")
    read = act.read

    def read_and_replaced(*asked: Any) -> pl.DataFrame:
        found = read(*asked)
        newest_orders().head(4).write_parquet(given)
        return found

    monkeypatch.setattr(act, "read", read_and_replaced)
    before = ledger(released).count()
    with pytest.raises(SourceError, match="while it was read"):
        released.predict(given, released.folder / "written_scores.csv")
    assert ledger(released).count() == before


def test_rows_that_a_server_refuses_are_set_aside(released: Project) -> None:
    rows = (
        newest_orders()
        .head(5)
        .with_columns(
            order_id=pl.when(pl.col("order_id") == pl.col("order_id").min())
            .then(None)
            .otherwise("order_id")
        )
    )
    out = released.folder / "aside.jsonl"
    report = released.predict(ask(released, rows, "aside"), out)
    assert (report.rows, report.answered, report.refused) == (5, 4, 1)
    assert report.quarantine is not None
    kept = pl.read_parquet(released.folder / report.quarantine)
    assert "order_id" in kept["_refused"].item()
    (finding,) = [f for f in report.findings if f.code == "predict.refused"]
    assert "Rows 0." in finding.message
    assert len(out.read_text().splitlines()) == 4


def test_a_batch_is_settled_and_traced_as_any_prediction(released: Project) -> None:
    rows = small_project.orders().tail(6)
    out = released.folder / "settled_scores.parquet"
    released.predict(ask(released, rows.select(UP_FRONT), "settled"), out, replay=True)
    known = ask(released, rows.select("order_id", "minutes_late", "delivered"), "known")
    assert released.settle(known).outcomes.unmatched == 0
    trace = released.trace(_id_of(out, rows["order_id"][0]))
    assert trace.holds
    assert {f.outcome for f in trace.replays} == {"passed"}
    assert trace.outcome is not None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda df: df.drop("shop"), "ISB321"),
        (lambda df: df.with_columns(amount=pl.lit("dear")), "ISB322"),
    ],
)
def test_an_input_that_cannot_be_scored(released: Project, change: Any, code: str) -> None:
    given = ask(released, change(newest_orders()), "wrong")
    before = ledger(released).count()
    with pytest.raises(SourceError) as told:
        released.predict(given, released.folder / "never.parquet")
    assert told.value.kind_code == code
    assert not (released.folder / "never.parquet").exists()
    assert ledger(released).count() == before


def test_the_best_of_all_rows(released: Project) -> None:
    given = ask(released, newest_orders(), "top")
    every, best = released.folder / "every.parquet", released.folder / "best.parquet"
    released.predict(given, every)
    before = ledger(released).count()
    report = released.predict(given, best, top=5)
    assert (report.answered, report.published) == (40, 5)
    assert ledger(released).count() == before + 40  # all are in the ledger, with their places
    shown = pl.read_parquet(best)
    assert shown["rank"].to_list() == [1, 2, 3, 4, 5]
    assert shown["of"].unique().to_list() == [40]
    scores = pl.read_parquet(every)["score"].sort(descending=True)
    assert shown["score"].to_list() == scores.head(5).to_list()
    kept = ledger(released).find(shown["prediction_id"][1])
    assert kept is not None
    assert kept.output == {"list": "[]", "rank": 2, "of": 40, "shown": True}


def test_nothing_live_and_strange_outputs(released: Project, tmp_path: Path) -> None:
    folder = small_project.write_project(tmp_path / "p", count=560)
    with pytest.raises(ReleaseError):
        Project(folder).predict(ask(released, newest_orders(), "x"), tmp_path / "o.parquet")
    given = ask(released, newest_orders(), "y")
    for out in (given, tmp_path / "scores.xlsx"):
        with pytest.raises(IsbjergError):
            released.predict(given, out)
    assert pl.read_parquet(given).height == 40


def test_an_empty_table_is_a_batch_of_nothing(released: Project) -> None:
    report = released.predict(
        ask(released, newest_orders().head(0), "none"), released.folder / "n.csv"
    )
    assert (report.rows, report.answered) == (0, 0)


KILLER = """
import os, signal, sys
from isbjerg.storage import batch_parts, durable
from isbjerg.workflows import predict_output
import isbjerg.workflows.predict as act
def die(*_, **__): os.kill(os.getpid(), signal.SIGKILL)
point = sys.argv[1]
if point == "part": batch_parts._write_synced = die
if point == "renamed": act.BatchRecord = die
if point == "recorded": act.publish = die
act.ROWS_AT_ONCE = 10
from isbjerg.project import Project
Project(sys.argv[2]).predict(sys.argv[3], sys.argv[4])
"""


@pytest.mark.parametrize("point", ["part", "renamed", "recorded"])
def test_killed_and_given_again(released: Project, point: str) -> None:
    rows = newest_orders().tail(20 + len(point))  # other rows for each point: another batch
    given = ask(released, rows, f"kill_{point}")
    out = released.folder / f"kill_{point}_scores.parquet"
    before = ledger(released).count()
    done = subprocess.run(
        [sys.executable, "-c", KILLER, point, str(released.folder), str(given), str(out)],
        check=False,
        capture_output=True,
        env=os.environ,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert not out.exists()
    assert ledger(released).count() in {before, before + rows.height}  # all of them or none
    report = released.predict(given, out, purpose="decision")
    assert report.answered == rows.height
    assert ledger(released).count() == before + rows.height
    assert pl.read_parquet(out)["prediction_id"].n_unique() == rows.height
    batches = BatchParts(released.store / "ledger")
    assert not list((released.store / "ledger" / "batches").glob(".writing-*"))
    assert batches.get(report.batch) is not None


def test_the_verb(released: Project) -> None:
    given = ask(released, newest_orders().head(3), "verb")
    done = subprocess.run(
        [sys.executable, "-m", "isbjerg", "-C", str(released.folder), "predict", str(given),
         str(released.folder / "verb.csv"), "--as-of", "2024-04-09", "--json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["answered"] == 3
    assert told["as_of_us"] == int(datetime(2024, 4, 9, tzinfo=UTC).timestamp()) * 10**6
    assert timedelta(microseconds=told["as_of_us"]) > timedelta(0)


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A drafted project, in which nothing is looked up."""
    base = tmp_path_factory.mktemp("plain")
    dear = pl.col("amount") + pl.col("minutes_late") > 90
    known = ("order_id", "placed", "shop", "city", "amount")
    small_project.orders(400).select(*known, dear.alias("dear")).write_csv(base / "orders.csv")
    draft_project(base / "p", base / "orders.csv", "dear", "placed")
    features = base / "p" / "features.py"  # a feature keeps its column's name, not its values
    features.write_text(features.read_text().replace("return amount", "return 100 - amount * 2"))
    project = Project(base / "p")
    assert project.run().model_version == 1
    project.promote(1)
    return project


def test_a_model_that_looks_nothing_up_scores_a_table(plain: Project) -> None:
    out = plain.folder / "scores.csv"
    report = plain.predict(plain.folder.parent / "orders.csv", out)
    assert (report.answered, report.new) == (400, 400)
    told = pl.read_csv(out)
    records = [r for r in ledger(plain).scan() if r.id in set(told["prediction_id"])]
    assert all(record.slots == {} for record in records)
    assert all(set(record.features) == {"shop", "city", "amount"} for record in records)
    assert all(r.features["amount"] == 100 - r.inputs["amount"] * 2 for r in records)
    trace = plain.trace(records[0].id)
    assert [check.outcome for check in trace.replays] == ["passed"] * 3
    assert sorted(told["score"]) == sorted(record.score for record in records)
    again = plain.predict(
        plain.folder.parent / "orders.csv", out
    )  # it says when the decisions were taken
    assert (again.new, again.as_of_us) == (0, report.as_of_us)
    assert {record.at_us for record in records} == {report.as_of_us}


def test_a_batch_that_failed_leaves_nothing_that_stops_a_verb(
    plain: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(batch_parts, "_write_synced", full)
    given = plain.folder.parent / "orders.csv"
    with pytest.raises(StoreError, match="No space"):
        plain.predict(given, plain.folder / "scores.csv", purpose="failing")
    assert not list((plain.store / "ledger" / "batches").glob(".*"))
    monkeypatch.undo()
    (plain.store / "ledger" / "batches" / ".writing-killed").mkdir()
    assert plain.ingest().tables[0].version == "orders@v1"
    assert plain.predict(given, plain.folder / "scores.csv", purpose="failing").new == 400


def test_a_file_that_is_no_table_is_told_in_words_of_the_command(plain: Project) -> None:
    with pytest.raises(SourceError, match=r"No file is at 'nowhere\.csv'") as missing:
        plain.predict("nowhere.csv", "out.csv")
    assert "sources.py" not in str(missing.value)
    with closing(sqlite3.connect(plain.folder / "shop.db")) as db:
        db.execute("CREATE TABLE orders (order_id INTEGER)")
        db.commit()
    with pytest.raises(ArgumentError, match="SQLite database") as unnamed:
        plain.predict(plain.folder / "shop.db", "out.csv")
    assert "shop.db#TABLE" in str(unnamed.value)
