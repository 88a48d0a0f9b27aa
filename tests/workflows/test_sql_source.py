"""A database is asked at an ingest and never at a prediction: the database itself is the witness."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from tests.postgres import Postgres
from tests.workflows import small_project
from tests.workflows.test_life import DONE, Life, _predict

_TYPES = {
    pl.Int64: "bigint",
    pl.Float64: "double precision",
    pl.String: "text",
    pl.Datetime("us", "UTC"): "timestamptz",
}


def _fill(postgres: Postgres, name: str, table: pl.DataFrame) -> None:
    columns = ", ".join(f"{c} {_TYPES[t]}" for c, t in table.schema.items())
    postgres.do(f"DROP TABLE IF EXISTS {name}")
    postgres.do(f"CREATE TABLE {name} ({columns}, updated_at timestamptz DEFAULT now())")
    postgres.do(f"GRANT SELECT ON {name} TO reader")
    names, places = ", ".join(table.columns), ", ".join(["%s"] * table.width)
    values = [value for row in table.iter_rows() for value in row]
    rows = ", ".join([f"({places})"] * table.height)
    postgres.do(f"INSERT INTO {name} ({names}) VALUES {rows}", values)


@pytest.mark.slow
def test_a_prediction_never_asks_the_database(
    postgres: Postgres, shop_password: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    life = Life(tmp_path)
    _fill(postgres, "orders", small_project.orders(560))
    _fill(postgres, "weather", small_project.weather())
    text = (life.folder / "sources.py").read_text()
    for name in ("orders", "weather"):
        asked = f'ib.sql("{postgres.url}", table="{name}", watermark="updated_at")'
        text = text.replace(f'ib.parquet("data/{name}.parquet")', asked)
    (life.folder / "sources.py").write_text(text)

    before = postgres.connections()
    assert life.say("ingest") == DONE
    assert postgres.connections() == before + 2, "one for each table"
    assert life.say("run", "--as-of", small_project.AS_OF) == DONE
    assert life.say("promote") == DONE
    asked_so_far = postgres.connections()
    assert asked_so_far == before + 4

    monkeypatch.delenv("SHOP_PASSWORD")  # nor could it
    with life.serve() as server:
        answers = [_predict(server, number) for number in range(1001, 1006)]
        loaded = Path(f"/proc/{server.process.pid}/maps")
        if loaded.exists():
            assert "psycopg" not in loaded.read_text()
    assert postgres.connections() == asked_so_far
    assert all(life.project.trace(a["id"]).prediction.features for a in answers)
    assert postgres.connections() == asked_so_far, "nor does a trace"
