"""Sources as they are declared, read from watermarks on, and redefined."""

from __future__ import annotations

import json
import re
import sqlite3
from pathlib import Path

import polars as pl
import pytest
import yaml
from tests.postgres import SECRET, Postgres
from tests.unit.workflows.kit import (
    DAY,
    SOURCES,
    START,
    SetClock,
    loans,
    opened,
    write_loans,
    write_project,
)

from isbjerg.data.manifest import DataVersion
from isbjerg.data.versions import newest
from isbjerg.errors import DefinitionError
from isbjerg.project import Project
from isbjerg.storage.tables import read_facts
from isbjerg.workflows.contracts import contract_path, read_contract
from isbjerg.workflows.ingest import IngestReport, TableIngest, ingest

RETURN = 'return ib.parquet("data/loans.parquet")'


@pytest.fixture
def clock() -> SetClock:
    return SetClock(START + 60 * DAY)


def project(folder: Path, returned: str, table: pl.DataFrame | None = None) -> Path:
    write_project(folder, loans() if table is None else table)
    return returning(folder, returned)


def returning(folder: Path, returned: str) -> Path:
    (folder / "sources.py").write_text(SOURCES.replace(RETURN, returned))
    return folder


def report(folder: Path, clock: SetClock, *, full: bool = False) -> IngestReport:
    clock.now_us += 1
    with opened(folder, clock) as (workspace, definitions):
        return ingest(workspace, definitions, full=full)


def take(folder: Path, clock: SetClock, *, full: bool = False) -> TableIngest:
    (table,) = report(folder, clock, full=full).tables
    return table


def version(folder: Path, clock: SetClock) -> DataVersion:
    with opened(folder, clock) as (workspace, _):
        found = workspace.catalog.latest_data_version("loans")
        assert found is not None
        return found


def held(folder: Path, clock: SetClock) -> pl.DataFrame:
    with opened(folder, clock) as (workspace, _):
        found = workspace.catalog.latest_data_version("loans")
        assert found is not None
        return newest(read_facts(workspace.store, found), ["id"])


def codes(done: TableIngest) -> list[str]:
    return [f.code for f in done.findings if f.failed]


# --- databases, from a watermark on ------------------------------------------------------------

BY_CHANGE = (
    'return ib.sql("sqlite:///data/shop.db", table="loans", '
    'types={"asked": "instant", "closed": "instant"}, watermark="changed")'
)


class Shop:
    """A database of loans, each with a number that grows with each change."""

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.file, self.change = file, 0
        self.do("CREATE TABLE loans (id, asked, person, amount, unpaid, closed, changed)")

    def do(self, statement: str, *values: object) -> None:
        connection = sqlite3.connect(self.file)
        with connection:
            connection.execute(statement, values)
        connection.close()

    def put(self, table: pl.DataFrame) -> None:
        for row in table.iter_rows():
            self.change += 1
            values = [str(v)[:19] if hasattr(v, "year") else v for v in row]
            self.do("DELETE FROM loans WHERE id = ?", values[0])
            self.do("INSERT INTO loans VALUES (?, ?, ?, ?, ?, ?, ?)", *values, self.change)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    made = Shop(tmp_path / "loans" / "data" / "shop.db")
    made.put(loans())
    return made


@pytest.fixture
def folder(shop: Shop, tmp_path: Path) -> Path:
    return project(tmp_path / "loans", BY_CHANGE)


def test_only_what_is_new_is_asked_for(folder: Path, shop: Shop, clock: SetClock) -> None:
    first = take(folder, clock)
    assert (first.new, first.incremental) == (10, False)
    same = take(folder, clock)
    assert (same.changed, same.unchanged, same.incremental) == (False, 1, True)  # the last row
    shop.put(loans(12).tail(2))
    shop.put(loans(3, amount=[1.0, 2.0, 3.0]).tail(1))
    later = take(folder, clock)
    assert (later.new, later.corrected, later.unchanged, later.vanished) == (2, 1, 1, 0)
    assert codes(later) == []
    reading = version(folder, clock).reading
    assert reading is not None
    assert reading.watermark is not None
    assert reading.watermark.value == "13"
    assert held(folder, clock).filter(id=3)["amount"].to_list() == [3.0]


