"""SQLite and PostgreSQL as they are: real files, a real server, nothing stands in for them."""

from __future__ import annotations

import datetime as dt
import sqlite3
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from tests.postgres import Postgres

from isbjerg.data.carriers import to_carriers
from isbjerg.data.pacing import Pace
from isbjerg.data.reading import fingerprint, read
from isbjerg.data.sql_reading import read_sql
from isbjerg.data.sql_tables import SqlTable, sql
from isbjerg.data.watermarks import Watermark
from isbjerg.errors import ArgumentError, SourceError
from isbjerg.expressions.tree import Type

SHOP = "sqlite:///shop.db"


def lite(folder: Path, *statements: str) -> Path:
    with sqlite3.connect(folder / "shop.db") as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return folder


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    return lite(
        tmp_path,
        "CREATE TABLE orders (id INTEGER, shop TEXT, price, updated_at DATETIME, note BLOB)",
        "INSERT INTO orders VALUES (1, '007', 1, '2024-01-01 10:00:00', x'00')",
        "INSERT INTO orders VALUES (2, 'b:c %s', 2.5, '2024-01-02 10:00:00', NULL)",
        "INSERT INTO orders VALUES (3, NULL, NULL, NULL, NULL)",
    )


def test_sqlite_gives_types_that_its_values_have(shop: Path) -> None:
    df = read(sql(SHOP, table="orders"), shop)
    assert df["price"].to_list() == [1.0, 2.5, None]
    assert df["shop"].to_list() == ["007", "b:c %s", None]
    assert df["updated_at"][0] == dt.datetime(2024, 1, 1, 10)
    _, findings = to_carriers(df)
    assert [(f.code, f.subject) for f in findings] == [("ingest.column_left_out", "note")]
    text = read(sql(SHOP, table="orders", types={"updated_at": "text", "id": "float"}), shop)
    assert text["updated_at"][0] == "2024-01-01 10:00:00"
    assert text["id"].dtype == pl.Float64
    assert fingerprint(sql(SHOP, table="orders"), shop) is None


def test_a_query_is_asked_as_it_stands(shop: Path) -> None:
    query = "SELECT id, 'a :b %s \\x' AS odd FROM orders WHERE shop LIKE 'b:c %' ; "
    assert read(sql(SHOP, query=query), shop).rows() == [(2, "a :b %s \\x")]


def test_a_name_that_is_a_word_of_the_language_is_a_name(tmp_path: Path) -> None:
    lite(tmp_path, 'CREATE TABLE "order" ("group" INTEGER)', 'INSERT INTO "order" VALUES (1), (2)')
    mark = Watermark(column="group", kind="integer", value="2")
    table = sql(SHOP, table="order", watermark="group")
    assert read_sql(table, tmp_path, since=mark).frame.rows() == [(2,)]


def test_an_empty_answer_still_has_its_columns(shop: Path) -> None:
    df = read(sql(SHOP, query="SELECT id, price FROM orders WHERE id > 9"), shop)
    assert df.columns == ["id", "price"]
    assert df.height == 0


def test_only_rows_at_or_above_the_watermark_or_without_one_are_read(shop: Path) -> None:
    orders = sql(SHOP, table="orders", watermark="updated_at")
    first = read_sql(orders, shop)
    assert first.frame.height == 3
    assert first.watermark == Watermark(
        column="updated_at", kind="text", value="2024-01-02 10:00:00"
    )
    assert read_sql(orders, shop, since=first.watermark).frame["id"].to_list() == [2, 3]
    lite(shop, "INSERT INTO orders VALUES (4, 'x', 1, '2024-01-03 09:00:00', NULL)")
    later = read_sql(orders, shop, since=first.watermark)
    assert later.frame["id"].to_list() == [2, 3, 4]
    assert later.watermark is not None
    assert later.watermark.value == "2024-01-03 09:00:00"
    query = "SELECT id, updated_at AS seen FROM orders"
    seen = sql(SHOP, query=query, watermark="seen")
    mark = Watermark(column="seen", kind="text", value="2024-01-02 10:00:00")
    assert read_sql(seen, shop, since=mark).frame["id"].to_list() == [2, 3, 4]


@pytest.mark.parametrize("end", ["", " -- newest last", ";\n  ;\n", " /* all */"])
def test_a_query_that_ends_in_a_comment_is_read_on(shop: Path, end: str) -> None:
    table = sql(SHOP, query=f"SELECT id, updated_at FROM orders{end}", watermark="id")
    first = read_sql(table, shop)
    assert first.frame["id"].to_list() == [1, 2, 3]
    lite(shop, "INSERT INTO orders VALUES (4, 'c', 1, '2024-01-03 10:00:00', NULL)")
    assert read_sql(table, shop, since=first.watermark).frame["id"].to_list() == [3, 4]


