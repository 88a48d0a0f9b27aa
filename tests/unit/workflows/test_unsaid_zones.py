"""Times that decide what is known and name no zone are told, and a zone ends it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from tests.unit.workflows.kit import (
    DAY,
    SOURCES,
    START,
    SetClock,
    loans,
    opened,
    write_project,
)

from isbjerg.errors import SourceError
from isbjerg.findings import Finding
from isbjerg.storage.tables import read_facts
from isbjerg.workflows.ingest import ingest

RETURN = 'return ib.parquet("data/loans.parquet")'
CODE = "source.zone_unsaid"


@pytest.fixture
def clock() -> SetClock:
    return SetClock(START + 60 * DAY)


def zoneless() -> pl.DataFrame:
    """Forget the zone of both columns of times."""
    return loans().with_columns(pl.col("asked", "closed").dt.replace_time_zone(None))


def told(folder: Path, clock: SetClock) -> list[Finding]:
    clock.now_us += 1
    with opened(folder, clock) as (workspace, definitions):
        (table,) = ingest(workspace, definitions).tables
    assert not table.refused, table.findings
    return [f for f in table.findings if f.code == CODE]


def refused(folder: Path, clock: SetClock) -> SourceError:
    with pytest.raises(SourceError, match="'asked', 'closed'") as caught:
        told(folder, clock)
    assert caught.value.kind_code == "ISB343"
    assert not (folder / "contracts").exists()
    return caught.value


def test_a_first_read_without_zones_is_refused_and_leaves_nothing(
    tmp_path: Path, clock: SetClock
) -> None:
    write_project(tmp_path, zoneless())
    refused(tmp_path, clock)
    with opened(tmp_path, clock) as (workspace, _):
        assert workspace.catalog.latest_data_version("loans") is None


def test_times_with_a_zone_are_not_told(tmp_path: Path, clock: SetClock) -> None:
    write_project(tmp_path, loans())
    assert told(tmp_path, clock) == []


def test_wall_times_that_decide_nothing_are_let_be(tmp_path: Path, clock: SetClock) -> None:
    told_at = pl.col("closed").dt.replace_time_zone(None).alias("told_at")
    write_project(tmp_path, loans().with_columns(told_at))
    assert told(tmp_path, clock) == []


def test_the_mend_for_utc_is_taken(tmp_path: Path, clock: SetClock) -> None:
    write_project(tmp_path, zoneless())
    types = refused(tmp_path, clock).mend.partition(" in sources.py")[0]
    mended = SOURCES.replace(RETURN, f'return ib.parquet("data/loans.parquet", {types})')
    (tmp_path / "sources.py").write_text(mended)
    assert told(tmp_path, clock) == []


def test_the_mend_for_a_zone_is_taken(tmp_path: Path, clock: SetClock) -> None:
    write_project(tmp_path, zoneless())
    lines = [
        'table = ib.read(ib.parquet("data/loans.parquet"), Path(__file__).parent)',
        "return " + refused(tmp_path, clock).mend.partition("ib.read gives: ")[2],
    ]
    mended = SOURCES.replace(RETURN, "\n    ".join(lines))
    (tmp_path / "sources.py").write_text(f"from pathlib import Path\nimport polars as pl\n{mended}")
    assert told(tmp_path, clock) == []
    with opened(tmp_path, clock) as (workspace, _):
        version = workspace.catalog.latest_data_version("loans")
        assert version is not None
        first = read_facts(workspace.store, version, ["asked"])["asked"].min()
    assert first == START + timedelta(hours=5)  # midnight in New York in January


def test_the_hour_that_comes_twice_is_the_later_one_and_the_one_that_never_comes_is_null(
    tmp_path: Path, clock: SetClock
) -> None:
    """New York, by its law: 2023-11-05 01:30 comes twice, 2024-03-10 02:30 never."""
    asked = pl.Series("asked", ["2023-11-05 00:30", "2023-11-05 01:30", "2024-03-10 02:30"])
    odd = zoneless().head(3).with_columns(asked.str.to_datetime("%Y-%m-%d %H:%M", time_unit="us"))
    write_project(tmp_path, odd)
    lines = [
        'table = ib.read(ib.parquet("data/loans.parquet"), Path(__file__).parent)',
        "return " + refused(tmp_path, clock).mend.partition("ib.read gives: ")[2],
    ]
    mended = SOURCES.replace(RETURN, "\n    ".join(lines))
    (tmp_path / "sources.py").write_text(f"from pathlib import Path\nimport polars as pl\n{mended}")
    assert told(tmp_path, clock) == []
    with opened(tmp_path, clock) as (workspace, _):
        version = workspace.catalog.latest_data_version("loans")
        assert version is not None
        found = read_facts(workspace.store, version, ["asked"])["asked"].to_list()
    twice = datetime(2023, 11, 5, 6, 30, tzinfo=UTC)  # winter time, five hours from Greenwich
    assert found == [twice - timedelta(hours=2), twice, None]


def test_a_rule_that_comes_to_rest_on_wall_times_is_told_at_each_read(
    tmp_path: Path, clock: SetClock
) -> None:
    closed = pl.col("closed").dt.replace_time_zone(None)
    other = SOURCES.replace(': "closed"', ': ib.after("asked", "7d")')
    write_project(tmp_path, loans().with_columns(closed), sources=other)
    assert told(tmp_path, clock) == []
    (tmp_path / "sources.py").write_text(SOURCES)
    (found,) = told(tmp_path, clock)
    assert (found.subject, found.severity, found.failed) == ("loans", "warning", True)
    assert found.evidence == {"columns": ["closed"]}
    assert "name no zone: 'closed'" in found.message
    assert told(tmp_path, clock) == [found]  # its file is not read again
