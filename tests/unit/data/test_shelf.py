"""Tables on the shelf are the tables that they would be in memory."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from isbjerg.data import shelf as shelf_module
from isbjerg.data.carriers import to_carriers
from isbjerg.data.memory import memory_to_use
from isbjerg.data.reading import read
from isbjerg.data.shelf import IN_MEMORY, Shelf
from isbjerg.data.tables import csv, parquet
from isbjerg.data.versions import new_facts, newest, without_duplicates
from isbjerg.errors import SourceError
from isbjerg.frame.sizes import MEMORY_MIN_BYTES

TEXT = """\
id,at,code,share,word,nothing
1,2024-01-01T10:00:00Z,007,0.5,"a, b",
2,,010,,"line
break",
2,2024-01-02T10:00:00Z,,inf,å,
"""


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.setattr(shelf_module, "_SMALL_BYTES", 0)
    return Shelf(tmp_path / "scratch", memory_bytes=1)


@pytest.fixture
def table() -> pl.DataFrame:
    return pl.DataFrame(
        {"id": [3, 1, 3, 2], "x": [None, 1.5, 2.5, None], "t": ["a", None, "c", "d"]}
    )


def test_a_csv_file_is_read_the_same(tmp_path: Path, shelf: Shelf) -> None:
    (tmp_path / "t.csv").write_text(TEXT, encoding="utf-8")
    (tmp_path / "u.csv").write_text("id,share\n4,1\n", encoding="utf-8")
    for table in (csv("t.csv"), csv("*.csv"), csv("t.csv", types={"id": "text"})):
        wanted = to_carriers(read(table, tmp_path))
        found = to_carriers(read(table, tmp_path, shelf), shelf=shelf)
        assert found[0].equals(wanted[0])
        assert (found[0].schema, found[1]) == (wanted[0].schema, wanted[1])


def test_a_parquet_file_is_read_the_same(tmp_path: Path, shelf: Shelf, table: pl.DataFrame) -> None:
    table.write_parquet(tmp_path / "t.parquet")
    assert read(parquet("t.parquet"), tmp_path, shelf).equals(table)


def test_a_parquet_file_is_read_some_columns_at_a_time(tmp_path: Path) -> None:
    rows = pl.int_range(10_000, eager=True)
    wide = pl.DataFrame({f"x{i}": rows * i for i in range(7)})
    wide.write_parquet(tmp_path / "t.parquet", row_group_size=10_000)  # 80 kB a column
    pieces: list[int] = []

    class Watched(Shelf):
        def _mapped(self, rows: pl.LazyFrame) -> pl.DataFrame:
            pieces.append(len(rows.collect_schema()))
            return super()._mapped(rows)

    shelf = Watched(tmp_path / "scratch", memory_bytes=8 * 4 * 200_000)
    assert shelf.parquet(tmp_path / "t.parquet").equals(wide)
    assert sum(pieces) == 7
    assert 1 < len(pieces) < 7
    doubled = shelf.parquet(tmp_path / "t.parquet", [pl.col("x3") * 2, pl.col("x1")])
    assert doubled.equals(wide.select(pl.col("x3") * 2, "x1"))


@pytest.mark.parametrize("text", ["", "a,b\n1,2,3\n", "a\n\xff\n"])
def test_a_file_that_cannot_be_read_is_refused_the_same(
    tmp_path: Path, shelf: Shelf, text: str
) -> None:
    (tmp_path / "t.csv").write_bytes(text.encode("latin-1"))
    with pytest.raises(SourceError) as wanted:
        read(csv("t.csv"), tmp_path)
    with pytest.raises(SourceError) as found:
        read(csv("t.csv"), tmp_path, shelf)
    assert found.value.mend == wanted.value.mend


def test_rows_are_parted_and_compared_the_same(shelf: Shelf, table: pl.DataFrame) -> None:
    kept, repeated = without_duplicates(table, ["id"], shelf)
    assert (kept["t"].to_list(), repeated["t"].to_list()) == (["a", None, "d"], ["c"])
    facts = table.with_columns(_row=pl.Series([9, 2, 1, 4]))
    assert newest(facts, ["id"], shelf).equals(newest(facts, ["id"]))
    read_again = pl.DataFrame({"id": [2, 7, 3], "x": [None, 1.0, 4.0], "t": ["d", "e", "a"]})
    wanted, found = (new_facts(kept, read_again, ["id"], place) for place in (IN_MEMORY, shelf))
    assert (found.new["id"].to_list(), found.corrected["id"].to_list()) == ([7], [3])
    assert (found.unchanged, found.vanished) == (wanted.unchanged, wanted.vanished) == (1, 1)


def test_nothing_is_left_in_the_folder(tmp_path: Path, shelf: Shelf, table: pl.DataFrame) -> None:
    column = shelf.put(table["t"])
    assert list((tmp_path / "scratch").iterdir()) == []
    assert column.to_list() == table["t"].to_list()


def test_small_tables_stay_in_memory(tmp_path: Path) -> None:
    roomy = Shelf(tmp_path, memory_bytes=8_000)
    assert roomy.of(1_000) is IN_MEMORY
    assert roomy.of(1_001) is roomy


def test_a_container_bounds_what_is_used(tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text("1000000000\n", encoding="ascii")
    assert memory_to_use((limit,)) == 500_000_000
    limit.write_text("1000\n", encoding="ascii")
    assert memory_to_use((limit,)) == MEMORY_MIN_BYTES
    limit.write_text("max\n", encoding="ascii")
    assert memory_to_use((limit,)) == memory_to_use(()) > MEMORY_MIN_BYTES


READ = """
import re, sys
import subprocess
import sys
from pathlib import Path

from isbjerg.data.carriers import to_carriers
from isbjerg.data.reading import read
from isbjerg.data.shelf import Shelf
from isbjerg.data.tables import parquet


def anonymous_mb():
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return int(re.search(r"RssAnon:\\s+(\\d+)", text)[1]) / 1024


folder, memory_bytes = Path(sys.argv[1]), int(sys.argv[2])
read(parquet("small.parquet"), folder)
before = anonymous_mb()
table, _ = to_carriers(read(parquet("large.parquet"), folder, Shelf(folder, memory_bytes)))
print(table.sum().sum_horizontal().item(), anonymous_mb() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux how much memory is its own")
def test_a_large_table_is_not_in_memory(tmp_path: Path) -> None:
    large = pl.DataFrame({f"x{i}": pl.int_range(3_000_000, eager=True) for i in range(24)})
    large.write_parquet(tmp_path / "large.parquet")  # 549 MB in memory
    large.head(1).write_parquet(tmp_path / "small.parquet")

    def held_mb(memory_bytes: int) -> float:
        words = [sys.executable, "-c", READ, str(tmp_path), str(memory_bytes)]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        total, held = done.stdout.split()
        assert int(total) == 24 * 4_499_998_500_000
        return float(held)

    assert held_mb(10**12) > 540
    assert held_mb(10**8) < 250  # what streaming itself holds, however large the table
