"""Alarms in the catalog: opened once, counted, closed with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from isbjerg.errors import ArgumentError
from isbjerg.findings import Finding
from isbjerg.storage.catalog.catalog import Catalog
from isbjerg.storage.catalog.records import Watch

GONE = Finding(code="watch.missing", subject="orders.shop", severity="error", message="gone")


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog.open(tmp_path / "catalog.db", clock=lambda: 1_000) as opened:
        yield opened


def see(catalog: Catalog, at_us: int, *failing: Finding, closing: tuple[int, ...] = ()) -> None:
    watch = Watch(at_us=at_us, version=None, failed=len(failing), findings=failing)
    closed = [(number, "passed") for number in closing]
    catalog.record_watch(watch, failing=failing, closing=closed)


def test_what_lasts_is_counted_and_not_repeated(catalog: Catalog) -> None:
    for at_us in (10, 20, 30):
        see(catalog, at_us, GONE)
    (alarm,) = catalog.alarms()
    assert (alarm.opened_us, alarm.last_us, alarm.times) == (10, 30, 3)
    assert alarm.finding == GONE


def test_the_same_watch_again_counts_nothing_twice(catalog: Catalog) -> None:
    see(catalog, 10, GONE)
    see(catalog, 10, GONE)
    see(catalog, 5, GONE)  # of an earlier time
    (alarm,) = catalog.alarms()
    assert (alarm.last_us, alarm.times) == (10, 1)


def test_what_passed_closes_and_opens_anew(catalog: Catalog) -> None:
    see(catalog, 10, GONE)
    see(catalog, 20, closing=(1,))
    assert catalog.alarms() == []
    see(catalog, 30, GONE)
    assert [a.id for a in catalog.alarms()] == [2]
    (again, first) = catalog.alarms(only_open=False)
    assert (first.closed_us, first.why_closed, again.closed_us) == (20, "passed", None)


def test_a_person_closes_with_a_reason_that_is_kept(catalog: Catalog) -> None:
    see(catalog, 10, GONE)
    closed = catalog.close_alarm(1, by="ann", why="the station was repaired")
    assert (closed.closed_us, closed.why_closed) == (1_000, "the station was repaired")
    again = catalog.close_alarm(1, by="bob", why="another")
    assert again == closed, "what is closed stays as it was"
    (entry,) = catalog.audit()
    assert (entry.act, entry.who, entry.why) == ("close alarm", "ann", "the station was repaired")
    with pytest.raises(ArgumentError, match="no alarm 7"):
        catalog.close_alarm(7, by="ann", why="")


def test_the_newest_watch_is_found(catalog: Catalog) -> None:
    assert catalog.last_watch() is None
    see(catalog, 20, GONE)
    see(catalog, 10)
    last = catalog.last_watch()
    assert last is not None
    assert (last.at_us, last.failed, last.findings) == (20, 1, (GONE,))