def test_texts_stay_texts_when_they_were(tmp_path: Path) -> None:
    lite(tmp_path, "CREATE TABLE t (a, b)", "INSERT INTO t VALUES ('2024-01-01', 7)")
    read_ = read_sql(sql(SHOP, table="t"), tmp_path, known={"a": Type.TEXT, "b": Type.TEXT})
    assert read_.frame.rows() == [("2024-01-01", "7")]


@pytest.mark.parametrize(
    ("table", "code", "told"),
    [
        (sql(SHOP, table="nowhere"), "ISB307", "no such table"),
        (sql(SHOP, query="SELEC 1"), "ISB307", "syntax error"),
        (sql(SHOP, query="DELETE FROM orders RETURNING id"), "ISB307", "readonly"),
        (sql("sqlite:///none.db", table="orders"), "ISB307", "No SQLite database"),
        (sql(SHOP, table="orders", watermark="changed"), "ISB308", "'changed'"),
        (sql(SHOP, table="orders", watermark="note"), "ISB308", "bytes"),
        (sql(SHOP, query="SELECT id, id FROM orders"), "ISB306", "['id']"),
        (sql(SHOP, table="orders", types={"shop": "integer"}), "ISB307", "'shop'"),
        (sql("sqlite:///${NOWHERE_DB}", table="t"), "ISB309", "NOWHERE_DB"),
    ],
)
def test_what_a_database_refuses_is_told(shop: Path, table: SqlTable, code: str, told: str) -> None:
    with pytest.raises(SourceError) as caught:
        read(table, shop)
    assert caught.value.kind_code == code
    assert told in caught.value.message


def test_a_watermark_of_several_kinds_is_refused(shop: Path) -> None:
    lite(shop, "INSERT INTO orders VALUES (4, 'x', 1, 17, NULL)")
    with pytest.raises(SourceError, match="several kinds"):
        read(sql(SHOP, table="orders", watermark="updated_at"), shop)


def test_a_text_that_is_not_utf_8_is_refused_without_it(tmp_path: Path) -> None:
    lite(tmp_path, "CREATE TABLE t (a TEXT)", "INSERT INTO t VALUES (CAST(x'736563ff' AS TEXT))")
    with pytest.raises(SourceError, match="UTF-8") as caught:
        read(sql(SHOP, table="t"), tmp_path)
    assert "sec" not in str(caught.value).replace("explain", "")


@pytest.mark.parametrize(
    ("url", "asked"),
    [
        ("mysql://x@y/z", {"table": "t"}),
        (SHOP, {}),
        (SHOP, {"table": "t", "query": "SELECT 1"}),
        (SHOP, {"table": "t", "rows_per_second": 0}),
        ("postgresql://me:hunter2@h/d", {"table": "t"}),
        ("postgresql://h/d?user=me&password=hunter2", {"table": "t"}),
    ],
)
def test_what_cannot_be_asked_is_refused_at_once(url: str, asked: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError) as caught:
        sql(url, **asked)
    assert "hunter2" not in str(caught.value)