def test_a_text_time_in_the_future_does_not_hide_what_comes_until_then(
    shop: Shop, tmp_path: Path, clock: SetClock
) -> None:
    """SQLite has no times of its own: its watermark is a text."""
    shop.do("UPDATE loans SET changed = '2024-01-20 10:00:00'")
    shop.do("UPDATE loans SET changed = '2099-01-01 10:00:00' WHERE id = 4")
    folder = project(tmp_path / "loans", BY_CHANGE)
    take(folder, clock)
    shop.put(loans(11).tail(1))
    shop.do("UPDATE loans SET changed = '2024-02-02 10:00:00' WHERE id = 11")
    again = take(folder, clock)
    assert (again.new, again.incremental) == (1, False)
    shop.do("UPDATE loans SET changed = '2024-02-03 10:00:00' WHERE id = 4")  # mended
    take(folder, clock)
    assert take(folder, clock).incremental


def test_rows_deleted_are_found_by_a_full_read_alone(
    folder: Path, shop: Shop, clock: SetClock
) -> None:
    take(folder, clock)
    shop.do("DELETE FROM loans WHERE id <= 4")
    assert take(folder, clock).vanished == 0
    full = take(folder, clock, full=True)
    assert (full.vanished, full.incremental) == (4, False)
    assert codes(full) == ["ingest.vanished"]


def test_an_empty_increment_changes_nothing(folder: Path, shop: Shop, clock: SetClock) -> None:
    take(folder, clock)
    shop.do("DELETE FROM loans WHERE id = 10")
    done = take(folder, clock)
    assert (done.changed, done.rows, done.incremental) == (False, 10, True)


def test_a_changed_query_is_a_changed_definition_and_reads_all_again(
    folder: Path, shop: Shop, clock: SetClock
) -> None:
    take(folder, clock)
    text = (folder / "sources.py").read_text()
    query = (
        'query="SELECT id, asked, person, amount / 2 AS amount, unpaid, closed, changed FROM loans"'
    )
    (folder / "sources.py").write_text(text.replace('table="loans"', query))
    done = take(folder, clock)
    assert (done.corrected, done.incremental) == (10, False)
    (told,) = [f for f in done.findings if f.evidence.get("aspects")]
    assert (told.code, told.severity) == ("definition.changed", "error")
    assert told.evidence["aspects"] == ["table", "query"]
    assert take(folder, clock).incremental
    assert codes(take(folder, clock)) == []


def test_a_new_column_and_a_new_contract_read_all_again(
    folder: Path, shop: Shop, clock: SetClock
) -> None:
    take(folder, clock)
    shop.do("ALTER TABLE loans ADD COLUMN city")
    shop.do("UPDATE loans SET city = 'Oslo'")
    added = take(folder, clock)
    assert (added.corrected, added.incremental) == (10, False)
    with opened(folder, clock) as (workspace, _):
        path = contract_path(workspace, "loans")
    path.write_text(path.read_text() + "\n")
    assert not take(folder, clock).incremental


def test_a_row_set_aside_is_taken_when_the_contract_lets_it(
    folder: Path, shop: Shop, clock: SetClock
) -> None:
    take(folder, clock)
    shop.put(loans(12, amount=[1e9] * 12).tail(2))
    assert take(folder, clock).quarantined == 2
    with opened(folder, clock) as (workspace, _):
        path = contract_path(workspace, "loans")
    path.write_text(re.sub(r"maximum: \d+", "maximum: 2000000000", path.read_text()))
    assert take(folder, clock).new == 2


def test_postgres_goes_into_a_version_and_its_secret_nowhere(
    postgres: Postgres, shop_password: str, tmp_path: Path, clock: SetClock
) -> None:
    postgres.do("DROP TABLE IF EXISTS loans")
    postgres.do(
        "CREATE TABLE loans (id bigint, asked timestamptz, person text, amount float8, "
        "unpaid float8, closed timestamptz, updated_at timestamptz DEFAULT now())"
    )
    postgres.do("GRANT SELECT ON loans TO reader")
    for row in loans().iter_rows():
        postgres.do("INSERT INTO loans VALUES (%s, %s, %s, %s, %s, %s)", row)
    sql = f'return ib.sql("{postgres.url}", table="loans", watermark="updated_at")'
    folder = project(tmp_path / "loans", sql)
    clock.set("2100-01-01")  # after the server's own clock
    assert take(folder, clock).new == 10
    postgres.do("UPDATE loans SET amount = 7, updated_at = now() WHERE id = 3")
    done = take(folder, clock)
    assert (done.corrected, done.incremental, done.vanished) == (1, True, 0)
    assert version(folder, clock).source == f"loans of {postgres.url}"
    for file in folder.rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes(), file


