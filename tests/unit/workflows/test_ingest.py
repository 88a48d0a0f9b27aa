from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import msgspec
import polars as pl
import pytest
from tests.unit.workflows.kit import (
    DAY,
    SOURCES,
    START,
    SetClock,
    loans,
    opened,
    us,
    write_loans,
    write_project,
)

from isbjerg.cli.exits import MISUSE, exit_of
from isbjerg.data import shelf
from isbjerg.data.shelf import Shelf
from isbjerg.data.versions import INGESTED_AT, LIVE_AT, ROW, newest
from isbjerg.errors import ArgumentError, SourceError, StoreError
from isbjerg.features.keys import key_text
from isbjerg.storage.tables import read_facts
from isbjerg.workflows.contracts import contract_path, read_contract
from isbjerg.workflows.ingest import TableIngest, ingest
from isbjerg.workflows.workspace import Workspace

MARCH = START + 60 * DAY
APRIL = START + 90 * DAY
UNKNOWN = pl.Series([None] * 10, dtype=pl.Float64)


@pytest.fixture(autouse=True, params=["in memory", "on the shelf"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever an ingest does, it does it to tables that do not fit into memory too."""
    if request.param == "on the shelf":
        monkeypatch.setattr(Shelf, "table_bytes_max", 0)
        monkeypatch.setattr(shelf, "_SMALL_BYTES", 0)


@pytest.fixture
def clock() -> SetClock:
    return SetClock(MARCH)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_project(tmp_path / "loans", loans())


def take(folder: Path, clock: SetClock, *, live: bool = False) -> TableIngest:
    with opened(folder, clock) as (workspace, definitions):
        (table,) = ingest(workspace, definitions, live=live).tables
    return table


def facts(folder: Path, clock: SetClock) -> pl.DataFrame:
    with opened(folder, clock) as (workspace, _):
        version = workspace.catalog.latest_data_version("loans")
        assert version is not None
        return read_facts(workspace.store, version, [*dict(version.schema), INGESTED_AT])


def quarantined(folder: Path, clock: SetClock, version: str) -> pl.DataFrame:
    with opened(folder, clock) as (workspace, _):
        return pl.read_parquet(workspace.store.quarantined("loans", version))


def codes(table: TableIngest) -> set[str]:
    return {f.code for f in table.findings if f.outcome != "passed"}


def test_the_first_ingest_takes_every_row_as_known_at_its_declared_time(
    folder: Path, clock: SetClock
) -> None:
    table = take(folder, clock)
    assert (table.version, table.changed, table.read) == ("loans@v1", True, True)
    assert (table.rows, table.new, table.quarantined) == (10, 10, 0)
    found = facts(folder, clock)
    assert found[LIVE_AT].null_count() == 10
    assert found[INGESTED_AT].unique().to_list() == [MARCH]
    assert found[ROW].to_list() == list(range(found[ROW][0], found[ROW][0] + 10))


def test_files_that_nobody_touched_are_not_read(
    folder: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(folder, clock)
    monkeypatch.setattr(pl, "read_parquet", lambda *_, **__: pytest.fail("it was read"))
    again = take(folder, clock)
    assert (again.changed, again.read, again.unchanged, again.version) == (
        False, False, 10, "loans@v1",
    )  # fmt: skip


def test_the_same_rows_written_again_make_no_version(folder: Path, clock: SetClock) -> None:
    take(folder, clock)
    write_loans(folder, loans().reverse())
    again = take(folder, clock)
    assert (again.changed, again.read, again.unchanged) == (False, True, 10)


def test_a_corrected_row_is_known_from_its_ingest_on(folder: Path, clock: SetClock) -> None:
    take(folder, clock)
    clock.set(APRIL)
    write_loans(folder, loans(unpaid=[0.0] * 10))
    table = take(folder, clock)
    assert (table.new, table.corrected, table.unchanged, table.rows) == (0, 3, 7, 13)
    corrected = facts(folder, clock).tail(3)
    assert corrected["id"].to_list() == [3, 6, 9]
    assert corrected[LIVE_AT].to_list() == [APRIL] * 3


def test_new_rows_are_known_at_their_declared_time_unless_they_come_in_live(
    folder: Path, clock: SetClock
) -> None:
    write_loans(folder, loans(4))
    take(folder, clock)
    write_loans(folder, loans(5))
    take(folder, clock)
    clock.set(APRIL)
    write_loans(folder, loans(6))
    assert take(folder, clock, live=True).new == 1
    assert facts(folder, clock)[LIVE_AT].to_list() == [None] * 5 + [APRIL]


def test_vanished_rows_are_kept_and_told(folder: Path, clock: SetClock) -> None:
    take(folder, clock)
    write_loans(folder, loans().tail(8))
    table = take(folder, clock)
    assert (table.changed, table.vanished, table.rows) == (False, 2, 10)
    assert "ingest.vanished" in codes(table)


def test_no_row_is_lost_between_the_version_and_quarantine(folder: Path, clock: SetClock) -> None:
    take(folder, clock)
    bad = loans(16).with_columns(
        amount=pl.when(pl.col("id") == 12).then(-1.0).otherwise("amount"),
        asked=pl.when(pl.col("id") == 13).then(None).otherwise("asked"),
    )
    table = pl.concat([bad, bad.filter(pl.col("id") == 14)])
    write_loans(folder, table)
    done = take(folder, clock)
    assert (done.new, done.unchanged, done.quarantined) == (4, 10, 3)
    assert done.new + done.unchanged + done.corrected + done.quarantined == table.height
    aside = quarantined(folder, clock, done.version)
    assert dict(zip(aside["id"], aside["_broken"], strict=True)) == {
        12: "range:amount", 13: "required:asked", 14: "key:id",
    }  # fmt: skip


def test_rows_set_aside_by_a_read_that_changes_nothing_are_kept_too(
    folder: Path, clock: SetClock
) -> None:
    take(folder, clock)
    write_loans(folder, pl.concat([loans(), loans(11, amount=[-1.0] * 11).tail(1)]))
    table = take(folder, clock)
    assert (table.changed, table.quarantined) == (False, 1)
    assert quarantined(folder, clock, table.version)["id"].to_list() == [11]


def test_a_contract_tightened_by_a_person_is_asked_again_though_no_file_changed(
    folder: Path, clock: SetClock
) -> None:
    take(folder, clock)
    with opened(folder, clock) as (workspace, _):
        path = contract_path(workspace, "loans")
        text = path.read_text()
        assert read_contract(workspace, "loans").fields[3].maximum == 2000
    path.write_text(text.replace("2000", "800"))
    table = take(folder, clock)
    assert (table.read, table.changed, table.quarantined) == (True, False, 2)
    assert table.vanished == 0  # they are there, but held back
    assert "contract.range" in codes(table)
    assert path.read_text() == text.replace("2000", "800")


def test_a_contract_is_drafted_once(folder: Path, clock: SetClock) -> None:
    assert "contract.drafted" in codes(take(folder, clock))
    write_loans(folder, loans(11))
    assert "contract.drafted" not in codes(take(folder, clock))


def test_a_new_column_corrects_the_rows_in_which_it_has_a_value(
    folder: Path, clock: SetClock
) -> None:
    take(folder, clock)
    write_loans(folder, loans().with_columns(shop=pl.when(pl.col("id") > 8).then(pl.lit("x"))))
    table = take(folder, clock)
    assert (table.corrected, table.unchanged) == (2, 8)
    assert facts(folder, clock)["shop"].to_list() == [None] * 10 + ["x", "x"]


def test_a_changed_type_is_refused_with_the_contracts_finding(
    folder: Path, clock: SetClock
) -> None:
    take(folder, clock)
    write_loans(folder, loans().with_columns(pl.col("amount").cast(pl.String)))
    table = take(folder, clock)
    assert (table.refused, table.changed, table.version, table.rows) == (
        True, False, "loans@v1", 10,
    )  # fmt: skip
    assert "contract.type" in codes(table)
    assert facts(folder, clock).height == 10


def test_a_lost_required_column_is_refused(folder: Path, clock: SetClock) -> None:
    take(folder, clock)
    write_loans(folder, loans().drop("person"))
    table = take(folder, clock)
    assert table.refused
    assert "contract.column" in codes(table)


def test_whole_numbers_where_floats_were_are_floats(folder: Path, clock: SetClock) -> None:
    take(folder, clock)
    write_loans(folder, loans().with_columns(pl.col("amount").cast(pl.Int64)))
    table = take(folder, clock)
    assert (table.refused, table.unchanged) == (False, 10)


def test_an_unknown_table_is_refused(folder: Path, clock: SetClock) -> None:
    with opened(folder, clock) as (workspace, definitions), pytest.raises(ArgumentError) as it:
        ingest(workspace, definitions, tables=["lones"])
    assert it.value.kind_code == "ISB217"
    assert exit_of(it.value) == MISUSE  # the command names it, not the project


def test_a_missing_file_is_told_by_its_path(tmp_path: Path, clock: SetClock) -> None:
    with pytest.raises(SourceError, match=r"data/loans\.parquet"):
        take(write_project(tmp_path / "p"), clock)


def test_a_project_may_lie_in_a_folder_with_brackets(tmp_path: Path, clock: SetClock) -> None:
    folder = write_project(tmp_path / "loans [2]", loans())
    assert take(folder, clock).new == 10
    write_loans(folder, loans().reverse())
    assert take(folder, clock).unchanged == 10


def test_a_clock_that_is_set_back_puts_no_row_before_what_it_corrects(
    folder: Path, clock: SetClock
) -> None:
    """The machine's clock jumps from April to March between two ingests."""
    clock.set(APRIL)
    take(folder, clock)
    clock.set(MARCH)
    write_loans(folder, loans(11, unpaid=[7.0] * 11))
    table = take(folder, clock)
    assert (table.version, table.new, table.corrected) == ("loans@v2", 1, 10)
    found = facts(folder, clock)
    later = found.filter(pl.col(INGESTED_AT) > APRIL)
    assert later.height == 11
    assert later[INGESTED_AT].unique().to_list() == [APRIL + timedelta(microseconds=1)]
    assert newest(found.drop_nulls("id"), ["id"])["unpaid"].to_list() == [7.0] * 11


def test_an_empty_table_is_a_version_without_rows_and_promises_nothing(
    tmp_path: Path, clock: SetClock
) -> None:
    folder = write_project(tmp_path / "p", loans().clear())
    table = take(folder, clock)
    assert (table.version, table.rows, table.new) == ("loans@v1", 0, 0)
    assert not (folder / "contracts").exists()
    write_loans(folder, loans())
    assert take(folder, clock).new == 10
    assert (folder / "contracts" / "loans.odcs.yaml").exists()


@pytest.mark.parametrize(
    "returned",
    [
        'import polars\n    return polars.read_parquet("{path}")',
        'import polars\n    return polars.scan_parquet("{path}")',
        'import pyarrow.parquet as pq\n    return pq.read_table("{path}")',
        'import pandas\n    return pandas.read_parquet("{path}")',
    ],
    ids=["polars", "lazy", "arrow", "pandas"],
)
def test_a_source_may_return_a_data_frame_and_is_read_each_time(
    tmp_path: Path, clock: SetClock, returned: str
) -> None:
    if "pandas" in returned:
        pytest.importorskip("pandas")
    path = tmp_path / "p" / "data" / "loans.parquet"
    text = SOURCES.replace('return ib.parquet("data/loans.parquet")', returned.format(path=path))
    folder = write_project(tmp_path / "p", loans(), sources=text)
    assert take(folder, clock).new == 10
    again = take(folder, clock)
    assert (again.changed, again.read, again.unchanged) == (False, True, 10)


def test_csv_gives_the_same_rows(tmp_path: Path, clock: SetClock) -> None:
    folder = write_project(tmp_path / "p", loans())
    take(folder, clock)
    loans().write_csv(folder / "data" / "loans.csv")
    (folder / "sources.py").write_text(
        SOURCES.replace("parquet(", "csv(").replace(".parquet", ".csv")
    )
    table = take(folder, clock)
    assert (table.read, table.unchanged, table.corrected) == (True, 10, 0)


def test_a_second_ingest_beside_the_first_is_refused(folder: Path, clock: SetClock) -> None:
    with (
        opened(folder, clock) as (workspace, definitions),
        workspace.catalog.lease("ingest", "x"),
        pytest.raises(StoreError) as it,
    ):
        ingest(workspace, definitions)
    assert it.value.kind_code == "ISB605"


def test_files_that_killed_writers_left_are_swept(folder: Path, clock: SetClock) -> None:
    take(folder, clock)
    places = (
        "contracts",
        ".isbjerg",
        ".isbjerg/blobs/ab",
        ".isbjerg/serving",
        ".isbjerg/quarantine",
    )
    for place in places:
        (folder / place).mkdir(parents=True, exist_ok=True)
        (folder / place / ".writing-x").write_bytes(b"half")
    take(folder, clock)
    assert not list(folder.rglob(".writing-*"))


def test_only_the_tables_named_are_read(tmp_path: Path, clock: SetClock) -> None:
    more = SOURCES + '\n\n@ib.source(key="day", known={"*": "day"})\ndef rates():\n    1 / 0\n'
    folder = write_project(tmp_path / "p", loans(), sources=more)
    with opened(folder, clock) as (workspace, definitions):
        report = ingest(workspace, definitions, tables=["loans"])
    assert report.versions == {"loans": "loans@v1"}


# Posted facts


def post(workspace: Workspace, row: dict[str, object], at_us: int) -> None:
    with workspace.online() as online, online.posting("loans") as posting:
        posting.add(key_text([row["id"]]), row, at_us, lambda _: [])  # type: ignore[arg-type, list-item]


def a_loan(number: int, **columns: object) -> dict[str, object]:
    """A row of `loans` as carriers."""
    row = loans(number).tail(1).with_columns(pl.col("asked", "closed").to_physical())
    return {**row.row(0, named=True), **columns}


def test_posted_facts_are_absorbed_once_with_their_numbers_and_times(
    folder: Path, clock: SetClock
) -> None:
    take(folder, clock)
    with opened(folder, clock) as (workspace, _):
        post(workspace, a_loan(11), us(MARCH) + 5)
    clock.set(APRIL)
    first, second = take(folder, clock), take(folder, clock)
    assert (first.version, first.rows, first.read) == ("loans@v2", 11, False)
    assert (second.version, second.rows) == ("loans@v2", 11)
    last = facts(folder, clock).tail(1)
    assert last["id"].item() == 11
    assert last[ROW].item() == 2**62 + 1
    assert last[LIVE_AT].item() == MARCH + timedelta(microseconds=5)
    assert last[INGESTED_AT].item() == APRIL


def test_posted_facts_that_break_todays_contract_are_set_aside_and_counted(
    folder: Path, clock: SetClock
) -> None:
    take(folder, clock)
    with opened(folder, clock) as (workspace, _):
        post(workspace, a_loan(11), us(MARCH))
        post(workspace, a_loan(12, amount=-1.0), us(MARCH))
        post(workspace, {"id": 13, "unpaid": 0.0}, us(MARCH))  # says no more: asked no more
        post(workspace, a_loan(14, person=None), us(MARCH))
        post(workspace, a_loan(15, amount="much"), us(MARCH))  # was a column of texts once
    clock.set(APRIL)
    table = take(folder, clock)
    assert (table.version, table.rows, table.quarantined) == ("loans@v2", 12, 3)
    failed = [f for f in table.findings if f.failed]
    assert {(f.code, f.subject, *f.evidence["first"]) for f in failed} == {
        ("contract.range", "loans.amount", 2),
        ("contract.required", "loans.person", 4),
        ("contract.type", "loans.amount", 5),
    }
    assert facts(folder, clock)["id"].to_list()[10:] == [11, 13]
    aside = quarantined(folder, clock, "loans@v2_posted_2")
    assert aside["_broken"].to_list() == ["range:amount", "required:person", "type:amount"]
    assert [msgspec.json.decode(b)["id"] for b in aside["_body"]] == [12, 14, 15]
    assert aside["_live_at"].to_list() == [MARCH] * 3
    with opened(folder, clock) as (workspace, _):
        version = workspace.catalog.latest_data_version("loans")
        assert version is not None
        assert version.quarantined == 3
    again = take(folder, clock)
    assert (again.version, again.quarantined) == ("loans@v2", 0)


def test_facts_of_which_none_is_taken_leave_the_version_and_its_quarantine(
    folder: Path, clock: SetClock
) -> None:
    write_loans(folder, pl.concat([loans(), loans(1)]))
    take(folder, clock)
    for number in (1, 2):
        with opened(folder, clock) as (workspace, _):
            post(workspace, a_loan(20 + number, amount=-1.0), us(MARCH))
        table = take(folder, clock)
        assert (table.version, table.rows, table.quarantined) == ("loans@v1", 10, 1)
        assert quarantined(folder, clock, f"loans@v1_posted_{number}").height == 1
    assert quarantined(folder, clock, "loans@v1")["id"].to_list() == [1]


def test_an_absorption_that_was_killed_before_its_mark_is_ended_by_the_next(
    folder: Path, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    take(folder, clock)
    with opened(folder, clock) as (workspace, _):
        post(workspace, a_loan(11), us(MARCH))
        post(workspace, a_loan(12, amount=-1.0), us(MARCH))

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("isbjerg.storage.online.OnlineStore.absorb", dies)
        with pytest.raises(KeyboardInterrupt):
            take(folder, clock)
    table = take(folder, clock)
    assert (table.version, table.rows, table.quarantined) == ("loans@v2", 11, 1)
    assert quarantined(folder, clock, "loans@v2_posted_2").height == 1


def test_a_read_does_not_undo_what_was_posted(folder: Path, clock: SetClock) -> None:
    write_loans(folder, loans(unpaid=UNKNOWN))
    take(folder, clock)
    with opened(folder, clock) as (workspace, _):
        post(workspace, a_loan(3), us(MARCH))  # its outcome: 50 unpaid
        post(workspace, a_loan(11), us(MARCH))  # the source does not have it
    write_loans(folder, loans(unpaid=UNKNOWN).reverse())
    table = take(folder, clock)
    assert (table.corrected, table.vanished) == (0, 0)
    now = newest(facts(folder, clock), ["id"]).sort("id")
    assert now["unpaid"].to_list() == [None, None, 50.0] + [None] * 7 + [0.0]


def test_a_source_that_caught_up_with_what_was_posted_changes_nothing(
    folder: Path, clock: SetClock
) -> None:
    write_loans(folder, loans(unpaid=UNKNOWN))
    take(folder, clock)
    with opened(folder, clock) as (workspace, _):
        post(workspace, a_loan(3), us(MARCH))
    write_loans(folder, loans())
    table = take(folder, clock)
    assert (table.corrected, table.unchanged) == (9, 1)


def test_a_source_that_says_something_else_corrects_what_was_posted(
    folder: Path, clock: SetClock
) -> None:
    take(folder, clock)
    with opened(folder, clock) as (workspace, _):
        post(workspace, a_loan(3, unpaid=10.0), us(MARCH))
    write_loans(folder, loans(unpaid=[0.0, 0.0, 30.0] + [0.0] * 7))
    table = take(folder, clock)
    assert table.corrected == 3  # loan 3, and 6 and 9 which nobody posted
    now = newest(facts(folder, clock), ["id"]).sort("id")
    assert now["unpaid"].to_list()[2] == 30.0


def test_keys_of_two_columns_and_nulls_in_them(tmp_path: Path, clock: SetClock) -> None:
    text = SOURCES.replace('key="id"', 'key=["id", "person"]')
    folder = write_project(tmp_path / "p", loans(person=[None] + ["ann"] * 9), sources=text)
    table = take(folder, clock)
    assert (table.new, table.quarantined) == (9, 1)