class Hours:
    """A clock that moves only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def test_no_more_rows_than_the_cap_come_in_any_second(tmp_path: Path) -> None:
    rows = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT 1000) "
    lite(tmp_path, "CREATE TABLE t (id INTEGER)", f"INSERT INTO t {rows} SELECT id FROM n")
    time = Hours()
    fetched: list[tuple[float, int]] = []

    class Watched(Pace):
        def fetched(self, rows: int) -> None:
            fetched.append((time.now, rows))
            super().fetched(rows)

    pace = Watched(100, clock=time, sleep=time.sleep)
    assert read_sql(sql(SHOP, table="t"), tmp_path, pace=pace).frame.height == 1000
    assert time.now == pytest.approx(10.0)  # 1000 rows at 100 a second
    for at, _ in fetched:
        inside = sum(rows for when, rows in fetched if at <= when < at + 0.999)
        assert inside <= 100


# --- PostgreSQL --------------------------------------------------------------------------------


@pytest.fixture
def orders(postgres: Postgres, shop_password: str) -> str:
    postgres.do("DROP SCHEMA IF EXISTS sales CASCADE")
    postgres.do("CREATE SCHEMA sales")
    postgres.do("GRANT USAGE ON SCHEMA sales TO reader")
    postgres.do(
        """CREATE TABLE sales.orders (
            id bigint, ok boolean, price numeric(12, 2), ratio real, word varchar(9), code uuid,
            at timestamptz, seen timestamp, day date, took interval, tags text[], doc jsonb,
            raw bytea, clock time)"""
    )
    postgres.do(
        """INSERT INTO sales.orders VALUES
        (1, true, 1.25, 0.5, 'a', '00000000-0000-0000-0000-000000000001',
         '2024-01-01 12:00+02', '2024-01-01 12:00', '2024-01-01', '90 seconds',
         '{x}', '{"a": 1}', 'x', '10:00'),
        (2, NULL, NULL, 'NaN', NULL, NULL, '2024-07-01 12:00+00', NULL, NULL, NULL, NULL, NULL,
         NULL, NULL)"""
    )
    return "sales.orders"


def test_postgres_gives_its_own_types(postgres: Postgres, orders: str, tmp_path: Path) -> None:
    df, findings = to_carriers(read(sql(postgres.url, table=orders), tmp_path))
    assert df.schema == {
        "id": pl.Int64,
        "ok": pl.Boolean,
        "price": pl.Float64,
        "ratio": pl.Float64,
        "word": pl.String,
        "code": pl.String,
        "at": pl.Datetime("us", "UTC"),
        "seen": pl.Datetime("us"),
        "day": pl.Datetime("us"),
        "took": pl.Duration("us"),
    }
    assert df["at"][0] == dt.datetime(2024, 1, 1, 10, tzinfo=dt.UTC)
    assert df["took"][0] == dt.timedelta(seconds=90)
    left_out = [f.subject for f in findings if f.code == "ingest.column_left_out"]
    assert left_out == ["tags", "doc", "raw", "clock"]
    assert [f.subject for f in findings if f.code == "ingest.became_null"] == ["ratio"]


@pytest.mark.parametrize("column", ["id", "price", "at", "seen", "day"])
def test_postgres_goes_on_where_it_was(
    postgres: Postgres, orders: str, tmp_path: Path, column: str
) -> None:
    table = sql(postgres.url, table=orders, watermark=column)
    first = read_sql(table, tmp_path)
    assert first.watermark is not None
    again = read_sql(table, tmp_path, since=first.watermark)
    full = 1 if column in {"id", "at"} else 2  # row 2 has no other values: it is always read
    assert again.frame.height == full
    assert again.watermark == first.watermark


def test_postgres_refuses_texts_as_watermark(
    postgres: Postgres, orders: str, tmp_path: Path
) -> None:
    with pytest.raises(SourceError, match="order of texts"):
        read(sql(postgres.url, table=orders, watermark="word"), tmp_path)


def test_a_query_of_postgres_is_asked_as_it_stands(
    postgres: Postgres, orders: str, tmp_path: Path
) -> None:
    query = f"SELECT id::text AS id, 'a :b %s 100%' AS odd, at FROM {orders} WHERE word LIKE 'a%'"
    rows = read(sql(postgres.url, query=query), tmp_path).select("id", "odd").rows()
    assert rows == [("1", "a :b %s 100%")]
    mark = Watermark(column="at", kind="instant", value="2024-01-01T12:00:00+02:00")
    read_ = read_sql(sql(postgres.url, query=query, watermark="at"), tmp_path, since=mark)
    assert read_.frame.height == 1


def test_postgres_is_never_written_to(postgres: Postgres, orders: str, tmp_path: Path) -> None:
    postgres.do("CREATE SEQUENCE sales.numbers")
    postgres.do("GRANT ALL ON sales.numbers TO reader")  # the user has the right to, the read not
    with pytest.raises(SourceError, match="read-only transaction"):
        read(sql(postgres.url, query="SELECT nextval('sales.numbers') AS id"), tmp_path)
    with pytest.raises(SourceError, match="INSERT"):
        read(sql(postgres.url, query=f"INSERT INTO {orders} (id) VALUES (9)"), tmp_path)
    assert postgres.do(f"SELECT count(*) FROM {orders}") == [(2,)]


def test_a_big_answer_streams_through_a_cursor(
    postgres: Postgres, orders: str, tmp_path: Path
) -> None:
    query = "SELECT id, (SELECT count(*) FROM pg_cursors) AS cursors FROM generate_series(1, 30000) AS id"
    batches: list[int] = []

    class Watched(Pace):
        def fetched(self, rows: int) -> None:
            batches.append(rows)

    df = read_sql(sql(postgres.url, query=query), tmp_path, pace=Watched(None)).frame
    assert batches == [10_000] * 3
    assert df["cursors"].unique().to_list() == [1]  # the server's own word that it was one


@pytest.mark.parametrize(
    ("url", "password"),
    [
        ("postgresql://reader:${SHOP_PASSWORD}@127.0.0.1:{port}/shop", "wrong&word"),
        ("postgresql://reader:${SHOP_PASSWORD}@127.0.0.1:1/shop", "wrong&word"),
        ("${SHOP_PASSWORD}", "postgresql://reader:wrong&word@127.0.0.1:{port}/shop"),
        ("${SHOP_PASSWORD}", "mysql://reader:wrong&word@127.0.0.1/shop"),
        ("${SHOP_PASSWORD}", "wrong&word"),
    ],
)
def test_a_secret_is_never_told(
    postgres: Postgres,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    password: str,
) -> None:
    port = str(postgres.port)
    monkeypatch.setenv("SHOP_PASSWORD", password.replace("{port}", port))
    with pytest.raises(SourceError) as caught:
        read(sql(url.replace("{port}", port), table="orders"), tmp_path)
    assert caught.value.kind_code == "ISB307"
    told = f"{caught.value} {caught.value.facts} {caught.value.__cause__}"
    assert "wrong" not in told