def test_a_time_in_the_future_does_not_hide_what_comes_until_then(
    postgres: Postgres, shop_password: str, tmp_path: Path, clock: SetClock
) -> None:
    postgres.do("DROP TABLE IF EXISTS loans")
    postgres.do(
        "CREATE TABLE loans (id bigint, asked timestamptz, person text, amount float8, "
        "unpaid float8, closed timestamptz, updated_at timestamptz)"
    )
    postgres.do("GRANT SELECT ON loans TO reader")
    insert = "INSERT INTO loans VALUES (%s, %s, %s, %s, %s, %s, %s)"
    for row in loans(9).iter_rows():
        postgres.do(insert, [*row, "2024-01-20+00"])
    postgres.do(insert, [*loans(10).row(9), "2099-01-01+00"])
    sql = f'return ib.sql("{postgres.url}", table="loans", watermark="updated_at")'
    folder = project(tmp_path / "loans", sql)
    take(folder, clock)
    postgres.do(insert, [*loans(11).row(10), "2024-03-05+00"])
    clock.set("2024-03-06")
    assert take(folder, clock).new == 1


# --- definitions -------------------------------------------------------------------------------

FRAME = 'return ib.read(ib.parquet("data/loans.parquet"), __import__("pathlib").Path({folder!r}))'


def test_the_code_of_a_data_frame_is_its_definition(tmp_path: Path, clock: SetClock) -> None:
    read = FRAME.format(folder=str(tmp_path / "loans"))
    folder = project(tmp_path / "loans", read)
    take(folder, clock)
    returning(folder, "# a comment\n    " + read)
    assert codes(take(folder, clock)) == []
    returning(folder, read.replace("return ", "return 1 and "))  # the same rows
    same = take(folder, clock)
    (told,) = [f for f in same.findings if f.code == "definition.changed"]
    assert told.severity == "warning"
    assert codes(take(folder, clock)) == []  # told once
    doubled = read + '.with_columns(__import__("polars").col("amount") * 1.25 + 3)'
    returning(folder, doubled)
    (told, *_) = [f for f in take(folder, clock).findings if f.code == "definition.changed"]
    assert (told.severity, told.evidence["corrected"]) == ("error", 10)


def test_a_column_that_is_brought_back_to_its_meaning_is_told_and_passes(
    tmp_path: Path, clock: SetClock
) -> None:
    """The mend of a changed definition ends it: else nothing could go live again."""
    folder = project(tmp_path / "loans", RETURN)
    euros = loans(60).with_columns(amount=100.0 + pl.col("id") * 7 % 40)
    dear = euros.with_columns(pl.col("amount") * 1.609344)  # as miles become kilometres
    euros.write_parquet(folder / "data" / "loans.parquet")
    take(folder, clock)
    dear.write_parquet(folder / "data" / "loans.parquet")
    (told,) = [f for f in take(folder, clock).findings if f.code == "definition.changed"]
    assert (told.subject, told.outcome) == ("loans.amount", "failed")
    euros.write_parquet(folder / "data" / "loans.parquet")
    back = take(folder, clock)
    (told,) = [f for f in back.findings if f.code == "definition.changed"]
    assert (told.subject, told.outcome, told.mend) == ("loans.amount", "passed", "")
    assert told.message == "'amount' says again what it said at first; loans@v2 told it otherwise."
    assert back.corrected == 60
    # Another unit once more is told again: it is held against what stands, not only the first.
    dear.write_parquet(folder / "data" / "loans.parquet")
    (told,) = [f for f in take(folder, clock).findings if f.code == "definition.changed"]
    assert told.outcome == "failed"


def test_other_files_are_another_definition(tmp_path: Path, clock: SetClock) -> None:
    folder = project(tmp_path / "loans", RETURN)
    take(folder, clock)
    (folder / "data" / "loans.parquet").rename(folder / "data" / "l.parquet")
    returning(folder, 'return ib.parquet("data/*.parquet")')
    done = take(folder, clock)
    assert codes(done) == ["definition.changed"]
    assert done.findings[-1].evidence["changed"] == ["path: data/loans.parquet -> data/*.parquet"]
    assert (done.changed, done.new, done.rows) == (True, 0, 10)


def test_a_version_of_before_says_nothing_of_its_reading(tmp_path: Path, clock: SetClock) -> None:
    folder = project(tmp_path / "loans", RETURN)
    take(folder, clock)
    with opened(folder, clock) as (workspace, _), workspace.catalog._engine.begin() as connection:
        (payload,) = connection.exec_driver_sql("SELECT payload FROM data_version_payloads").one()
        old = {k: v for k, v in json.loads(payload).items() if k != "reading"}
        connection.exec_driver_sql(
            "UPDATE data_version_payloads SET payload = ?", (json.dumps(old).encode(),)
        )
    assert version(folder, clock).reading is None
    write_loans(folder, loans(11))
    returning(folder, 'return ib.parquet("data/*.parquet")')
    assert codes(take(folder, clock)) == []
    assert version(folder, clock).reading is not None


def test_another_unit_is_told_also_of_rows_that_the_contract_set_aside(
    tmp_path: Path, clock: SetClock
) -> None:
    folder = project(tmp_path / "loans", RETURN, loans(60))
    take(folder, clock)
    cents = loans(60).with_columns(pl.col("amount") * 100)
    write_loans(folder, cents)
    done = take(folder, clock)
    assert done.quarantined > 50
    (told,) = [f for f in done.findings if f.code == "definition.changed"]
    assert told.subject == "loans.amount"
    assert "euros to cents" in told.message
    assert told.evidence["factor"] == 100.0


# --- declarations ------------------------------------------------------------------------------

DECLARED = SOURCES.replace(
    "def loans",
    "def loans",
).replace(
    '    key="id",',
    '    key="id",\n    owner="Credit",\n    licence="internal use",\n    refresh="1d",\n'
    '    personal={"person": "identifier", "am*": "sensitive", "*": "internal"},',
)
PLANNED = (
    '\n\nscores = ib.planned("scores", owner="Risk", why="a score says more than the amount")\n'
)


def test_what_a_source_declares_stands_in_its_contract(tmp_path: Path, clock: SetClock) -> None:
    folder = write_project(tmp_path / "loans", loans(), sources=DECLARED)
    take(folder, clock)
    with opened(folder, clock) as (workspace, _):
        text = contract_path(workspace, "loans").read_text()
        fields = {f.name: f.personal for f in read_contract(workspace, "loans").fields}
    document = yaml.safe_load(text)
    assert list(document)[:2] == ["apiVersion", "kind"]
    assert document["team"] == {"name": "Credit"}
    assert document["slaProperties"] == [{"property": "frequency", "value": 1, "unit": "d"}]
    assert document["customProperties"] == [{"property": "isbjergLicence", "value": "internal use"}]
    classes = {p["name"]: p.get("classification") for p in document["schema"][0]["properties"]}
    assert classes == fields
    assert (fields["person"], fields["amount"], fields["id"]) == (
        "identifier",
        "sensitive",
        "internal",
    )


def test_a_source_that_brings_nothing_for_longer_than_it_declares_is_stale(
    tmp_path: Path, clock: SetClock
) -> None:
    folder = write_project(tmp_path / "loans", loans(), sources=DECLARED)
    assert codes(take(folder, clock)) == []
    clock.now_us += 86_400 * 10**6 - 1
    assert codes(take(folder, clock)) == []  # exactly a day
    clock.now_us += 1
    stale = take(folder, clock)
    assert codes(stale) == ["source.stale"]
    assert "ask Credit" in stale.findings[-1].mend
    (line,) = Project(folder, clock=clock).status().tables
    assert line.stale
    write_loans(folder, loans(11))
    assert codes(take(folder, clock)) == []


def test_planned_sources_are_told_and_not_read(tmp_path: Path, clock: SetClock) -> None:
    folder = write_project(tmp_path / "loans", loans(), sources=SOURCES + PLANNED)
    done = report(folder, clock)
    assert [(p.name, p.owner) for p in done.planned] == [("scores", "Risk")]
    assert [t.table for t in done.tables] == ["loans"]
    assert [p.name for p in Project(folder, clock=clock).status().planned] == ["scores"]
    twice = SOURCES + PLANNED.replace('planned("scores"', 'planned("loans"')
    (folder / "sources.py").write_text(twice)
    with pytest.raises(DefinitionError, match="'loans'"):
        report(folder, clock)


def test_what_a_read_from_the_watermark_set_aside_stands_until_all_is_read(
    folder: Path, shop: Shop, clock: SetClock
) -> None:
    take(folder, clock)
    bad = loans(14).tail(4).with_columns(amount=pl.lit(-5.0))
    shop.put(bad.head(3))
    shop.put(loans(15).tail(1))
    aside = take(folder, clock)
    assert (aside.new, aside.quarantined, aside.incremental) == (1, 3, True)
    shop.put(loans(16).tail(1))
    assert "contract.range" not in codes(take(folder, clock))  # this read met none of them
    recorded = version(folder, clock)
    (stands,) = (f for f in recorded.findings if f.code == "contract.range")
    assert stands.evidence["share"] == 3 / 5  # of what that read took: the last row known, and 4
    shop.put(loans(13).tail(3))  # the source is right again
    take(folder, clock, full=True)
    assert all(f.code != "contract.range" for f in version(folder, clock).findings)
